import asyncio
import base64
import inspect
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import attrs
import pytest
import trustme

from tests.security.canaries import KEY, client_of, texts_of, traces
from tests.wire import REGISTRATION, Received, Say, Script, Wire, answer, in_turn
from ultravox_async import APIConnectionError, AsyncUltravox, ConfigurationError, RetryPolicy

FOUND = in_turn(answer(200, REGISTRATION))


def hang_up_once() -> Script:
    return in_turn(Say(then="hang up"), answer(200, REGISTRATION))


def names_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the names are appended for which clients verify certificates."""
    asked: list[str] = []
    wrap = ssl.SSLContext.wrap_bio

    def remember(self: ssl.SSLContext, *bios: Any, **named: Any) -> ssl.SSLObject:  # noqa: ANN401 - passed on
        if named.get("server_hostname") is not None:
            asked.append(named["server_hostname"])
        return wrap(self, *bios, **named)

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", remember)
    return asked


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("NETRC", raising=False)


async def get(client: AsyncUltravox) -> None:
    await client.sip.registrations.get("some-id")


async def pass_on(request: Received) -> Say:
    """An HTTP proxy: the target is an absolute URL, and the request is sent there."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(request.method, request.target, headers={"X-API-Key": request.headers["x-api-key"]}) as found,
    ):
        return answer(found.status, body=await found.read(), headers={"Via": "1.1 the-proxy"})


