import asyncio
import gzip
import json
import os
import pickle
import ssl
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import attrs
import pytest
import trustme
from aioresponses import aioresponses

from tests.wire import KEY, WAIT, Received, Say, Wire, answer, client_of, in_turn, shown
from ultravox_async import (
    APIConnectionError,
    AsyncUltravox,
    ClientClosedError,
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    RateLimit,
    RetryPolicy,
    Timeout,
    UltravoxError,
)
from ultravox_async.testing import Emulator

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
URL_PASSWORD = "canary-in-the-url"


@attrs.define
class Voice:
    voice_id: str
    speed: float | None = None


@pytest.fixture
def mocked(ultravox_responses: aioresponses) -> aioresponses:
    return ultravox_responses


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ULTRAVOX_API_KEY", raising=False)
    monkeypatch.delenv("ULTRAVOX_BASE_URL", raising=False)


def refusal(*args: Any, **settings: Any) -> ConfigurationError:  # noqa: ANN401 - settings come from untyped places
    with pytest.raises(ConfigurationError) as caught:
        AsyncUltravox(*args, **settings)
    return caught.value


async def fetch(client: AsyncUltravox) -> int:
    return (await client.request("GET", ANYTHING)).status


def test_a_client_is_built_outside_a_loop_and_used_in_one() -> None:
    client = AsyncUltravox(KEY, base_url="http://127.0.0.1:9", retry=RetryPolicy(max_attempts=1))

    async def use() -> None:
        async with client:
            with pytest.raises(APIConnectionError):
                await client.request("GET", ANYTHING)

    asyncio.run(use())


async def test_no_connection_is_made_before_the_first_use() -> None:
    connected = asyncio.Event()

    async def note(*_: object) -> None:
        connected.set()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(note)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[trace]) as client:
        assert not connected.is_set()
        await fetch(client)
        assert connected.is_set()


async def test_connections_are_used_again() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        for _ in range(3):
            await fetch(client)
        assert [each.connection for each in wire.received] == [1, 1, 1]


async def test_key_and_base_url_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(in_turn(OK)) as wire:
        monkeypatch.setenv("ULTRAVOX_API_KEY", "from-the-environment")
        monkeypatch.setenv("ULTRAVOX_BASE_URL", wire.base_url)
        async with AsyncUltravox() as client:
            await fetch(client)
        assert wire.received[0].headers["x-api-key"] == "from-the-environment"


async def test_arguments_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", "from-the-environment")
    monkeypatch.setenv("ULTRAVOX_BASE_URL", "http://127.0.0.1:9")
    async with Wire(in_turn(OK)) as wire, AsyncUltravox(KEY, base_url=wire.base_url) as client:
        await fetch(client)
        assert wire.received[0].headers["x-api-key"] == KEY


def test_by_default_the_base_url_is_that_of_the_public_api() -> None:
    assert "base_url='https://api.ultravox.ai'" in repr(AsyncUltravox(KEY))


@pytest.mark.parametrize("given", [None, ""])
def test_without_a_key_there_is_no_client(given: str | None) -> None:
    assert "ULTRAVOX_API_KEY" in str(refusal(given))


