"""Counts sends in sliding windows: arithmetic on the times that it is given, without a clock."""

from collections import deque
from collections.abc import Mapping, Sequence

from ultravox_async._http.pace import FixedPace, Pace

# Requests that are sent within one second may arrive within less, because some are longer on their way than others. A
# window of 1.02 s allows for 20 ms of that, and costs 2 % of the rate.
_HEADROOM = 0.02
# Seconds. How long a request is on its way does not depend on the window, so that a minute needs no more than this: it
# allows for a packet that is lost and sent again, and costs less than 1 % of a limit per minute.
_MOST_HEADROOM = 0.5
# How many requests of a client ask a remote budget for a slot at the same time: enough for 200 requests a second if the
# budget takes 40 ms.
MAX_LEASES = 8
# Timers fire late, by about a millisecond on an idle machine. Up to this lateness, in seconds, the next requests follow
# sooner to make up for it.
_CATCH_UP = 0.01
# If the server accepts less than the configured rate, how it counts is unknown. Some servers refuse every request that
# follows the one before it sooner than the rate says (a leaky bucket without a burst, as nginx has).
_CATCH_UP_LOWERED = 0.002


class SlidingWindow:
    """Counts sends, so that no period, wherever it starts, holds more than the limit.

    A request that has a permit but no connection yet is counted as pending. It is counted in the window from the moment
    when it is sent: if it were counted when it was admitted, the first requests of a cold pool, delayed by their
    handshakes, would exceed the limit together with the requests behind them.

    Args:
        limit: The most requests in any period, above 0. A fraction is rounded down; a limit below 1 is one request in
            1 / limit periods.
        period: Seconds.
    """

    def __init__(self, limit: float, period: float) -> None:
        # The maximum length of a deque has to fit into a C integer, and a million a second cannot be reached anyway.
        self._capacity = min(max(1, int(limit)), 1_000_000)
        seconds = period * max(1.0, 1 / limit)
        self._window = seconds + min(seconds * _HEADROOM, _MOST_HEADROOM)
        self._sent: deque[float] = deque(maxlen=self._capacity)
        self._pending: int = 0

    def opens_at(self) -> float:
        """Return the earliest time at which one more request may be sent; infinity until a pending one is sent."""
        return self._has_room_at()

    def reserve(self, now: float) -> None:  # noqa: ARG002 - PacedWindow spaces requests from this time on
        """Count a request that will be sent soon."""
        self._pending += 1

    def record_send(self, now: float) -> None:
        """Note that a reserved request is being sent."""
        self._pending -= 1
        self._sent.append(now)

    def cancel_reservation(self) -> None:
        """Give back a reservation that was never sent."""
        self._pending -= 1

    def idle(self, now: float) -> bool:
        """Return whether nothing is pending or counted any more."""
        return self._pending == 0 and (not self._sent or self._sent[-1] + self._window <= now)

    def _has_room_at(self) -> float:
        free = self._capacity - self._pending
        if free <= 0:
            return float("inf")
        return self._sent[-free] + self._window if len(self._sent) >= free else float("-inf")


class PacedWindow(SlidingWindow):
    """A window of one second, in which the requests that had to queue follow each other evenly.

    Args:
        rate: Requests a second, above 0: the upper bound.
        pace: The rate at which queued requests follow each other.
    """

    def __init__(self, rate: float, pace: Pace) -> None:
        super().__init__(rate, 1.0)
        self.pace = pace
        self._due = float("-inf")

    def opens_at(self) -> float:
        # A server may accept no burst at all below the configured rate, so that requests are spaced evenly then.
        if self.pace.lowered:
            return self.evenly_at()
        # Almost always there is room, and this is asked for each single call.
        return float("-inf") if len(self._sent) < self._capacity - self._pending else self._has_room_at()

    def evenly_at(self) -> float:
        """Return the earliest time for a request that had to queue: these are spaced evenly."""
        return max(self._due, self._has_room_at())

    def reserve(self, now: float) -> None:
        pace = self.pace
        self._pending += 1
        earliest = now - (_CATCH_UP_LOWERED if pace.lowered else _CATCH_UP)
        self._due = (max(self._due, earliest)) + (1 + _HEADROOM) / pace.rate

    def cancel_reservation(self) -> None:
        super().cancel_reservation()
        self._due -= (1 + _HEADROOM) / self.pace.rate

    def idle(self, now: float) -> bool:
        return self._due <= now and super().idle(now)


class UnlimitedWindow(PacedWindow):
    """The window of `RateLimit(None)`, in which any number of sends fits."""

    def __init__(self) -> None:
        super().__init__(1.0, FixedPace(float("inf")))

    def opens_at(self) -> float:
        return float("-inf")

    def evenly_at(self) -> float:
        return float("-inf")


class LeaseWindow(SlidingWindow):
    """Limits how many requests of a client ask a remote budget for a slot at the same time.

    A request is pending while it asks, and counts as sent when it has its slot.
    """

    def __init__(self) -> None:
        super().__init__(MAX_LEASES, 1.0)

    def opens_at(self) -> float:
        return float("-inf") if self._pending < MAX_LEASES else float("inf")


class RateWindows:
    """All windows of one rate: the general one, and those of the classes of operations that have limits of their own.

    Every request is counted in the general window. A request of a class with separate limits is counted in the windows
    of its class too, from its admission to its send and beyond, just as in the general one.

    Args:
        general: Counts all requests.
        separate: Count the requests of one class each.
    """

    def __init__(self, general: PacedWindow, separate: Mapping[str, Sequence[SlidingWindow]]) -> None:
        self.general = general
        self.separate = separate

    def opens_at(self, operation: str) -> float:
        """Return the earliest time that the separate limits of a class allow; minus infinity if it has none."""
        if operation not in self.separate:
            return float("-inf")
        return max(window.opens_at() for window in self.separate[operation])

    def reserve(self, operation: str, now: float) -> None:
        """Count a request that will be sent soon."""
        self.general.reserve(now)
        if operation in self.separate:
            for window in self.separate[operation]:
                window.reserve(now)

    def record_send(self, operation: str, now: float) -> None:
        """Note that a reserved request is being sent."""
        self.general.record_send(now)
        if operation in self.separate:
            for window in self.separate[operation]:
                window.record_send(now)

    def cancel_reservation(self, operation: str) -> None:
        """Give back a reservation that was never sent."""
        self.general.cancel_reservation()
        for window in self.separate.get(operation, ()):
            window.cancel_reservation()

    def idle(self, now: float) -> bool:
        """Return whether nothing is pending or counted any more."""
        separate = (window for windows in self.separate.values() for window in windows)
        return self.general.idle(now) and all(window.idle(now) for window in separate)
