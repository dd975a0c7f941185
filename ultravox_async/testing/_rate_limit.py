"""Rate limits over sliding windows."""

import math
import re
from collections import deque
from collections.abc import Sequence

import attrs

from ultravox_async.testing._wire import Answer, RecordedRequest, detail

_CREATES_CALL = re.compile(r"/api/((agents/[^/]+/)?calls|agents/[^/]+/telephony_xml)")


@attrs.define(eq=False)
class SlidingWindow:
    """Accepts at most so many requests in any period, wherever that period starts.

    Refused requests do not count, so that a client that keeps sending is not refused for ever.
    """

    limit: float = attrs.field(validator=attrs.validators.gt(0))
    """Requests per period; a limit below 1 means one request every 1 / limit periods."""

    period: float = 1.0
    """Seconds."""

    _accepted: deque[float] = attrs.field(init=False, factory=deque[float])
    """When the requests that still count were accepted, in seconds of the caller's clock, oldest first."""

    def accept(self, now: float) -> bool:
        """Count a request received at `now`, in seconds of a monotonic clock, if it is within the limit.

        Returns:
            Whether the request is within the limit.
        """
        if self.wait(now) > 0:
            return False
        self.count(now)
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until the next request is within the limit, 0.0 if it is now."""
        accepted = self._accepted
        length = self.period * max(1.0, 1.0 / self.limit)
        while accepted and accepted[0] <= now - length:
            accepted.popleft()
        return accepted[0] + length - now if len(accepted) + 1 > max(1.0, self.limit) else 0.0

    def count(self, now: float) -> None:
        """Count a request received at `now`."""
        self._accepted.append(now)


@attrs.define(eq=False)
class CallLimits:
    """The limits for creating calls, which hold besides the one for all requests."""

    windows: Sequence[SlidingWindow]
    """Each of them has to accept a call; one that is refused counts in none."""

    def refusal(self, request: RecordedRequest) -> Answer | None:
        """Return the answer to a request that creates one call too many; None for any other, which is counted."""
        if request.method != "POST" or not _CREATES_CALL.fullmatch(request.path):
            return None
        seconds, full = max(((window.wait(request.at), window) for window in self.windows), key=lambda each: each[0])
        if seconds > 0:
            wait = math.ceil(seconds)
            sentence = (
                f"Call creation was throttled: at most {full.limit:g} in {full.period:g} s. "
                f"Expected to be accepted in {wait} s."
            )
            return detail(429, sentence, {"Retry-After": str(wait)})
        for window in self.windows:
            window.count(request.at)
        return None


def call_limits(per_second: float | None, per_minute: float | None) -> CallLimits | None:
    """Return the limits for creating calls, None if there are none."""
    limits = (per_second, 1.0), (per_minute, 60.0)
    windows = [SlidingWindow(limit, period) for limit, period in limits if limit is not None]
    return CallLimits(windows) if windows else None
