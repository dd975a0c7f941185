"""Simulates clients and a server, to compare laws for the pace in milliseconds instead of minutes.

Pure and seeded: no socket, no thread, no event loop. A client is the package's own `PacedWindow`, with the law as its
pace; everything else that delays a request is a number in `Conditions`.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs

from benchmarks.limits import Limit
from ultravox_async._http.pace import Pace
from ultravox_async._http.sliding_window import PacedWindow


class Changing:
    """A limit that is replaced by another one.

    Args:
        first: The limit at the beginning.
        then: The limit from `at` on.
        at: The time of the change, in seconds.
    """

    def __init__(self, first: Limit, then: Limit, at: float) -> None:
        self._first = first
        self._then = then
        self._at = at

    def accepts(self, now: float) -> bool:
        """Return whether the limit at this time accepts the request."""
        return (self._first if now < self._at else self._then).accepts(now)


@attrs.frozen
class Arrival:
    """The arrival of a request at the server."""

    at: float
    """The time, in seconds."""

    client: int
    """The number of the client that sent it, from 0."""

    accepted: bool
    """Whether it was accepted."""


@attrs.frozen
class Conditions:
    """The conditions that a client cannot influence."""

    latency: tuple[float, float] = (0.02, 0.03)
    """The minimum and the maximum number of seconds until a response."""

    jitter: float = 0.001
    """The maximum number of seconds that one request takes longer to the server than another."""

    lateness: float = 0.0015
    """The maximum number of seconds that a timer fires late."""

    retry_after: float = 1.0
    """Seconds that a refused request waits."""

    concurrency: int = 50
    """The maximum number of unfinished requests of a client, including those that wait after a refusal."""


class _Client:
    def __init__(self, number: int, window: PacedWindow, free: int) -> None:
        self.number = number
        self.window = window
        self.free = free
        self.has_timer = False


class Simulation:
    """Clients that always have work, and one server.

    Args:
        limit: Decides which requests the server accepts.
        paces: The pace of each client.
        configured: The configured rate of each client, in requests a second.
        seed: The seed of all random numbers.
        conditions: The conditions for all clients.
    """

    def __init__(
        self,
        limit: Limit,
        paces: Sequence[Pace],
        *,
        configured: float = 200.0,
        seed: int = 0,
        conditions: Conditions = Conditions(),
    ) -> None:
        self._limit = limit
        self._conditions = conditions
        self._random = random.Random(seed)  # noqa: S311 - has to be reproducible, and is not used for security
        self._clients = [
            _Client(number, PacedWindow(configured, pace), conditions.concurrency) for number, pace in enumerate(paces)
        ]
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._arrivals: list[Arrival] = []

    def run(self, seconds: float, starts: Sequence[float] | None = None) -> list[Arrival]:
        """Return all requests that arrived within so many seconds.

        Args:
            seconds: The simulated time.
            starts: When each client starts; by default at random within the first tenth of a second.
        """
        for client in self._clients:
            at = self._random.random() / 10 if starts is None else starts[client.number]
            self._at(at, partial(self._send, client))
        while self._events and self._events[0][0] < seconds:
            now, _, event = heapq.heappop(self._events)
            event(now)
        return self._arrivals

    def _at(self, moment: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def _send(self, client: _Client, now: float) -> None:
        while client.free and not client.has_timer:
            ready_at = client.window.evenly_at()
            if ready_at > now:
                client.has_timer = True
                late = self._random.random() * self._conditions.lateness
                self._at(ready_at + late, partial(self._wake, client))
                return
            client.free -= 1
            client.window.reserve(now)
            client.window.record_send(now)
            on_its_way = 0.0005 + self._random.random() * self._conditions.jitter
            self._at(now + on_its_way, partial(self._arrive, client))

    def _wake(self, client: _Client, now: float) -> None:
        client.has_timer = False
        self._send(client, now)

    def _arrive(self, client: _Client, now: float) -> None:
        accepted = self._limit.accepts(now)
        self._arrivals.append(Arrival(now, client.number, accepted))
        answered_at = now + self._random.uniform(*self._conditions.latency)
        if accepted:
            self._at(answered_at, partial(self._succeed, client))
        else:
            self._at(answered_at, partial(self._refuse, client))

    def _succeed(self, client: _Client, now: float) -> None:
        client.window.pace.note_accepted(now)
        self._free(client, now)

    def _refuse(self, client: _Client, now: float) -> None:
        client.window.pace.note_refused(now)
        pause = self._conditions.retry_after + self._random.random() / 4
        self._at(now + pause, partial(self._free, client))

    def _free(self, client: _Client, now: float) -> None:
        client.free += 1
        self._send(client, now)


@attrs.frozen
class Summary:
    """The result of a simulation, or of a part of it."""

    used: float
    """Accepted requests as a share of the limit."""

    refused: float
    """Refused requests as a share of all requests."""

    lowest_share: float
    """The fewest requests of a client in a window of five seconds, as a share of an equal distribution."""

    highest_share: float
    """The most requests of a client in a window of five seconds, as a share of an equal distribution."""

    within_a_quarter: float
    """The share of clients and windows that differ from an equal distribution by at most a quarter."""


def summary(arrivals: Sequence[Arrival], clients: int, rate: float, start: float, end: float) -> Summary:
    """Summarize the arrivals between two times, which are a multiple of five seconds apart."""
    within = [each for each in arrivals if start <= each.at < end]
    accepted = [each for each in within if each.accepted]
    shares = list(_shares(accepted, clients, start, end))
    return Summary(
        used=len(accepted) / (rate * (end - start)),
        refused=1 - len(accepted) / max(1, len(within)),
        lowest_share=min(shares),
        highest_share=max(shares),
        within_a_quarter=sum(abs(share - 1) <= 0.25 for share in shares) / len(shares),  # noqa: PLR2004 - the quarter in the name
    )


def _shares(accepted: Sequence[Arrival], clients: int, start: float, end: float) -> Iterator[float]:
    for window in range(round((end - start) / 5)):
        of_client = [0] * clients
        for each in accepted:
            if start + 5 * window <= each.at < start + 5 * (window + 1):
                of_client[each.client] += 1
        fair = sum(of_client) / clients
        yield from (count / max(fair, 1e-9) for count in of_client)
