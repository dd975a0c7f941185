"""Counts sends in a sliding window of one second: arithmetic on the times that it is given, without a clock."""

from collections import deque

from ultravox_async._http.pace import FixedPace, Pace

# Requests that are sent within one second may arrive within less, because some are longer on their way than others. A
# window of 1.02 s allows for 20 ms of that, and costs 2 % of the rate.
_HEADROOM = 0.02
# How many requests of a client ask a remote budget for a slot at the same time: enough for 200 requests a second if the
# budget takes 40 ms.
_MAX_LEASES = 8
# Timers fire late, by about a millisecond on an idle machine. Up to this lateness, in seconds, the next requests follow
# sooner to make up for it.
_CATCH_UP = 0.01
# If the server accepts less than the configured rate, how it counts is unknown. Some servers refuse every request that
# follows the one before it sooner than the rate says (a leaky bucket without a burst, as nginx has).
_CATCH_UP_LOWERED = 0.002


class SlidingWindow:
    """Counts sends, so that no window of one second, wherever it starts, holds more than the rate.

    A request that has a permit but no connection yet is counted as pending. It is counted in the window from the moment
    when it is sent: if it were counted when it was admitted, the first requests of a cold pool, delayed by their
    handshakes, would exceed the rate together with the requests behind them.

    Args:
        rate: Requests a second, above 0: the upper bound.
        pace: The rate at which queued requests follow each other.
    """

    def __init__(self, rate: float, pace: Pace) -> None:
        self.pace = pace
        # The maximum length of a deque has to fit into a C integer, and a million a second cannot be reached anyway.
        self._capacity = min(max(1, int(rate)), 1_000_000)
        self._window = max(1.0, 1 / rate) * (1 + _HEADROOM)
        self._sent: deque[float] = deque(maxlen=self._capacity)
        self._pending = 0
        self._due = float("-inf")

    def opens_at(self) -> float:
        """Return the earliest time at which one more request may be sent; infinity until a pending one is sent."""
        # A server may accept no burst at all below the configured rate, so that requests are spaced evenly then.
        if self.pace.lowered:
            return self.evenly_at()
        # Almost always there is room, and this is asked for each single call.
        return float("-inf") if len(self._sent) < self._capacity - self._pending else self._has_room_at()

    def evenly_at(self) -> float:
        """Return the earliest time for a request that had to queue: these are spaced evenly."""
        return max(self._due, self._has_room_at())

    def reserve(self, now: float) -> None:
        """Count a request that will be sent soon."""
        pace = self.pace
        self._pending += 1
        earliest = now - (_CATCH_UP_LOWERED if pace.lowered else _CATCH_UP)
        self._due = (max(self._due, earliest)) + (1 + _HEADROOM) / pace.rate

    def record_send(self, now: float) -> None:
        """Note that a reserved request is being sent."""
        self._pending -= 1
        self._sent.append(now)

    def cancel_reservation(self) -> None:
        """Give back a reservation that was never sent."""
        self._pending -= 1
        self._due -= (1 + _HEADROOM) / self.pace.rate

    def idle(self, now: float) -> bool:
        """Return whether nothing is pending or counted any more."""
        return self._pending == 0 and self._due <= now and (not self._sent or self._sent[-1] + self._window <= now)

    def _has_room_at(self) -> float:
        free = self._capacity - self._pending
        if free <= 0:
            return float("inf")
        return self._sent[-free] + self._window if len(self._sent) >= free else float("-inf")


class UnlimitedWindow(SlidingWindow):
    """The window of `RateLimit(None)`, in which any number of sends fits."""

    def __init__(self) -> None:
        super().__init__(1.0, FixedPace(float("inf")))

    def opens_at(self) -> float:
        return float("-inf")

    def evenly_at(self) -> float:
        return float("-inf")


class LeaseWindow(UnlimitedWindow):
    """The window of a client whose slots come from a remote budget: it limits how many requests ask at the same time.

    A request is pending while it asks, and counts as sent when it has its slot.
    """

    def opens_at(self) -> float:
        return float("-inf") if self._pending < _MAX_LEASES else float("inf")

    def evenly_at(self) -> float:
        return self.opens_at()
