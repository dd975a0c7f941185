from collections.abc import AsyncIterator
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import KEY, PASSWORD, REGISTRATION, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import AsyncUltravox, DecodeError, RedirectError

OTHERS = {
    "port": "http://127.0.0.1:{port}/api/sip",
    "host": "http://localhost:{port}/api/sip",
    "host by address": "http://127.0.0.2:{port}/api/sip",
    "scheme": "https://127.0.0.1:{secure}/api/sip",
    "no scheme": "//127.0.0.1:{port}/api/sip",
    "user information": "http://user:pass@127.0.0.1:{port}/api/sip",
    "backslashes": "\\\\127.0.0.1:{port}\\api\\sip",
}
PAGE = {"results": [REGISTRATION]}


@pytest.fixture
async def elsewhere() -> AsyncIterator[Wire]:
    async with Wire(in_turn(answer(200, REGISTRATION))) as wire:
        yield wire


@pytest.fixture
async def secure() -> AsyncIterator[Wire]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it also takes pyOpenSSL, which is absent
    async with Wire(in_turn(answer(200, REGISTRATION)), context) as wire:
        yield wire


def url_of(other: str, elsewhere: Wire, secure: Wire) -> str:
    ports = {"port": urlsplit(elsewhere.base_url).port, "secure": urlsplit(secure.base_url).port}
    return OTHERS[other].format(**ports)


async def send(client: AsyncUltravox, method: str) -> None:
    if method == "POST":
        await client.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")
    else:
        await client.sip.registrations.get("some-id")


@pytest.mark.parametrize("status", range(301, 309))
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_redirect_is_an_error_and_the_other_server_sees_no_request(
    method: str, other: str, status: int, elsewhere: Wire, secure: Wire
) -> None:
    location = url_of(other, elsewhere, secure)
    async with Wire(in_turn(answer(status, body=b"", headers={"Location": location}))) as wire:
        async with client_of(wire.base_url) as client:
            with pytest.raises(RedirectError) as caught:
                await send(client, method)
        assert (caught.value.status, caught.value.location) == (status, location)
        assert len(wire.received) == 1
        assert elsewhere.received == secure.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin_is_not_followed_either(status: int) -> None:
    moved = answer(status, body=b"", headers={"Location": "/api/api_keys"})
    async with Wire(in_turn(moved, answer(200, REGISTRATION))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(RedirectError):
            await send(client, "GET")
        assert len(wire.received) == 1


@pytest.mark.parametrize("name", ["Refresh", "Content-Location", "Link", "Alt-Svc", "Set-Cookie"])
async def test_no_other_header_leads_to_the_other_server(name: str, elsewhere: Wire) -> None:
    headers = {name: f'{elsewhere.base_url}; h2="{elsewhere.base_url}"'}
    async with Wire(in_turn(answer(200, REGISTRATION, headers=headers))) as wire, client_of(wire.base_url) as client:
        await send(client, "GET")
        await send(client, "GET")
        assert [len(each.received) for each in (wire, elsewhere)] == [2, 0]


@pytest.mark.parametrize("other", OTHERS)
async def test_a_next_link_to_another_origin_loses_no_page_and_the_other_server_sees_no_request(
    other: str, elsewhere: Wire, secure: Wire
) -> None:
    link = f"{url_of(other, elsewhere, secure)}?cursor=2"
    pages = [answer(200, {**PAGE, "next": link}), answer(200, PAGE)]
    async with Wire(in_turn(*pages)) as wire, client_of(wire.base_url) as client:
        assert len([each async for each in client.sip.registrations.list()]) == 2
        assert [each.target for each in wire.received] == [
            "/api/sip/registrations",
            "/api/sip/registrations?cursor=2",
        ]
        assert wire.received[0].headers == wire.received[1].headers
        assert elsewhere.received == secure.received == []


async def test_a_next_link_to_another_path_is_followed_by_its_query_only() -> None:
    async def script(request: Received) -> Say:
        more = "cursor" not in request.target
        link = f"http://{request.headers['host']}/api/api_keys?cursor=2" if more else None
        return answer(200, {**PAGE, "next": link})

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        assert len([each async for each in client.sip.registrations.list()]) == 2
        assert [each.target for each in wire.received] == [
            "/api/sip/registrations",
            "/api/sip/registrations?cursor=2",
        ]


@settings(max_examples=200, deadline=None)
@given(
    query=st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text("%0dDaA\r\n :#&=?\\x", max_size=20),
    prefix=st.sampled_from(["?cursor=", "/?", "", "\r\n", "@127.0.0.1:1/?c=", "\\@127.0.0.1:1/?c=", "#"]),
    origin=st.sampled_from(["http://{host}", "//{host}", "https://elsewhere.example", ""]),
)
async def test_no_next_link_brings_more_than_its_query_into_the_next_request(
    query: str, prefix: str, origin: str
) -> None:
    async def script(request: Received) -> Say:
        link = origin.format(host=request.headers["host"]) + prefix + query if "?" not in request.target else None
        return answer(200, {**PAGE, "next": link})

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        try:
            [each async for each in client.sip.registrations.list()]
        except DecodeError as error:
            assert error.path == "next"  # noqa: PT017 - a link is followed or refused, and both are right
        assert {each.target.partition("?")[0] for each in wire.received} == {"/api/sip/registrations"}
        assert {frozenset(each.headers) for each in wire.received} == {frozenset(wire.received[0].headers)}
        assert {each.headers["x-api-key"] for each in wire.received} == {KEY}


@pytest.mark.parametrize("event", ["on_request_start", "on_request_headers_sent", "on_request_end"])
async def test_a_request_that_a_hook_makes_with_the_session_does_not_have_the_key(event: str) -> None:
    asked: list[bool] = []

    async def report(session: aiohttp.ClientSession, *_: object) -> None:
        if not asked:
            asked.append(True)
            await (await session.get(f"{other.base_url}/telemetry")).read()

    events = aiohttp.TraceConfig()
    getattr(events, event).append(report)
    async with (
        Wire(in_turn(answer(200, {}))) as other,
        Wire(in_turn(answer(200, {}))) as wire,
        client_of(wire.base_url, trace_configs=[events]) as client,
    ):
        for _ in range(3):
            await client.request("GET", "/api/anything")
        assert "x-api-key" not in other.received[0].headers
        assert [each.headers["x-api-key"] for each in wire.received] == [KEY] * 3
