import asyncio
import contextlib
import io
import os
import re
import tempfile
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import BinaryIO, cast

import aiohttp
import pytest
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from tests.wire import HANG_UP, KEY, Received, Say, Wire, answer, client_of, in_turn, shown
from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncUltravox,
    ClientClosedError,
    InvalidRequestError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    Timeout,
    UltravoxError,
    UploadSource,
)
from ultravox_async._http.uploads import FileBody, opened

CORPUS = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
SOUND = bytes(range(256)) * 2000
VOICE = {"voiceId": "some-id", "name": "Ann"}
CLONED = answer(201, VOICE)
LIMITED = answer(429, {"detail": "slow down"})


def parts_of(request: Received) -> dict[str, Message]:
    """Return the parts of a form, by their names, as another implementation of the standard reads them."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = message_from_bytes(head + request.body)
    parts = cast("list[Message]", form.get_payload())
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


def content_of(request: Received) -> bytes:
    return cast("bytes", parts_of(request)["file"].get_payload(decode=True))


class OneWay(io.RawIOBase):
    """A file object that cannot seek, such as a pipe or the response of a server."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


async def clone(ultravox: AsyncUltravox, file: UploadSource = SOUND) -> None:
    await ultravox.voices.clone(file=file, name="Ann")


async def test_a_form_has_the_file_and_the_fields() -> None:
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        voice = await ultravox.voices.clone(SOUND, name="Ann", description="süß", language="de-CH")
    request = api.received[0]
    parts = parts_of(request)
    assert (request.method, request.target, voice.name) == ("POST", "/api/voices", "Ann")
    assert list(parts) == ["name", "description", "language", "file"]
    assert parts["name"].get_payload() == "Ann"
    assert cast("bytes", parts["description"].get_payload(decode=True)).decode() == "süß"
    assert parts["language"].get_payload() == "de-CH"
    assert content_of(request) == SOUND
    assert request.headers["x-api-key"] == KEY


async def test_the_length_of_a_form_is_announced() -> None:
    # Many servers cannot read a form without it.
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox)
    assert int(api.received[0].headers["content-length"]) == len(api.received[0].body)
    assert "transfer-encoding" not in api.received[0].headers


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_file_is_read_from_its_path(kind: Callable[[Path], UploadSource], tmp_path: Path) -> None:
    path = tmp_path / "ann.mp3"
    path.write_bytes(SOUND)
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox, kind(path))
    assert content_of(api.received[0]) == SOUND
    assert parts_of(api.received[0])["file"].get_filename() == "ann.mp3"
    assert parts_of(api.received[0])["file"].get_content_type() == "audio/mpeg"


async def test_a_name_with_quotes_and_umlauts_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'ä "quoted".mp3'
    path.write_bytes(SOUND)
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox, path)
    assert 'filename="ä \\"quoted\\".mp3"'.encode() in api.received[0].body


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_of_each_kind_are_sent(kind: Callable[[bytes], bytes]) -> None:
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox, kind(SOUND))
    assert content_of(api.received[0]) == SOUND


async def test_a_file_object_is_read_from_where_it_stands_and_stays_open(tmp_path: Path) -> None:
    (tmp_path / "ann.mp3").write_bytes(b"skipped" + SOUND)
    with (tmp_path / "ann.mp3").open("rb") as file:
        file.read(7)
        async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
            await clone(ultravox, file)
        assert not file.closed
    assert content_of(api.received[0]) == SOUND
    assert parts_of(api.received[0])["file"].get_filename() == "ann.mp3"


class ForAsyncio:
    """As the uploaded files of web frameworks are."""

    async def read(self, size: int = -1) -> bytes:
        return SOUND[:size]


def closed_file() -> io.BytesIO:
    file = io.BytesIO(SOUND)
    file.close()
    return file


@pytest.mark.parametrize("file", [42, None, io.StringIO("text"), ["a"], object(), ForAsyncio(), closed_file()])
async def test_what_cannot_be_uploaded_is_refused_before_anything_is_sent(file: UploadSource) -> None:
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(InvalidRequestError, match="file: takes bytes, a path, or an open file object whose read"):
            await clone(ultravox, file)
    assert api.received == []


