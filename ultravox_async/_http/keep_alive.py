"""How long may a connection have been idle and still carry a POST? Pure: no clock, no event loop.

A server that closes idle connections may do so while a request is on its way. A GET can be sent again then, but a POST
cannot, because it may have taken effect. So a POST is sent on an idle connection only if the server's timeout is still
far away.
"""

import re
from collections import deque
from typing import Final

# Times are in seconds. The limit as long as nothing is known about the server: common servers wait for longer.
_UNKNOWN_LIMIT: Final = 1.0
# The share of a known timeout after which a connection is no longer used for a POST.
_SAFE_SHARE: Final = 0.5
# Closes within this time count as one.
_INSTANT: Final = 0.1
# For how long, and how many, closes are remembered.
_MEMORY: Final = 600.0
_MOST_CLOSES: Final = 16
# A connection that was idle for less than this did not reach a timeout.
_REUSED_AT_ONCE: Final = 0.05
_TIMEOUT = re.compile(r"(?:^|[,\s])timeout\s*=\s*\"?([0-9]{1,9})\b", re.ASCII | re.IGNORECASE)


class IdleCloses:
    """The server's closes of idle connections, and the idle time that is safe according to them.

    Times are on the clock of the event loop; idle times are in seconds.

    A server that restarts closes all its idle connections at once, the youngest included. That says only that its
    timeout is not shorter than the longest of these idle times, so closes within a tenth of a second count as one close
    with the longest idle time. If there is only one connection, a close without a timeout looks like one with a
    timeout. It counts, because a new connection costs less than a POST that fails, and it is forgotten after ten
    minutes or 16 further closes. A real timeout is seen again each time that a connection is idle for long enough.
    """

    def __init__(self) -> None:
        # When each of these closes began, and the longest idle time in it.
        self._instants = deque[tuple[float, float]](maxlen=_MOST_CLOSES)

    def record(self, idle: float, now: float) -> None:
        """Note that the server has closed a connection that was idle for `idle` seconds."""
        if self._instants and now - self._instants[-1][0] < _INSTANT:
            began, longest = self._instants.pop()
            self._instants.append((began, max(longest, idle)))
        else:
            self._instants.append((now, idle))

    def record_lost_request(self, idle: float, now: float) -> None:
        """Note that a connection that had been idle for `idle` seconds was lost before any byte of the response.

        The close and the request may have crossed on the way. If the latency is high and requests are sent at regular
        intervals, this may be the only way in which closes are ever seen. A connection that was used again at once did
        not reach a timeout: there it was the request that made the server fail.
        """
        if idle >= _REUSED_AT_ONCE:
            self.record(idle, now)

    def limit(self, advertised: float | None, now: float) -> float:
        """Return the idle time below which a connection may carry a request that must not be repeated.

        The server's timeout begins when it sends a response, and runs until the next request arrives there. Half of it
        is allowed here, and the other half is left for the time on the way.

        Args:
            advertised: The timeout from the ``Keep-Alive`` header on this connection; None without one.
            now: The time.
        """
        known = [longest for began, longest in self._instants if now - began < _MEMORY]
        if advertised is not None:
            known.append(advertised)
        return _SAFE_SHARE * min(known) if known else _UNKNOWN_LIMIT


def parse_keep_alive(value: str) -> float | None:
    """Return the timeout in a ``Keep-Alive`` header such as ``timeout=5, max=100``, in seconds; None without one."""
    found = _TIMEOUT.search(value)
    return None if found is None else float(found[1])
