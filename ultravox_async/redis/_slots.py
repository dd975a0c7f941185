"""The slots of one process, and the requests that wait for them: arithmetic on the times that it is given."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from ultravox_async.redis._store import Granted, Question, Slot

# Seconds. A slot can be used until so long after its time. The store must know about it before it hands out slots for
# times that are a second later, which it does 0.2 s ahead.
_USABLE: Final = 0.3
# Sends that are so late are within the headroom of the store's windows, and are not reported.
_PUNCTUAL: Final = 0.003
# Seconds between the time of a slot and the report that it is used later. In between, other reasons for an exchange
# may come, which takes the report with it.
_REPORT_AFTER: Final = 0.15
# Slots for which there is no request are given back after this time.
_KEEP: Final = 0.05
# Slots that are due so soon are as good for a single call as new ones.
_SOON: Final = 0.004
# While single calls wait too, one slot in this many goes to a sweep.
_BACKGROUND_SHARE: Final = 8
# A client has at most eight requests of its sweeps ask at the same time; then there are probably more.
_BACKLOG: Final = 8
_AS_MANY_AS_POSSIBLE: Final = 1_000_000
_NOW: Final = (-math.inf, -math.inf)

Future: TypeAlias = "asyncio.Future[bool]"
"""The wait of a request: True with a slot; False if it has to look again, because there is none from the store now."""


class OperationSlots:
    """The slots of one class of operations.

    A slot is held until a request takes it. From then on it is unsent, until the request is sent. Slots have no
    identity for the requests: which one of the unsent slots a request has does not matter.
    """

    def __init__(self) -> None:
        self.cooling_until = -math.inf
        self._waiting: tuple[deque[Future], deque[Future]] = (deque(), deque())
        self._held: deque[Slot] = deque()
        self._unsent: deque[Slot] = deque()
        self._moved: dict[int, tuple[Slot, float]] = {}
        self._returned: list[Slot] = []
        self._report_at = math.inf
        self._single_in_a_row = 0
        self._unwanted_since = math.inf
        self._ask_at = _NOW

    @property
    def idle(self) -> bool:
        """Whether nobody waits, and there is nothing to tell the store any more."""
        return not (any(self._waiting) or self._held or self._unsent or self._moved or self._returned)

    def wait(self, future: Future, *, single: bool) -> None:
        """Add a request; its future is done when it has a slot."""
        self._waiting[0 if single else 1].append(future)

    def leave(self, future: Future, now: float) -> None:
        """Remove a request that was cancelled, and take back its slot if it has got one."""
        for waiting in self._waiting:
            if future in waiting:
                waiting.remove(future)
        # A task can be cancelled after its future got a result and before it runs again.
        if future.done() and not future.cancelled() and future.exception() is None and future.result():
            self.cancel(now)

    def take_at_once(self, now: float) -> bool:
        """Take a slot for a single call, unless others wait or none is due."""
        if self._waiting[0] or not self._is_due(now):
            return False
        self._unsent.append(self._held.popleft())
        return True

    def hand_out(self, now: float) -> None:
        """Give the requests that wait the slots that are due."""
        while any(self._waiting) and self._is_due(now):
            future = self._next_request()
            # The future of a cancelled task is done at once, but the task leaves the queue only when it runs again.
            if not future.done():
                self._unsent.append(self._held.popleft())
                future.set_result(True)
        if not self._held or any(self._waiting):
            self._unwanted_since = math.inf
        elif self._unwanted_since + _KEEP <= now:
            self.return_all()
        else:
            self._unwanted_since = min(self._unwanted_since, now)

    def mark_sent(self, now: float) -> bool:
        """Note that a request with a slot is being sent; return whether the store has to know that it is late."""
        slot = self._unsent.popleft()
        late = now - slot.at > _PUNCTUAL
        if late:
            self._moved[slot.number] = slot, now
            self._report_at = min(self._report_at, now + _REPORT_AFTER)
        return late

    def cancel(self, now: float) -> None:
        """Take back a slot that was not used."""
        slot = self._unsent.pop()
        if now - slot.at > _USABLE:
            self._returned.append(slot)
        else:
            self._held.appendleft(slot)

    def add(self, granted: Granted) -> None:
        """Take what the store gave."""
        self._held = deque(sorted([*self._held, *granted.slots], key=lambda slot: slot.at))
        self._ask_at = granted.ask_again
        self.cool_down(granted.cooling_until)

    def cool_down(self, until: float) -> bool:
        """Hand out nothing until then; return False if there is a cool-down that ends later."""
        if until <= self.cooling_until:
            return False
        self.cooling_until = until
        self.return_all()
        # They may not want to wait for the end.
        self.dismiss_single_calls()
        return True

    def wanted(self, now: float) -> tuple[int, int]:
        """Return how many slots to ask for, for single calls and for sweeps."""
        if now < self.cooling_until:
            return 0, 0
        single, sweeps = map(len, self._waiting)
        soon = sum(slot.at <= now + _SOON for slot in self._held) if single else 0
        # What is held for later is for the sweeps of this process.
        left = len(self._held) - min(single, soon)
        if sweeps >= _BACKLOG:
            sweeps = _AS_MANY_AS_POSSIBLE
        return (
            max(0, single - soon) if self._ask_at[0] <= now else 0,
            sweeps if self._ask_at[1] <= now and not left else 0,
        )

    def report(self, operation: str, now: float, question: Question) -> None:
        """Write into a question what the store has to know."""
        question.moved += [(slot, operation, used_at) for slot, used_at in self._moved.values()]
        question.returned += [(slot, operation) for slot in self._returned]
        self._moved.clear()
        self._returned.clear()
        self._report_at = math.inf
        # A request that makes its connection first may be sent seconds after it has got its slot. Until then, the slot
        # is moved along, so that it is in the store's windows at the time of the send.
        late = [slot for slot in self._unsent if now - slot.at > _PUNCTUAL]
        question.moved += [(slot, operation, now) for slot in late]
        self._unsent = deque(attrs.evolve(slot, at=max(slot.at, now)) for slot in self._unsent)

    def hand_out_at(self) -> float:
        """Return when the next slot is due, or has to be given back; infinity if there is nothing to do."""
        if any(self._waiting):
            return self._held[0].at if self._held else math.inf
        return self._unwanted_since + _KEEP

    def exchange_at(self, now: float) -> float:
        """Return when the next exchange with the store is due; a time in the past for now, infinity for never."""
        if self._returned or any(self.wanted(now)):
            return now
        times = [slot.at + _REPORT_AFTER for slot in self._unsent]
        times.append(self._report_at)
        times += [
            max(ask_at, self.cooling_until)
            for ask_at, waiting in zip(self._ask_at, self._waiting, strict=True)
            if waiting and max(ask_at, self.cooling_until) > now
        ]
        return min(times)

    def return_all(self) -> None:
        """Give back what is held."""
        self._returned += self._held
        self._held.clear()

    def forget(self) -> None:
        """Forget all slots, because the store is gone, and have all requests look again."""
        self._held.clear()
        self._moved.clear()
        self._returned.clear()
        self._report_at = math.inf
        self._ask_at = _NOW
        self.dismiss_single_calls()
        _dismiss(self._waiting[1])

    def fail(self, make_error: Callable[[], Exception]) -> None:
        """Fail all requests that wait."""
        for waiting in self._waiting:
            for future in waiting:
                if not future.done():
                    future.set_exception(make_error())
            waiting.clear()

    def dismiss_single_calls(self) -> None:
        """Have the single calls that wait look again."""
        _dismiss(self._waiting[0])

    def _is_due(self, now: float) -> bool:
        while self._held and now - self._held[0].at > _USABLE:
            self._returned.append(self._held.popleft())
        return bool(self._held) and max(self._held[0].at, self.cooling_until) <= now

    def _next_request(self) -> Future:
        single, sweeps = self._waiting
        if single and (not sweeps or self._single_in_a_row < _BACKGROUND_SHARE - 1):
            self._single_in_a_row += 1
            return single.popleft()
        self._single_in_a_row = 0
        return sweeps.popleft()


def _dismiss(waiting: deque[Future]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(False)
    waiting.clear()
