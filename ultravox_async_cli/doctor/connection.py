"""The way to the API, step by step, for `ultravox doctor`: name resolution, TCP, TLS.

It uses blocking sockets and not aiohttp, which reports all of it as one failure. Outside of an event loop, Ctrl-C ends
it at once.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from yarl import URL

from ultravox_async_cli.doctor.diagnosis import Check

_TIMEOUT: Final = 5.0
_SOON: Final = timedelta(days=14)

_Addresses: TypeAlias = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


def check_connection(url: URL) -> Iterator[Check]:
    """Yield the checks of a connection, up to the first one that fails.

    Args:
        url: The base URL of the API; it has a host and a port.
    """
    started = time.monotonic()
    addresses = _resolved(url)
    yield _dns(url, addresses, time.monotonic() - started)
    if isinstance(addresses, OSError):
        return
    started = time.monotonic()
    connection = _connected(addresses)
    yield _tcp(url, connection, time.monotonic() - started)
    if isinstance(connection, OSError):
        return
    with connection:
        if url.scheme == "https":
            yield _tls(url, connection)


def _resolved(url: URL) -> _Addresses | OSError:
    found: list[_Addresses | OSError] = []

    def resolve() -> None:
        try:
            found.append(socket.getaddrinfo(url.raw_host, url.port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)

    # getaddrinfo knows no timeout, and cannot be interrupted. A daemon thread is left behind when the process ends.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(_TIMEOUT)
    return found[0] if found else TimeoutError(f"no answer within {_TIMEOUT:g} s")


def _dns(url: URL, addresses: _Addresses | OSError, seconds: float) -> Check:
    if isinstance(addresses, OSError):
        remedy = "Check the network and its name servers, and ULTRAVOX_BASE_URL if it is set."
        return Check("dns", "fail", f"{url.raw_host}: {_text(addresses)}", remedy)
    shown = ", ".join(dict.fromkeys(str(address[4][0]) for address in addresses))
    return Check("dns", "ok", f"{url.raw_host} is {shown} ({seconds * 1e3:.0f} ms)")


def _connected(addresses: _Addresses) -> socket.socket | OSError:
    """Return a connection to the first address that accepts one, or the error of the first address."""
    errors: list[OSError] = []
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(_TIMEOUT)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            errors.append(error)
        else:
            return connection
    return errors[0]


def _tcp(url: URL, connection: socket.socket | OSError, seconds: float) -> Check:
    if isinstance(connection, OSError):
        remedy = "Check that a firewall lets you connect, and that something listens there."
        return Check("tcp", "fail", f"port {url.port}: {_text(connection)}", remedy)
    host, port = connection.getpeername()[:2]
    return Check("tcp", "ok", f"connected to {host}, port {port} ({seconds * 1e3:.0f} ms)")


def _tls(url: URL, connection: socket.socket) -> Check:
    # The same context as aiohttp's.
    context = ssl.create_default_context()
    try:
        with context.wrap_socket(connection, server_hostname=url.raw_host) as secured:
            return _certificate(secured)
    except ssl.SSLCertVerificationError as error:
        remedy = (
            "Somebody between you and the API may read along, such as a proxy of your company or the login page of a "
            "network. If you trust its authority, name its certificate in SSL_CERT_FILE."
        )
        return Check("tls", "fail", f"the certificate is not valid: {error.verify_message}", remedy)
    except OSError as error:
        return Check("tls", "fail", _text(error), "Check that the port is one for https, and that no proxy intervenes.")


def _certificate(secured: ssl.SSLSocket) -> Check:
    certificate = secured.getpeercert() or {}
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    left = expires - datetime.now(UTC)
    detail = f"{secured.version()}, certificate valid until {expires:%Y-%m-%d} ({left.days} days)"
    if left < _SOON:
        return Check("tls", "warn", detail, "The certificate expires soon. Whoever runs the server has to renew it.")
    return Check("tls", "ok", detail)


def _text(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
