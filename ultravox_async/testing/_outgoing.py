"""The requests that the emulator makes: to webhooks and to SIP fallback handlers."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import aiohttp
import attrs

from ultravox_async.testing._signing import webhook_headers

T = TypeVar("T")


@attrs.define(eq=False)
class Outgoing:
    """Sends signed requests, in the event loop that the emulator serves in."""

    loop: asyncio.AbstractEventLoop | None = attrs.field(init=False, default=None)
    """That event loop; None while the emulator does not run."""

    _session: aiohttp.ClientSession | None = attrs.field(init=False, default=None)

    def start(self) -> None:
        """Send from the event loop that runs."""
        self.loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Close the connections."""
        session, self._session, self.loop = self._session, None, None
        if session is not None:
            await session.close()

    async def post(self, url: str, body: bytes, secrets: Sequence[str], seconds: float) -> tuple[int, bytes]:
        """Send JSON, and return the status and the body of the response; redirects are not followed.

        Raises:
            aiohttp.ClientError: There was no response.
            TimeoutError: There was none in so many seconds.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()
        headers = {"Content-Type": "application/json", **webhook_headers(body, secrets)}
        async with (
            asyncio.timeout(seconds),
            self._session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status, await response.read()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work in the event loop of the emulator, from any event loop in any thread.

        Raises:
            RuntimeError: The emulator does not run.
        """
        if self.loop is None:
            work.close()
            raise RuntimeError("the emulator has to be started before it can send anything")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))
