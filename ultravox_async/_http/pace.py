"""How fast to send if the server's limit is unknown: arithmetic on the times that it is given, without a clock.

The law is additive increase, multiplicative decrease, as in TCP, with a small decrease. Clients that share a limit and
cannot communicate converge to equal rates, because each of them is refused in proportion to its rate. The decrease is
small so that the rates do not oscillate; `benchmarks/pace_laws.py` compares it with other laws.
"""

import math
from collections import deque
from typing import Protocol

# The increase in one second without refusals, as a share of the configured rate.
_INCREASE = 0.0075
# At low rates that would be too much. There the increase is this share of the square of the rate, so that about one
# request in twelve is refused at worst.
_INCREASE_AT_LOW_RATES = 0.0028
# The decrease after a refusal, as a share of the rate.
_DECREASE = 0.035
# One burst may cause a hundred refusals at once, all of them about the same moment. So refusals never lower the rate
# below this share of what the server has accepted in the last second.
_LEAST_OF_ACCEPTED = 0.9
# Refusals in a row, with no success between them, lower the rate to this share of it at most. If a server refuses
# everything for a while, that says nothing about the rate that it accepts afterwards.
_LEAST_OF_SUCCESS = 0.25
# A rate that has found the limit is refused at regular intervals. After so many such intervals without a refusal, the
# limit has probably changed, and the rate rises with the square of the time since then.
_QUIET = 2.0
_QUIET_INCREASE = 0.05
# Fewer requests than this are not enough to tell that the limit has changed.
_LEAST_QUIET = 25
_LOWEST_RATE = 0.5
_MOST_COUNTED = 10_000
_SECOND = 1.0
# A single 503 is a failure of one request. So many of them in a second, and this share of its responses, are a limit
# that answers with 503.
_BURST = 3
_BURST_SHARE = 0.2
# Seconds. A server can also fail a part of all requests with 503, whatever the rate is. So a burst is not remembered
# for ever, and never lowers the rate below a quarter of the most that was accepted in a second since: to go slower
# would not help.
_BURST_IS_REMEMBERED = 60.0


class Pace(Protocol):
    """The rate of requests of one key."""

    rate: float
    """Requests a second."""

    lowered: bool
    """Whether the rate is below the configured one."""

    def note_accepted(self, now: float) -> None:
        """Note a response that shows that the server accepted a request, even if it failed for another reason."""
        ...

    def note_refused(self, now: float) -> bool:
        """Note a 429. Return True if the pace was lowered because of it, False if all requests have to stop."""
        ...

    def accepts(self, now: float) -> bool:
        """Return whether the server has accepted a request in the last second, as far as that is known."""
        ...

    def note_unavailable(self, now: float) -> bool:
        """Note a 503. Return whether it is taken for a refusal, as a 429 is."""
        ...


class FixedPace:
    """The configured rate, whatever the server accepts: ``RateLimit(…, adaptive=False)``.

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

    def accepts(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Leave a 429 to a cool-down."""
        return False

    def note_unavailable(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Leave a 503 to the retries."""
        return False


class AdaptivePace:
    """A rate that is lowered to what the server accepts, and rises again, at most to the configured rate.

    Args:
        rate: The configured rate, requests a second.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.lowered = False
        self._configured = rate
        # The rate is the most that can be accepted in a second. Old times are removed when the others are counted.
        self._accepted_at: deque[float] = deque(maxlen=min(int(rate) + 1, _MOST_COUNTED))
        self._unavailable_at: deque[float] = deque()
        self._since_refusal = 0
        self._only_refused_since = math.inf
        self._rate_at_success = rate
        # After a burst of 503s, it is assumed that the limit answers with 503, and that a single 503 is a refusal too.
        self._limit_answers_503_until = -math.inf
        self._least_by_503s = 0.0
        self._unavailable_before_success = 0
        # Whether there is anything to do for a success but to count it: it is noted for each request.
        self._is_disturbed = False

    def note_accepted(self, now: float) -> None:
        """Count the request; after a refusal, raise the rate by the increase of a second, divided by the rate."""
        self._accepted_at.append(now)
        if self._is_disturbed:
            self._recover(now)

    def _recover(self, now: float) -> None:
        self._only_refused_since = math.inf
        # The 503s before this success were a limit and not an outage: see `note_unavailable`.
        for _ in range(self._unavailable_before_success):
            self._lower(now, self._least_by_503s)
        self._unavailable_before_success = 0
        if self.lowered:
            self._since_refusal += 1
            self._raise()
        self._rate_at_success = self.rate
        self._is_disturbed = self.lowered

    def note_refused(self, now: float) -> bool:
        """Lower the rate. Return False if nothing was accepted for a second, so that no rate is low enough."""
        self._is_disturbed = True
        self._lower(now, _LOWEST_RATE)
        self._only_refused_since = min(self._only_refused_since, now)
        # A refusal often takes less time than a success, so that the very first responses of a client may be refusals
        # although the server accepts requests. Only after a second is it clear that it accepts none.
        return bool(self._accepted_at) or now - self._only_refused_since < _SECOND

    def note_unavailable(self, now: float) -> bool:
        """Take a 503 for a refusal if it is one of many, or if the limit is known to answer with 503.

        The rate is lowered only when the next request is accepted. 503s that no success follows are an outage, which
        says nothing about the rate: after it, the rate is as high as before.
        """
        self._is_disturbed = True
        unavailable = _keep_last_second(self._unavailable_at, now)
        unavailable.append(now)
        accepted = len(_keep_last_second(self._accepted_at, now))
        is_burst = len(unavailable) >= max(_BURST, _BURST_SHARE * (accepted + len(unavailable)))
        if is_burst and accepted:
            before = self._least_by_503s if now < self._limit_answers_503_until else 0.0
            self._least_by_503s = max(before, _LEAST_OF_SUCCESS * accepted)
            self._limit_answers_503_until = now + _BURST_IS_REMEMBERED
        is_refusal = accepted > 0 and now < self._limit_answers_503_until
        self._unavailable_before_success = self._unavailable_before_success + 1 if is_refusal else 0
        return is_refusal

    def accepts(self, now: float) -> bool:
        """Return whether the server has accepted a request in the last second."""
        return bool(_keep_last_second(self._accepted_at, now))

    def _lower(self, now: float, least: float) -> None:
        accepted = len(_keep_last_second(self._accepted_at, now))
        self._since_refusal = 0
        of_accepted = min(self.rate, _LEAST_OF_ACCEPTED * accepted)
        least = max(_LOWEST_RATE, least, _LEAST_OF_SUCCESS * self._rate_at_success, of_accepted)
        self.rate = min(self.rate, max(self.rate * (1 - _DECREASE), least))
        self.lowered = self.rate < self._configured

    def _raise(self) -> None:
        rate = self.rate
        increase = min(_INCREASE * self._configured, _INCREASE_AT_LOW_RATES * rate * rate)
        between_refusals = _DECREASE * rate * rate / increase
        quiet = max(0.0, self._since_refusal - _QUIET * between_refusals) / max(rate, _LEAST_QUIET)
        self.rate = min(self._configured, rate + increase / rate + _QUIET_INCREASE * quiet * quiet)
        self.lowered = self.rate < self._configured
        if not self.lowered:
            self._limit_answers_503_until = -math.inf


def _keep_last_second(times: deque[float], now: float) -> deque[float]:
    while times and times[0] <= now - _SECOND:
        times.popleft()
    return times
