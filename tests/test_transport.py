import asyncio
import gzip
import ssl
import zlib
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
import trustme

from tests.conftest import Clock
from tests.wire import (
    HANG_UP,
    KEY,
    PASSWORD,
    REGISTRATION,
    WAIT,
    Received,
    Say,
    Wire,
    answer,
    client_of,
    in_turn,
    shown,
)
from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncUltravox,
    BadRequestError,
    ClientClosedError,
    DecodeError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    Timeout,
    UltravoxError,
)
from ultravox_async.testing import DropResponse, Emulator
from ultravox_async.types import HangUp

ONCE = RetryPolicy(max_attempts=1)
ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})


async def error_of(call: Coroutine[Any, Any, object]) -> UltravoxError:
    with pytest.raises(UltravoxError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_safe_method_is_repeated_after_a_status_that_passes(method: str, status: int) -> None:
    async with Wire(in_turn(answer(status), OK)) as wire, client_of(wire.base_url) as ultravox:
        response = await ultravox.request(method, ANYTHING)
        assert response.json() == {"fine": True}
        assert [each.method for each in wire.received] == [method, method]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 501])
async def test_a_permanent_status_is_not_retried(status: int) -> None:
    async with Wire(in_turn(answer(status), OK)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(APIStatusError, match=str(status)):
            await ultravox.request("GET", ANYTHING)
        assert len(wire.received) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_safe_method_is_repeated_after_a_lost_connection(method: str) -> None:
    async with Wire(in_turn(HANG_UP, OK)) as wire, client_of(wire.base_url) as ultravox:
        assert (await ultravox.request(method, ANYTHING)).status == 200
        assert len(wire.received) == 2


async def test_a_delete_whose_answer_is_lost_is_sent_again(ultravox_emulator: Emulator) -> None:
    ultravox_emulator.inject(DropResponse(), times=1)
    ids = ultravox_emulator.registration_ids
    async with AsyncUltravox(
        ultravox_emulator.api_key, base_url=ultravox_emulator.base_url, retry=RetryPolicy(base_delay=0.001)
    ) as ultravox:
        assert isinstance(await error_of(ultravox.sip.registrations.delete(ids[0])), APIStatusError)
    assert [each.status for each in ultravox_emulator.requests] == [None, 404]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("said", [answer(500), answer(502), answer(503), answer(408), HANG_UP])
async def test_a_request_that_may_have_had_an_effect_is_not_repeated(method: str, said: Say) -> None:
    async with Wire(in_turn(said, OK)) as wire, client_of(wire.base_url) as ultravox:
        await error_of(ultravox.request(method, ANYTHING, json={}))
        assert len(wire.received) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_request_that_the_server_rejected_with_429_is_repeated_with_any_method(method: str) -> None:
    async with Wire(in_turn(answer(429), OK)) as wire, client_of(wire.base_url) as ultravox:
        assert (await ultravox.request(method, ANYTHING, json={"a": 1})).status == 200
        assert [each.body for each in wire.received] == [b'{"a":1}', b'{"a":1}']


async def test_a_post_is_repeated_after_a_refused_connection(ultravox_emulator: Emulator) -> None:
    await ultravox_emulator.stop()

    async def start(*_: object) -> None:
        await ultravox_emulator.start()

    trace = aiohttp.TraceConfig()
    trace.on_request_exception.append(start)
    async with AsyncUltravox(
        ultravox_emulator.api_key,
        base_url=ultravox_emulator.base_url,
        retry=RetryPolicy(base_delay=0.001),
        trace_configs=[trace],
    ) as ultravox:
        made = await ultravox.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")
    assert ultravox_emulator.password_of(made.registration_id) == PASSWORD
    assert ultravox_emulator.received == 1


async def test_a_refused_connection_is_known_to_have_had_no_effect(ultravox_emulator: Emulator) -> None:
    await ultravox_emulator.stop()
    async with client_of(ultravox_emulator.base_url) as ultravox:
        error = await error_of(ultravox.request("GET", ANYTHING))
    assert isinstance(error, APIConnectionError)
    assert (error.method, error.path, error.connected) == ("GET", ANYTHING, False)


async def test_a_lost_connection_may_have_had_an_effect() -> None:
    async with Wire(in_turn(HANG_UP)) as wire, client_of(wire.base_url, retry=ONCE) as ultravox:
        error = await error_of(ultravox.request("GET", ANYTHING))
    assert isinstance(error, APIConnectionError)
    assert error.connected
    assert "GET /api/anything: " in str(error)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("last", [HANG_UP, answer(503)])
async def test_the_server_sees_exactly_as_many_attempts_as_the_policy_allows(method: str, last: Say) -> None:
    # On a pooled connection: there aiohttp would send each lost request once more by itself.
    policy = RetryPolicy(max_attempts=3, base_delay=0.001)
    async with Wire(in_turn(OK, last)) as wire, client_of(wire.base_url, retry=policy) as ultravox:
        await ultravox.request(method, ANYTHING)
        await error_of(ultravox.request(method, ANYTHING))
        assert len(wire.received) == 1 + 3


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_single_attempt_is_a_single_request(method: str) -> None:
    async with Wire(in_turn(OK, HANG_UP)) as wire, client_of(wire.base_url, retry=ONCE) as ultravox:
        await ultravox.request(method, ANYTHING)
        await error_of(ultravox.request(method, ANYTHING))
        assert len(wire.received) == 2


async def test_one_retry_is_enough_however_many_pooled_connections_are_stale() -> None:
    all_in = asyncio.Barrier(5)

    async def script(request: Received) -> Say:
        if request.connection > 5:
            return OK
        if [each.connection for each in wire.received].count(request.connection) > 1:
            return HANG_UP
        await all_in.wait()
        return OK

    policy = RetryPolicy(max_attempts=2, base_delay=0.001)
    async with Wire(script) as wire, client_of(wire.base_url, retry=policy) as ultravox:
        await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(5)))
        assert (await ultravox.request("GET", ANYTHING)).status == 200
        assert [each.connection > 5 for each in wire.received[5:]] == [False, True]


