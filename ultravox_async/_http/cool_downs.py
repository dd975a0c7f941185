"""Which classes of operations must wait after a 429, and until when: arithmetic on the times that it is given."""

import math


class CoolDowns:
    """The cool-downs after 429s, for all clients that share a rate.

    A class of operations whose cool-down was shortened is on probation afterwards: one request is sent as a trial, and
    the others wait for its end. Otherwise all of them would be sent at once, before the time that the API asked for.
    """

    probation: dict[str, bool]
    """The classes of operations on probation, and whether the trial request is in flight."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self.probation = {}

    def ends_at(self, operation: str) -> float:
        """Return when an operation of this class may start; infinity during a trial, whose end is not known."""
        return math.inf if self.probation.get(operation) else self.until(operation)

    def until(self, operation: str) -> float:
        """Return when the cool-down of a class is over, whether or not a trial follows it."""
        return self._until.get(operation, -math.inf)

    def start(self, operation: str, now: float, seconds: float, longest: float) -> float:
        """Begin a cool-down of so many seconds, `longest` at most, unless there is one that ends later.

        Returns:
            By how many seconds nothing can be sent for longer than before; 0.0 if the other one ends later.
        """
        until = now + min(seconds, longest)
        before = self.until(operation)
        if until <= before:
            return 0.0
        self._until[operation] = until
        if seconds > longest:
            self.probation[operation] = False
        return until - max(before, now)

    def begin_trial(self, operation: str) -> None:
        """Note that a request was admitted; if its class is on probation, it is the trial."""
        if operation in self.probation:
            self.probation[operation] = True

    def end_trial(self, operation: str, now: float) -> None:
        """Note that the trial is over, and end the probation unless it began another cool-down with a 429."""
        if self._until[operation] > now:
            self.probation[operation] = False
        else:
            del self.probation[operation]

    def abandon_trial(self, operation: str) -> None:
        """Note that a request was not sent; if it was the trial, another one takes its place."""
        if operation in self.probation:
            self.probation[operation] = False

    def over(self, now: float) -> bool:
        """Return whether there is neither a cool-down nor a probation."""
        return not self.probation and all(until <= now for until in self._until.values())
