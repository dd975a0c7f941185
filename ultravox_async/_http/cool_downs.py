"""Which classes of operations must not start, and until when: arithmetic on the times that it is given."""

import math


class CoolDowns:
    """The cool-downs after 429s, of all who share a key.

    A class of operations whose cool-down was cut short is on probation afterwards: one request tries, and the others
    wait until it is over.
    """

    probation: dict[str, bool]
    """The classes of operations on probation, and whether the one request that tries is on its way."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self.probation = {}

    def ends_at(self, operation: str) -> float:
        """Return when an operation of this class may start; infinity while one tries for all of them."""
        return math.inf if self.probation.get(operation) else self._until.get(operation, -math.inf)

    def start(self, operation: str, now: float, seconds: float, longest: float) -> bool:
        """Begin a cool-down of so many seconds, `longest` at most; return False where a longer one is under way."""
        until = now + min(seconds, longest)
        if until <= self._until.get(operation, -math.inf):
            return False
        self._until[operation] = until
        if seconds > longest:
            self.probation[operation] = False
        return True

    def begin_trial(self, operation: str) -> None:
        """Note that a request starts; where its class is on probation, the others wait for its end."""
        if operation in self.probation:
            self.probation[operation] = True

    def end_trial(self, operation: str, now: float) -> None:
        """Note that the request that tried is over, and end the probation unless it met another 429."""
        if self._until[operation] > now:
            self.probation[operation] = False
        else:
            del self.probation[operation]

    def abandon_trial(self, operation: str) -> None:
        """Note that the request that tried was never sent."""
        if operation in self.probation:
            self.probation[operation] = False

    def over(self, now: float) -> bool:
        """Return whether there is none, so that nothing is lost if all is forgotten."""
        return not self.probation and all(until <= now for until in self._until.values())
