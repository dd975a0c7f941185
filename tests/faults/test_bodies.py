import asyncio
import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from itertools import repeat
from typing import Any, Literal, TypeAlias

import pytest

from tests.wire import Say, Wire, answer, client_of, in_turn
from ultravox_async import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    ResponseTooLargeError,
    RetryPolicy,
    Timeout,
    UltravoxError,
)

ANYTHING = "/api/anything"
MIB = 1024 * 1024
OK = answer(200, {"fine": True})
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# The limit is 16 MiB of decompressed body. The read-ahead of aiohttp and the server in this process need some more.
MOST_EXTRA_MEMORY = 20 * MIB


class Stream:
    """A server that sends an endless response, and counts how much of it the client read."""

    def __init__(self, head: bytes, parts: Callable[[], Iterable[bytes]]) -> None:
        self.head = head
        self._parts = parts
        self.sent = 0
        self.requests = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        serving: set[asyncio.Task[None]] = set()

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.ensure_future(self._serve(reader, writer)))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in serving:
                task.cancel()
            if serving:
                await asyncio.wait(serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            writer.write(self.head)
            for part in self._parts():
                writer.write(part)
                self.sent += len(part)
                await writer.drain()
            await reader.read()
        writer.transport.abort()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


PART = chunk(b" " * 65536)


def compressed(wbits: int, megabytes: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, wbits)
    zeros = bytes(MIB)
    return b"".join([*(compressor.compress(zeros) for _ in range(megabytes)), compressor.flush()])


def encoded(coding: bytes, body: bytes) -> Stream:
    head = HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    return Stream(head, lambda: [body])


GZIP_BOMB = compressed(31, 200)
BODIES = {
    "1 GB announced": lambda: Stream(HEAD + b"Content-Length: 1000000000\r\n\r\n", lambda: repeat(b" " * 65536, 4096)),
    "256 MB streamed": lambda: Stream(CHUNKED, lambda: repeat(PART, 4096)),
    "256 MB until the end of the connection": lambda: Stream(HEAD + b"\r\n", lambda: repeat(b" " * 65536, 4096)),
    "gzip bomb": lambda: encoded(b"gzip", GZIP_BOMB),
    "gzip bomb in chunks": lambda: Stream(
        HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        lambda: [*map(chunk, (GZIP_BOMB[:1000], GZIP_BOMB[1000:])), b"0\r\n\r\n"],
    ),
    "deflate bomb": lambda: encoded(b"deflate", compressed(15, 200)),
    "raw deflate bomb": lambda: encoded(b"deflate", compressed(-15, 200)),
}


@pytest.mark.parametrize("body", BODIES)
async def test_a_body_beyond_the_default_limit_is_refused_in_bounded_memory(body: str) -> None:
    stream = BODIES[body]()
    async with stream.listening() as base_url, client_of(base_url) as client:
        peak = await _peak_of(_refused(client.request("GET", ANYTHING), ResponseTooLargeError))
        assert stream.requests == 1
    assert peak < MOST_EXTRA_MEMORY
    assert stream.sent < 64 * MIB


@pytest.mark.parametrize("body", BODIES)
async def test_an_error_response_with_a_long_body_is_that_error_in_little_memory(body: str) -> None:
    stream = BODIES[body]()
    stream.head = stream.head.replace(b"200 OK", b"400 Bad Request")
    async with stream.listening() as base_url, client_of(base_url) as client:
        peak = await _peak_of(_refused(client.request("GET", ANYTHING), BadRequestError))
        assert stream.requests == 1
    assert peak < MOST_EXTRA_MEMORY / 4


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, gzip"])
async def test_a_body_that_was_compressed_twice_is_not_json_and_takes_no_memory(coding: bytes) -> None:
    stream = encoded(coding, gzip.compress(GZIP_BOMB))
    async with stream.listening() as base_url, client_of(base_url) as client:
        peak = await _peak_of(_refused(client.sip.get_config(), UltravoxError))
    assert peak < MOST_EXTRA_MEMORY


async def _refused(call: Coroutine[Any, Any, object], kind: type[UltravoxError]) -> None:
    with pytest.raises(kind):
        await call


async def _peak_of(work: Coroutine[Any, Any, None]) -> int:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        async with asyncio.timeout(25):
            await work
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("said", [CHUNKED, HEAD + b"\r\n"], ids=["chunked", "until the end of the connection"])
async def test_a_body_that_drips_ends_at_the_deadline(said: bytes) -> None:
    async with (
        Wire(in_turn(Say(said, "drip"))) as wire,
        client_of(wire.base_url, timeout=Timeout(read=60.0, total=0.3)) as client,
    ):
        async with asyncio.timeout(20):
            with pytest.raises(APITimeoutError, match=r"Timeout\.total"):
                await client.request("GET", ANYTHING)
        assert len(wire.received) == 1


async def test_an_endless_header_section_is_refused_in_bounded_memory() -> None:
    stream = Stream(HEAD, lambda: repeat(b"X-More: and more\r\n" * 1000, 10_000))
    async with stream.listening() as base_url, client_of(base_url) as client:
        peak = await _peak_of(_refused(client.request("GET", ANYTHING), UltravoxError))
    assert peak < MOST_EXTRA_MEMORY


Then: TypeAlias = Literal["hang up", "reset"]

CUT = {
    "with its length": HEAD + b"Content-Length: 100\r\n\r\n{",
    "between chunks": CHUNKED + chunk(b"{"),
    "within a chunk": CHUNKED + b"5\r\n{",
    "within the length of a chunk": CHUNKED + chunk(b"{") + b"1",
    "before the end of the chunks": CHUNKED + chunk(b"{}") + b"0\r\n",
    "within gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n" + gzip.compress(b"{}" * 50)[:20],
    "before the body": HEAD + b"Content-Length: 2\r\n\r\n",
    "within the head": HEAD,
    "within the status": b"HTTP/1.1 20",
}


@pytest.mark.parametrize("then", ["hang up", "reset"])
@pytest.mark.parametrize("cut", CUT)
async def test_a_get_whose_response_is_truncated_is_sent_again(cut: str, then: Then) -> None:
    async with Wire(in_turn(Say(CUT[cut], then), OK)) as wire, client_of(wire.base_url) as client:
        assert (await client.request("GET", ANYTHING)).json() == {"fine": True}
        assert len(wire.received) == 2


@pytest.mark.parametrize("then", ["hang up", "reset"])
@pytest.mark.parametrize("cut", CUT)
async def test_a_truncated_response_is_a_connection_error(cut: str, then: Then) -> None:
    once = RetryPolicy(max_attempts=1)
    async with Wire(in_turn(Say(CUT[cut], then))) as wire, client_of(wire.base_url, retry=once) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.connected


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("cut", CUT)
async def test_a_change_whose_response_is_truncated_is_not_sent_again(cut: str, method: str) -> None:
    async with Wire(in_turn(Say(CUT[cut], "hang up"), OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.request(method, ANYTHING, json={})
        assert caught.value.connected
        assert len(wire.received) == 1