@pytest.mark.parametrize("addition", ["\n", "\r\nX-Evil: 1", " ", "\x00", "é", "\x7f"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(addition: str) -> None:
    error = refusal(KEY + addition)
    assert "client.py" in shown(error)
    assert KEY not in shown(error)


def test_a_key_of_the_environment_is_checked_too_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", f"{KEY}\n")
    assert KEY not in shown(refusal())
    assert KEY in os.environ["ULTRAVOX_API_KEY"]


@pytest.mark.parametrize("key", [b"bytes", 17])
def test_a_key_that_is_not_a_string_is_refused(key: object) -> None:
    assert "API key" in str(refusal(key))


MALFORMED = [
    "api.ultravox.ai",
    "//api.ultravox.ai",
    "https://",
    "https:///api",
    "ftp://api.ultravox.ai",
    "file:///etc/passwd",
    "https://api.ultravox.ai?a=b",
    "https://api.ultravox.ai#part",
    "https://api.ultravox.ai:0",
    "https://api.ultravox.ai:99999",
    "https://api.ultravox.ai:port",
    "https://[::1",
    "https://api.ultravox.ai\n",
    "https://api.ultravox.ai\r\nX-Evil: 1",
    "https://api ultravox.ai",
    f"https://user:{URL_PASSWORD}@api.ultravox.ai",
    f"https://:{URL_PASSWORD}@api.ultravox.ai",
    f"https://user:{URL_PASSWORD}@api.ultravox.ai:99999",
    "https://user@api.ultravox.ai",
]


@pytest.mark.parametrize("base_url", MALFORMED)
def test_a_malformed_base_url_is_refused_and_no_secret_shown(base_url: str) -> None:
    text = shown(refusal(KEY, base_url=base_url))
    assert "base_url takes an absolute http or https URL" in text
    assert "client.py" in text
    assert KEY not in text
    assert URL_PASSWORD not in text


def test_a_base_url_that_is_not_a_string_is_refused() -> None:
    assert "base_url" in str(refusal(KEY, base_url=17))


@pytest.mark.parametrize("host", ["api.ultravox.ai", "192.0.2.1", "localhost.example.com", "127.0.0.1.example.com"])
def test_plain_http_to_another_machine_is_refused(host: str) -> None:
    error = refusal(KEY, base_url=f"http://{host}")
    assert "allow_http" in str(error)
    assert KEY not in shown(error)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
def test_plain_http_to_this_machine_is_allowed(host: str) -> None:
    assert f"http://{host}:8787" in repr(AsyncUltravox(KEY, base_url=f"http://{host}:8787"))


def test_plain_http_can_be_allowed() -> None:
    assert "http://192.0.2.1" in repr(AsyncUltravox(KEY, base_url="http://192.0.2.1", allow_http=True))


def test_the_repr_shows_the_settings_and_no_key() -> None:
    client = AsyncUltravox(
        KEY, timeout=Timeout(read=7.5), retry=RetryPolicy(max_attempts=9), rate_limit=RateLimit(3.5), pool_size=17
    )
    text = repr(client)
    assert text.startswith("AsyncUltravox(")
    for part in ("read=7.5", "max_attempts=9", "requests_per_second=3.5", "pool_size=17", "max_response_bytes="):
        assert part in text
    assert KEY not in text
    assert KEY not in repr(vars(client))


@pytest.mark.parametrize("value", [False, True, "none"])
def test_certificates_cannot_be_left_unchecked(value: object) -> None:
    error = refusal(KEY, ssl=value)
    assert "ssl" in str(error)
    assert KEY not in shown(error)


@pytest.mark.parametrize(
    "setting",
    [{"ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}, {"trust_env": True}, {"trace_configs": [aiohttp.TraceConfig()]}],
    ids=["ssl", "trust_env", "trace_configs"],
)
async def test_settings_of_the_session_cannot_be_combined_with_session(setting: dict[str, Any]) -> None:
    async with aiohttp.ClientSession() as session:
        assert "session" in str(refusal(KEY, session=session, **setting))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (aiohttp.TraceConfig(), "a list of aiohttp.TraceConfig, not TraceConfig"),
        (None, "a list of aiohttp.TraceConfig, not NoneType"),
        ([aiohttp.TraceConfig], "instances of aiohttp.TraceConfig, not the class TraceConfig"),
        (["hook"], "instances of aiohttp.TraceConfig, not str"),
    ],
    ids=["one config", "nothing", "the class", "something else"],
)
def test_trace_configs_of_the_wrong_type_are_refused(value: object, said: str) -> None:
    assert said in str(refusal(KEY, trace_configs=value))


@pytest.mark.parametrize("name", ["pool_size", "max_response_bytes"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5, "1", None])
def test_a_size_that_is_not_a_positive_whole_number_is_refused(name: str, value: object) -> None:
    error = refusal(KEY, **{name: value})
    assert name in str(error)
    assert KEY not in shown(error)


@pytest.mark.parametrize("prefix", ["/prefix", "/prefix/", "/a%20b"])
async def test_a_path_of_the_base_url_goes_before_each_path(prefix: str) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url + prefix) as client:
        await fetch(client)
        assert wire.received[0].target == f"{prefix.rstrip('/')}/api/anything"


async def test_trace_configs_are_called() -> None:
    seen: list[str] = []

    async def note(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        seen.append(f"{params.method} {params.url.path}")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[trace]) as client:
        await fetch(client)
    assert seen == ["GET /api/anything"]


async def test_a_proxy_of_the_environment_is_used_only_when_it_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(in_turn(OK)) as proxy, Wire(in_turn(OK)) as wire:
        monkeypatch.setenv("http_proxy", proxy.base_url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        async with client_of(wire.base_url) as client, client_of(wire.base_url, trust_env=True) as trusting:
            await fetch(client)
            await fetch(trusting)
        assert [each.target for each in wire.received] == [ANYTHING]
        assert [each.target for each in proxy.received] == [wire.base_url + ANYTHING]


async def test_closing_twice_is_the_same_as_once() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await fetch(client)
        await client.close()
        await client.close()


async def test_a_client_that_was_never_used_can_be_closed() -> None:
    client = AsyncUltravox(KEY)
    await client.close()
    with pytest.raises(ClientClosedError, match="closed"):
        await fetch(client)


async def test_use_after_close_says_what_to_do() -> None:
    async with Wire(in_turn(OK)) as wire:
        async with client_of(wire.base_url) as client:
            await fetch(client)
        with pytest.raises(ClientClosedError, match="closed; make a new one"):
            await fetch(client)
        assert len(wire.received) == 1


def test_use_in_a_second_loop_says_what_to_do() -> None:
    async def first_use() -> None:
        with pytest.raises(APIConnectionError):
            await fetch(client)

    async def second_use() -> None:
        with pytest.raises(UltravoxError, match="another event loop; make one in each loop"):
            await fetch(client)
        with pytest.raises(UltravoxError, match="close it in the loop where it was used"):
            await client.close()

    client = client_of("http://127.0.0.1:9")
    with asyncio.Runner() as runner:
        runner.run(first_use())
        asyncio.run(second_use())
        # The refused close has closed nothing, and this one does.
        runner.run(client.close())


async def test_close_ends_requests_that_wait_for_their_answers() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        tasks = [asyncio.create_task(fetch(client)) for _ in range(3)]
        await wire.until_received(3)
        await client.close()
        # Before the tasks have had another turn: nothing of theirs is left when close() returns.
        assert all(task.done() for task in tasks)
        errors = [task.exception() for task in tasks]
    assert [type(error) for error in errors] == [ClientClosedError] * 3
    assert "GET /api/anything" in str(errors[0])
    assert "closed meanwhile" in str(errors[0])


async def test_close_ends_a_request_that_pauses_before_its_next_attempt() -> None:
    slow = RetryPolicy(base_delay=60.0)
    async with Wire(in_turn(answer(503), OK)) as wire, client_of(wire.base_url, retry=slow, pool_size=1) as client:
        task = asyncio.create_task(fetch(client))
        await wire.until_received(1)
        # The only place is free again when the first request pauses.
        await fetch(client)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed meanwhile"):
            await task
        assert len(wire.received) == 2


async def test_close_ends_requests_that_wait_for_their_turn() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=RateLimit(0.001)) as client:
        await fetch(client)
        tasks = [asyncio.create_task(fetch(client)) for _ in range(3)]
        await asyncio.sleep(0)
        await client.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in outcomes] == [ClientClosedError] * 3
        assert len(wire.received) == 1


