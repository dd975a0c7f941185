"""One request, and the ways to answer it."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import attrs
from aiohttp import web

from ultravox_async.testing._wire import Answer, RecordedRequest


@attrs.define(eq=False)
class Exchange:
    """One request on its connection. A fault chooses how to answer it."""

    request: web.BaseRequest
    """The request of aiohttp's server."""

    recorded: RecordedRequest
    """The request as tests see it."""

    apply: Callable[[], Answer]
    """Carries out the request and returns the answer."""

    counts: Counter[int]
    """How many answers were sent, by status."""

    def reply(self, answer: Answer) -> web.StreamResponse:
        """Send the whole answer."""
        self._record_status(answer.status)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def reply_in_part(self, answer: Answer, length: int) -> None:
        """Send the status, the headers and the first `length` bytes of the body, and announce the rest."""
        self._record_status(answer.status)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        # The client may have closed the connection meanwhile; aiohttp's server would log that as an error.
        with suppress(ConnectionError):
            await response.prepare(self.request)
            await response.write(answer.body[:length])

    def close(self) -> web.StreamResponse:
        """Close the connection after what was written so far.

        Returns:
            A response, because a handler has to return one; it is never sent.
        """
        self.request.protocol.force_close()
        return web.Response()

    def _record_status(self, status: int) -> None:
        self.recorded.status = status
        self.counts[status] += 1