async def test_a_failed_answer_gives_its_connection_back_before_the_pause() -> None:
    failed = answer(503, body=b"x" * 1_000_000)
    async with (
        Wire(in_turn(failed, OK)) as wire,
        client_of(wire.base_url, pool_size=1, timeout=Timeout(connect=1.0)) as ultravox,
    ):
        assert (await ultravox.request("GET", ANYTHING)).status == 200
        assert [each.connection for each in wire.received] == [1, 1]


async def test_retry_after_is_obeyed(clock: Clock) -> None:
    asked_to_wait = answer(429, headers={"Retry-After": "30"})
    async with Wire(in_turn(asked_to_wait, OK)) as wire, client_of(wire.base_url) as ultravox:
        await ultravox.request("GET", ANYTHING)
        assert len(wire.received) == 2
    assert clock.ahead > 29


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (503, ServerError)])
async def test_a_retry_after_beyond_the_longest_pause_raises_at_once(
    clock: Clock, status: int, kind: type[APIStatusError]
) -> None:
    async with (
        Wire(in_turn(answer(status, headers={"Retry-After": "61"}), OK)) as wire,
        client_of(wire.base_url) as ultravox,
    ):
        error = await error_of(ultravox.request("GET", ANYTHING))
        assert isinstance(error, kind)
        assert error.retry_after == 61
        assert len(wire.received) == 1
        assert clock.ahead < error.retry_after


async def test_a_retry_after_beyond_the_rest_of_the_total_raises_at_once(clock: Clock) -> None:
    async with (
        Wire(in_turn(answer(503, headers={"Retry-After": "30"}), OK)) as wire,
        client_of(wire.base_url, timeout=Timeout(total=20.0)) as ultravox,
    ):
        error = await error_of(ultravox.request("GET", ANYTHING))
        assert isinstance(error, ServerError)
        assert error.retry_after == 30
        assert len(wire.received) == 1
        assert clock.ahead < error.retry_after