async def test_close_ends_requests_that_wait_for_a_place() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, pool_size=1) as client:
        tasks = [asyncio.create_task(fetch(client)) for _ in range(3)]
        await wire.until_received(1)
        await client.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in outcomes] == [ClientClosedError] * 3
        assert len(wire.received) == 1


async def test_close_ends_a_sweep() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        sweep = asyncio.ensure_future(client.sip.registrations.get_many(f"id{n}" for n in range(100)))
        await wire.until_received(50)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed"):
            await sweep


async def test_a_close_that_is_cancelled_can_be_repeated() -> None:
    leaving, may_leave = asyncio.Event(), asyncio.Event()

    async def source() -> AsyncIterator[str]:
        yield "some-id"
        try:
            await asyncio.Event().wait()
        finally:
            leaving.set()
            await may_leave.wait()

    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        sweep = asyncio.ensure_future(client.sip.registrations.get_many(source()))
        await wire.until_received(1)
        closing = asyncio.create_task(client.close())
        await leaving.wait()
        closing.cancel()
        await asyncio.wait([closing])
        may_leave.set()
        await client.close()
        with pytest.raises(UltravoxError):
            await sweep


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - it also takes pyOpenSSL, which is absent
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - the same
    return server, client


async def test_tls_connections_are_closed_cleanly() -> None:
    of_server, of_client = tls_contexts()
    async with Wire(in_turn(OK), of_server) as wire, client_of(wire.base_url, ssl=of_client) as client:
        await asyncio.gather(*(fetch(client) for _ in range(3)))
        await client.close()
        assert len(wire.received) == 3


