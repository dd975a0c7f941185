"""A race between the listing and single GETs for the same ids: the first result for an id becomes its outcome."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Generic, TypeVar

from ultravox_async._bulk.choice import LATE, Average, GetPacer, Outlook, seconds_per_get
from ultravox_async._bulk.outcome import Outcome
from ultravox_async._bulk.source import KeyCheck, Source
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Page
from ultravox_async.errors import ClientClosedError, InvalidRequestError, UltravoxError

T = TypeVar("T")

# With a lower concurrency than this, a page in flight takes too large a share of it from the GETs beside it, and is
# given up when it is late.
_PLACES_FOR_BOTH = 8
# Seconds after which one GET is sent if there is no outcome yet, even if the listing is quicker.
_FIRST_OUTCOME = 0.8


class Race(Generic[T]):
    """Reads the listing from its beginning, and sends GETs for the wanted ids from their other end.

    GETs are sent while a page is late, or if they are quicker than pages. If an id is on a page while a GET for it is
    in flight, the first result is its outcome, whether it is a value or an error, and the other one is dropped.

    All decisions are made in `outcomes`, so that no request starts while the caller does not ask for the next outcome.

    An id is in `wanted` until a GET is sent for it, in `_asked` while that is in flight, and in neither once it has its
    outcome. The page or the GET that removes it adds the outcome, and nothing is awaited in between, so that each id
    gets exactly one.

    Args:
        transport: Runs the tasks.
        source: Where the values come from.
        wanted: The ids, in order; those that get an outcome are removed.
        concurrency: The maximum number of requests in flight.
        key_check: Ends the race if the API no longer accepts the key; the ids without an outcome are in `wanted` then.
    """

    def __init__(
        self, transport: Transport, source: Source[T], wanted: dict[str, None], concurrency: int, key_check: KeyCheck
    ) -> None:
        self._transport = transport
        self._source = source
        self._wanted = wanted
        self._concurrency = concurrency
        self._key_check = key_check
        self._clock = asyncio.get_running_loop().time
        self._began_at = self._clock()
        self._advanced_at = self._began_at
        self._delivered = False
        self._outcomes: deque[Outcome[T]] = deque()
        self._changed = asyncio.Event()
        self._failure: BaseException | None = None
        # The GETs in flight with their start times, and those of their ids that have no outcome yet.
        self._gets: dict[asyncio.Task[None], float] = {}
        self._asked: set[str] = set()
        self._get_latency = Average(0.125)
        self._pacer = GetPacer()
        self._getting = False
        # The listing, None when it is exhausted or given up; and the page in flight.
        self._listing: AsyncGenerator[Page[T], None] | None = source.listing.pages()
        # All listings that were begun, to be closed at the end.
        self._opened = [self._listing]
        self._page: asyncio.Task[None] | None = None
        self._late_at = math.inf
        # For how long the page is awaited before it is late, and how much of that time is lost if it has no wanted ids.
        self._waited = 0.0
        self._may_cost = 0.0
        self._outlook = Outlook(len(wanted))
        # The tasks that are cancelled here on purpose.
        self._given_up: set[asyncio.Task[None]] = set()

    async def outcomes(self) -> AsyncGenerator[Outcome[T], None]:
        """Iterate over the outcomes, until each id has one or the key is refused.

        Raises:
            ClientClosedError: The client was closed.
            UltravoxError: The tasks were cancelled from outside.
        """
        try:
            while True:
                self._advance()
                while self._outcomes:
                    self._delivered = True
                    yield self._outcomes.popleft()
                    # The caller may have taken any time, during which pages and GETs have ended.
                    self._advance()
                if self._failure is not None:
                    raise self._failure
                if self._key_check.refused or not (self._wanted or self._asked):
                    return
                await self._wait()
        finally:
            # If the key was refused, GETs may still be in flight. They are cancelled now, and their ids are wanted
            # again, so that `Sweep` gives them an outcome.
            self._wanted.update(dict.fromkeys(self._asked))
            await self._dismiss()

    def _advance(self) -> None:
        """Start the requests that are due."""
        if self._key_check.refused or self._failure is not None:
            return
        now = self._advanced_at = self._clock()
        if self._page is not None and now >= self._late_at and self._concurrency < _PLACES_FOR_BOTH:
            self._give_up_page()
        if self._listing is None:
            self._reopen_listing()
        allowed = self._gets_allowed(now)
        if allowed > 0 and not self._getting:
            self._pacer.reset(now)
        self._getting = allowed > 0
        if self._page_is_due(allowed):
            # A page that is worth it gets the next free place: no GET may take it.
            if not self._has_place_for_page():
                return
            self._start_page(now, held_back=allowed < self._concurrency)
        while len(self._gets) < allowed and self._has_place_for_get() and self._pacer.due <= now:
            self._pacer.start(now, self._transport.interval, self._concurrency)
            self._start_get(now)

    def _gets_allowed(self, now: float) -> int:
        """Return the maximum number of GETs in flight."""
        if self._listing is None or (self._page is not None and now >= self._late_at):
            return self._concurrency
        first = int(not self._delivered and now >= self._began_at + _FIRST_OUTCOME)
        if self._outlook.pages == 0 or self._listing_pays():
            return first
        # Whether GETs are quicker depends on how long one takes, so the first one is sent alone to measure that.
        return self._concurrency if now >= self._probed_at() else 1

    def _probed_at(self) -> float:
        """Return the time from which it is known how long a GET takes, or that it takes long."""
        if self._get_latency.value is not None:
            return -math.inf
        unmeasured = self._outlook.patience(self._transport.interval, 0.0)
        return min(self._gets.values(), default=math.inf) + unmeasured

    def _seconds_per_get(self) -> float:
        latency = self._get_latency.value
        if latency is None:
            # No GET has ended yet, so each takes at least as long as the oldest one has taken so far.
            now = self._clock()
            latency = now - min(self._gets.values(), default=now)
        return seconds_per_get(latency, self._concurrency, self._transport.interval)

    def _listing_pays(self) -> bool:
        return self._outlook.pays(len(self._wanted), self._seconds_per_get(), self._transport.interval)

    def _has_place_for_get(self) -> bool:
        in_flight = len(self._gets) + (self._page is not None)
        # Outcomes must not pile up in memory if the caller is slow.
        caller_is_slow = len(self._gets) + len(self._outcomes) >= 2 * self._concurrency
        return bool(self._wanted) and in_flight < self._concurrency and not caller_is_slow

    def _start_get(self, now: float) -> None:
        key, _ = self._wanted.popitem()
        self._asked.add(key)
        task = self._transport.spawn(self._get(key))
        self._gets[task] = now
        task.add_done_callback(self._retire)

    async def _get(self, key: str) -> None:
        asked_at = self._clock()
        outcome = await self._source.outcome_of(key)
        # An invalid id is refused before anything is sent, which says nothing about the server.
        if not isinstance(outcome.error, InvalidRequestError):
            self._get_latency.add(self._clock() - asked_at)
            self._key_check.record(outcome.error)
        # Otherwise a page was faster, and the id has its outcome.
        if key in self._asked:
            self._asked.remove(key)
            self._outcomes.append(outcome)
            self._transport.telemetry.note_fetched()

    def _page_is_due(self, allowed: int) -> bool:
        # The caller has enough outcomes to take.
        unread = len(self._outcomes) >= self._concurrency
        if self._listing is None or self._page is not None or unread or not self._wanted:
            return False
        if self._outlook.pages == 0 or self._listing_pays():
            return True
        beside_gets = allowed < self._concurrency or self._concurrency >= _PLACES_FOR_BOTH
        return beside_gets and self._outlook.saves_requests(len(self._wanted))

    def _has_place_for_page(self) -> bool:
        return len(self._gets) < (self._concurrency if self._concurrency >= _PLACES_FOR_BOTH else 1)

    def _start_page(self, now: float, *, held_back: bool) -> None:
        assert self._listing is not None  # noqa: S101 - for type checkers
        self._pacer.start(now, self._transport.interval, self._concurrency)
        self._waited = self._patience()
        self._late_at = now + self._waited
        self._may_cost = self._waited if held_back else 0.0
        self._page = self._transport.spawn(self._read_page(self._listing))
        self._page.add_done_callback(self._retire)

    def _patience(self) -> float:
        # If a page was given up before any page arrived, pages take at least as long as that one was awaited.
        return self._outlook.patience(self._seconds_per_get(), self._outlook.latency.value or self._waited)

    async def _read_page(self, listing: AsyncGenerator[Page[T], None]) -> None:
        asked_at = self._clock()
        try:
            page = await anext(listing, None)
        except ClientClosedError:
            raise
        except UltravoxError as error:
            # If the listing fails, no id is lost: the remaining ones are fetched one by one.
            self._key_check.record(error)
            page = None
        if page is None:
            self._listing = None
            return
        hits = sum(self._take(value) for value in page.results)
        latency = self._clock() - asked_at
        self._outlook.held_back += min(latency, self._may_cost)
        self._outlook.add_page(latency, len(page.results), hits, page.total)
        if page.next is None:
            self._listing = None

    def _take(self, value: T) -> bool:
        key = self._source.key_of(value)
        if key in self._wanted:
            del self._wanted[key]
        elif key in self._asked:
            self._asked.remove(key)
        else:
            return False
        self._outcomes.append(Outcome(key, value))
        self._transport.telemetry.note_listed()
        return True

    def _give_up_page(self) -> None:
        assert self._page is not None  # noqa: S101 - for type checkers
        self._page.cancel()
        self._given_up.add(self._page)
        self._page = self._listing = None
        self._outlook.held_back += self._waited

    def _reopen_listing(self) -> None:
        # A page may have been given up too early, before it was known how long a GET takes. The listing is begun again
        # if a page may now take so much longer that the time lost with the first attempt hardly counts.
        if self._given_up and self._outlook.pages == 0 and self._patience() >= LATE * self._waited:
            self._listing = self._source.listing.pages()
            self._opened.append(self._listing)

    def _retire(self, task: asyncio.Task[None]) -> None:
        if task is self._page:
            self._page = None
        self._gets.pop(task, None)
        # A task that was cancelled from outside would leave its id without an outcome: the race must not look complete.
        if task.cancelled():
            if task not in self._given_up:
                self._failure = self._interrupted()
        elif (error := task.exception()) is not None:
            self._failure = error
        self._changed.set()

    def _interrupted(self) -> UltravoxError:
        try:
            self._transport.check_open()
        except UltravoxError as error:
            return error
        return UltravoxError("the tasks of this sweep were cancelled before its last id was done")

    async def _wait(self) -> None:
        """Wait until a task has ended, or until something is due."""
        # Nothing was awaited since `_advance` looked at everything, so that no change is missed here.
        self._changed.clear()
        times = [self._pacer.due, self._probed_at()]
        if self._page is not None:
            times.append(self._late_at)
        if not self._delivered:
            times.append(self._began_at + _FIRST_OUTCOME)
        # Against the time at which `_advance` looked: what has become due since then wakes this at once. Against the
        # time of now, it would be overlooked, and if nothing was in flight, nobody would ever wake it.
        soonest = min((time for time in times if time > self._advanced_at), default=math.inf)
        timer = asyncio.get_running_loop().call_at(soonest, self._changed.set) if soonest < math.inf else None
        try:
            await self._changed.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _dismiss(self) -> None:
        tasks: set[asyncio.Task[Any]] = {*self._gets, *self._given_up, *([self._page] if self._page else [])}
        self._given_up |= tasks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        # After the tasks: an asynchronous generator cannot be closed while a task is running it.
        for listing in self._opened:
            await listing.aclose()
