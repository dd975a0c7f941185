"""Which way pays, the listing or single GETs: arithmetic on what was measured, without a clock and an event loop."""

import math

import attrs

# What `via="auto"` may lose against GETs alone, as a part of the time that those would take. A page that never comes,
# or pages that show nothing of what is wanted, cost the time until GETs are sent too. It is less than the 30 % that a
# sweep may lose in all, which leaves a rest for what is measured inexactly.
_PART_TO_LOSE = 0.2
# Seconds that may be lost anyway: a page that takes less is never late, because GETs beside it would mostly be wasted.
_QUICK_PAGE = 0.125
# Seconds after which a page is late as long as nothing is known: somebody waits for the first outcome.
_SLOW_PAGE = 0.8
# A page that takes three times as long as those before it is late.
LATE = 3.0
# A listing that needs less than this part of the time of GETs is read to its end, whatever its first pages show: what
# is wanted may be at its end.
_CLEARLY_QUICKER = 0.3
# A page that shows so many wanted ids saves requests, even where GETs are the quicker way.
_WORTH_A_REQUEST = 2.0


class Average:
    """A mean that follows what it measures.

    Args:
        weight: How much the newest measurement counts, above 0, at most 1.
    """

    def __init__(self, weight: float) -> None:
        self.value: float | None = None
        self._weight = weight

    def add(self, measured: float) -> None:
        """Take in a measurement."""
        self.value = measured if self.value is None else self.value + self._weight * (measured - self.value)


class Pace:
    """When the next GET may start: one request in each interval, pages included, and as many at once as were held up.

    All at once they would queue up for the rate, a page that is asked for would have to wait behind them, and they
    could not be held back any more when a page comes.
    """

    # Slightly slower than requests are sent, or a queue would build up little by little.
    _SLOWER = 1.03

    def __init__(self) -> None:
        self.due = 0.0

    def reset(self, now: float) -> None:
        """Let the next GET start now, and none beside it."""
        self.due = now

    def start(self, now: float, interval: float, most: int) -> None:
        """Note that a GET starts; `most` is how many may start at once after a delay."""
        self.due = max(self.due, now - most * interval) + interval * self._SLOWER


def seconds_per_get(latency: float, concurrency: int, interval: float) -> float:
    """Return how much time each GET takes where `concurrency` of them are in flight, and paced."""
    return max(interval, latency / concurrency)


@attrs.define
class Outlook:
    """What the pages so far tell about the rest of the listing."""

    count: int
    """How many ids the sweep began with."""

    latency: Average = attrs.field(factory=lambda: Average(0.5))
    """Seconds a page."""

    hits: Average = attrs.field(factory=lambda: Average(0.5))
    """How many ids a page showed that had no outcome yet."""

    held_back: float = 0.0
    """For how many seconds no GETs were sent, because a page was waited for."""

    found: int = 0
    """How many ids all pages showed that had no outcome yet."""

    pages: int = 0
    """How many pages have come."""

    shown: int = 0
    """How many values they held."""

    total: int | None = None
    """How many values the first page said that there are, which may not be true."""

    def add_page(self, latency: float, values: int, hits: int, total: int | None) -> None:
        """Take in a page."""
        if self.pages == 0:
            self.total = total
        self.pages += 1
        self.shown += values
        self.found += hits
        self.latency.add(latency)
        self.hits.add(hits)

    @property
    def pages_left(self) -> float:
        """How many pages are to come; infinity where nobody knows, or more have come than there should be."""
        if self.total is None or self.shown == 0 or self.shown >= self.total:
            return math.inf
        return math.ceil((self.total - self.shown) * self.pages / self.shown)

    def pays(self, wanted: int, seconds_per_get: float, interval: float) -> bool:
        """Return whether to go on with pages alone.

        Pages are the quicker way if all that are left take less time than the GETs for all ids that are left. Of a
        listing whose length is unknown, or that shows what is wanted at its beginning, the pages so far tell more:
        they are if they brought ids faster than GETs do.

        Args:
            wanted: How many ids are left.
            seconds_per_get: What each of them costs as a GET.
            interval: The pace, in seconds a request.
        """
        page = max(self.latency.value or 0.0, interval)
        by_listing = self.pages_left * page
        clearly = self.held_back + by_listing < _CLEARLY_QUICKER * self.count * seconds_per_get
        if not clearly and self.seconds_to_lose(seconds_per_get) < 0:
            return False
        return by_listing < wanted * seconds_per_get or page < (self.hits.value or 0.0) * seconds_per_get

    def saves_requests(self, wanted: int) -> bool:
        """Return whether the next page is worth more than a GET."""
        expected = max(self.hits.value or 0.0, wanted / self.pages_left)
        return expected >= _WORTH_A_REQUEST

    def seconds_to_lose(self, seconds_per_get: float) -> float:
        """Return for how long GETs may be held back without another hit."""
        may_be_lost = max(_QUICK_PAGE, _PART_TO_LOSE * self.count * seconds_per_get)
        return may_be_lost - (self.held_back - self.found * seconds_per_get)

    def patience(self, seconds_per_get: float, usual: float) -> float:
        """Return after how many seconds a page is late; `usual` is how long pages take, 0 where nothing is known."""
        longest = max(_SLOW_PAGE, LATE * usual)
        return max(_QUICK_PAGE, min(self.seconds_to_lose(seconds_per_get), longest))