@pytest.mark.usefixtures("clock")
async def test_the_pauses_of_all_attempts_together_stay_within_the_total() -> None:
    async with (
        Wire(in_turn(answer(503))) as wire,
        client_of(wire.base_url, timeout=Timeout(total=10.0), retry=RetryPolicy(100, base_delay=2.5)) as ultravox,
    ):
        with pytest.raises(ServerError):
            await ultravox.request("GET", ANYTHING)
        # The pauses are 1.25 to 2.5 seconds at first, then twice that, and again twice that.
        assert 3 <= len(wire.received) <= 4


async def test_during_a_long_cool_down_nothing_is_sent() -> None:
    async with (
        Wire(in_turn(answer(429, headers={"Retry-After": "3600"}), OK)) as wire,
        client_of(wire.base_url) as ultravox,
    ):
        await error_of(ultravox.request("GET", ANYTHING))
        error = await error_of(ultravox.request("GET", "/api/voices"))
        assert isinstance(error, RateLimitError)
        assert error.retry_after is not None
        assert 60 < error.retry_after <= 3600
        assert "not sent" in str(error)
        assert len(wire.received) == 1


async def test_a_long_cool_down_ends_calls_that_wait_for_a_place() -> None:
    async with (
        Wire(in_turn(answer(429, headers={"Retry-After": "3600"}), OK)) as wire,
        client_of(wire.base_url, pool_size=1) as ultravox,
    ):
        outcomes = await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in outcomes] == [RateLimitError] * 3
        assert len(wire.received) == 1


async def test_a_cool_down_of_call_creation_leaves_the_rest_alone() -> None:
    async def script(request: Received) -> Say:
        return answer(429, headers={"Retry-After": "3600"}) if request.method == "POST" else OK

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        await error_of(ultravox.request("POST", "/api/calls", json={}))
        assert (await ultravox.request("GET", "/api/calls")).status == 200
        assert isinstance(await error_of(ultravox.request("POST", "/api/agents/a/calls", json={})), RateLimitError)
        assert [each.method for each in wire.received] == ["POST", "GET"]


async def test_waiting_for_a_place_counts_against_no_timeout(clock: Clock) -> None:
    async def script(_: Received) -> Say:
        clock.advance(1.0)
        return OK

    async with (
        Wire(script) as wire,
        client_of(wire.base_url, pool_size=3, timeout=Timeout(connect=25.0, read=25.0, total=25.0)) as ultravox,
    ):
        responses = await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(300)))
        assert [each.status for each in responses] == [200] * 300
        assert len(wire.received) == 300
        assert max(each.connection for each in wire.received) <= 3


@pytest.mark.parametrize(
    "said", [WAIT, Say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "wait")], ids=["no answer", "half of it"]
)
async def test_a_silent_server_hits_the_read_timeout(said: Say) -> None:
    async with (
        Wire(in_turn(said)) as wire,
        client_of(wire.base_url, timeout=Timeout(read=0.2), retry=ONCE) as ultravox,
    ):
        error = await error_of(ultravox.request("GET", ANYTHING))
    assert isinstance(error, APITimeoutError)
    assert isinstance(error, TimeoutError)
    assert "Timeout.read" in str(error)
    assert error.connected


async def test_a_silent_server_hits_the_read_timeout_in_a_session_that_was_handed_in() -> None:
    async with (
        Wire(in_turn(WAIT)) as wire,
        aiohttp.ClientSession() as session,
        client_of(wire.base_url, session=session, timeout=Timeout(read=0.2, total=3.0), retry=ONCE) as ultravox,
    ):
        error = await error_of(ultravox.request("GET", ANYTHING))
    assert "Timeout.read" in str(error)


