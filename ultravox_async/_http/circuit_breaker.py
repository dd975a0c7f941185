"""Detects outages: arithmetic on the times that it is given, without a clock or an event loop.

Single failures are a matter for retries. In an outage, retries make it worse: each request of a sweep would use up its
attempts against a server that is down. So background requests wait, and a few probes find out when it is over.
"""

import math

# An outage begins after so many failures, if there was no success for so many seconds. The failures alone may be about
# single requests, and the time alone passes whenever nothing is sent.
_FAILURES = 3
_WITHOUT_SUCCESS = 1.0
# Seconds between two probes; twice as many for each one that has no outcome yet, up to the second number. Probes that
# hang would otherwise take all connections of the pool.
_BETWEEN_PROBES = 0.25
_BETWEEN_HANGING_PROBES = 4.0
# A failure that is older than this, in seconds, says nothing about the server of now.
_FRESH = 0.5
# If nothing was sent for so many seconds, nobody knows whether the outage lasted, and the next failure begins another.
_FORGOTTEN = 10.0


class CircuitBreaker:
    """Holds back background requests of one class of operations in an outage, except for probes.

    Args:
        now: When the class of operations was first used.
    """

    def __init__(self, now: float) -> None:
        self.outages = 0
        self.probes = 0
        self.last_failure = ""
        """The text of the last failure."""
        self._last_success = now
        self._failures = 0
        self._first_failure = now
        self._last_failure_at = -math.inf
        self.open = False
        """Whether there is an outage."""
        self._opened_at = now
        self._next_probe_at = -math.inf
        self._announced = 0.0
        self._hanging = 0

    def admits_at(self) -> float:
        """Return when a background request may be sent; minus infinity without an outage."""
        return self._next_probe_at if self.open else -math.inf

    def lasts(self, now: float) -> float:
        """Return the seconds that the outage has lasted, without those that a ``Retry-After`` asked for."""
        return max(0.0, now - self._opened_at - self._announced) if self.open else 0.0

    def note_admitted(self, now: float) -> None:
        """Note that a background request is admitted; in an outage it is a probe, and the next one waits."""
        if self.open:
            self.probes += 1
            self._next_probe_at = now + min(_BETWEEN_PROBES * 2**self._hanging, _BETWEEN_HANGING_PROBES)
            self._hanging = min(self._hanging + 1, 10)

    def note_success(self, now: float) -> bool:
        """Note a response that shows that the server works. Return whether it ends an outage."""
        self._last_success = now
        self._failures = 0
        if not self.open:
            return False
        self._hanging = 0
        self.open = False
        return True

    def failed_lately(self, now: float) -> bool:
        """Return whether the last failure is recent enough to say that the next request would fail too."""
        return now - self._last_failure_at < _FRESH

    def note_failure(self, now: float, failure: str, retry_after: float | None, *, counts: bool = True) -> bool:
        """Note a failure of the server, or of the connection to it. Return whether an outage begins with it.

        Args:
            now: The time.
            failure: The text of the error.
            retry_after: The seconds that the server asked to wait; None if it did not.
            counts: False if it may be the same failure of the same request as before.
        """
        is_forgotten = self.open and now - max(self._last_failure_at, self._next_probe_at) > _FORGOTTEN
        self.last_failure = failure
        self._last_failure_at = now
        self._hanging = max(0, self._hanging - 1)
        if self._failures == 0:
            self._first_failure = now
        self._failures += counts
        begins = not self.open and self._failures >= _FAILURES and now - self._last_success >= _WITHOUT_SUCCESS
        if begins or is_forgotten:
            self.outages += 1
            self.open = True
            self._opened_at = self._first_failure if begins else now
            self._announced = 0.0
            self._next_probe_at = now + _BETWEEN_PROBES
        if self.open and retry_after is not None and now + retry_after > self._next_probe_at:
            # Several requests fail with the same announcement. Only the part that goes beyond the earlier ones is new.
            self._announced += now + retry_after - max(now, self._next_probe_at)
            self._next_probe_at = now + retry_after
        return begins or is_forgotten
