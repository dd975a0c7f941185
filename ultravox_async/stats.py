"""The statistics of a client."""

import attrs


@attrs.frozen
class Stats:
    """A snapshot of the statistics of a client, including all its views, since its first request."""

    requests_per_second: float | None
    """The current pace: `RateLimit.requests_per_second`, or less if the server accepts less; None without a limit."""

    outages: int
    """Number of outages: at least three requests failed, and none succeeded for a second."""

    probes: int
    """Number of requests that were sent during outages to find out whether they are over."""
