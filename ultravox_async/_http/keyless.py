"""Sends requests to storage: to the addresses that the API redirects to, or hands out for uploads.

Such an address is a secret: whoever knows it can read or write what is there. The key is not needed for that, and is
never sent there.
"""

from collections.abc import Mapping
from typing import cast

import aiohttp
import attrs
from yarl import URL

from ultravox_async._http.attempt import MIDDLEWARES, Sender
from ultravox_async._http.messages import Request
from ultravox_async._http.pool import PoolSettings


async def _without_credentials(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # With `trust_env`, aiohttp adds what a netrc file has for the host, or for any host. Storage refuses a request that
    # has such credentials beside a signature.
    request.headers.popall("Authorization", None)
    return await handler(request)


class KeylessSender(Sender):
    """Sends each request to its `url`, without the key. It knows the key only to redact it in errors."""

    _middlewares = (*MIDDLEWARES, _without_credentials)

    def _url(self, request: Request) -> URL:
        return cast("URL", request.url)

    def _headers(self, request: Request) -> Mapping[str, str]:
        return {} if request.headers is None else dict(request.headers.fields)


def keyless_settings(settings: PoolSettings) -> PoolSettings:
    """Return the settings of a pool for storage: one of the client's own in any case.

    A session of the caller may have credentials among its default headers, and tracing hooks would get the addresses.
    """
    return attrs.evolve(settings, session=None, trace_configs=(), marker="User-Agent")


def at_storage(url: URL, request: Request) -> Request:
    """Return the same request to an address in storage; errors show the address without its query."""
    origin = str(url.origin())
    return attrs.evolve(request, path=f"{origin}{url.raw_path}", template=f"{origin}/…", query="", url=url)
