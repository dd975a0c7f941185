"""What a client has met so far, in numbers."""

import attrs


@attrs.frozen
class Stats:
    """What a client, with all its views, has met from its first request on until now."""

    requests_per_second: float | None
    """The present pace: `RateLimit.requests_per_second`, or less where the server accepts less; None without one."""

    outages: int
    """How often no request succeeded for a second, and at least three failed."""

    probes: int
    """How many requests were sent in outages to see whether they are over."""
