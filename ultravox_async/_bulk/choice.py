"""Decides whether the listing or single GETs are quicker: arithmetic on measured times, without a clock."""

import math

import attrs

# How much time `via="auto"` may lose compared with GETs alone, as a share of the time that those would take. A page
# that never arrives, or pages that contain none of the wanted ids, cost the time until GETs are sent as well. The share
# is less than the 30 % that a sweep may lose in all, which leaves a margin for inexact measurements.
_SHARE_TO_LOSE = 0.2
# Seconds that may always be lost: a page that takes less is never late, because GETs beside it would mostly be wasted.
_QUICK_PAGE = 0.125
# Seconds after which a page is late if nothing has been measured yet: the caller waits for the first outcome.
_SLOW_PAGE = 0.8
# A page that takes three times as long as those before it is late.
LATE = 3.0
# A listing that takes less than this share of the time of GETs is read to its end even if its first pages contain none
# of the wanted ids: they may be at its end.
_CLEARLY_QUICKER = 0.3
# A page that contains so many wanted ids saves requests, even if GETs are quicker.
_WORTH_A_REQUEST = 2.0


class Average:
    """An exponentially weighted moving average.

    Args:
        weight: The weight of the newest measurement, above 0, at most 1.
    """

    def __init__(self, weight: float) -> None:
        self.value: float | None = None
        self._weight = weight

    def add(self, measured: float) -> None:
        """Add a measurement."""
        self.value = measured if self.value is None else self.value + self._weight * (measured - self.value)


class GetPacer:
    """Spaces out GETs: one request in each interval, including those for pages, and more at once after a delay.

    If all GETs were started at once, they would wait for the rate limiter. The next page would wait behind them, and
    they could not be held back any more when a page arrives that makes them needless.
    """

    # Slightly slower than the rate limiter, or a queue would build up there little by little.
    _SLOWER = 1.03

    def __init__(self) -> None:
        self.due = 0.0

    def reset(self, now: float) -> None:
        """Let a single GET start now."""
        self.due = now

    def start(self, now: float, interval: float, most: int) -> None:
        """Note that a request starts; after a delay, at most `most` may start at once."""
        self.due = max(self.due, now - most * interval) + interval * self._SLOWER


def seconds_per_get(latency: float, concurrency: int, interval: float) -> float:
    """Return the time for each GET if `concurrency` of them are in flight, but at most one starts in each interval."""
    return max(interval, latency / concurrency)


@attrs.define
class Outlook:
    """Estimates the rest of the listing from the pages so far."""

    count: int
    """The number of ids of the sweep."""

    latency: Average = attrs.field(factory=lambda: Average(0.5))
    """Seconds per page."""

    hits: Average = attrs.field(factory=lambda: Average(0.5))
    """Wanted ids per page that had no outcome yet."""

    held_back: float = 0.0
    """The seconds during which no GETs were sent, because a page was awaited."""

    found: int = 0
    """The number of wanted ids on all pages that had no outcome yet."""

    pages: int = 0
    """The number of pages so far."""

    shown: int = 0
    """The number of values on them."""

    total: int | None = None
    """The number of values in the listing according to its first page, which may be wrong."""

    def add_page(self, latency: float, values: int, hits: int, total: int | None) -> None:
        """Add a page."""
        if self.pages == 0:
            self.total = total
        self.pages += 1
        self.shown += values
        self.found += hits
        self.latency.add(latency)
        self.hits.add(hits)

    @property
    def pages_left(self) -> float:
        """The number of pages that are left; infinity if it is unknown, or if there were more than there should be."""
        if self.total is None or self.shown == 0 or self.shown >= self.total:
            return math.inf
        return math.ceil((self.total - self.shown) * self.pages / self.shown)

    def pays(self, wanted: int, seconds_per_get: float, interval: float) -> bool:
        """Return whether to continue with pages alone.

        Pages are quicker if all remaining pages take less time than GETs for all remaining ids. If the length of the
        listing is unknown, or the wanted ids are at its beginning, that comparison is not possible or misleading; then
        pages are quicker if they have brought ids faster than GETs would.

        Args:
            wanted: The number of remaining ids.
            seconds_per_get: The time for each of them as a GET.
            interval: The pace, in seconds per request.
        """
        page = max(self.latency.value or 0.0, interval)
        by_listing = self.pages_left * page
        clearly = self.held_back + by_listing < _CLEARLY_QUICKER * self.count * seconds_per_get
        if not clearly and self.seconds_to_lose(seconds_per_get) < 0:
            return False
        return by_listing < wanted * seconds_per_get or page < (self.hits.value or 0.0) * seconds_per_get

    def saves_requests(self, wanted: int) -> bool:
        """Return whether the next page probably saves more requests than it costs."""
        expected = max(self.hits.value or 0.0, wanted / self.pages_left)
        return expected >= _WORTH_A_REQUEST

    def seconds_to_lose(self, seconds_per_get: float) -> float:
        """Return for how many seconds GETs may still be held back if no page contains another wanted id."""
        may_be_lost = max(_QUICK_PAGE, _SHARE_TO_LOSE * self.count * seconds_per_get)
        return may_be_lost - (self.held_back - self.found * seconds_per_get)

    def patience(self, seconds_per_get: float, usual: float) -> float:
        """Return after how many seconds a page is late; `usual` is how long pages take, 0 if it is unknown."""
        longest = max(_SLOW_PAGE, LATE * usual)
        return max(_QUICK_PAGE, min(self.seconds_to_lose(seconds_per_get), longest))
