import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from tests.wire import KEY, WAIT, Received, Say, Wire, answer, client_of, in_turn, shown
from ultravox_async import APIConnectionError, APIStatusError, AsyncUltravox, BadRequestError, InvalidRequestError
from ultravox_async._http.headers import extra_headers
from ultravox_async._wire.payload import Secret

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
CANARY = "canary-header-5d1e"


@pytest.fixture(params=["its own session", "a session that was handed in"])
async def client_and_wire(request: pytest.FixtureRequest) -> AsyncIterator[tuple[AsyncUltravox, Wire]]:
    async with Wire(in_turn(OK)) as wire, aiohttp.ClientSession() as session:
        settings = {"session": session} if request.param == "a session that was handed in" else {}
        async with client_of(wire.base_url, **settings) as client:
            yield client, wire


def refusal(headers: object) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        extra_headers(Secret(headers))
    assert CANARY not in shown(caught.value)
    return caught.value


async def test_extra_headers_go_with_the_request_and_no_other(client_and_wire: tuple[AsyncUltravox, Wire]) -> None:
    client, wire = client_and_wire
    await client.request("GET", ANYTHING, headers={"X-Trace": "a-1"})
    await client.request("GET", ANYTHING)
    assert [each.headers.get("x-trace") for each in wire.received] == ["a-1", None]
    assert [each.headers["x-api-key"] for each in wire.received] == [KEY] * 2


async def test_extra_headers_take_the_place_of_those_of_each_request(
    client_and_wire: tuple[AsyncUltravox, Wire],
) -> None:
    client, wire = client_and_wire
    headers = {"user-agent": "mine", "ACCEPT": "text/plain", "content-type": "application/merge-patch+json"}
    await client.request("POST", ANYTHING, json={}, headers=headers)
    (received,) = wire.received
    assert {name: received.headers[name.lower()] for name in headers} == headers
    assert received.headers["x-api-key"] == KEY
    assert received.body == b"{}"


async def test_a_body_has_its_content_type_beside_extra_headers(client_and_wire: tuple[AsyncUltravox, Wire]) -> None:
    client, wire = client_and_wire
    await client.request("POST", ANYTHING, json={}, headers={"X-Trace": "a-1"})
    assert wire.received[0].headers["content-type"] == "application/json"


async def test_extra_headers_go_with_each_attempt() -> None:
    async with Wire(in_turn(answer(503), OK)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING, headers={"Idempotency-Key": "a-1"})
        assert [each.headers["idempotency-key"] for each in wire.received] == ["a-1"] * 2


@pytest.mark.parametrize("headers", [None, {}])
async def test_no_headers_are_none(headers: Mapping[str, str] | None) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING, headers=headers)
        assert wire.received[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "name",
    [
        "X-API-Key",
        "x-api-key",
        "X-Api-KEY",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "connection",
        "Expect",
        "TE",
    ],
)
def test_what_the_client_sets_itself_is_refused_by_name(name: str) -> None:
    error = refusal({"X-Fine": "1", name: CANARY})
    assert error.field == "headers"
    assert error.problem == f"{name} is set by the client itself"


@pytest.mark.parametrize("name", ["", "X Trace", "X-Trace:", "X-Trace\r\nX-API-Key", "\x00", "X-Träce", 5, None, b"X"])
def test_a_header_name_that_is_not_a_token_is_refused(name: object) -> None:
    assert "a name can only contain letters" in refusal({name: CANARY}).problem


@pytest.mark.parametrize("end", ["\r\nX-API-Key: other", "\n", "\r", "\x00", "\x1b", "\x7f", "\ud800"])
def test_a_value_that_no_header_can_carry_is_refused(end: str) -> None:
    assert "the value of X-Trace contains a line break" in refusal({"X-Trace": CANARY + end}).problem


@pytest.mark.parametrize("value", [5, None, [CANARY], CANARY.encode()])
def test_a_header_value_that_is_not_a_string_is_refused(value: object) -> None:
    problem = refusal({"X-Trace": value}).problem
    assert problem == f"the value of X-Trace must be a string, not {type(value).__name__}"