async def test_close_ends_a_request_over_tls() -> None:
    of_server, of_client = tls_contexts()
    async with Wire(in_turn(WAIT), of_server) as wire, client_of(wire.base_url, ssl=of_client) as client:
        task = asyncio.create_task(fetch(client))
        await wire.until_received(1)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed meanwhile"):
            await task


async def test_a_session_that_was_handed_in_is_used_and_stays_open() -> None:
    async with Wire(in_turn(OK)) as wire, aiohttp.ClientSession(headers={"X-Theirs": "1"}) as session:
        async with client_of(wire.base_url, session=session) as client:
            await fetch(client)
        assert not session.closed
        async with session.get(f"{wire.base_url}/theirs") as response:
            assert response.status == 200
        ours, theirs = wire.received
    assert (ours.headers["x-theirs"], ours.headers["x-api-key"]) == ("1", KEY)
    assert "x-api-key" not in theirs.headers
    assert ours.connection == theirs.connection


async def test_close_ends_a_request_in_a_session_that_was_handed_in() -> None:
    async with Wire(in_turn(WAIT)) as wire, aiohttp.ClientSession() as session:
        client = client_of(wire.base_url, session=session)
        task = asyncio.create_task(fetch(client))
        await wire.until_received(1)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed meanwhile"):
            await task
        assert not session.closed


@pytest.mark.parametrize("limits", [{"limit": 2}, {"limit": 0, "limit_per_host": 2}, {"limit": 5, "limit_per_host": 2}])
async def test_the_limits_of_a_session_that_was_handed_in_are_kept(limits: dict[str, Any]) -> None:
    arrived = 0
    waiting = asyncio.Event()

    async def script(_: Received) -> Say:
        nonlocal arrived
        arrived += 1
        if arrived == 2:
            waiting.set()
        await waiting.wait()
        return OK

    # A request that waited in the session's pool, and not before it, would run into this.
    brief = Timeout(connect=5.0, total=5.0)
    async with (
        Wire(script) as wire,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(**limits)) as session,
        client_of(wire.base_url, session=session, timeout=brief) as client,
    ):
        assert await asyncio.gather(*(fetch(client) for _ in range(10))) == [200] * 10
        assert {each.connection for each in wire.received} == {1, 2}


async def test_a_session_that_was_closed_too_early_is_named() -> None:
    session = aiohttp.ClientSession()
    client = AsyncUltravox(KEY, session=session)
    await session.close()
    with pytest.raises(UltravoxError, match=r"passed as session is closed, .* close it after"):
        await fetch(client)


