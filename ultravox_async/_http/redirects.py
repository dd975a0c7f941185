"""Leads from the API to storage: the redirects of downloads, and the addresses for uploads."""

import ipaddress
from collections.abc import Set as AbstractSet
from typing import Final

import attrs
from yarl import URL

from ultravox_async._http.keyless import at_storage
from ultravox_async._http.messages import Request
from ultravox_async._http.open_body import OpenBody
from ultravox_async._http.transport import Transport
from ultravox_async._http.uploads import FileBody
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import UltravoxError

_MAX_REDIRECTS: Final = 3
_FIRST_REDIRECT: Final = 300


async def open_body(transport: Transport, request: Request) -> OpenBody:
    """Send a request, follow its redirects without the key, and return the body when its headers have arrived.

    Raises:
        RedirectError: A redirect leads to an address that is not https, or there are too many of them.
        UltravoxError: As `Transport.open`.
    """
    body = await transport.open(request)
    for _ in range(_MAX_REDIRECTS):
        if body.status < _FIRST_REDIRECT:
            return body
        body.close()
        following = _following(transport, request, body)
        if following is None:
            raise body.refused_redirect()
        body = await transport.storage.open(following)
    if body.status >= _FIRST_REDIRECT:
        body.close()
        raise body.refused_redirect()
    return body


def _following(transport: Transport, request: Request, body: OpenBody) -> Request | None:
    """Return the request that follows a redirect; None if it is not followed.

    The address is not in the frame of an exception that way: a traceback with locals would show it.
    """
    target = _parsed(transport, body.url, body.headers.get("Location", ""))
    if target is None or body.repeats_method:
        return None
    return at_storage(target, attrs.evolve(request, method="GET", body=None))


async def locate(transport: Transport, request: Request) -> URL:
    """Send a GET, and return the address that it is redirected to.

    Raises:
        RedirectError: The address is not https.
        UltravoxError: As `Transport.open`; or the API does not redirect, but sends the content itself.
    """
    body = await transport.open(request)
    body.close()
    if body.status < _FIRST_REDIRECT:
        raise UltravoxError(f"{request.method} {request.path}: the API sent the content itself, and not its address")
    target = _parsed(transport, body.url, body.headers.get("Location", ""))
    if target is None:
        raise body.refused_redirect()
    return target


async def store(transport: Transport, address: Secret, body: FileBody) -> None:
    """Upload a file to an address in storage, without the key.

    Raises:
        ClientClosedError: The client was closed meanwhile; a drain ends it too.
        UltravoxError: The address is not https, or anything else that can go wrong with a request.
    """
    request = _upload_to(transport, address, body)
    if request is None:
        raise UltravoxError("the API named an address for the upload that is not https; nothing was sent to it")
    # A drain ends it: what has to follow an upload could not be sent any more.
    async with transport.streaming(), transport.unless_draining():
        await transport.storage.send(request)


def _upload_to(transport: Transport, address: Secret, body: FileBody) -> Request | None:
    url = _parsed(transport, transport.origin, str(address.reveal()))
    return None if url is None else at_storage(url, Request("PUT", "", body=body))


def _parsed(transport: Transport, base: URL, location: str) -> URL | None:
    """Return an absolute address; None if it cannot be used."""
    # The signature of an address covers its exact spelling, so it is not quoted anew.
    try:
        target = base.join(URL(location, encoded=True)) if _is_plain(location) else None
        usable = target is not None and target.raw_host and target.raw_user is None and target.port
    except ValueError:
        return None
    return target if usable and target is not None and target.scheme in _schemes(transport) else None


def _schemes(transport: Transport) -> AbstractSet[str]:
    # The content must not be readable on its way, nor the address, which is as good as a key to it.
    return {"http", "https"} if is_loopback(transport.origin.host or "") else {"https"}


def _is_plain(location: str) -> bool:
    return location != "" and location.isascii() and location.isprintable() and " " not in location


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
