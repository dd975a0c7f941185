"""Whatever a resolver, a proxy connector or a tracing hook raises is a connection error, in sweeps and outside."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.wire import Wire, answer, client_of, in_turn, the_registration_asked_for
from ultravox_async import APIConnectionError, RetryPolicy, UltravoxError

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
ONCE = RetryPolicy(max_attempts=1)


class ProxyError(Exception):
    """What the connectors of other packages raise, which know nothing of aiohttp's errors."""


class FailingConnector(aiohttp.TCPConnector):
    """A connector of somebody else's, for each third connection of which its proxy is not to be had."""

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


async def test_a_sweep_goes_on_when_a_connector_of_others_raises_its_own_error() -> None:
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


async def test_an_error_without_a_text_is_told_by_its_class_alone() -> None:
    hook = failing_at("on_request_start", LookupError)
    async with client_of("http://127.0.0.1:9", retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APIConnectionError, match=r": LookupError$"):
            await client.request("GET", ANYTHING)


async def test_a_timeout_of_a_hooks_own_is_none_of_the_clients() -> None:
    hook = failing_at("on_request_start", lambda: TimeoutError("of the hook"))
    async with client_of("http://127.0.0.1:9", retry=ONCE, trace_configs=[hook]) as client:
        with pytest.raises(APIConnectionError, match="TimeoutError: of the hook") as caught:
            await client.request("GET", ANYTHING)
    assert type(caught.value) is APIConnectionError


async def test_what_is_no_exception_but_an_end_is_not_changed() -> None:
    class TheEnd(BaseException):
        """Neither an error nor a cancellation."""

    hook = failing_at("on_request_start", TheEnd)
    async with client_of("http://127.0.0.1:9", trace_configs=[hook]) as client:
        with pytest.raises(TheEnd):
            await client.request("GET", ANYTHING)


async def test_another_event_loop_is_only_named_where_there_is_one() -> None:
    hook = failing_at("on_request_start", lambda: RuntimeError("something else"))
    async with (
        aiohttp.ClientSession(trace_configs=[hook]) as session,
        client_of("http://127.0.0.1:9", session=session, retry=ONCE) as client,
    ):
        with pytest.raises(APIConnectionError, match="RuntimeError: something else"):
            await client.request("GET", ANYTHING)


async def test_a_bug_of_the_clients_own_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("ultravox_async._http.attempt.parse_retry_after", broken)
    async with Wire(in_turn(answer(500))) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(ZeroDivisionError):
            await client.sip.registrations.get_many(["id-1"])


async def test_a_head_over_the_limit_is_an_error_of_the_tree() -> None:
    long = answer(200, {}, headers={"X-Long": "x" * 100_000})
    async with Wire(in_turn(long)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(APIConnectionError, match="not valid HTTP"):
            await client.request("GET", ANYTHING)


async def test_a_body_that_is_no_gzip_is_an_error_of_the_tree() -> None:
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
