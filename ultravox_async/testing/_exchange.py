"""One request, and the ways to answer it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import attrs
from aiohttp import HttpVersion11, web

from ultravox_async.testing._files import FilePart
from ultravox_async.testing._wire import Answer, RecordedRequest

# The API documents that a batch of calls may have so many bytes.
_MAX_BODY_SIZE = 32 * 1024**2


async def read_body(request: web.BaseRequest) -> bytes | None:
    """The whole body of a request, None if it has more than 32 MiB."""
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        # Some clients, curl among them, send a large body only after this, or after a second.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # aiohttp must not take it for the beginning of the response.
        request.writer.output_size = 0
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > _MAX_BODY_SIZE:
            return None
    return bytes(body)


def record_of(request: web.BaseRequest, body: bytes) -> RecordedRequest:
    """A request that has just arrived, as tests see it."""
    return RecordedRequest(
        method=request.method,
        path=request.raw_path.partition("?")[0],
        query=request.query,
        headers=request.headers,
        body=body,
        at=asyncio.get_running_loop().time(),
    )


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

    async def reply(self, answer: Answer) -> web.StreamResponse:
        """Send the whole answer."""
        if isinstance(answer.body, FilePart):
            return await self.reply_in_part(answer, len(answer.body))
        self._record_status(answer.status)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def reply_in_part(self, answer: Answer, length: int) -> web.StreamResponse:
        """Send the status, the headers and the first `length` bytes of the body, and announce the rest."""
        self._record_status(answer.status)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        body = answer.body
        pieces = body.pieces(length) if isinstance(body, FilePart) else (body[:length],)
        # The client may have closed the connection meanwhile; aiohttp's server would log that as an error.
        with suppress(ConnectionError):
            await response.prepare(self.request)
            if self.request.method != "HEAD":
                for piece in pieces:
                    await response.write(piece)
        return response

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
