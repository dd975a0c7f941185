"""Counts sends over every second: arithmetic on the times that it is given, without a clock of its own."""

from collections import deque

from ultravox_async._http.pace import FixedPace, Pace

# What the client's clock calls a second may be a little less at the server: requests overtake each other on the way.
# A window of 1.02 s bears 20 ms of that, and costs 2 % of the rate.
_HEADROOM = 0.02
# How many leases a client asks for at a time: enough to keep up with 200 requests a second where an answer takes 40 ms.
_MAX_LEASES = 8
# Timers fire late, by a millisecond when all is well. Lateness up to this is made good, in seconds.
_CATCH_UP = 0.01
# Where the server accepts less than the configured rate, nobody knows how it counts. Some servers refuse what comes
# sooner after the request before it than the rate says (a leaky bucket without a burst, such as nginx's).
_CATCH_UP_LOWERED = 0.002


class SlidingWindow:
    """Counts sends, so that no window of one second, wherever it starts, holds more than the rate.

    A request that has a permit but no connection yet is counted as pending, and in the window from the moment it is
    really sent: a cold pool delays its first requests by a handshake, and they would crowd those that come behind.

    Args:
        rate: Requests a second, above 0: the upper bound.
        pace: The rate at which requests follow one another.
    """

    def __init__(self, rate: float, pace: Pace) -> None:
        self.pace = pace
        # More than a million a second is no pace that anybody could keep.
        self._capacity = min(max(1, int(rate)), 1_000_000)
        self._window = max(1.0, 1 / rate) * (1 + _HEADROOM)
        self._sent: deque[float] = deque(maxlen=self._capacity)
        self._pending = 0
        self._due = float("-inf")

    def opens_at(self) -> float:
        """Return the earliest time, in seconds, at which one more request may go; infinity until a pending one does."""
        # A burst fits into a limit that is known. One that was found by trying may bear none.
        return self.evenly_at() if self.pace.lowered else self._has_room_at()

    def evenly_at(self) -> float:
        """Return the earliest time for a request that had to queue: those follow one another at even distances."""
        return max(self._due, self._has_room_at())

    def reserve(self, now: float) -> None:
        """Count a request that will be sent soon."""
        self._pending += 1
        catch_up = _CATCH_UP_LOWERED if self.pace.lowered else _CATCH_UP
        self._due = max(self._due, now - catch_up) + self._interval()

    def record_send(self, now: float) -> None:
        """Note that a reserved request is being sent."""
        self._pending -= 1
        self._sent.append(now)

    def cancel_reservation(self) -> None:
        """Give back a reservation that was never sent."""
        self._pending -= 1
        self._due -= self._interval()

    def idle(self, now: float) -> bool:
        """Return whether nothing is pending or counted any more, so that a new window would say the same."""
        return self._pending == 0 and self._due <= now and (not self._sent or self._sent[-1] + self._window <= now)

    def _interval(self) -> float:
        return (1 + _HEADROOM) / self.pace.rate

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
    """The window of a client whose slots are leased from elsewhere: it bounds how many ask for a lease at a time.

    Those who ask are pending; whoever has a lease counts as sent.
    """

    def opens_at(self) -> float:
        return float("-inf") if self._pending < _MAX_LEASES else float("inf")

    def evenly_at(self) -> float:
        return self.opens_at()
