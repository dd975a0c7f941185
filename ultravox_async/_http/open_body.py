"""The body of a response that the caller reads piece by piece."""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
from yarl import URL

from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.failures import Failures, closed_meanwhile
from ultravox_async._http.messages import Request
from ultravox_async._http.pool import Pool
from ultravox_async.errors import APIStatusError, UltravoxError

_YIELD_EVERY_BYTES: Final = 1024 * 1024
# RFC 9110, section 15.4: after these, the method stays the same.
_SAME_METHOD: Final = frozenset({307, 308})


class OpenBody:
    """A successful response whose body is still to be read. It has the permit of its attempt until it is closed.

    The class has `__slots__`, because the response of aiohttp contains the headers of the request, and with them the
    key; `vars` would show them.

    Args:
        response: The response, of which the headers have arrived.
        pool: The pool that it came through.
        request: The request.
        attempt: The attempt that has sent it.
        failures: Makes the errors.
        read_timeout: The maximum number of seconds without data.
    """

    __slots__ = (
        "_attempt",
        "_closed",
        "_failures",
        "_pool",
        "_read_timeout",
        "_request",
        "_response",
        "_size",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - what an attempt consists of
        self,
        response: aiohttp.ClientResponse,
        pool: Pool,
        request: Request,
        attempt: Attempt,
        failures: Failures,
        read_timeout: float,
    ) -> None:
        self._response = response
        self._pool = pool
        self._request = request
        self._attempt = attempt
        self._failures = failures
        self._read_timeout = read_timeout
        self._closed = False
        self._size = 0
        pool.open_bodies.add(self)

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return self._response.status

    @property
    def url(self) -> URL:
        """Where it comes from."""
        return self._response.url

    @property
    def repeats_method(self) -> bool:
        """Whether it is a redirect of a request with a body, which would have to be sent again with its body."""
        return self._request.body is not None and self.status in _SAME_METHOD

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; names are case-insensitive."""
        return self._response.headers

    async def read(self) -> bytes | UltravoxError:
        """Return the next piece, which is empty at the end of the body, or an error."""
        if self._closed:
            return self._closed_error()
        deadlines = self._pool.deadlines
        attempt = deadlines.start(asyncio.timeout(None), math.inf, self._read_timeout)
        attempt.sent = True
        deadlines.reset_read_timeout(attempt)
        try:
            async with attempt.scope:
                piece = await next_chunk(self._response.content)
        except (aiohttp.ClientError, OSError) as error:
            if self._closed:
                return self._closed_error()
            piece = _arrived(self._response.content)
            if not piece:
                return self._error_from(error, attempt)
        finally:
            deadlines.stop(attempt)
        self._size = await counted(self._size, piece)
        self._attempt.note_piece(len(piece))
        return piece

    def _error_from(self, error: Exception, attempt: Attempt) -> UltravoxError:
        if self._pool.scheduler.closed:
            return closed_meanwhile(self._request)
        return self._failures.connection_error_from(self._pool, self._request, attempt, error)

    def _closed_error(self) -> UltravoxError:
        if self._pool.scheduler.closed:
            return closed_meanwhile(self._request)
        return UltravoxError(f"{self._request.method} {self._request.path}: this response is closed")

    def refused_redirect(self) -> APIStatusError:
        """Return the error of a redirect that is not followed."""
        return self._failures.status_error_from(self._request, self._response, b"")

    def close(self) -> None:
        """Give back the permit and the connection, which is closed unless the body was read to its end."""
        if self._closed:
            return
        self._closed = True
        self._pool.open_bodies.discard(self)
        self._pool.body_closed.set()
        if not self._response.content.is_eof():
            self._attempt.drop_connection()
        self._response.close()
        self._pool.scheduler.release(self._request.operation)


def _arrived(content: aiohttp.StreamReader) -> bytes:
    """Return what had arrived before the connection was lost.

    aiohttp raises the error before it hands that out. Without it, a connection that is always lost early would never
    bring a download any further.
    """
    # There is no public way to it. If this name is gone one day, the bytes are requested again.
    read: Callable[[int], bytes] = getattr(content, "_read_nowait", lambda _: b"")
    return read(-1)


async def next_chunk(content: aiohttp.StreamReader) -> bytes:
    """Return the bytes that have arrived, and wait if there are none; empty at the end.

    Raises:
        aiohttp.ClientError: The connection was lost.
    """
    try:
        return await content.readany()
    except RuntimeError as error:  # aiohttp raises this if the connection was closed before reading began
        raise aiohttp.ClientConnectionError(str(error)) from None


async def counted(size: int, chunk: bytes) -> int:
    """Return the size including a chunk, and let other tasks run once in a MiB."""
    # A compressed body can be read from its buffer without a single wait, and would block the event loop.
    if (size + len(chunk)) // _YIELD_EVERY_BYTES > size // _YIELD_EVERY_BYTES:
        await asyncio.sleep(0)
    return size + len(chunk)
