"""The statistics of a client, or of a piece of work."""

from collections.abc import Mapping

import attrs


@attrs.define
class Counts:
    """What a client has done: in all, or for the requests of one piece of work (`AsyncUltravox.measure`).

    All numbers only grow. A request has at least one attempt, unless it was ended while it waited for its turn, and one
    more for each retry. `refusals` are the 429s of all attempts, those that a retry made good included. Times are in
    seconds, and sums over requests that run at the same time, so that they can exceed the time on the clock:
    `turn_seconds` before attempts begin, `connection_seconds` within attempts.

    Each id of a sweep is in `listed` if a page of the account's listing had it, or in `fetched` if a GET asked for it.
    A page is one request, however many ids it has; a request in `coalesced` was not sent and is in none of the others.
    """

    requests: int = 0
    """Number of requests that were asked for, however often each was sent."""

    attempts: int = 0
    """Number of times that a request was sent, or that no connection could be made for it.

    Those that were cancelled after they were sent are counted: the server may have got them.
    """

    retries: dict[str, int] = attrs.field(factory=dict[str, int])
    """Number of repeated attempts, by reason: a status, ``timeout``, ``connection`` or ``wrong response``."""

    refusals: int = 0
    """Number of 429s."""

    turn_seconds: float = 0.0
    """Seconds that requests waited for their turn, all together: for the rate, a cool-down, or a place in the pool."""

    connection_seconds: float = 0.0
    """Seconds that attempts waited for a connection, all together; not counted with a session of the caller."""

    bytes_sent: int = 0
    """Bytes of request bodies."""

    bytes_received: int = 0
    """Bytes of the bodies of successful responses, after decompression."""

    listed: int = 0
    """Number of ids that sweeps found in the listing."""

    fetched: int = 0
    """Number of ids that sweeps fetched by a GET, whatever came of it."""

    coalesced: int = 0
    """Number of requests that shared the response of another one; they are not among `requests`."""


@attrs.define(on_setattr=attrs.setters.frozen)
class Stats(Counts):
    """A snapshot of the statistics of a client, including all its views, since its first request.

    The numbers of `Counts` only grow, and so do `outages` and `probes`; the others are what is the case now.
    `in_flight` and `queued` are requests of this client only. `cooling_down` is in seconds from now, and
    `requests_per_second` the rate that the client shares: with a `LocalRateBudget` that of all clients of the loop with
    the same key, with `RedisRateBudget` the rate that was set there for all processes, and not the part of this one.

    For JSON, use `attrs.asdict`: ``attrs.asdict(ultravox.stats)`` has plain numbers and dicts only.
    """

    in_flight: int = 0
    """Number of attempts that are running now."""

    queued: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """Number of requests that wait for their turn now, by priority: ``interactive`` and ``background``."""

    cooling_down: Mapping[str, float] = attrs.field(factory=dict[str, float])
    """The seconds for which nothing is sent because of a 429, by class of operations: ``api`` and ``calls``."""

    requests_per_second: float | None = None
    """The current pace: `RateLimit.requests_per_second`, or less if the server accepts less; None without a limit."""

    outages: int = 0
    """Number of outages: at least three requests failed, and none succeeded for a second."""

    probes: int = 0
    """Number of requests that were sent during outages to find out whether they are over."""