async def test_a_session_that_raises_for_statuses_does_not_matter() -> None:
    said = answer(404, {"detail": "No such thing"})
    async with (
        Wire(in_turn(said)) as wire,
        aiohttp.ClientSession(raise_for_status=True) as session,
        client_of(wire.base_url, session=session) as client,
    ):
        with pytest.raises(NotFoundError, match="No such thing"):
            await fetch(client)


async def test_a_session_with_a_base_url_of_its_own_does_not_matter() -> None:
    async with (
        Wire(in_turn(OK)) as wire,
        aiohttp.ClientSession("http://127.0.0.1:9/elsewhere/") as session,
        client_of(wire.base_url, session=session) as client,
    ):
        await fetch(client)
        assert [each.target for each in wire.received] == [ANYTHING]


async def test_a_session_that_does_not_decompress_does_not_matter() -> None:
    said = answer(body=gzip.compress(b'{"fine": true}'), headers={"Content-Encoding": "gzip"})
    async with (
        Wire(in_turn(said)) as wire,
        aiohttp.ClientSession(auto_decompress=False) as session,
        client_of(wire.base_url, session=session) as client,
    ):
        assert (await client.request("GET", ANYTHING)).json() == {"fine": True}


async def test_a_lost_connection_in_a_session_that_was_handed_in_is_not_repeated_silently() -> None:
    async with (
        Wire(in_turn(OK, Say(then="hang up"))) as wire,
        aiohttp.ClientSession() as session,
        client_of(wire.base_url, session=session, retry=RetryPolicy(max_attempts=2, base_delay=0.001)) as client,
    ):
        await fetch(client)
        with pytest.raises(APIConnectionError):
            await fetch(client)
        assert len(wire.received) == 1 + 2


async def test_the_query_is_encoded() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING, params={"q": "a b&c=d/é", "n": 3, "x": 0.5})
        assert wire.received[0].target == "/api/anything?q=a+b%26c%3Dd%2F%C3%A9&n=3&x=0.5"


@pytest.mark.parametrize("sent", [{"a": [1, None, "é"]}, [], 0, False, "text"])
async def test_any_json_is_sent_as_a_body(sent: object) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        response = await client.request("POST", ANYTHING, json=sent)
        assert json.loads(wire.received[0].body) == sent
        assert wire.received[0].headers["content-type"] == "application/json"
    assert response.status == 200


async def test_without_json_there_is_no_body() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("POST", ANYTHING)
        assert wire.received[0].body == b""
        assert wire.received[0].headers.get("content-type") != "application/json"


async def test_an_attrs_object_is_sent_in_camel_case() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("POST", ANYTHING, json={"voice": Voice("v", 0.5)})
        assert wire.received[0].body == b'{"voice":{"voiceId":"v","speed":0.5}}'


async def test_a_response_decodes_into_what_it_is_asked_for(mocked: aioresponses) -> None:
    mocked.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/voices", body=b'[{"voiceId": "v", "speed": 1, "new": {}}]', repeat=True
    )
    async with AsyncUltravox(KEY) as client:
        response = await client.request("GET", "/api/voices")
    assert response.json() == [{"voiceId": "v", "speed": 1, "new": {}}]
    assert response.decode(list[Voice]) == [Voice("v", 1.0)]
    assert response.decode(list[dict[str, object]])[0]["voiceId"] == "v"
    with pytest.raises(DecodeError, match="GET /api/voices"):
        response.decode(dict[str, Voice])


async def test_the_parts_of_a_response_are_there_and_its_repr_is_short(mocked: aioresponses) -> None:
    mocked.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/voices", status=206, body=b'"the body"', headers={"X-More": "the header"}
    )
    async with AsyncUltravox(KEY) as client:
        response = await client.request("GET", "/api/voices")
    assert (response.status, response.headers["x-more"], response.body) == (206, "the header", b'"the body"')
    assert repr(response) == "Response(status=206)"


async def test_a_method_is_accepted_in_any_case(mocked: aioresponses) -> None:
    mocked.delete(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/anything", status=204
    )
    async with AsyncUltravox(KEY) as client:
        assert (await client.request("delete", ANYTHING)).status == 204