async def test_a_get_is_repeated_after_the_read_timeout() -> None:
    async with Wire(in_turn(WAIT, OK)) as wire, client_of(wire.base_url, timeout=Timeout(read=0.2)) as ultravox:
        assert (await ultravox.request("GET", ANYTHING)).status == 200


async def test_a_handshake_that_does_not_end_hits_the_connect_timeout() -> None:
    async with Wire(in_turn(WAIT)) as wire:
        base_url = wire.base_url.replace("http:", "https:")
        async with client_of(base_url, timeout=Timeout(connect=0.2), retry=ONCE) as ultravox:
            error = await error_of(ultravox.request("GET", ANYTHING))
    assert isinstance(error, APITimeoutError)
    assert "Timeout.connect" in str(error)
    assert not error.connected


async def test_a_body_that_only_drips_ends_with_the_total_timeout() -> None:
    dripping = Say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "drip")
    async with Wire(in_turn(dripping)) as wire, client_of(wire.base_url, timeout=Timeout(total=0.2)) as ultravox:
        error = await error_of(ultravox.request("GET", ANYTHING))
    assert isinstance(error, APITimeoutError)
    assert "Timeout.total" in str(error)
    assert len(wire.received) == 1


async def test_a_timeout_of_the_caller_stays_the_callers() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(0.05):
                await ultravox.request("GET", ANYTHING)
    assert not isinstance(caught.value, UltravoxError)


async def test_a_certificate_that_is_not_trusted_ends_the_connection() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it also takes pyOpenSSL, which is absent
    async with Wire(in_turn(OK), context) as wire, client_of(wire.base_url, retry=ONCE) as ultravox:
        error = await error_of(ultravox.request("GET", ANYTHING))
        assert isinstance(error, APIConnectionError)
        assert not error.connected
        assert wire.received == []


def encoded(coding: str, body: bytes) -> Say:
    return answer(body=body, headers={"Content-Encoding": coding})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LONG = [
    answer(body=b"x" * 1001),
    Say(CHUNKED + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"),
    Say(CHUNKED + b"3e9\r\n" + b"x" * 1001 + b"\r\n", "wait"),
    encoded("gzip", gzip.compress(bytes(100_000))),
    encoded("deflate", zlib.compress(bytes(100_000))),
]


@pytest.mark.parametrize("said", TOO_LONG, ids=["with its length", "chunked", "without an end", "gzip", "deflate"])
async def test_a_body_beyond_the_limit_is_refused_and_the_request_not_repeated(said: Say) -> None:
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, max_response_bytes=1000) as ultravox:
        error = await error_of(ultravox.request("GET", ANYTHING))
        assert isinstance(error, ResponseTooLargeError)
        assert (error.method, error.path, error.limit) == ("GET", ANYTHING, 1000)
        assert len(wire.received) == 1


@pytest.mark.parametrize("said", [answer(body=b"x" * 1000), encoded("gzip", gzip.compress(b"x" * 1000))])
async def test_a_body_of_exactly_the_limit_is_read(said: Say) -> None:
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, max_response_bytes=1000) as ultravox:
        assert (await ultravox.request("GET", ANYTHING)).body == b"x" * 1000


async def test_a_response_to_head_may_announce_a_body_beyond_the_limit() -> None:
    said = answer(body=b"", headers={"Content-Length": "1001"})
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, max_response_bytes=1000) as ultravox:
        response = await ultravox.request("HEAD", ANYTHING)
    assert (response.headers["Content-Length"], response.body) == ("1001", b"")


CUT_SHORT = [
    Say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "hang up"),
    Say(CHUNKED + b"5\r\n{", "hang up"),
    Say(CHUNKED + b"1\r\n{\r\n", "hang up"),
    Say(b"HTTP/1.1 200 O", "hang up"),
    Say(b"This is no HTTP\r\n\r\n", "hang up"),
]


