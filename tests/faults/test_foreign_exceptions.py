"""Any exception of a resolver, a proxy connector or a tracing hook is a connection error, in sweeps and outside."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import Clock
from tests.wire import WAIT, Received, Say, Wire, answer, client_of, in_turn, shown, the_registration_asked_for
from ultravox_async import (
    APIConnectionError,
    APITimeoutError,
    ClientClosedError,
    RateLimit,
    RetryPolicy,
    Timeout,
    UltravoxError,
)

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
ONCE = RetryPolicy(max_attempts=1)


class ProxyError(Exception):
    """An exception as third-party connectors raise it, which is not one of aiohttp's."""


class FailingConnector(aiohttp.TCPConnector):
    """A third-party connector, whose proxy fails for every third connection."""

    def __init__(self) -> None:
        super().__init__(force_close=True)  # pyright: ignore[reportUnknownMemberType] - aiohttp's types name a bare tuple
        self.asked = 0

    async def connect(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        self.asked += 1
        if self.asked % 3 == 0:
            raise ProxyError("http://user:canary-proxy@127.0.0.1:3128 is not to be had")
        return await super().connect(*arguments, **named)


def failing_at(event: str, make_error: Callable[[], BaseException]) -> aiohttp.TraceConfig:
    async def fail(*_: object) -> None:
        raise make_error()

    events = aiohttp.TraceConfig()
    getattr(events, event).append(fail)
    return events


async def test_a_sweep_continues_when_a_third_party_connector_raises_its_own_error() -> None:
    async with (
        Wire(the_registration_asked_for) as wire,
        aiohttp.ClientSession(connector=FailingConnector()) as session,
        client_of(wire.base_url, session=session, retry=ONCE) as client,
    ):
        result = await client.sip.registrations.get_many([f"id-{each}" for each in range(90)], via="get")
    assert len(result.found) == 60
    assert {type(error) for error in result.failed.values()} == {APIConnectionError}
    assert len(result.failed) == 30


async def test_the_error_names_the_class_and_not_the_password_in_its_text() -> None:
    connector = FailingConnector()
    connector.asked = 2
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_of("http://127.0.0.1:9", session=session, retry=ONCE) as client,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await client.request("GET", ANYTHING)
    assert str(caught.value) == f"GET {ANYTHING}: ProxyError: http://127.0.0.1:3128 is not to be had"


@pytest.mark.parametrize(
    ("event", "connected"),
    [
        ("on_request_start", False),
        ("on_connection_create_start", False),
        ("on_connection_create_end", False),
        ("on_request_headers_sent", True),
        ("on_request_end", True),
    ],
)
async def test_a_request_whose_hook_failed_was_connected_from_the_moment_of_sending(
    event: str, *, connected: bool
) -> None:
    hook = failing_at(event, lambda: ValueError("a broken hook"))
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APIConnectionError, match="ValueError: a broken hook") as caught:
            await client.request("POST", ANYTHING, json={})
    assert caught.value.connected is connected


async def test_an_error_without_a_text_is_named_by_its_class_alone() -> None:
    hook = failing_at("on_request_start", LookupError)
    async with client_of("http://127.0.0.1:9", retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APIConnectionError, match=r": LookupError$"):
            await client.request("GET", ANYTHING)


async def test_a_timeout_in_a_hook_is_a_timeout_error_that_names_no_timeout_of_the_client() -> None:
    hook = failing_at("on_request_start", lambda: TimeoutError("of the hook"))
    async with client_of("http://127.0.0.1:9", retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APITimeoutError, match=r": TimeoutError: of the hook$") as caught:
            await client.request("GET", ANYTHING)
    assert not caught.value.connected


async def test_a_base_exception_is_not_changed() -> None:
    class TheEnd(BaseException):
        """Neither an error nor a cancellation."""

    hook = failing_at("on_request_start", TheEnd)
    async with client_of("http://127.0.0.1:9", trace_configs=[hook]) as client:
        with pytest.raises(TheEnd):
            await client.request("GET", ANYTHING)


async def test_an_error_that_describes_a_connection_shows_no_password_of_a_proxy() -> None:
    text = "Failed to send bytes into the underlying connection Connection<ConnectionKey(proxy_auth='canary')>"
    hook = failing_at("on_request_start", lambda: aiohttp.ClientConnectionError(text))
    async with client_of("http://127.0.0.1:9", trace_configs=[hook], retry=ONCE) as client:
        with pytest.raises(APIConnectionError, match="the body of the request could not be sent") as caught:
            await client.request("GET", ANYTHING)
    assert "canary" not in shown(caught.value)


async def test_another_event_loop_is_named_only_if_there_is_one() -> None:
    hook = failing_at("on_request_start", lambda: RuntimeError("something else"))
    async with (
        aiohttp.ClientSession(trace_configs=[hook]) as session,
        client_of("http://127.0.0.1:9", session=session, retry=ONCE) as client,
    ):
        with pytest.raises(APIConnectionError, match="RuntimeError: something else"):
            await client.request("GET", ANYTHING)


