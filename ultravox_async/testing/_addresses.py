"""The URL that an emulator has for clients, and the origin that a request was sent to."""

import ipaddress
import re

_HOST_HEADER = re.compile(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[(?P<ipv6>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?"
)
_HIGHEST_PORT = 65535


def url_of(host: str, port: int) -> str:
    """The URL for clients on this machine of a server that listens on `host` and `port`.

    Listening on "0.0.0.0" or "::" means listening on every address of the machine. Neither is an address that a
    client can be told to connect to, so the URL has the loopback address instead.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.version == 4:  # noqa: PLR2004 - the version of IP
        return f"http://{'127.0.0.1' if address.is_unspecified else address}:{port}"
    return f"http://[{'::1' if address.is_unspecified else address}]:{port}"


def origin_of(scheme: str, host_header: str | None) -> str | None:
    """The origin that a request was sent to, such as "http://localhost:8787", None if its Host header does not say.

    Args:
        scheme: The scheme with which the request was received.
        host_header: The Host header of the request, None if it has none.
    """
    match = _HOST_HEADER.fullmatch(host_header or "")
    if match is None or int(match["port"] or 0) > _HIGHEST_PORT:
        return None
    if match["ipv6"] is not None and not _is_ipv6(match["ipv6"]):
        return None
    return f"{scheme}://{match[0]}"


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