@pytest.mark.parametrize("said", CUT_SHORT)
async def test_a_truncated_response_is_requested_again(said: Say) -> None:
    async with Wire(in_turn(said, OK)) as wire, client_of(wire.base_url) as ultravox:
        assert (await ultravox.request("GET", ANYTHING)).json() == {"fine": True}
        assert len(wire.received) == 2


@pytest.mark.parametrize("said", CUT_SHORT)
async def test_a_truncated_response_to_a_post_is_an_error(said: Say) -> None:
    async with Wire(in_turn(said, OK)) as wire, client_of(wire.base_url) as ultravox:
        error = await error_of(ultravox.request("POST", ANYTHING))
        assert isinstance(error, APIConnectionError)
        assert error.connected
        assert len(wire.received) == 1


async def test_a_body_that_is_not_json_is_a_decode_error() -> None:
    async with Wire(in_turn(answer(body=b"<html>"))) as wire, client_of(wire.base_url) as ultravox:
        response = await ultravox.request("GET", ANYTHING)
        with pytest.raises(DecodeError, match="GET /api/anything"):
            response.json()


LOGIN_PAGE = b"<html><title>Log in to the network</title></html>"

# Those that return nothing: only the status says that they were carried out.
WITHOUT_A_RESULT: dict[str, Callable[[AsyncUltravox], Coroutine[Any, Any, None]]] = {
    "delete": lambda ultravox: ultravox.sip.registrations.delete("an-id"),
    "delete without an id": lambda ultravox: ultravox.telephony.twilio.delete(),
    "hang_up": lambda ultravox: ultravox.calls.hang_up("an-id"),
    "send_data_message": lambda ultravox: ultravox.calls.send_data_message("an-id", HangUp()),
}


@pytest.mark.parametrize("name", WITHOUT_A_RESULT)
@pytest.mark.parametrize("content_type", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
async def test_a_web_page_is_not_the_success_of_an_operation(name: str, content_type: str) -> None:
    page = answer(200, body=LOGIN_PAGE, headers={"Content-Type": content_type})
    async with Wire(in_turn(page)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(DecodeError, match=r"expected nothing or JSON, got 49 bytes of .*: Log in to the network$"):
            await WITHOUT_A_RESULT[name](ultravox)
        assert len(wire.received) == 1


@pytest.mark.parametrize("name", WITHOUT_A_RESULT)
@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (204, "application/json", b""),
        (202, "text/html", b""),
        (200, "text/html", b'{"deleted": true}'),
        (200, "application/json", b'{"deleted": true}'),
        (200, "text/plain", b"OK"),
    ],
)
async def test_anything_else_with_a_status_of_success_is_one(
    name: str, status: int, content_type: str, body: bytes
) -> None:
    said = answer(status, body=body, headers={"Content-Type": content_type})
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url) as ultravox:
        await WITHOUT_A_RESULT[name](ultravox)
        assert len(wire.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_is_not_followed_and_says_where_it_points(method: str, status: int) -> None:
    async with Wire(in_turn(OK)) as other:
        location = f"{other.base_url}/elsewhere"
        async with (
            Wire(in_turn(answer(status, headers={"Location": location}), OK)) as wire,
            client_of(wire.base_url) as ultravox,
        ):
            error = await error_of(ultravox.request(method, ANYTHING))
            assert len(wire.received) == 1
        assert other.received == []
    assert isinstance(error, RedirectError)
    assert error.location == location
    assert location in str(error)


async def test_a_request_carries_the_key_and_says_what_it_accepts() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        await ultravox.request("GET", ANYTHING)
        headers = wire.received[0].headers
    assert headers["x-api-key"] == KEY
    assert headers["accept"] == "application/json"
    assert headers["user-agent"].startswith("ultravox-async/")
    assert "content-type" not in headers


async def test_cookies_are_not_sent_back() -> None:
    async with (
        Wire(in_turn(answer(headers={"Set-Cookie": "a=b"}))) as wire,
        # By its name, because the ordinary cookie jar of aiohttp ignores the cookies of IP addresses.
        client_of(wire.base_url.replace("127.0.0.1", "localhost")) as ultravox,
    ):
        await ultravox.request("GET", ANYTHING)
        await ultravox.request("GET", ANYTHING)
        assert "cookie" not in wire.received[1].headers


async def echo(request: Received) -> Say:
    key = request.headers["x-api-key"]
    return answer(400, {"detail": f"{key} sent {request.body.decode()}"}, headers={"X-Echo": f"{key}"})


async def create(ultravox: AsyncUltravox) -> object:
    return await ultravox.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")


async def test_a_response_that_echoes_the_secrets_does_not_bring_them_into_the_error() -> None:
    async with Wire(echo) as wire, client_of(wire.base_url) as ultravox:
        error = await error_of(create(ultravox))
        assert PASSWORD in wire.received[0].body.decode()
    assert isinstance(error, BadRequestError)
    assert error.headers["X-Echo"] == "[redacted]"
    assert error.detail is not None
    assert error.detail.startswith("[redacted] sent")
    assert "alice" in error.detail
    assert b"[redacted]" in error.body
    assert KEY not in shown(error)
    assert PASSWORD not in shown(error)


NO_SECRETS_IN = [
    HANG_UP,
    answer(500),
    answer(429, headers={"Retry-After": "3600"}),
    answer(302, headers={"Location": f"/?key={KEY}"}),
    answer(headers={"Content-Length": "99999999"}),
    answer(body=b"{"),
    answer(content={**REGISTRATION, "username": None, "password": PASSWORD}),
    Say(f"This is no HTTP but {KEY}\r\n\r\n".encode(), "hang up"),
    Say(f"HTTP/1.1 200 OK\r\nBad {PASSWORD}\r\n\r\n".encode(), "hang up"),
]


@pytest.mark.parametrize("said", NO_SECRETS_IN)
async def test_no_failure_shows_the_key_or_the_password(said: Say) -> None:
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url) as ultravox:
        text = shown(await error_of(create(ultravox)))
    assert "resources/sip.py" in text
    assert KEY not in text
    assert PASSWORD not in text


