"""What the moments of requests say about rates and shares: arithmetic only."""

import bisect
import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.weather.processes import Event

BUCKET = 0.25
"""Seconds for which requests are counted together, in what is written to the file."""

WINDOW = 5.0
"""Seconds in which shares are compared."""

_TOLERANCE = 0.25


def accepted(events: Iterable[Event]) -> list[float]:
    """Return when the requests came that had a successful answer."""
    return sorted(event.at for event in events if event.status in {200, 201})


def counted(moments: Sequence[float], start: float, end: float) -> int:
    """Return how many of the sorted moments lie from start to before end."""
    return bisect.bisect_left(moments, end) - bisect.bisect_left(moments, start)


def buckets(moments: Iterable[float], start: float) -> list[int]:
    """Return how many moments lie in each bucket from start on."""
    numbers = [int((moment - start) / BUCKET) for moment in moments if moment >= start]
    counts = [0] * (max(numbers, default=-1) + 1)
    for number in numbers:
        counts[number] += 1
    return counts


def rates(events: Sequence[Event], start: float) -> dict[str, dict[str, list[int]]]:
    """Return for each client what was accepted and refused in each bucket, to draw rate over time."""
    return {
        client: {
            "accepted": buckets((event.at for event in of_client if event.status in {200, 201}), start),
            "refused": buckets((event.at for event in of_client if event.status not in {200, 201}), start),
        }
        for client, of_client in sorted(by_client(events).items())
    }


def by_client(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Return the requests of each client."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.client, []).append(event)
    return found


def refused_share(events: Iterable[Event], start: float, end: float) -> float:
    """Return the share of the requests from start to end that was refused."""
    refused = [event.status not in {200, 201} for event in events if start <= event.at < end]
    return statistics.mean(refused) if refused else 0.0


def fair_shares(moments: Mapping[str, Sequence[float]], start: float, end: float) -> dict[str, list[float]]:
    """Return, for each client and each whole window from start to end, its part of what was accepted.

    1.0 is the part that is as large as each other client's.
    """
    starts = list(itertools.takewhile(lambda at: at + WINDOW <= end + 1e-6, itertools.count(start, WINDOW)))
    return {client: [share_at(moments, client, at, at + WINDOW) for at in starts] for client in moments}


def share_at(moments: Mapping[str, Sequence[float]], client: str, start: float, end: float) -> float:
    """Return the part that a client had of what was accepted from start to end; 1.0 is its fair share."""
    total = sum(counted(of_client, start, end) for of_client in moments.values())
    return counted(moments[client], start, end) / (total / len(moments)) if total else 0.0


def last_windows(
    moments: Mapping[str, Sequence[float]], client: str, joined: float, end: float
) -> tuple[list[float], list[float]]:
    """Return ends of windows, in seconds since a client joined, a bucket apart, and its fair share in each."""
    ends = [WINDOW + step * BUCKET for step in range(int((end - joined - WINDOW) / BUCKET) + 1)]
    return ends, [share_at(moments, client, joined + at - WINDOW, joined + at) for at in ends]


def fair_after(ends: Sequence[float], shares: Sequence[float]) -> float | None:
    """Return the end of the first fair window from which on the shares are fair on average; None if there is none."""
    for number, (at, share) in enumerate(zip(ends, shares, strict=True)):
        if is_fair(share) and is_fair(statistics.mean(shares[number:])):
            return at
    return None


def unfair_until(ends: Sequence[float], shares: Sequence[float]) -> float:
    """Return the end of the last window that is not fair; 0.0 if all are."""
    return max((at for at, share in zip(ends, shares, strict=True) if not is_fair(share)), default=0.0)


def is_fair(share: float) -> bool:
    """Return whether a share is within 25 % of the fair one."""
    return abs(share - 1.0) <= _TOLERANCE


def longest_silence(moments: Sequence[float], start: float, end: float) -> float:
    """Return the most seconds from start to end in which none of the sorted moments lies."""
    within = [moment for moment in moments if start <= moment < end]
    return max(after - before for before, after in itertools.pairwise([start, *within, end]))


def most_in_a_second(moments: Sequence[float], start: float, end: float) -> int:
    """Return the most of the sorted moments that one second, wherever it starts from start on, holds before end."""
    within = [moment for moment in moments if start <= moment < end]
    return max((counted(within, moment, moment + 1.0) for moment in within), default=0)


def seconds_until_rate(moments: Sequence[float], start: float, rate: float) -> float | None:
    """Return how long after start the first second begins that holds so many moments; None where there is none."""
    for moment in [start, *(moment for moment in moments if moment >= start)]:
        if counted(moments, moment, moment + 1.0) >= rate:
            return moment - start
    return None
