"""A limit that is exact over every sliding second, as a server would have to keep it."""

from collections import deque

import attrs


@attrs.define(eq=False)
class SlidingWindow:
    """Accept at most so many requests in any second, wherever that second starts.

    Refused requests do not count, so a client that hammers is not locked out for ever.
    """

    requests_per_second: float = attrs.field(validator=attrs.validators.gt(0))
    """Requests per second; below 1 it means one request in every 1 / requests_per_second seconds."""

    _accepted: deque[float] = attrs.field(init=False, factory=deque[float])
    """When the requests that still count were accepted, in seconds of the caller's clock, oldest first."""

    def accept(self, now: float) -> bool:
        """Count a request that came in at `now`, in seconds of a clock that never goes back, unless it is one too many.

        Returns:
            Whether the request is within the limit.
        """
        accepted = self._accepted
        start = now - max(1.0, 1.0 / self.requests_per_second)
        while accepted and accepted[0] <= start:
            accepted.popleft()
        if len(accepted) + 1 > max(1.0, self.requests_per_second):
            return False
        accepted.append(now)
        return True
