"""Says when a server does not answer, and gives up soon on one that nothing can connect to.

The client waits for a minute until an outage is over, which is right for work that has begun. A person who has
mistyped an address wants to know it at once.
"""

import asyncio
from types import TracebackType
from typing import Any, Final, Self

from ultravox_async import AsyncUltravox, AttemptInfo, Observer, RequestInfo, RetryPolicy
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.terminal import Terminal

FIRST_CONTACT: Final = 3.0
"""The seconds after a failed connection in which one has to succeed, if none has before."""


class NoContactError(CommandError):
    """No connection to the server could be made."""

    def __init__(self, address: str) -> None:
        super().__init__(f"no answer from {address}; ultravox doctor finds out why", ExitCode.FAILED)


class Contact(Observer):
    """Watches the attempts of a client for those that get no answer.

    Args:
        terminal: Where a person reads of it.
        address: The base URL, for messages.
    """

    def __init__(self, terminal: Terminal, address: str) -> None:
        self._terminal = terminal
        self._address = address
        self._deadline = asyncio.timeout(None)
        self._is_made = False
        self._told = 0

    def around(self, ultravox: AsyncUltravox) -> Self:
        """Return itself as the context of a client, whose observer it is."""
        self._ultravox = ultravox
        return self

    async def __aenter__(self) -> AsyncUltravox:
        await self._deadline.__aenter__()
        return self._ultravox

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the client.

        Raises:
            NoContactError: No connection was made in time.
        """
        try:
            await self._deadline.__aexit__(kind, error, traceback)
        except TimeoutError:
            raise NoContactError(self._address) from None
        finally:
            await self._ultravox.close()

    def attempt_ended(self, state: Any, request: RequestInfo, attempt: AttemptInfo) -> None:  # noqa: ANN401, ARG002 - of Observer
        """Take note of an attempt."""
        if self._is_made or attempt.error == "cancelled":
            self._tell_of_outage()
        elif attempt.connection_reused is not None:
            self._is_made = True
            self._deadline.reschedule(None)
        elif self._deadline.when() is None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + FIRST_CONTACT)
            self._tell(FIRST_CONTACT)

    def _tell_of_outage(self) -> None:
        outages = self._ultravox.stats.outages
        if outages > self._told:
            self._told = outages
            self._tell(RetryPolicy().patience)

    def _tell(self, seconds: float) -> None:
        if self._terminal.stderr.isatty():
            self._terminal.note(f"no answer from {self._address}, trying for another {seconds:.0f} s")