async def test_a_temporary_file_for_text_is_refused_although_it_is_of_no_known_class() -> None:
    with tempfile.SpooledTemporaryFile(mode="w+") as file:
        async with client_of("http://127.0.0.1:9") as ultravox:
            with pytest.raises(InvalidRequestError, match="whose read"):
                await clone(ultravox, cast("BinaryIO", file))


async def test_the_path_of_a_pipe_is_refused_because_opening_it_could_take_forever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with client_of("http://127.0.0.1:9") as ultravox:
        with pytest.raises(InvalidRequestError, match="takes the path of a regular file"):
            await clone(ultravox, tmp_path / "pipe")


async def test_the_path_of_a_folder_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    async with client_of("http://127.0.0.1:9") as ultravox:
        with pytest.raises(IsADirectoryError):
            await clone(ultravox, tmp_path)


@pytest.mark.parametrize("name", [b"a\nb.mp3", b"\xff\xfe.mp3", b"a\x00b.mp3"[:1] + b"\x7f.mp3"])
async def test_a_file_whose_name_no_header_can_contain_is_sent_under_another_one(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(SOUND)
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox, path)
    assert content_of(api.received[0]) == SOUND
    assert "_" in str(parts_of(api.received[0])["file"].get_filename())


async def test_bytes_that_are_not_contiguous_are_sent() -> None:
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        await clone(ultravox, memoryview(SOUND)[::2])
    assert content_of(api.received[0]) == SOUND[::2]


async def test_a_file_that_is_not_there_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(FileNotFoundError):
            await clone(ultravox, tmp_path / "missing.mp3")
    assert api.received == []


async def test_a_field_over_its_limit_is_refused_before_the_file_is_opened(tmp_path: Path) -> None:
    async with client_of("http://127.0.0.1:9") as ultravox:
        with pytest.raises(InvalidRequestError, match="name"):
            await ultravox.voices.clone(tmp_path / "missing.mp3", name="x" * 41)


async def test_a_content_that_can_be_read_again_is_sent_again_after_a_429(tmp_path: Path) -> None:
    (tmp_path / "ann.mp3").write_bytes(SOUND)
    with (tmp_path / "ann.mp3").open("rb") as file:
        for source in (SOUND, tmp_path / "ann.mp3", file):
            async with Wire(in_turn(LIMITED, CLONED)) as api, client_of(api.base_url) as ultravox:
                await clone(ultravox, source)
            assert [content_of(request) for request in api.received] == [SOUND, SOUND]