@attrs.define
class Tunnel:
    """A proxy for HTTPS: it connects, and forwards bytes that it cannot read."""

    url: str
    connected_to: list[str] = attrs.field(factory=list[str])
    seen: bytearray = attrs.field(factory=bytearray)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.seen += head.encode()
        target = head.split(" ")[1]
        self.connected_to.append(target)
        far_reader, far_writer = await asyncio.open_connection(*target.split(":"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(ConnectionError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.seen += data
            writer.write(data)
        writer.close()


@asynccontextmanager
async def a_tunnel() -> AsyncGenerator[Tunnel]:
    tunnel = Tunnel("")
    serving: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(tunnel.serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        tunnel.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield tunnel
        await asyncio.gather(*serving)


def trust_of(authority: trustme.CA, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert(name).configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - it also takes pyOpenSSL, which is absent
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - the same
    return server, client


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_sees_nothing_by_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async with Wire(FOUND) as proxy, Wire(FOUND) as wire, client_of(wire.base_url) as client:
        monkeypatch.setenv(name, proxy.base_url)
        await get(client)
        assert [len(each.received) for each in (proxy, wire)] == [0, 1]


async def test_a_proxy_of_the_environment_is_used_where_it_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(pass_on) as proxy, Wire(FOUND) as wire, client_of(wire.base_url, trust_env=True) as client:
        monkeypatch.setenv("http_proxy", proxy.base_url)
        response = await client.request("GET", "/api/anything")
        assert response.headers["Via"] == "1.1 the-proxy"
        assert [each.target for each in proxy.received] == [f"{wire.base_url}/api/anything"]
        assert [each.target for each in wire.received] == ["/api/anything"]


async def test_a_proxy_for_https_is_passed_through_and_does_not_see_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    of_server, of_client = trust_of(trustme.CA(), "127.0.0.1")
    async with a_tunnel() as tunnel, Wire(FOUND, of_server) as wire:
        monkeypatch.setenv("https_proxy", tunnel.url)
        async with client_of(wire.base_url, trust_env=True, ssl=of_client) as client:
            await get(client)
    assert tunnel.connected_to == [urlsplit(wire.base_url).netloc]
    assert [each.headers["x-api-key"] for each in wire.received] == [KEY]
    assert traces(tunnel.seen.decode("latin-1")) == []


async def test_the_password_of_a_proxy_is_not_shown_when_it_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(FOUND) as wire:
        gone = urlsplit(wire.base_url).netloc
    async with client_of("http://127.0.0.1:1", trust_env=True) as client:
        monkeypatch.setenv("http_proxy", f"http://user:canarypw@{gone}")
        with pytest.raises(APIConnectionError) as caught:
            await get(client)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("trust_env", [False, True])
async def test_netrc_is_read_only_where_the_environment_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, trust_env: bool
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with Wire(FOUND) as wire, client_of(wire.base_url, trust_env=trust_env) as client:
        await get(client)
        basic = f"Basic {base64.b64encode(b'user:canary').decode()}"
        assert wire.received[0].headers.get("authorization") == (basic if trust_env else None)


async def test_an_unknown_certificate_authority_ends_the_connection_before_the_key_is_sent() -> None:
    of_server, _ = trust_of(trustme.CA(), "127.0.0.1")
    async with Wire(FOUND, of_server) as wire, client_of(wire.base_url) as client:
        with pytest.raises(APIConnectionError, match=r"(?i)certificate"):
            await get(client)
        assert wire.received == []


async def test_a_certificate_of_another_host_ends_the_connection_before_the_key_is_sent() -> None:
    of_server, of_client = trust_of(trustme.CA(), "api.example.com")
    async with Wire(FOUND, of_server) as wire, client_of(wire.base_url, ssl=of_client) as client:
        with pytest.raises(APIConnectionError, match=r"(?i)certificate"):
            await get(client)
        assert wire.received == []


async def test_a_certificate_of_another_host_is_refused_on_a_repeated_attempt_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = names_asked_for(monkeypatch)
    of_server, of_client = trust_of(trustme.CA(), "127.0.0.1")
    async with Wire(hang_up_once(), of_server) as wire:
        async with AsyncUltravox(KEY, base_url=wire.base_url, ssl=of_client) as client:
            await get(client)
        assert len(wire.received) == 2
    assert asked == ["127.0.0.1", "127.0.0.1"]


async def test_a_name_outside_ascii_is_checked_as_it_was_connected_to_on_every_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By the older rules for such names, which the ssl module goes by, this one would be strasse.test: another domain.
    asked = names_asked_for(monkeypatch)
    find = socket.getaddrinfo
    looked_up: list[object] = []

    def find_here(host: object, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        looked_up.append(host)
        return find("127.0.0.1", *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", find_here)
    of_server, of_client = trust_of(trustme.CA(), "xn--strae-oqa.test")
    async with Wire(hang_up_once(), of_server) as wire:
        base_url = wire.base_url.replace("127.0.0.1", "straße.test")
        async with AsyncUltravox(KEY, base_url=base_url, ssl=of_client) as client:
            await get(client)
        assert len(wire.received) == 2
    assert set(looked_up) == {"xn--strae-oqa.test"}
    assert asked == ["xn--strae-oqa.test", "xn--strae-oqa.test"]


async def test_a_certificate_that_does_not_verify_is_tried_once_and_the_text_ends_with_the_reason() -> None:
    of_server, _ = trust_of(trustme.CA(), "127.0.0.1")
    connecting: list[object] = []

    async def note(*_: object) -> None:
        connecting.append(_)

    events = aiohttp.TraceConfig()
    events.on_connection_create_start.append(note)
    async with (
        Wire(FOUND, of_server) as wire,
        client_of(wire.base_url, retry=RetryPolicy(base_delay=0.001), trace_configs=[events]) as client,
    ):
        with pytest.raises(APIConnectionError, match=r"does not verify: .*unable to get local issuer certificate$"):
            await get(client)
    assert len(connecting) == 1


async def test_an_ssl_context_of_the_caller_is_used() -> None:
    of_server, of_client = trust_of(trustme.CA(), "127.0.0.1")
    async with Wire(FOUND, of_server) as wire, client_of(wire.base_url, ssl=of_client) as client:
        await get(client)
        assert len(wire.received) == 1


@pytest.mark.parametrize("value", [False, True, 0, "", "no", aiohttp.Fingerprint(bytes(32))])
def test_certificate_verification_cannot_be_turned_off(value: Any) -> None:  # noqa: ANN401 - what the type forbids
    with pytest.raises(ConfigurationError, match="always verified"):
        AsyncUltravox("a-key", ssl=value)


def test_no_other_argument_affects_certificate_verification() -> None:
    names = set(inspect.signature(AsyncUltravox).parameters)
    assert {"ssl", "trust_env"} <= names
    assert not [name for name in names if any(word in name for word in ("verif", "insecure", "check", "cert"))]


@pytest.mark.parametrize("base_url", ["http://example.com", "http://169.254.169.254", "http://127.0.0.1.example.com"])
def test_plain_http_to_another_machine_is_refused(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="unencrypted"):
        AsyncUltravox("a-key", base_url=base_url)


async def test_a_proxy_that_refuses_the_tunnel_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Received) -> Say:
        return answer(502)

    async with Wire(refuse) as proxy, client_of("https://127.0.0.1:9", trust_env=True) as client:
        monkeypatch.setenv("https_proxy", proxy.base_url)
        with pytest.raises(APIConnectionError, match="the proxy responded with 502") as caught:
            await client.request("POST", "/api/anything", json={})
    assert not caught.value.connected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "http://user:canary-proxy@127.0.0.1:3128"),
        ("all_proxy", "socks5://user:canary-proxy@127.0.0.1:1080"),
        ("HTTPS_PROXY", "https://user:canary-proxy@127.0.0.1:3128"),
        ("HTTPS_PROXY", "socks5://user:canary-proxy@127.0.0.1:1080"),
        ("https_proxy", "http://user:canary-proxy@127.0.0.1:99999"),
        ("https_proxy", "http://user:canary-proxy@127.0.0.1:port"),
        ("https_proxy", "127.0.0.1:3128"),
        ("https_proxy", "http://user:canary-proxy@"),
        # aiohttp reads this one too, whatever the base URL is.
        ("HTTP_PROXY", "http://user:canary-proxy@127.0.0.1:99999"),
    ],
)
def test_a_proxy_that_would_not_be_used_is_refused_without_its_password_in_the_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable.upper()) as caught:
        AsyncUltravox(KEY, trust_env=True)
    assert "canary" not in "".join(texts_of(caught.value)).replace(KEY, "")


def test_a_proxy_that_would_not_be_used_is_ignored_without_trust_env(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    assert not AsyncUltravox(KEY).closed


def test_a_proxy_that_would_not_be_used_is_ignored_for_a_host_in_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert not AsyncUltravox(KEY, base_url="https://example.com", trust_env=True).closed


def test_a_proxy_for_the_scheme_goes_before_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    assert not AsyncUltravox(KEY, trust_env=True).closed


def test_an_environment_without_proxies_is_fine() -> None:
    assert not AsyncUltravox(KEY, trust_env=True).closed


@pytest.mark.parametrize("url", ["http://user:canary-proxy@127.0.0.1:1", "http://user:canary%2Dproxy@127.0.0.1:1"])
async def test_the_error_about_an_unreachable_proxy_does_not_show_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("https_proxy", url)
    async with client_of("https://127.0.0.1:9", trust_env=True, retry=RetryPolicy(max_attempts=1)) as client:
        with pytest.raises(APIConnectionError) as caught:
            await get(client)
    assert "canary" not in "".join(texts_of(caught.value))
