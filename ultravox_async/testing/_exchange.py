"""One request and whatever is sent back for it."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import attrs
from aiohttp import web

from ultravox_async.testing._wire import Answer, RecordedRequest


@attrs.define(eq=False)
class Exchange:
    """One request on its connection; a fault decides what becomes of it."""

    request: web.BaseRequest
    """The request, as the server knows it."""

    recorded: RecordedRequest
    """The request, as a test knows it."""

    apply: Callable[[], Answer]
    """Carries out the request and gives what there is to answer."""

    counts: Counter[int]
    """How many answers were sent, by status."""

    def reply(self, answer: Answer) -> web.StreamResponse:
        """Send an answer whole."""
        self._note(answer.status)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def reply_in_part(self, answer: Answer, length: int) -> None:
        """Send the status, the headers and the first `length` bytes of the body, as if the rest were to follow."""
        self._note(answer.status)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        # The client may have hung up meanwhile, and the server would log that as an error.
        with suppress(ConnectionError):
            await response.prepare(self.request)
            await response.write(answer.body[:length])

    def close(self) -> web.StreamResponse:
        """Close the connection behind what was written so far.

        Returns:
            An answer for the server's sake: it cannot be sent any more.
        """
        self.request.protocol.force_close()
        return web.Response()

    def _note(self, status: int) -> None:
        self.recorded.status = status
        self.counts[status] += 1