async def test_a_refused_connection_shows_no_secret(ultravox_emulator: Emulator) -> None:
    await ultravox_emulator.stop()
    async with client_of(ultravox_emulator.base_url) as ultravox:
        text = shown(await error_of(create(ultravox)))
    assert "resources/sip.py" in text
    assert KEY not in text
    assert PASSWORD not in text


@pytest.mark.parametrize("setting", [Timeout(read=0.2), Timeout(total=0.2)])
async def test_a_timeout_shows_no_secret(setting: Timeout) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, timeout=setting) as ultravox:
        text = shown(await error_of(create(ultravox)))
    assert "resources/sip.py" in text
    assert KEY not in text
    assert PASSWORD not in text


async def test_a_cancelled_call_shows_no_secret() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        task = asyncio.create_task(create(ultravox))
        await wire.until_received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    text = shown(caught.value)
    assert "resources/sip.py" in text
    assert KEY not in text
    assert PASSWORD not in text


async def test_a_call_cancelled_while_it_waits_for_its_answer_gives_back_its_place() -> None:
    async with Wire(in_turn(WAIT, OK)) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        task = asyncio.create_task(ultravox.request("GET", ANYTHING))
        await wire.until_received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await ultravox.request("GET", ANYTHING)).status == 200


async def test_a_call_cancelled_while_it_waits_for_a_place_takes_none() -> None:
    async with Wire(in_turn(WAIT, OK)) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        first = asyncio.create_task(ultravox.request("GET", ANYTHING))
        await wire.until_received(1)
        second = asyncio.create_task(ultravox.request("GET", ANYTHING))
        await asyncio.sleep(0)
        for task in (second, first):
            task.cancel()
        await asyncio.wait([first, second])
        assert (first.cancelled(), second.cancelled()) == (True, True)
        assert (await ultravox.request("GET", ANYTHING)).status == 200
        assert len(wire.received) == 2


