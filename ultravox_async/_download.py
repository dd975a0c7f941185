"""Contents that are no JSON: recordings, samples of voices, logs."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from random import random
from types import TracebackType
from typing import Final, Self

import attrs

from ultravox_async._http.files import PartialFile, in_thread
from ultravox_async._http.headers import extra_headers
from ultravox_async._http.messages import Request
from ultravox_async._http.open_body import OpenBody
from ultravox_async._http.redirects import locate, open_body
from ultravox_async._http.retry import retry_delay
from ultravox_async._http.transport import Transport
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import APIConnectionError, UltravoxError

# Compression would save nothing for audio, and the ranges of a compressed content are not those of the content.
_HEADERS: Final[Mapping[str, str]] = {"Accept": "*/*", "Accept-Encoding": "identity"}
_PARTIAL_CONTENT: Final = 206
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII | re.IGNORECASE)
# How much is written to a file at once.
_WRITE_SIZE: Final = 1024 * 1024


class DownloadStream:
    """A content that is being downloaded: iterate over it to get its bytes, piece by piece.

    If the connection is lost, the rest is requested from where it ended, if the server supports that and its content is
    still the same (RFC 9110, sections 13.1.5 and 14). A piece has up to about 128 KiB. While the loop over the pieces
    is slow, the server is slowed down too: nothing piles up in memory.

    It is an asynchronous context manager, which closes it at the end.
    """

    def __init__(self, transport: Transport, request: Request, body: OpenBody, end: Callable[[], None]) -> None:
        self._transport = transport
        self._request = request
        self._body = body
        self._end: Callable[[], None] | None = end
        self._is_reading = False
        self._received = 0
        self._failures = 0
        self._status = body.status
        self._content_type = body.headers.get("Content-Type")
        self._content_length = _length_of(body)
        self._validator = _validator_of(body)

    def __repr__(self) -> str:
        return f"<DownloadStream of {self._name()}: {self._content_type}>"

    @property
    def status(self) -> int:
        """The HTTP status code, of the first response if there were several."""
        return self._status

    @property
    def content_type(self) -> str | None:
        """The media type, for example ``audio/wav``; None if the server does not say."""
        return self._content_type

    @property
    def content_length(self) -> int | None:
        """The number of bytes of the whole content; None if the server does not say."""
        return self._content_length

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._is_reading:
            raise UltravoxError(f"{self._name()}: another task waits for the next piece of this download")
        self._is_reading = True
        try:
            piece = await self._next_piece()
        finally:
            self._is_reading = False
        if not piece:
            raise StopAsyncIteration
        self._received += len(piece)
        self._failures = 0
        return piece

    async def _next_piece(self) -> bytes:
        while True:
            piece = await self._body.read()
            if piece == b"" and self._received < (self._content_length or 0):
                missing = f"the content ended after {self._received} of {self._content_length} bytes"
                piece = APIConnectionError(self._request.method, self._request.path, missing, connected=True)
            if isinstance(piece, bytes):
                return piece
            await self._resume_after(piece)

    def _name(self) -> str:
        return f"{self._request.method} {self._request.path}"

    async def read(self) -> bytes:
        """Return the rest of the content, however long it is.

        Raises:
            UltravoxError: As for iteration.
        """
        return b"".join([piece async for piece in self])

    async def save(self, path: str | os.PathLike[str]) -> int:
        """Write the rest of the content to a file, and return the number of bytes.

        It is written beside that place, and gets its name when it is complete: if anything fails, or the task is
        cancelled, a file that was there before is still there, and nothing else. Of a symbolic link, the file that it
        leads to is replaced.

        Raises:
            OSError: The file cannot be written, or it is a device or a pipe: iterate, and write to that yourself.
            UltravoxError: As for iteration.
        """
        partial = await in_thread(lambda: PartialFile(Path(path)))
        size = 0
        try:
            await in_thread(partial.create)
            waiting = bytearray()
            async for piece in self:
                waiting += piece
                size += len(piece)
                if len(waiting) >= _WRITE_SIZE:
                    full, waiting = waiting, bytearray()
                    await in_thread(lambda: partial.append(full))  # noqa: B023 - it has run before `full` changes
            await in_thread(lambda: partial.append(waiting))
            await in_thread(partial.keep)
        except BaseException:
            await in_thread(partial.discard)
            raise
        return size

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the download, whether or not it is complete; closing again does nothing."""
        self._body.close()
        end, self._end = self._end, None
        if end is not None:
            end()

    async def _resume_after(self, error: UltravoxError) -> None:
        """Request the rest of the content.

        Raises:
            UltravoxError: `error`, if that is not possible; or what happened to the request for the rest.
        """
        self._body.close()
        self._failures += 1
        delay = self._delay_after(error)
        if delay is None:
            raise error
        await self._transport.pause(delay)
        headers = {**_HEADERS, "Range": f"bytes={self._received}-", "If-Range": self._validator or ""}
        request = attrs.evolve(self._request, headers=extra_headers(Secret(headers)))
        body = await open_body(self._transport, request)
        # Another task may have ended the download meanwhile, and would never close this.
        if self._end is None or not self._continues(body):
            body.close()
            reason = "the connection was lost, and the server did not send the rest of the same content"
            raise APIConnectionError(self._request.method, self._request.path, reason, connected=True)
        self._body = body

    def _delay_after(self, error: UltravoxError) -> float | None:
        if self._validator is None or self._end is None or not isinstance(error, APIConnectionError):
            return None
        policy = self._transport.options.retry
        return retry_delay(policy, self._request, self._failures, error, random=random, longest=policy.max_delay)

    def _continues(self, body: OpenBody) -> bool:
        """Return whether it is the rest of the same content: RFC 9110, section 15.3.7, says what has to agree."""
        content_range = _CONTENT_RANGE.fullmatch(body.headers.get("Content-Range", ""))
        if body.status != _PARTIAL_CONTENT or content_range is None or body.headers.get("ETag") != self._validator:
            return False
        begins_at, total = content_range.groups()
        is_as_long = total == "*" or self._content_length in {None, int(total)}
        return int(begins_at) == self._received and is_as_long and not _is_encoded(body)