async def in_chunks(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while size := int(await reader.readline(), 16):
        content += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return content


Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(converse: Conversation, port: int = 0) -> AsyncGenerator[str, None]:
    """Give the base URL of a server that reads as much of a request as it likes."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            await converse(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def test_an_object_that_can_do_nothing_but_read_is_sent_in_chunks() -> None:
    class Reader:
        read = io.BytesIO(SOUND).read

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        received.append(await in_chunks(reader))
        writer.write(CLONED.data)
        await writer.drain()

    received: list[bytes] = []
    async with raw_server(serve) as base_url, client_of(base_url) as ultravox:
        await clone(ultravox, cast("BinaryIO", Reader()))
    assert SOUND in received[0]


async def test_the_content_of_a_file_is_never_taken_for_text() -> None:
    # aiohttp asks for it in order to show a body, or to sign it.
    async with opened(SOUND) as content:
        with pytest.raises(TypeError, match="not text"):
            FileBody(content, "audio/wav").data(lambda: None).decode()


async def test_a_content_that_cannot_be_read_again_is_sent_in_chunks_and_once() -> None:
    received: list[bytes] = []

    async def limit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        received.append(await in_chunks(reader))
        writer.write(LIMITED.data)
        await writer.drain()

    async with raw_server(limit) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(RateLimitError):
            await clone(ultravox, cast("BinaryIO", OneWay(SOUND)))
    assert len(received) == 1
    assert SOUND in received[0]


async def test_a_content_that_was_not_read_yet_is_sent_although_it_cannot_be_read_again() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        received.append(await in_chunks(reader))
        writer.write(CLONED.data)
        await writer.drain()

    async with contextlib.AsyncExitStack() as stack:

        async def start(*_: object) -> None:
            await stack.enter_async_context(raw_server(serve, port))

        async with raw_server(serve) as base_url:
            port = int(base_url.rpartition(":")[2])
        trace = aiohttp.TraceConfig()
        trace.on_request_exception.append(start)
        async with client_of(base_url, trace_configs=[trace]) as ultravox:
            await clone(ultravox, cast("BinaryIO", OneWay(SOUND)))
    assert len(received) == 1


async def breaks_off(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readexactly(100_000)


async def test_an_upload_that_breaks_off_is_not_sent_again() -> None:
    connections: list[None] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(None)
        await breaks_off(reader, writer)

    async with raw_server(converse) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIConnectionError) as caught:
            await clone(ultravox, b"x" * 5_000_000)
    assert caught.value.connected
    assert len(connections) == 1


async def refuses_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer(413, {"detail": "too large"}).data)
    await writer.drain()
    await asyncio.Event().wait()


async def test_a_refusal_before_the_end_of_an_upload_is_seen() -> None:
    async with raw_server(refuses_early) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIStatusError, match="too large"):
            await clone(ultravox, b"x" * 20_000_000)


async def reads_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.Event().wait()


async def test_an_upload_that_nobody_reads_ends_with_the_read_timeout() -> None:
    timeout = Timeout(read=0.05)
    async with raw_server(reads_nothing) as base_url, client_of(base_url, timeout=timeout) as ultravox:
        with pytest.raises(APITimeoutError, match=r"Timeout\.read"):
            await clone(ultravox, b"x" * 20_000_000)


async def test_a_close_ends_an_upload_that_nobody_reads(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 20_000_000)
    begun = asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reads_nothing(reader, writer)

    async with raw_server(converse) as base_url, client_of(base_url) as ultravox:
        task = asyncio.create_task(clone(ultravox, tmp_path / "large"))
        await begun.wait()
        await ultravox.close()
        with pytest.raises(ClientClosedError):
            await task


@pytest.mark.parametrize("turns", range(0, 30, 3))
async def test_cancelling_an_upload_at_any_moment_leaves_nothing_behind(turns: int, tmp_path: Path) -> None:
    (tmp_path / "ann.mp3").write_bytes(SOUND)
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url, pool_size=1) as ultravox:
        task = asyncio.create_task(clone(ultravox, tmp_path / "ann.mp3"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await clone(ultravox)  # the place is free again
    assert content_of(api.received[-1]) == SOUND


async def test_a_file_that_becomes_shorter_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "ann.mp3"
    path.write_bytes(b"x" * 20_000_000)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        os.truncate(path, 1_000_000)
        await reader.read()
        writer.close()

    async with raw_server(converse) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIConnectionError, match="shorter"):
            await clone(ultravox, path)


async def test_a_file_that_becomes_longer_is_sent_as_long_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ann.mp3"
    path.write_bytes(SOUND)

    class Growing(io.FileIO):
        def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
            place = super().seek(offset, whence)
            if whence == os.SEEK_SET:  # its size is known now
                with path.open("ab") as file:
                    file.write(b"more")
            return place

    with Growing(path) as file:
        async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
            await clone(ultravox, cast("BinaryIO", file))
    assert content_of(api.received[0]) == SOUND


async def test_a_read_that_fails_is_an_error_that_says_so() -> None:
    class Broken(OneWay):
        def read(self, size: int = -1) -> bytes:
            if size:
                raise OSError(5, f"cannot read {size} bytes")
            return b""

    async with raw_server(reads_nothing) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIConnectionError, match=r"the file could not be read: .*cannot read 131072 bytes"):
            await clone(ultravox, cast("BinaryIO", Broken(b"")))


@pytest.mark.parametrize("chunk", [None, "text"])
async def test_a_read_that_gives_no_bytes_is_an_error_and_not_the_end(chunk: object) -> None:
    class Odd(OneWay):
        def read(self, size: int = -1) -> bytes:
            return cast("bytes", chunk) if size else b""

    async with raw_server(reads_nothing) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIConnectionError, match=r"could not be read: read\(\) returned"):
            await clone(ultravox, cast("BinaryIO", Odd(b"")))


async def test_a_read_that_raises_stop_iteration_is_an_error() -> None:
    class Exhausted(OneWay):
        def read(self, size: int = -1) -> bytes:
            return next(iter([])) if size else b""

    async with raw_server(reads_nothing) as base_url, client_of(base_url) as ultravox:
        with pytest.raises(APIConnectionError, match="StopIteration was raised"):
            await clone(ultravox, cast("BinaryIO", Exhausted(b"")))


async def test_uploads_from_pipes_that_have_stalled_keep_no_other_from_reading_its_file(tmp_path: Path) -> None:
    goes_on = threading.Event()
    reading = threading.Semaphore(0)

    class Stalled(OneWay):
        def read(self, size: int = -1) -> bytes:
            if size:
                reading.release()
                goes_on.wait(20)
            return b""

    (tmp_path / "ann.mp3").write_bytes(SOUND)
    async with Wire(in_turn(CLONED)) as api, client_of(api.base_url) as ultravox:
        for _ in range(40):  # more than the event loop has threads for such work
            task = asyncio.create_task(clone(ultravox, cast("BinaryIO", Stalled(b""))))
            while not reading.acquire(blocking=False):  # noqa: ASYNC110 - it is another thread that reads
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await clone(ultravox, tmp_path / "ann.mp3")
    assert content_of(api.received[-1]) == SOUND
    goes_on.set()


async def test_each_piece_that_is_sent_counts_against_the_silence_of_the_server() -> None:
    sent: list[str] = []

    class Writer(AbstractStreamWriter):
        async def write(self, chunk: bytes | bytearray | memoryview) -> None:
            sent.append(f"{len(chunk)} bytes")

        async def write_eof(self, chunk: bytes = b"") -> None:
            raise AssertionError(chunk)

        async def drain(self) -> None:
            raise AssertionError

        def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
            raise AssertionError(encoding, strategy)

        def enable_chunking(self) -> None:
            raise AssertionError

        async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
            raise AssertionError(status_line, headers)

    async with opened(b"x" * 300_000) as content:
        body = FileBody(content, "audio/wav").data(lambda: sent.append("progress"))
        await asyncio.create_task(body.write(Writer()))  # aiohttp writes in a task of its own
    assert sent == ["131072 bytes", "progress", "131072 bytes", "progress", "37856 bytes", "progress"]


async def test_the_event_loop_goes_on_while_a_file_is_read() -> None:
    is_read = threading.Event()

    class Slow(OneWay):
        def read(self, size: int = -1) -> bytes:
            is_read.wait(10)
            return super().read(size)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await in_chunks(reader)
        writer.write(CLONED.data)
        await writer.drain()

    async with raw_server(converse) as base_url, client_of(base_url) as ultravox:
        task = asyncio.create_task(clone(ultravox, cast("BinaryIO", Slow(SOUND))))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not task.done()
        is_read.set()
        await task


async def test_an_openapi_document_gives_its_tools() -> None:
    tool = {"toolId": "t1", "name": "look_up", "created": "2026-07-02T10:00:00Z"}
    for content in (tool, [tool]):
        async with Wire(in_turn(answer(201, content))) as api, client_of(api.base_url) as ultravox:
            tools = await ultravox.tools.import_openapi(b"openapi: 3.0.3")
        assert [found.name for found in tools] == ["look_up"]
        assert (api.received[0].method, api.received[0].target) == ("POST", "/api/tools")
        assert content_of(api.received[0]) == b"openapi: 3.0.3"


SOURCE = {"corpusId": CORPUS, "sourceId": "s1", "created": "2026-07-02T10:00:00Z", "name": "manual.pdf"}
SECRET = "signature-canary-93a25c6"


@contextlib.asynccontextmanager
async def corpus(
    *stored: Say, source: Say | None = None, url: str = ""
) -> AsyncGenerator[tuple[Wire, Wire, AsyncUltravox], None]:
    async with Wire(in_turn(*stored)) as storage:
        place = {"documentId": "d1", "presignedUrl": url or f"{storage.base_url}/d%2F1?signature={SECRET}&x=a+b"}
        said = answer(201, place), source or answer(201, SOURCE)
        async with Wire(in_turn(*said)) as api, client_of(api.base_url) as ultravox:
            yield api, storage, ultravox


async def test_a_document_is_uploaded_in_three_steps(tmp_path: Path) -> None:
    path = tmp_path / "manual.pdf"
    path.write_bytes(SOUND)
    async with corpus(answer(200, body=b"")) as (api, storage, ultravox):
        source = await ultravox.corpora.upload(CORPUS, path, description="How it works")
    assert source.source_id == "s1"
    assert [(request.method, request.target) for request in api.received] == [
        ("POST", f"/api/corpora/{CORPUS}/uploads"),
        ("POST", f"/api/corpora/{CORPUS}/sources"),
    ]
    assert api.received[0].body == b'{"mimeType":"application/pdf","fileName":"manual.pdf"}'
    assert api.received[1].body == (
        b'{"name":"manual.pdf","upload":{"documentIds":["d1"]},"description":"How it works"}'
    )
    assert (storage.received[0].method, storage.received[0].target) == ("PUT", f"/d%2F1?signature={SECRET}&x=a+b")
    assert storage.received[0].body == SOUND


async def test_the_contents_are_stored_without_the_key() -> None:
    async with corpus(answer(200, body=b"")) as (_, storage, ultravox):
        await ultravox.corpora.upload(CORPUS, SOUND, mime_type="text/plain")
    headers = storage.received[0].headers
    assert headers.keys() == {"host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}
    assert (headers["content-type"], headers["content-length"]) == ("text/plain", str(len(SOUND)))


async def test_a_document_whose_type_cannot_be_told_is_refused_before_anything_is_sent() -> None:
    async with corpus(answer(200, body=b"")) as (api, _, ultravox):
        with pytest.raises(InvalidRequestError, match="mime_type: is needed: it does not follow from the name 'file'"):
            await ultravox.corpora.upload(CORPUS, SOUND)
    assert api.received == []


async def test_the_type_of_a_document_follows_from_the_name_of_its_source_if_the_file_has_none() -> None:
    async with corpus(answer(200, body=b"")) as (_, storage, ultravox):
        await ultravox.corpora.upload(CORPUS, SOUND, name="notes.txt")
    assert storage.received[0].headers["content-type"] == "text/plain"


async def test_the_contents_are_stored_again_if_the_first_time_failed() -> None:
    async with corpus(HANG_UP, answer(503, body=b""), answer(200, body=b"")) as (_, storage, ultravox):
        await ultravox.corpora.upload(CORPUS, SOUND, mime_type="text/plain")
    assert [request.body for request in storage.received] == [SOUND, SOUND, SOUND]


async def test_an_error_of_storage_shows_neither_the_signature_nor_the_key() -> None:
    async with corpus(answer(403, body=SECRET.encode())) as (_, storage, ultravox):
        with pytest.raises(APIStatusError, match=re.escape(f"403 Forbidden: PUT {storage.base_url}/d%2F1")) as caught:
            await ultravox.corpora.upload(CORPUS, SOUND, mime_type="text/plain")
    assert SECRET not in shown(caught.value)
    assert KEY not in shown(caught.value)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "nonsense ", "http://alice:secret@127.0.0.1/"])
async def test_contents_are_not_sent_to_an_address_that_is_not_https(url: str) -> None:
    async with corpus(answer(200, body=b""), url=url) as (_, storage, ultravox):
        with pytest.raises(UltravoxError, match="is not https; nothing was sent to it"):
            await ultravox.corpora.upload(CORPUS, SOUND, mime_type="text/plain")
    assert storage.received == []


async def test_a_document_without_a_source_is_named_in_the_error() -> None:
    async with corpus(answer(200, body=b""), source=answer(500, body=b"")) as (_, __, ultravox):
        with pytest.raises(ServerError) as caught:
            await ultravox.with_options(retry=RetryPolicy(max_attempts=1)).corpora.upload(
                CORPUS, SOUND, mime_type="text/plain"
            )
    assert caught.value.__notes__ == ["The document d1 was uploaded, and belongs to no source."]
