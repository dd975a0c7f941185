"""The rate limits that servers enforce, as arithmetic on the times that they are given."""

import math
from collections import deque
from typing import Protocol


class Limit(Protocol):
    """Says which requests of a key are accepted."""

    def accepts(self, now: float) -> bool:
        """Return whether a request that arrives now is within the limit, and count it if it is."""
        ...


class Unlimited:
    """No limit."""

    def accepts(self, now: float) -> bool:  # noqa: ARG002 - a limit is asked with the time
        """Return True."""
        return True


class SlidingLog:
    """No window of one second, wherever it starts, holds more than `rate` accepted requests."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._accepted: deque[float] = deque()

    def accepts(self, now: float) -> bool:
        """Return whether the second that ends now has room, and count the request if it has."""
        while self._accepted and self._accepted[0] <= now - 1.0:
            self._accepted.popleft()
        if len(self._accepted) >= self._rate:
            return False
        self._accepted.append(now)
        return True


class FixedWindow:
    """No whole second of the server's clock holds more than `rate` accepted requests."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._second = -1
        self._accepted = 0

    def accepts(self, now: float) -> bool:
        """Return whether this second has room, and count the request if it has."""
        if math.floor(now) != self._second:
            self._second, self._accepted = math.floor(now), 0
        if self._accepted >= self._rate:
            return False
        self._accepted += 1
        return True


class TokenBucket:
    """Tokens come at `rate` a second, `burst` of them are kept at most, and each request takes one.

    With a burst of 1 it works as nginx's ``limit_req`` without one.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = -math.inf

    def accepts(self, now: float) -> bool:
        """Return whether there is a token, and take it if there is."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        # Sums of fractions fall short of a whole token by the error of floating point.
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens -= 1.0
        return True


def limit_from(text: str) -> Limit:
    """Return the limit that a command line names: ``sliding:50``, ``fixed:50``, ``bucket:50:20`` or ``none``."""
    kind, *numbers = text.split(":")
    match kind, [float(number) for number in numbers]:
        case "sliding", [rate]:
            return SlidingLog(rate)
        case "fixed", [rate]:
            return FixedWindow(rate)
        case "bucket", [rate, burst]:
            return TokenBucket(rate, burst)
        case "none", []:
            return Unlimited()
        case _:
            raise ValueError(text)
