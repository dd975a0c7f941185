"""Files that are read while they are sent."""

import asyncio
import contextlib
import io
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol, TypeAlias, TypeVar, cast

import aiohttp
import attrs
from aiohttp.abc import AbstractStreamWriter

from ultravox_async._http.files import in_abandonable_thread, in_thread
from ultravox_async.errors import InvalidRequestError

T = TypeVar("T")

UploadSource: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
"""What can be uploaded: bytes, the path of a file, or a file object that was opened in binary mode.

A file object is read from where it stands, and not closed.
"""


class _Run(Protocol):
    """Does work on a file, in a thread or at once."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Do it, and return its result."""
        ...


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
    _run: _Run = attrs.field(repr=False)
    failure: Exception | None = attrs.field(default=None, init=False, repr=False)
    """Why it could not be read to its end; None if it could."""

    _was_read: bool = attrs.field(default=False, init=False, repr=False)
    _writer: "asyncio.Task[object] | None" = attrs.field(default=None, init=False, repr=False)

    @property
    def can_be_sent_again(self) -> bool:
        """Whether the same bytes can be read another time, or none has been read yet."""
        return not self._was_read or self._start is not None

    async def write_to(self, writer: AbstractStreamWriter, note_progress: Callable[[], None]) -> None:
        """Send it, from the beginning.

        Args:
            writer: Where it is written.
            note_progress: Called when a part of it has been sent.

        Raises:
            Exception: It cannot be read. That is noted as `failure` too, because aiohttp raises another error then.
        """
        await self.end_writing()
        self._writer = asyncio.current_task()
        left = self.size
        if self._was_read:
            await self._noting_failures(self._rewind)
        self._was_read = True
        while chunk := await self._noting_failures(partial(self._read, _CHUNK if left is None else min(_CHUNK, left))):
            left = None if left is None else left - len(chunk)
            await writer.write(chunk)
            note_progress()
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

    async def _noting_failures(self, work: Callable[[], T]) -> T:
        try:
            return await self._run(work)
        except Exception as error:
            self.failure = error
            raise

    def _read(self, size: int) -> bytes:
        chunk = cast("object", self._file.read(size))
        if not isinstance(chunk, bytes):
            # A file that does not block returns None if it has nothing yet. That is not its end.
            raise TypeError(f"read() returned {type(chunk).__name__}, and not bytes")
        return chunk

    def _rewind(self) -> None:
        self._file.seek(cast("int", self._start))


class _Payload(aiohttp.Payload):
    """The content of a file, as aiohttp sends it."""

    _value: FileContent
    _autoclose = True  # whoever opened the file closes it
    note_progress: Callable[[], None]

    @property
    def size(self) -> int | None:
        return self._value.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - aiohttp's signature
        raise TypeError("the content of a file is not text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self._value.write_to(writer, self.note_progress)


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

    def data(self, note_progress: Callable[[], None]) -> aiohttp.Payload:
        """Return what aiohttp sends; `note_progress` is called when a part of it has been sent."""
        payload = _Payload(self.content, content_type=self.media_type)
        payload.note_progress = note_progress
        return payload


@attrs.frozen
class FormBody(_Upload):
    """A form with a file and other fields (``multipart/form-data``, RFC 7578)."""

    fields: Mapping[str, str]
    """The fields beside ``file``, by their names in the form."""

    def data(self, note_progress: Callable[[], None]) -> aiohttp.FormData:
        """Return what aiohttp sends; `note_progress` is called when a part of the file has been sent."""
        payload = _Payload(self.content, filename=self.content.name)
        payload.note_progress = note_progress
        form = aiohttp.FormData(quote_fields=False)
        for name, value in self.fields.items():
            form.add_field(name, value)
        form.add_field("file", payload, filename=self.content.name)
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
            data = bytes(source)  # a copy of anything but bytes
            content = FileContent(_DEFAULT_NAME, len(data), io.BytesIO(data), 0, _at_once)
        elif isinstance(source, str | os.PathLike):
            path = Path(source)
            content = await in_thread(lambda: _content_of(files.enter_context(_opened(path)), in_thread))
        else:
            content = await in_thread(lambda: _content_of_object(source))
        try:
            yield content
        finally:
            await content.end_writing()


async def _at_once(work: Callable[[], T], /) -> T:
    return work()


def _opened(path: Path) -> BinaryIO:
    # Opening a pipe could take forever, and cannot be given up.
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InvalidRequestError("file", "takes the path of a regular file; open any other yourself")
    return path.open("rb")


def _content_of_object(file: BinaryIO) -> FileContent:
    try:
        nothing: object = file.read(0)
    except Exception:  # noqa: BLE001 - it has no such method, it is closed, or whatever it may raise
        nothing = None
    if asyncio.iscoroutine(nothing):  # as of a file object for asyncio, which would warn that it was never awaited
        nothing.close()
    if not isinstance(nothing, bytes):
        raise InvalidRequestError("file", "takes bytes, a path, or an open file object whose read() returns bytes")
    return _content_of(file, in_thread)


def _content_of(file: BinaryIO, run: _Run) -> FileContent:
    # Not every file object has these methods; an HTTP response of urllib has not.
    path = getattr(file, "name", None)
    name = Path(path).name if isinstance(path, str) else _DEFAULT_NAME
    # A header cannot contain everything that the name of a file can.
    name = "".join(character if character.isprintable() else "_" for character in name)
    try:
        start = file.tell() if file.seekable() else None
    except (AttributeError, OSError):
        start = None
    if start is None:
        # It may be a pipe, on which a read takes as long as the other side likes.
        return FileContent(name, None, file, None, in_abandonable_thread)
    size = file.seek(0, os.SEEK_END) - start
    file.seek(start)
    return FileContent(name, max(0, size), file, start, run)
