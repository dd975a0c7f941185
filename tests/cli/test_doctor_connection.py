import json
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from yarl import URL

from tests.cli.running import ultravox
from ultravox_async_cli.doctor import connection
from ultravox_async_cli.doctor.connection import check_connection
from ultravox_async_cli.doctor.diagnosis import Check


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def is_trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@contextmanager
def served(certificate: trustme.LeafCert) -> Generator[URL]:
    """Serve one handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - pyOpenSSL has no types

    def serve() -> None:
        accepted, _ = listener.accept()
        # The client may not like the certificate.
        with accepted, suppress(OSError), context.wrap_socket(accepted, server_side=True) as secured:
            secured.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield URL(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def last_check(url: URL) -> Check:
    return [*check_connection(url)][-1]


@pytest.mark.usefixtures("is_trusted")
def test_the_version_and_the_end_of_the_certificate_are_shown(authority: trustme.CA) -> None:
    end = datetime.now(UTC) + timedelta(days=40, hours=1)
    with served(authority.issue_cert("127.0.0.1", not_after=end)) as url:
        found = last_check(url)
    assert found == Check("tls", "ok", f"TLSv1.3, certificate valid until {end:%Y-%m-%d} (40 days)")


@pytest.mark.usefixtures("is_trusted")
def test_a_certificate_that_ends_soon_is_a_warning(authority: trustme.CA) -> None:
    with served(authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3))) as url:
        assert last_check(url).status == "warn"


@pytest.mark.usefixtures("is_trusted")
@pytest.mark.parametrize(
    ("name", "end", "problem"),
    [
        ("api.example.com", timedelta(days=40), "certificate is not valid for '127.0.0.1'"),
        ("127.0.0.1", -timedelta(days=3), "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_valid_is_a_failure(
    authority: trustme.CA, name: str, end: timedelta, problem: str
) -> None:
    with served(authority.issue_cert(name, not_after=datetime.now(UTC) + end)) as url:
        found = last_check(url)
    assert (found.check, found.status) == ("tls", "fail")
    assert problem in found.detail


def test_a_certificate_of_an_unknown_authority_is_a_failure_with_a_remedy(authority: trustme.CA) -> None:
    with served(authority.issue_cert("127.0.0.1")) as url:
        found = last_check(url)
    assert (found.check, found.status) == ("tls", "fail")
    assert "SSL_CERT_FILE" in found.remedy


def test_no_key_is_sent_where_the_certificate_is_not_valid(authority: trustme.CA) -> None:
    with served(authority.issue_cert("127.0.0.1")) as url:
        environment = {"ULTRAVOX_API_KEY": "key", "ULTRAVOX_BASE_URL": str(url)}
        result = ultravox("doctor", "--output", "json", env=environment)
    assert result.code == 1
    # The server takes one connection only: a second one would have waited for it.
    assert [check["check"] for check in json.loads(result.out)][-1] == "tls"


def test_a_server_without_tls_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        found = last_check(URL(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join()
    assert (found.check, found.status) == ("tls", "fail")


def test_the_next_address_is_tried_if_one_does_not_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        addresses = [(*stream, unused.getsockname()), (*stream, listener.getsockname())]

        def resolve(*_: object, **__: object) -> list[object]:
            return [*addresses]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        found = last_check(URL("http://api.example.com"))
        port = listener.getsockname()[1]
    assert (found.check, found.status) == ("tcp", "ok")
    assert f"port {port}" in found.detail


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def resolve(*_: object, **__: object) -> None:
        ended.wait()

    monkeypatch.setattr(connection, "_TIMEOUT", 0.01)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = [*check_connection(URL("https://api.example.com"))]
    ended.set()
    assert found == [
        Check(
            "dns",
            "fail",
            "api.example.com: no answer within 0.01 s",
            "Check the network and its name servers, and ULTRAVOX_BASE_URL if it is set.",
        )
    ]
