"""A rate limit over a sliding window of one second."""

from collections import deque

import attrs


@attrs.define(eq=False)
class SlidingWindow:
    """Accepts at most so many requests in any second, wherever that second starts.

    Refused requests do not count, so that a client that keeps sending is not refused for ever.
    """

    requests_per_second: float = attrs.field(validator=attrs.validators.gt(0))
    """Requests per second; a rate below 1 means one request every 1 / requests_per_second seconds."""

    _accepted: deque[float] = attrs.field(init=False, factory=deque[float])
    """When the requests that still count were accepted, in seconds of the caller's clock, oldest first."""

    def accept(self, now: float) -> bool:
        """Count a request received at `now`, in seconds of a monotonic clock, if it is within the limit.

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