async def test_a_call_cancelled_in_its_pause_sends_no_more() -> None:
    async with (
        Wire(in_turn(answer(503), OK)) as wire,
        client_of(wire.base_url, pool_size=1, retry=RetryPolicy(base_delay=60.0, max_delay=60.0)) as ultravox,
    ):
        task = asyncio.create_task(ultravox.request("GET", ANYTHING))
        await wire.until_received(1)
        # The other call gets the only place when the first one has given it back and pauses.
        assert (await ultravox.request("GET", ANYTHING)).status == 200
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(wire.received) == 2


async def test_a_session_without_a_connector_limit_does_not_widen_the_pool() -> None:
    async with (
        Wire(in_turn(OK)) as wire,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
        client_of(wire.base_url, session=session, pool_size=2) as ultravox,
    ):
        await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(10)))
        assert max(each.connection for each in wire.received) <= 2


async def test_identical_reads_are_separate_by_default() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(3)))
        assert len(wire.received) == 3


async def test_identical_reads_share_a_request_if_coalesce_reads_is_set() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        responses = await asyncio.gather(*(ultravox.request("GET", ANYTHING) for _ in range(3)))
        assert [each.json() for each in responses] == [{"fine": True}] * 3
        assert len(wire.received) == 1
        await ultravox.request("GET", ANYTHING)
        assert len(wire.received) == 2


async def test_different_reads_and_writes_do_not_share_a_request() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        reads = [ultravox.request("GET", ANYTHING, params={"n": n}) for n in range(2)]
        writes = [ultravox.request("POST", ANYTHING) for _ in range(2)]
        await asyncio.gather(*reads, *writes)
        assert len(wire.received) == 4


async def test_a_read_does_not_join_one_that_began_before_a_write() -> None:
    async with (
        Wire(in_turn(WAIT, OK)) as wire,
        # A read that joined the early one would be repeated after the read timeout, and succeed then.
        client_of(wire.base_url, coalesce_reads=True, retry=ONCE) as ultravox,
    ):
        early = asyncio.create_task(ultravox.request("GET", ANYTHING))
        await wire.until_received(1)
        await ultravox.request("POST", ANYTHING)
        assert (await ultravox.request("GET", ANYTHING)).status == 200
        assert [each.method for each in wire.received] == ["GET", "POST", "GET"]
        early.cancel()
        await asyncio.wait([early])


async def test_each_caller_that_shares_a_request_gets_its_own_error() -> None:
    async with Wire(in_turn(answer(404))) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        first, second = await asyncio.gather(
            *(ultravox.request("GET", ANYTHING) for _ in range(2)), return_exceptions=True
        )
        assert isinstance(first, APIStatusError)
        assert isinstance(second, APIStatusError)
        assert first is not second
        assert str(first) == str(second)
        assert len(wire.received) == 1


async def test_cancelling_one_caller_that_shares_a_request_does_not_affect_the_other() -> None:
    may_answer = asyncio.Event()

    async def script(_: Received) -> Say:
        await may_answer.wait()
        return OK

    async with Wire(script) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        first, second = (asyncio.create_task(ultravox.request("GET", ANYTHING)) for _ in range(2))
        await wire.until_received(1)
        first.cancel()
        await asyncio.wait([first])
        may_answer.set()
        assert (await second).status == 200
        assert first.cancelled()


async def test_close_ends_all_callers_that_share_a_request() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        tasks = [asyncio.create_task(ultravox.request("GET", ANYTHING)) for _ in range(2)]
        await wire.until_received(1)
        await ultravox.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [ClientClosedError] * 2


async def test_close_ends_a_request_at_the_moment_at_which_it_is_made() -> None:
    ultravox = AsyncUltravox(KEY, base_url="http://127.0.0.1:9")
    task = asyncio.create_task(ultravox.request("GET", ANYTHING))
    await asyncio.sleep(0)
    await ultravox.close()
    with pytest.raises(ClientClosedError, match="closed meanwhile"):
        await task
