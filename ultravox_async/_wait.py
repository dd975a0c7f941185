"""Waits until something that the API tells of is as wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeVar

from ultravox_async._http.transport import Transport
from ultravox_async._wire.validation import check_seconds
from ultravox_async.errors import APIConnectionError, APIStatusError, DecodeError, UltravoxError, WaitTimeoutError

T = TypeVar("T")

_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def may_pass(error: UltravoxError) -> bool:
    """Return whether the same request may succeed later without a change of the request, the key or the account."""
    if isinstance(error, APIStatusError):
        return error.status in _PASSING or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, APIConnectionError | DecodeError)


async def wait_until(  # noqa: PLR0913 - what, how often and how long
    transport: Transport,
    fetch: Callable[[], Awaitable[T]],
    lacking: Callable[[T], str | None],
    *,
    goal: str,
    timeout: float,  # noqa: ASYNC109 - the error has to say what was waited for
    interval: float,
) -> T:
    """Fetch something until it is as wanted, and return it. Failures that may pass are waited out.

    Args:
        transport: Ends the pauses when it is closed.
        fetch: Fetches it.
        lacking: Says what it lacks; None if it is as wanted.
        goal: What is waited for, for the error.
        timeout: The most seconds to wait.
        interval: The seconds between two requests.

    Raises:
        InvalidRequestError: `timeout` or `interval` is not a number above 0.
        WaitTimeoutError: It was not as wanted in time.
        UltravoxError: A request failed in a way that does not pass, or the client was closed.
    """
    check_seconds("timeout", timeout)
    check_seconds("interval", interval)
    last = "there was no response"
    try:
        async with asyncio.timeout(timeout):
            while True:
                try:
                    value = await fetch()
                except UltravoxError as error:
                    if not may_pass(error):
                        raise
                    last = str(error)
                else:
                    found = lacking(value)
                    if found is None:
                        return value
                    last = found
                await transport.pause(interval)
    except TimeoutError:
        pass  # raised below, without the frames of the request that was cancelled
    raise WaitTimeoutError(goal, last, timeout)
