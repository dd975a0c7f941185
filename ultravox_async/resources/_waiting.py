"""Waiting for something that only asking again can tell."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ultravox_async.errors import APITimeoutError, InvalidRequestError, WaitTimeoutError

T = TypeVar("T")


def check_seconds(**arguments: float) -> None:
    """Check arguments that are numbers of seconds.

    Raises:
        InvalidRequestError: One of them is not a positive number.
    """
    for name, value in arguments.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
        if not is_number or not 0 < value < math.inf:
            raise InvalidRequestError(name, f"takes a positive number of seconds, not {value!r}")


async def ask_until_told(
    ask: Callable[[], Awaitable[T | None]],
    awaited: str,
    seen: Callable[[], str],
    timeout: float,  # noqa: ASYNC109 - its error says what was waited for
    interval: float,
) -> T:
    """Ask again and again until the answer is not None.

    Args:
        ask: Asks once.
        awaited: What is waited for, for the error.
        seen: What is known instead, for the error.
        timeout: How long to wait, in seconds, with all that the asking takes.
        interval: The seconds between an answer and the next question.

    Raises:
        InvalidRequestError: `timeout` or `interval` is not a positive number.
        WaitTimeoutError: There was no answer in time.
    """
    check_seconds(timeout=timeout, interval=interval)
    try:
        async with asyncio.timeout(timeout):
            while (answer := await ask()) is None:  # noqa: ASYNC110 - the answer is at the other end of a network
                await asyncio.sleep(interval)
            return answer
    except APITimeoutError:  # a TimeoutError too, of one request
        raise
    except TimeoutError:
        pass
    raise WaitTimeoutError(awaited, seen(), timeout)
