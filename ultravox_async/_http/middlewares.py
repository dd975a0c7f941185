"""The middlewares of each request: what aiohttp would do by itself, and must not."""

import aiohttp


class _LostConnectionError(aiohttp.ClientError):
    """The connection was lost. It is not one of the errors after which aiohttp repeats a request by itself."""


async def _without_silent_repeat(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # After these two errors aiohttp repeats a GET, PUT or DELETE by itself; only `RetryPolicy` may decide that.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostConnectionError(_text_of(error) or "the server closed the connection") from None


def _text_of(error: aiohttp.ClientOSError | aiohttp.ServerDisconnectedError) -> str:
    # If a response ends within its headers, aiohttp's message is what it has parsed of them, cookies included.
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
        return "the server closed the connection in the middle of the headers"
    return str(error)


MIDDLEWARES = (_without_silent_repeat,)
"""The middlewares of each request."""
