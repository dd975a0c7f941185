from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import Wire, client_of, the_registration_asked_for
from ultravox_async import AsyncUltravox, InvalidRequestError

Call: TypeAlias = Callable[[AsyncUltravox, str], Awaitable[object]]

BASE = ["", "api", "sip", "registrations"]


async def get(client: AsyncUltravox, value: str) -> None:
    await client.sip.registrations.get(value)


async def update(client: AsyncUltravox, value: str) -> None:
    await client.sip.registrations.update(value, username="bob")


async def delete(client: AsyncUltravox, value: str) -> None:
    await client.sip.registrations.delete(value)


async def get_many(client: AsyncUltravox, value: str) -> None:
    async for outcome in client.sip.registrations.get_many([value]):
        if outcome.error is not None:
            raise outcome.error


CALLS: list[Call] = [get, update, delete, get_many]
REFUSED = [
    *("", ".", ".."),
    *("/", "a/b", "../../api_keys", "/etc", "a/", "a\\b", "..\\..\\api_keys"),
    *("a\nb", "a\rb", "a\r\nX-Injected: 1", "\n", "a\n", "\x00", "a\x00b", "\t", "\x1b[2J", "\x7f", "a\x85b"),
]
ANY_ID = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=40)
# Ids that proxies, frameworks and URL libraries are known to misparse.
TRICKY = [
    *("...", ". ", " ..", "..;", ".%2e", "%2e%2e", "%2f", "%252f", "%5c", "%00", "%0a", "%", "%zz", "%u002f"),
    *("a?b", "a#b", "a;b=c", "a:b", "//".replace("/", "\N{FRACTION SLASH}"), "\N{FULLWIDTH SOLIDUS}..", "a b", "a+b"),
    *("\N{ONE DOT LEADER}\N{ONE DOT LEADER}", "\N{LINE SEPARATOR}", "\N{RIGHT-TO-LEFT OVERRIDE}", "é", "e\u0301"),
    *("\N{ZERO WIDTH NO-BREAK SPACE}", "\U0010ffff", "@host", "user:pw@host", "http:", "x" * 8000),
]


@pytest.mark.parametrize("value", REFUSED)
@pytest.mark.parametrize("call", CALLS)
async def test_an_id_that_could_change_the_path_or_the_request_is_refused_before_anything_is_sent(
    call: Call, value: str
) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        with pytest.raises(InvalidRequestError):
            await call(client, value)
        assert wire.received == []


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=30, deadline=None)
@given(values=st.lists(ANY_ID.filter(lambda value: value not in {".", ".."}), min_size=1, max_size=20, unique=True))
async def test_every_other_id_reaches_the_server_as_one_segment_that_decodes_to_it(
    call: Call, values: list[str]
) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        for value in values:
            await call(client, value)
        assert [segments(each.target) for each in wire.received] == [[*BASE, value] for value in values]


@pytest.mark.parametrize("value", TRICKY)
async def test_an_id_that_is_often_misparsed_reaches_the_server_as_one_segment(value: str) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        await get(client, value)
        assert [segments(each.target) for each in wire.received] == [[*BASE, value]]


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=20) | st.text("./\\%2eEfF5cC0aAdD\r\n?#;", max_size=12))
async def test_any_text_is_one_segment_or_refused(value: str) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        try:
            await get(client, value)
        except InvalidRequestError:
            assert wire.received == []
        else:
            assert [segments(each.target) for each in wire.received] == [[*BASE, value]]


@pytest.mark.parametrize(
    "path",
    [
        *("", "api/voices", "//127.0.0.1/api", "/api/../api_keys", "/api/%2e%2e/x", "/api/./x", "/api/..", "/.."),
        *("/api\\x", "/api/%5cx", "/a\r\nX-Injected: 1", "/a%0d%0aX: 1", "/a\x00", "/a%00", "/a?b=c", "/a#b"),
        *("http://127.0.0.1:1/", "/api/%2e./x", "/api/..%2fx"),
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_refused_before_anything_is_sent(path: str) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        with pytest.raises(InvalidRequestError):
            await client.request("GET", path)
        assert wire.received == []


@settings(max_examples=200, deadline=None)
@given(path=st.text(max_size=20).map("/".__add__) | st.text("./\\%2eEfF5cC0aAdD\r\n?#;", max_size=12))
async def test_any_path_arrives_with_the_segments_that_it_had_or_is_refused(path: str) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        try:
            await client.request("GET", path)
        except InvalidRequestError:
            assert wire.received == []
        else:
            assert [segments(each.target) for each in wire.received] == [[unquote(part) for part in path.split("/")]]


@settings(max_examples=100, deadline=None)
@given(params=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
async def test_no_parameter_leaves_the_query(params: dict[str, str]) -> None:
    async with Wire(the_registration_asked_for) as wire, client_of(wire.base_url) as client:
        try:
            await client.request("GET", "/api/anything", params=params)
        except InvalidRequestError:
            assert wire.received == []
        else:
            assert [each.target.partition("?")[0] for each in wire.received] == ["/api/anything"]


def segments(target: str) -> list[str]:
    # The request line as received: it is split here as a server would split it, before anything is decoded.
    assert target.isascii()
    assert not {"?", "#", "\\"} & set(target)
    return [unquote(part, errors="replace") for part in target.split("/")]
