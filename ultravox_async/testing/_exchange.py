"""One request, and the ways to answer it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import attrs
from aiohttp import web

from ultravox_async.testing._wire import Answer, RecordedRequest

# The API documents that a batch of calls may have so many bytes.
_MAX_BODY_SIZE = 32 * 1024**2


async def read_body(request: web.BaseRequest) -> bytes | None:
    """The whole body of a request, None if it has more than 32 MiB."""
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


def closed(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection of a request after what was written so far.

    Returns:
        A response, because a handler has to return one; it is never sent.
    """
    request.protocol.force_close()
    return web.Response()


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
        return closed(self.request)

    def _record_status(self, status: int) -> None:
        self.recorded.status = status
        self.counts[status] += 1
