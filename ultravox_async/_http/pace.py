"""How fast to send where nobody says what the server accepts: arithmetic, without a clock of its own.

The law is additive increase, multiplicative decrease, as in TCP, with a small decrease: clients that share a limit and
cannot talk to each other come to equal rates, because each meets refusals in proportion to its rate. The decrease is
small so that the rates do not swing; `benchmarks/pace_laws.py` compares it with other laws.
"""

import math
from collections import deque
from typing import Protocol

# What one second without refusals adds, as a share of the configured rate.
_INCREASE = 0.0075
# At low rates that would be too much: it is then this share of the rate's square, so that about one request in twelve
# is refused at worst.
_INCREASE_AT_LOW_RATES = 0.0028
# The share of the rate that a refusal takes away.
_DECREASE = 0.035
# A refusal says that the server accepts no more than it did in the last second. It never takes the rate far below that:
# one burst may bring a hundred refusals at once, and all of them are about the same moment.
_LEAST_OF_ACCEPTED = 0.9
# Refusals come at even distances where the rate has found the limit. After so many such distances without one, the
# limit has moved, and the rate rises with the square of the time since then.
_QUIET = 2.0
_QUIET_INCREASE = 0.05
# Fewer requests than this say nothing about a limit that has moved.
_LEAST_QUIET = 25
_LOWEST_RATE = 0.5
_SECOND = 1.0
# A 503 is the failure of one request, until so many of them come in a second, and make up this share of its answers.
_BURST = 3
_BURST_SHARE = 0.2


class Pace(Protocol):
    """The rate of requests of one key."""

    rate: float
    """Requests a second."""

    @property
    def lowered(self) -> bool:
        """Whether the rate is below the configured one."""
        ...

    def note_accepted(self, now: float) -> None:
        """Note that the server has carried out a request, or has refused it for another reason than the rate."""
        ...

    def note_refused(self, now: float) -> bool:
        """Note a 429. Return whether a lower pace is the answer, or False where all requests have to stop."""
        ...

    def note_unavailable(self, now: float) -> bool:
        """Note a 503. Return whether it is taken for a refusal, and a lower pace is the answer."""
        ...


class FixedPace:
    """The configured rate, whatever the server says: ``RateLimit(…, adaptive=False)``.

    Args:
        rate: Requests a second.
    """

    lowered = False

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def note_accepted(self, now: float) -> None:
        """Do nothing."""

    def note_refused(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Leave a 429 to a cool-down."""
        return False

    def note_unavailable(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Leave a 503 to the retries."""
        return False


class AdaptivePace:
    """A rate that goes down to what the server accepts, and up again, at most to the configured one.

    Args:
        rate: The configured rate, requests a second.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._configured = rate
        self._accepted_at: deque[float] = deque()
        self._unavailable_at: deque[float] = deque()
        self._since_refusal = 0
        self._only_refused_since = math.inf
        # Once 503s came in a burst, the limit is one that answers 503, and a single one is a refusal too.
        self._limit_answers_503 = False
        self._unavailable_before_success = 0

    @property
    def lowered(self) -> bool:
        """Whether the rate is below the configured one."""
        return self.rate < self._configured

    def note_accepted(self, now: float) -> None:
        """Raise the rate by the part of a second that one request stands for."""
        _keep_last_second(self._accepted_at, now).append(now)
        self._only_refused_since = math.inf
        if self._unavailable_before_success:
            self._limit_answers_503 = True
            for _ in range(self._unavailable_before_success):
                self._lower(now)
            self._unavailable_before_success = 0
        if self.rate < self._configured:
            self._since_refusal += 1
            self._raise()

    def note_refused(self, now: float) -> bool:
        """Lower the rate. Return False where nothing was accepted for a second, so that no rate is low enough."""
        self._lower(now)
        self._only_refused_since = min(self._only_refused_since, now)
        # A refusal is quicker than the answer to a request that was accepted before it, so that the first answers of
        # all may be refusals.
        return bool(self._accepted_at) or now - self._only_refused_since < _SECOND

    def note_unavailable(self, now: float) -> bool:
        """Take a 503 for a refusal where it is one of many, or where the limit is known to answer like that.

        The rate is lowered when the next request is accepted: 503s without a success behind them are an outage, after
        which the rate is right as it was.
        """
        unavailable = _keep_last_second(self._unavailable_at, now)
        unavailable.append(now)
        accepted = len(_keep_last_second(self._accepted_at, now))
        is_burst = len(unavailable) >= max(_BURST, _BURST_SHARE * (accepted + len(unavailable)))
        is_refusal = accepted > 0 and (is_burst or self._limit_answers_503)
        self._unavailable_before_success = self._unavailable_before_success + 1 if is_refusal else 0
        return is_refusal

    def _lower(self, now: float) -> None:
        accepted = len(_keep_last_second(self._accepted_at, now))
        self._since_refusal = 0
        least = max(_LOWEST_RATE, min(self.rate, _LEAST_OF_ACCEPTED * accepted))
        self.rate = min(self.rate, max(self.rate * (1 - _DECREASE), least))

    def _raise(self) -> None:
        rate = self.rate
        increase = min(_INCREASE * self._configured, _INCREASE_AT_LOW_RATES * rate * rate)
        between_refusals = _DECREASE * rate * rate / increase
        quiet = max(0.0, self._since_refusal - _QUIET * between_refusals) / max(rate, _LEAST_QUIET)
        self.rate = min(self._configured, rate + increase / rate + _QUIET_INCREASE * quiet * quiet)
        if self.rate == self._configured:
            self._limit_answers_503 = False


def _keep_last_second(times: deque[float], now: float) -> deque[float]:
    while times and times[0] <= now - _SECOND:
        times.popleft()
    return times