class Download:
    """A content that can be downloaded, as the methods of resources return it. Nothing is sent before it is used.

    Use it with ``async with``, which gives a `DownloadStream`; or call `save` or `url`::

        async with ultravox.calls.recording(call_id) as download:
            async for piece in download:
                ...

        await ultravox.calls.recording(call_id).save("call.wav")

    The API may redirect to storage on another origin. That redirect is followed by a session that never has the key,
    over https only (over http, if the base URL is on a loopback address), at most three times. Requests have the
    timeouts and retries of all others; `Timeout.total` ends when the headers have arrived, and `Timeout.read` goes on.
    There is no limit to the size. Downloads and uploads use at most half of the places in the pool, and others wait. So
    with a pool of fewer than four places, none can be begun while another one is open.

    Entering it, `save` and `url` raise what any request can raise (see `ultravox_async.errors`); and `RedirectError` if
    a redirect is not followed.
    """

    def __init__(self, transport: Transport, request: Request) -> None:
        self._transport = transport
        self._request = attrs.evolve(request, headers=extra_headers(Secret(_HEADERS)))
        self._stream: DownloadStream | None = None

    def __repr__(self) -> str:
        return f"<Download of {self._request.method} {self._request.path}>"

    async def open(self) -> DownloadStream:
        """Begin to download, where ``async with`` cannot be used; whoever calls this has to close the stream.

        Raises:
            UltravoxError: The content cannot be downloaded.
        """
        end = await self._transport.begin_stream()
        try:
            body = await open_body(self._transport, self._request)
        except BaseException:
            end()
            raise
        return DownloadStream(self._transport, self._request, body, end)

    async def __aenter__(self) -> DownloadStream:
        stream = await self.open()
        if self._stream is not None:
            stream.close()
            msg = "this Download is in use; make another one"
            raise UltravoxError(msg)
        self._stream = stream
        return stream

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    async def save(self, path: str | os.PathLike[str]) -> int:
        """Download the content to a file, and return the number of bytes; as `DownloadStream.save`.

        Raises:
            OSError: The file cannot be written.
            UltravoxError: The content could not be downloaded.
        """
        async with await self.open() as stream:
            return await stream.save(path)

    async def url(self) -> str:
        """Return the address that the API redirects to, without fetching it.

        It needs no key: whoever knows it can read the content for as long as it is valid.

        Raises:
            UltravoxError: The API sends the content itself, and has no other address of it; or anything else that can
                go wrong with a request.
        """
        return str(await locate(self._transport, self._request))


def _length_of(body: OpenBody) -> int | None:
    length = body.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and not _is_encoded(body) else None


def _validator_of(body: OpenBody) -> str | None:
    """Return the strong entity tag of a content whose rest can be requested; None if it has none."""
    tag = body.headers.get("ETag", "")
    has_ranges = body.headers.get("Accept-Ranges", "bytes").lower() != "none"
    return tag if tag.startswith('"') and has_ranges and not _is_encoded(body) else None


def _is_encoded(body: OpenBody) -> bool:
    return body.headers.get("Content-Encoding", "identity").lower() != "identity"
