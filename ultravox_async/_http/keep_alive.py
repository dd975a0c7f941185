"""How long may a connection have been idle before a request that must not be repeated? Pure: no clock, no event loop.

A server that closes idle connections may do so while a request is on its way. A GET is sent again then, but of a POST
nobody knows whether it took effect. So a POST is sent on a connection only where the server's timeout is far away.
"""

import re
from collections import deque
from typing import Final

_UNKNOWN_LIMIT: Final = 1.0
_SAFE_SHARE: Final = 0.5
_INSTANT: Final = 0.1
_MEMORY: Final = 600.0
_MOST_CLOSES: Final = 16
_REUSED_AT_ONCE: Final = 0.05
_TIMEOUT = re.compile(r"(?:^|[,\s])timeout\s*=\s*\"?([0-9]{1,9})\b", re.ASCII | re.IGNORECASE)


class IdleCloses:
    """The closes of idle connections that a server was seen to make, and the idle time that is safe by them.

    Times are on the clock of the event loop; idle times are in seconds.

    A server that restarts closes all its idle connections at once, the youngest included. That says only that its
    timeout is no shorter than the longest of these idle times, so closes within one instant count as one, of the
    longest. Where there is but one connection, a close that no timeout caused cannot be told from one that a timeout
    did. It counts, because a new connection costs less than a POST that fails, and it is forgotten after ten minutes or
    after 16 further closes. A real timeout is seen again each time that a connection is left idle for long enough.
    """

    def __init__(self) -> None:
        # When it began, and the longest idle time in it.
        self._instants = deque[tuple[float, float]](maxlen=_MOST_CLOSES)

    def record(self, idle: float, now: float) -> None:
        """Note that the server has closed a connection on which nothing was said for `idle` seconds."""
        if self._instants and now - self._instants[-1][0] < _INSTANT:
            began, longest = self._instants.pop()
            self._instants.append((began, max(longest, idle)))
        else:
            self._instants.append((now, idle))

    def record_lost_request(self, idle: float, now: float) -> None:
        """Note that a connection that was idle for `idle` seconds ended when a request was sent, without any answer.

        The close and the request may have crossed. Where the way is long, and requests come at regular intervals, all
        may cross, and no close is ever seen on an idle connection. But a connection that was used again at once did not
        reach a timeout: there it was the request that made the server fail.
        """
        if idle >= _REUSED_AT_ONCE:
            self.record(idle, now)

    def limit(self, advertised: float | None, now: float) -> float:
        """Return the idle time below which a connection may carry a request that must not be repeated.

        The server's timeout began when it sent its last answer, and ends when the next request arrives. Half of it
        leaves the other half for both ways.

        Args:
            advertised: The timeout that the server told on this connection, if any.
            now: The time.
        """
        known = [longest for began, longest in self._instants if now - began < _MEMORY]
        if advertised is not None:
            known.append(advertised)
        return _SAFE_SHARE * min(known) if known else _UNKNOWN_LIMIT


def parse_keep_alive(value: str) -> float | None:
    """Return the timeout that a ``Keep-Alive`` header such as ``timeout=5, max=100`` tells, in seconds, if any."""
    found = _TIMEOUT.search(value)
    return None if found is None else float(found[1])
