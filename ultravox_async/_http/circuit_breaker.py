"""Knows when the server is out: arithmetic on the times that it is given, without a clock of its own."""

import math

# What makes an outage: so many failures, and no success for so many seconds.
_FAILURES = 3
_WITHOUT_SUCCESS = 1.0
# Seconds between two requests that see whether it is over.
_BETWEEN_PROBES = 0.25


class CircuitBreaker:
    """Holds background work back in an outage of one class of operations, but for a probe now and then.

    Args:
        now: When the client began to use the class of operations.
    """

    def __init__(self, now: float) -> None:
        self.outages = 0
        self.probes = 0
        self._last_success = now
        self._failures = 0
        self._first_failure = now
        self._opened_at = math.inf
        self._next_probe_at = -math.inf
        self._announced = 0.0

    @property
    def open(self) -> bool:
        """Whether there is an outage."""
        return self._opened_at < math.inf

    def admits_at(self) -> float:
        """Return when a request of the background may go; minus infinity where there is no outage."""
        return self._next_probe_at if self.open else -math.inf

    def lasts(self, now: float) -> float:
        """Return the seconds of the outage, without those for which the server asked to wait."""
        return max(0.0, now - self._opened_at - self._announced) if self.open else 0.0

    def note_admitted(self, now: float) -> None:
        """Note that a request of the background goes; in an outage it is a probe, and the next one waits."""
        if self.open:
            self.probes += 1
            self._next_probe_at = now + _BETWEEN_PROBES

    def note_success(self, now: float) -> bool:
        """Note an answer that shows that the server works. Return whether an outage ends with it."""
        was_open = self.open
        self._last_success = now
        self._failures = 0
        if was_open:
            self._opened_at = math.inf
        return was_open

    def note_failure(self, now: float, retry_after: float | None) -> bool:
        """Note a failure that says nothing about one request alone. Return whether an outage begins with it.

        Args:
            now: The time.
            retry_after: The seconds that the server asked to wait, if it did.
        """
        if self._failures == 0:
            self._first_failure = now
        self._failures += 1
        begins = not self.open and self._failures >= _FAILURES and now - self._last_success >= _WITHOUT_SUCCESS
        if begins:
            self.outages += 1
            self._opened_at = self._first_failure
            self._announced = 0.0
            self._next_probe_at = now + _BETWEEN_PROBES
        if self.open and retry_after is not None and now + retry_after > self._next_probe_at:
            # The part of the pause that an earlier answer has announced is counted already.
            self._announced += now + retry_after - max(now, self._next_probe_at)
            self._next_probe_at = now + retry_after
        return begins