@pytest.mark.parametrize("method", ["", "FETCH", "CONNECT", "TRACE", "GET /\r\nX-Evil: 1\r\n"])
async def test_a_bad_method_is_refused_and_nothing_sent(ultravox_emulator: Emulator, method: str) -> None:
    async with client_of(ultravox_emulator.base_url) as client:
        with pytest.raises(InvalidRequestError, match="method: takes one of DELETE, GET"):
            await client.request(method, ANYTHING)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize(
    "path",
    [
        "",
        "api",
        "//evil.example/api",
        "https://evil.example/",
        "/a?b=c",
        "/a#b",
        "/a/../b",
        "/a/%2e%2E/b",
        "/\\a",
        "/a\r\nb",
    ],
)
async def test_a_bad_path_is_refused_and_nothing_sent(ultravox_emulator: Emulator, path: str) -> None:
    async with client_of(ultravox_emulator.base_url) as client:
        with pytest.raises(InvalidRequestError, match="path: "):
            await client.request("GET", path)
    assert ultravox_emulator.received == 0


async def test_a_body_that_cannot_be_encoded_as_json_is_refused_without_being_shown(
    ultravox_emulator: Emulator,
) -> None:
    async with client_of(ultravox_emulator.base_url) as client:
        with pytest.raises(InvalidRequestError, match="body: ") as caught:
            await client.request("POST", ANYTHING, json={"password": KEY, "unencodable": {1, 2}})
    assert "client.py" in shown(caught.value)
    assert KEY not in shown(caught.value)
    assert ultravox_emulator.received == 0


async def test_a_client_does_not_pickle() -> None:
    with pytest.raises(TypeError, match="holds connections and the API key"):
        pickle.dumps(AsyncUltravox(KEY))


@pytest.mark.parametrize("name", ["timeout", "retry", "rate_limit"])
@pytest.mark.parametrize("value", [None, 5, aiohttp.ClientTimeout(total=5)])
def test_a_setting_of_the_wrong_type_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} takes .*, not {type(value).__name__}"):
        AsyncUltravox(KEY, **cast("dict[str, Any]", {name: value}))


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".com", "x%00y", "-a.com"])
def test_an_invalid_host_name_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url takes"):
        AsyncUltravox(KEY, base_url=f"https://{host}")


@pytest.mark.parametrize(
    "url", ["https://xn--bcher-kva.example", "https://b\u00fccher.example", "https://[::1]:8443", "https://localhost."]
)
def test_a_valid_host_name_is_accepted(url: str) -> None:
    assert "base_url='https://" in repr(AsyncUltravox(KEY, base_url=url))


async def test_a_method_that_is_not_a_string_is_refused() -> None:
    async with AsyncUltravox(KEY) as client:
        with pytest.raises(InvalidRequestError, match="method: takes one of"):
            await client.request(cast("str", None), "/api/anything")


async def test_requests_that_wait_when_a_session_is_closed_by_its_owner_say_so() -> None:
    async with Wire(in_turn(answer(200, []))) as wire:
        session = aiohttp.ClientSession()
        async with client_of(wire.base_url, session=session, pool_size=1) as client:
            waiting = [asyncio.create_task(client.request("GET", "/api/anything")) for _ in range(3)]
            await asyncio.sleep(0)
            await session.close()
            ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(error) for error in ended[1:]} == {UltravoxError}
    assert "closed, or belongs to another event loop" in str(ended[2])


async def test_an_error_of_a_tracing_hook_is_a_connection_error_that_names_its_class() -> None:
    async def refuse(*_: object) -> None:
        raise RuntimeError("this listener is broken")

    listener = aiohttp.TraceConfig()
    listener.on_request_start.append(refuse)
    once = RetryPolicy(max_attempts=1)
    async with AsyncUltravox(KEY, trace_configs=[listener], retry=once) as client:
        with pytest.raises(APIConnectionError, match="RuntimeError: this listener is broken") as caught:
            await client.request("GET", "/api/anything")
        assert not caught.value.connected