async def test_a_connection_that_a_callback_closes_before_the_response_is_read_is_an_ultravox_error() -> None:
    async def close(_: aiohttp.ClientSession, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        connection = params.response.connection
        assert connection is not None
        assert connection.protocol is not None
        connection.protocol.close()

    config = aiohttp.TraceConfig()
    config.on_request_end.append(close)
    begun = Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    async with Wire(in_turn(begun)) as wire, client_of(wire.base_url, trace_configs=[config], retry=ONCE) as client:
        with pytest.raises(APIConnectionError):
            await client.request("GET", ANYTHING)


async def test_the_traceback_of_a_bug_in_the_client_shows_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def class_for_status(status: int) -> object:
        return 1 / (status - status)

    monkeypatch.setattr("ultravox_async._http.failures.class_for_status", class_for_status)
    async with Wire(in_turn(answer(404))) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(ZeroDivisionError) as caught:
            await ultravox.request("GET", "/api/voices")
    assert "class_for_status" in [frame.name for frame in caught.traceback]


async def test_a_bug_in_the_client_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("ultravox_async._http.failures.parse_retry_after", broken)
    async with Wire(in_turn(answer(500))) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(ZeroDivisionError):
            await client.sip.registrations.get_many(["id-1"])


async def test_a_header_section_over_the_limit_is_an_ultravox_error() -> None:
    long = answer(200, {}, headers={"X-Long": "x" * 100_000})
    async with Wire(in_turn(long)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(APIConnectionError, match="not valid HTTP"):
            await client.request("GET", ANYTHING)


async def test_a_body_that_is_not_gzip_is_an_ultravox_error() -> None:
    wrong = answer(200, body=b"no gzip at all", headers={"Content-Encoding": "gzip"})
    async with Wire(in_turn(wrong)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(UltravoxError):
            await client.request("GET", ANYTHING)


@pytest.mark.parametrize("length", [1024 * 1024 - 100, 1024 * 1024 + 100, 5 * 1024 * 1024])
async def test_a_body_of_megabytes_is_sent_without_a_warning(length: int) -> None:
    text = "x" * length
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("POST", ANYTHING, json={"text": text})
        assert len(wire.received[0].body) == length + len('{"text":""}')
        assert wire.received[0].headers["content-type"] == "application/json"
        assert wire.received[0].headers["content-length"] == str(len(wire.received[0].body))


async def test_a_body_of_megabytes_is_whole_in_each_attempt() -> None:
    sent = {"text": "x" * 2_000_000}
    async with Wire(in_turn(answer(429), OK)) as wire, client_of(wire.base_url) as client:
        await client.request("POST", ANYTHING, json=sent)
        assert [len(each.body) for each in wire.received] == [2_000_011, 2_000_011]


@pytest.mark.parametrize("event", ["on_request_start", "on_connection_create_end", "on_request_headers_sent"])
async def test_a_hook_may_use_the_client_itself_and_no_place_is_lost(event: str) -> None:
    inner: list[int] = []
    started: list[int] = []

    async def use_the_client(*_: object) -> None:
        # It is called for its own requests too.
        if len(started) == len(inner) < 5:
            started.append(1)
            inner.append((await client.request("GET", "/api/inner")).status)

    events = aiohttp.TraceConfig()
    getattr(events, event).append(use_the_client)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[events], pool_size=6) as client:
        for _ in range(10):
            async with asyncio.timeout(20):
                assert (await client.request("GET", ANYTHING)).status == 200
        await asyncio.gather(*(client.request("GET", ANYTHING) for _ in range(30)))
    assert set(inner) == {200}


async def test_a_client_that_is_closed_while_a_hook_uses_it_ends_both() -> None:
    async def use_the_client(*_: object) -> None:
        if not nested.is_set():
            nested.set()
            await client.request("GET", "/api/inner")

    nested = asyncio.Event()
    events = aiohttp.TraceConfig()
    events.on_request_headers_sent.append(use_the_client)
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, trace_configs=[events]) as client:
        call = asyncio.create_task(client.request("GET", ANYTHING))
        await nested.wait()
        await wire.until_received(1)
        async with asyncio.timeout(20):
            await client.close()
        with pytest.raises(ClientClosedError):
            await call


async def test_a_cancellation_that_a_hook_raises_is_a_connection_error() -> None:
    hook = failing_at("on_request_start", asyncio.CancelledError)
    async with client_of("http://127.0.0.1:9", retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APIConnectionError, match="CancelledError"):
            await client.request("GET", ANYTHING)


async def test_a_certificate_that_a_third_party_connector_cannot_verify_is_tried_once() -> None:
    class Unverified(aiohttp.TCPConnector):
        asked = 0

        async def connect(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - aiohttp's signature
            self.asked += 1
            raise ssl.SSLCertVerificationError(1, "self-signed certificate")

    connector = Unverified()  # pyright: ignore[reportUnknownMemberType] - aiohttp's types name a bare tuple
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_of("https://127.0.0.1:9", session=session) as client,
    ):
        with pytest.raises(APIConnectionError, match="does not verify"):
            await client.request("GET", ANYTHING)
    assert connector.asked == 1


@pytest.mark.parametrize("proxy", ["u:canary-proxy@127.0.0.1:9", "http:/u:canary-proxy@h", "http://u:canary-proxy/x@h"])
async def test_a_proxy_that_is_not_a_url_is_named_without_its_password(proxy: str) -> None:
    async with (
        aiohttp.ClientSession(proxy=proxy) as session,
        client_of("http://127.0.0.1:9", session=session, retry=ONCE) as client,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await client.request("GET", ANYTHING)
    assert "canary-proxy" not in str(caught.value)


async def test_requests_of_a_handed_in_session_that_time_out_count_for_the_pace(clock: Clock) -> None:
    received: list[float] = []

    async def never(_: Received) -> Say:
        received.append(clock.ahead)
        return WAIT

    async with (
        Wire(never) as wire,
        aiohttp.ClientSession() as session,
        client_of(
            wire.base_url,
            session=session,
            retry=ONCE,
            rate_limit=RateLimit(10.0),
            timeout=Timeout(read=0.1, total=0.1),
        ) as client,
    ):
        calls = [client.request("GET", ANYTHING) for _ in range(30)]
        assert {type(each) for each in await asyncio.gather(*calls, return_exceptions=True)} == {APITimeoutError}
    # Ten a second: the last of them come two seconds after the first.
    assert received[-1] - received[0] > 1.5
