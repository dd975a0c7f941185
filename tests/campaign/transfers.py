"""A download of 1 GB through a redirect, and uploads that break off; exits with 1 if anything is broken.

The server runs in the same process, so that the memory that is told is that of both.
"""

import argparse
import asyncio
import contextlib
import re
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path

import attrs

from ultravox_async import APIConnectionError, AsyncUltravox

_KEY = "TRANSFER.0123456789abcdef0123456789abcdef"
_CALL = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
_MIB = 1024 * 1024
_PIECE = b"\x5a" * (64 * 1024)
_MEMORY_LIMIT = 32.0

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _server(converse: Conversation) -> AsyncGenerator[str, None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await converse(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@attrs.frozen
class Downloaded:
    """A download, as it went."""

    size: int
    expected: int
    memory: float
    """MiB by which the peak memory of the process has grown."""

    headers: Sequence[str]
    """The names of the headers that storage has received."""

    files: Sequence[str]
    """What is in the folder of the file after that."""

    @property
    def passed(self) -> bool:
        secret = {"x-api-key", "authorization", "cookie"} & set(self.headers)
        return self.size == self.expected and self.memory < _MEMORY_LIMIT and not secret and self.files == ["call.wav"]

    def __str__(self) -> str:
        return (
            f"download of {self.size} bytes: peak memory +{self.memory:.1f} MiB (at most {_MEMORY_LIMIT:g}); "
            f"storage received {', '.join(self.headers)}; beside the file: {len(self.files) - 1} files"
        )


async def download(size: int) -> Downloaded:
    """Save a recording of so many bytes, to which the API redirects."""
    heads: list[bytes] = []

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: %d\r\n\r\n" % size)
        for left in range(size, 0, -len(_PIECE)):
            writer.write(_PIECE[:left])
            await writer.drain()

    async with _server(store) as storage:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {storage}/x\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

        with tempfile.TemporaryDirectory() as folder:
            async with _server(redirect) as api, AsyncUltravox(_KEY, base_url=api) as ultravox:
                before = _peak_memory()
                saved = await ultravox.calls.recording(_CALL).save(Path(folder, "call.wav"))
                grown = _peak_memory() - before
            names = _header_names(heads[0])
            return Downloaded(saved, size, grown, names, _names_in(folder))


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def _header_names(head: bytes) -> list[str]:
    return [line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:] if line]


@attrs.frozen
class Uploaded:
    """Uploads that broke off, as they went."""

    count: int
    told: Counter[str]
    """What the caller was told, and how often."""

    begun: Counter[str]
    """How often the server saw each of them."""

    @property
    def sent_twice(self) -> int:
        return sum(times - 1 for times in self.begun.values())

    @property
    def passed(self) -> bool:
        return self.told.total() == len(self.begun) == self.count and not self.sent_twice and len(self.told) == 1

    def __str__(self) -> str:
        told = "; ".join(f"{times} times {text}" for text, times in self.told.most_common())
        return f"{self.count} uploads, broken off in the middle: told {told}; sent twice: {self.sent_twice}"


async def upload(count: int, size: int) -> Uploaded:
    """Send files of so many bytes to a server that hangs up after the half of each."""
    begun: Counter[str] = Counter()
    told: Counter[str] = Counter()

    async def hang_up_in_the_middle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        half = await reader.readexactly(size // 2)
        name = re.search(rb"voice number \d+", half)
        begun["" if name is None else name[0].decode()] += 1

    async def clone(ultravox: AsyncUltravox, number: int) -> None:
        try:
            await ultravox.voices.clone(b"\0" * size, name=f"voice number {number}")
        except APIConnectionError as error:
            told[f"{type(error).__name__} (connected={error.connected}, {error.method} {error.path})"] += 1

    async with _server(hang_up_in_the_middle) as api, AsyncUltravox(_KEY, base_url=api, pool_size=20) as ultravox:
        await asyncio.gather(*(clone(ultravox, number) for number in range(count)))
    return Uploaded(count, told, begun)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return 1 where something is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.transfers", description=__doc__)
    parser.add_argument("--download", type=int, default=1024, help="MiB (default: %(default)s)")
    parser.add_argument("--uploads", type=int, default=100, help="of 5 MB each (default: %(default)s)")
    options = parser.parse_args(argv)
    passed = True
    for found in (asyncio.run(download(options.download * _MIB)), asyncio.run(upload(options.uploads, 5_000_000))):
        sys.stdout.write(f"{found}{'' if found.passed else ' BROKEN'}\n")
        passed = passed and found.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
