"""Files that are read while they are sent."""

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, TypeAlias, TypeVar, cast

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from ultravox_async._http.files import in_thread
from ultravox_async.errors import InvalidRequestError

T = TypeVar("T")

UploadSource: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
"""What can be uploaded: bytes, the path of a file, or a file object that was opened in binary mode.

A file object is read from where it stands, and not closed.
"""

_CHUNK = 128 * 1024
_DEFAULT_NAME = "file"


@attrs.define(eq=False)
class FileContent:
    """The content of a file, which is read in pieces, in a thread."""

    name: str
    """The name of the file, without its folder."""

    size: int | None
    """The number of bytes; None if the file does not tell."""

    _file: BinaryIO = attrs.field(repr=False)
    _start: int | None = attrs.field(repr=False)
    failure: Exception | None = attrs.field(default=None, init=False, repr=False)
    """Why it could not be read to its end; None if it could."""

    _was_read: bool = attrs.field(default=False, init=False, repr=False)
    _writer: "asyncio.Task[object] | None" = attrs.field(default=None, init=False, repr=False)

    @property
    def can_be_sent_again(self) -> bool:
        """Whether the same bytes can be read another time, or none has been read yet."""
        return not self._was_read or self._start is not None

    async def write_to(self, writer: AbstractStreamWriter) -> None:
        """Send it, from the beginning.

        Raises:
            Exception: It cannot be read. That is noted as `failure` too, because aiohttp raises another error then.
        """
        await self.end_writing()
        self._writer = asyncio.current_task()
        left = self.size
        if self._was_read:
            await self._in_thread(self._rewind)
        self._was_read = True
        while chunk := await self._read(_CHUNK if left is None else min(_CHUNK, left)):
            left = None if left is None else left - len(chunk)
            await writer.write(chunk)
        if left:
            self.failure = EOFError(f"it became {left} bytes shorter while it was sent")
            raise self.failure

    async def end_writing(self) -> None:
        """End the task of aiohttp that sends it, if there is one, and wait until it is over.

        aiohttp cancels it when an attempt fails, but does not wait for it: it could still read from the file.
        """
        writer, self._writer = self._writer, None
        if writer is not None and not writer.done():
            writer.cancel()
            await asyncio.wait([writer])

    async def _read(self, size: int) -> bytes:
        return await self._in_thread(lambda: self._file.read(size))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # A file that cannot seek may be a pipe, on which a read takes as long as the other side likes. Such a file is
        # not sent again, so it does no harm that a read goes on after a cancellation.
        wait = asyncio.to_thread if self._start is None else in_thread
        try:
            return await wait(work)
        except Exception as error:
            self.failure = error
            raise

    def _rewind(self) -> None:
        self._file.seek(cast("int", self._start))


class _Payload(aiohttp.Payload):
    """The content of a file, as aiohttp sends it."""

    _value: FileContent
    _autoclose = True  # whoever opened the file closes it

    @property
    def size(self) -> int | None:
        return self._value.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - aiohttp's signature
        raise TypeError("the content of a file is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self._value.write_to(writer)


@attrs.frozen
class _Upload:
    """A body with the content of a file."""

    content: FileContent

    content_type: ClassVar[None] = None  # aiohttp adds it
    secrets: ClassVar[tuple[str, ...]] = ()

    @property
    def can_be_sent_again(self) -> bool:
        """Whether it can be sent a second time."""
        return self.content.can_be_sent_again

    @property
    def size(self) -> int | None:
        """The number of bytes of the file; None if it is not known."""
        return self.content.size

    @property
    def failure(self) -> Exception | None:
        """Why the file could not be read to its end; None if it could."""
        return self.content.failure


@attrs.frozen
class FileBody(_Upload):
    """A body that is the content of a file."""

    media_type: str
    """What the file contains, for example ``application/pdf``."""

    def data(self) -> aiohttp.Payload:
        """Return what aiohttp sends."""
        return _Payload(self.content, content_type=self.media_type)


@attrs.frozen
class FormBody(_Upload):
    """A form with a file and other fields (``multipart/form-data``, RFC 7578)."""

    fields: Mapping[str, str]
    """The fields beside ``file``, by their names in the form."""

    def data(self) -> aiohttp.FormData:
        """Return what aiohttp sends."""
        form = aiohttp.FormData(quote_fields=False)
        for name, value in self.fields.items():
            form.add_field(name, value)
        form.add_field("file", _Payload(self.content, filename=self.content.name), filename=self.content.name)
        return form


@contextlib.asynccontextmanager
async def opened(source: UploadSource) -> AsyncGenerator[FileContent, None]:
    """Open what is uploaded, and close it at the end unless it was open before.

    Raises:
        InvalidRequestError: `source` is nothing that can be uploaded.
        OSError: The file cannot be opened.
    """
    # A file that was opened in a thread is closed even if the task is cancelled meanwhile.
    with contextlib.ExitStack() as files:
        if isinstance(source, bytes | bytearray | memoryview):
            file: BinaryIO = io.BytesIO(source)
        elif isinstance(source, str | os.PathLike):
            file = await in_thread(lambda: files.enter_context(Path(source).open("rb")))
        elif _is_binary_file(source):
            file = source
        else:
            raise InvalidRequestError("file", "takes bytes, a path, or a file object that was opened in binary mode")
        content = await in_thread(lambda: _content_of(file))
        try:
            yield content
        finally:
            await content.end_writing()


def _is_binary_file(source: object) -> bool:
    return hasattr(source, "read") and not isinstance(source, io.TextIOBase)


def _content_of(file: BinaryIO) -> FileContent:
    # Not every file object has these methods; an HTTP response of urllib has not.
    path = getattr(file, "name", None)
    name = Path(path).name if isinstance(path, str) else _DEFAULT_NAME
    try:
        start = file.tell() if file.seekable() else None
    except (AttributeError, OSError):
        start = None
    if start is None:
        return FileContent(name, None, file, None)
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return FileContent(name, max(0, size), file, start)