@pytest.mark.parametrize("value", ["tabs\tand spaces", "größe", ""])
async def test_a_value_may_hold_any_other_text(value: str) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING, headers={"X-Trace": value})
        assert wire.received[0].headers["x-trace"] == value


@pytest.mark.parametrize("headers", [[("X-Trace", CANARY)], CANARY, 5])
def test_headers_that_are_not_a_mapping_are_refused(headers: object) -> None:
    assert refusal(headers).problem == "takes a mapping of strings to strings"


@pytest.mark.parametrize(
    "headers", [{"X-Trace": CANARY, "x-trace": "b"}, CIMultiDict([("X-Trace", CANARY), ("X-Trace", "b")])]
)
def test_a_header_that_is_there_twice_is_refused(headers: Mapping[str, str]) -> None:
    assert "is given twice" in refusal(headers).problem


async def test_a_refused_header_shows_no_value_and_nothing_is_sent() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.request("GET", ANYTHING, headers={"X-Trace": f"{CANARY}\r\n"})
        assert "client.py" in shown(caught.value)
        assert CANARY not in shown(caught.value)
        assert wire.received == []


def test_no_repr_shows_a_value() -> None:
    headers = extra_headers(Secret({"Authorization": f"Bearer {CANARY}", "X-Trace": CANARY}))
    assert CANARY not in repr(headers)


async def error_of_an_echo(name: str, value: str, echoed: str) -> APIStatusError:
    async def echo(_: Received) -> Say:
        return answer(400, {"detail": f"not {echoed}"}, headers={"X-Echo": echoed})

    async with Wire(echo) as wire, client_of(wire.base_url) as client:
        with pytest.raises(BadRequestError) as caught:
            await client.request("GET", ANYTHING, headers={name: value})
        return caught.value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Session-Token", CANARY),
        ("Idempotency-Key", CANARY),
        ("X-Webhook-Secret", CANARY),
        ("authorization", f"Bearer {CANARY}"),
        ("Cookie", f"theme=dark; session={CANARY}"),
    ],
)
@pytest.mark.parametrize("form", ["the whole value", "what is secret of it"])
async def test_a_secret_header_that_is_echoed_is_redacted_in_the_error(name: str, value: str, form: str) -> None:
    error = await error_of_an_echo(name, value, value if form == "the whole value" else CANARY)
    assert CANARY not in shown(error)
    assert CANARY.encode() not in error.body
    assert "[redacted]" in str(error)
    assert "[redacted]" in error.headers["X-Echo"]


async def test_a_header_that_is_not_secret_is_shown_when_it_is_echoed() -> None:
    assert "a-trace-id" in str(await error_of_an_echo("X-Trace", "a-trace-id", "a-trace-id"))


async def test_a_response_redacts_a_secret_header() -> None:
    async with Wire(in_turn(answer(200, body=CANARY.encode()))) as wire, client_of(wire.base_url) as client:
        response = await client.request("POST", ANYTHING, json={"password": "pass-word"}, headers={"X-Token": CANARY})
        assert response.redacted(f"{CANARY} {KEY} pass-word") == "[redacted] [redacted] [redacted]"


async def test_a_cancelled_request_shows_no_header() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        headers = {"X-Trace": CANARY}
        task = asyncio.create_task(client.request("GET", ANYTHING, headers=headers))
        await wire.until_received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert CANARY not in shown(caught.value)


async def test_a_lost_connection_shows_no_header() -> None:
    async with Wire(in_turn(Say(then="hang up"))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(APIConnectionError, match="disconnected") as caught:
            await client.request("GET", ANYTHING, headers={"X-Trace": CANARY})
        assert CANARY not in shown(caught.value)


async def test_reads_with_different_headers_do_not_share_a_request() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, coalesce_reads=True) as client:
        asked: list[Any] = [None, None, {"X-Trace": "a"}, {"X-Trace": "a"}, {"X-Trace": "b"}]
        await asyncio.gather(*(client.request("GET", ANYTHING, headers=each) for each in asked))
        assert sorted(each.headers.get("x-trace", "") for each in wire.received) == ["", "a", "b"]
