import pytest

from tests.wire import KEY, REGISTRATION, Received, Say, Wire, answer, client_of, in_turn, shown
from ultravox_async import AsyncUltravox, DecodeError, InvalidRequestError, Page, SipRegistration, UltravoxError
from ultravox_async.testing import Emulator


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 25}


def page(next_url: object, **more: object) -> Say:
    return answer(content={"results": [REGISTRATION], "next": next_url, "previous": None, **more})


async def walk(base_url: str) -> UltravoxError:
    async with client_of(base_url) as ultravox:
        with pytest.raises(UltravoxError) as caught:
            _ = [each async for each in ultravox.sip.registrations.list()]
    return caught.value


async def test_a_listing_yields_every_registration_once_and_in_order(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    found = [each async for each in ultravox.sip.registrations.list(page_size=10)]
    assert all(isinstance(each, SipRegistration) for each in found)
    assert [each.registration_id for each in found] == ultravox_emulator.registration_ids
    assert [each.query.get("pageSize") for each in ultravox_emulator.requests] == ["10", "10", "10"]


async def test_without_arguments_there_is_no_query(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    _ = [each async for each in ultravox.sip.registrations.list()]
    assert [dict(each.query) for each in ultravox_emulator.requests] == [{}]


async def test_pages_have_their_results_and_the_total(ultravox: AsyncUltravox) -> None:
    pages = [each async for each in ultravox.sip.registrations.list(page_size=10).pages()]
    assert [len(each.results) for each in pages] == [10, 10, 5]
    assert [each.total for each in pages] == [25, 25, 25]
    assert [each.previous is None for each in pages] == [True, False, False]
    assert [each.next is None for each in pages] == [False, False, True]


async def test_a_listing_goes_on_from_a_cursor(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    pages = [each async for each in ultravox.sip.registrations.list(page_size=10).pages()]
    cursor = pages[0].next_cursor
    rest = [each async for each in ultravox.sip.registrations.list(cursor=cursor)]
    assert [each.registration_id for each in rest] == ultravox_emulator.registration_ids[10:]


def test_the_last_page_has_no_next_cursor() -> None:
    assert Page[object]([]).next_cursor is None


def test_a_link_without_a_cursor_has_no_next_cursor() -> None:
    assert Page[object]([], next="https://api.ultravox.ai/api/voices?page=2").next_cursor is None


def test_the_next_cursor_is_decoded() -> None:
    assert Page[object]([], next="https://api.ultravox.ai/api/voices?cursor=a%3D%2B%2F").next_cursor == "a=+/"


@pytest.mark.parametrize("link", ["/api/voices?cursor=2", "?cursor=2", "//backend.internal/api?cursor=2"])
def test_a_relative_link_has_a_next_cursor_too(link: str) -> None:
    assert Page[object]([], next=link).next_cursor == "2"


def test_the_next_cursor_of_a_malformed_link_is_an_error_of_this_package() -> None:
    with pytest.raises(DecodeError) as caught:
        _ = Page[object]([], next="http://alice:hidden@[").next_cursor
    assert caught.value.got == "http://["


async def test_a_page_is_fetched_when_it_is_needed_and_not_before(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    pager = ultravox.sip.registrations.list(page_size=10)
    assert ultravox_emulator.received == 0
    received = [ultravox_emulator.received async for _ in pager]
    assert received == [1] * 10 + [2] * 10 + [3] * 5


async def test_leaving_early_saves_the_other_requests(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    async for _ in ultravox.sip.registrations.list(page_size=10):
        break
    assert ultravox_emulator.received == 1


async def test_each_iteration_starts_again(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    pager = ultravox.sip.registrations.list(page_size=20)
    first = [each async for each in pager]
    assert first == [each async for each in pager]
    assert ultravox_emulator.received == 4


async def test_a_registration_that_appears_meanwhile_does_not_shift_the_pages(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    seen: list[str] = []
    async for each in ultravox.sip.registrations.list(page_size=10):
        seen.append(each.registration_id)
        if len(seen) == 10:
            await ultravox.sip.registrations.delete(seen[0])
    assert seen[1:] == ultravox_emulator.registration_ids


async def test_a_pager_says_what_it_lists_and_how_to_read_it(ultravox: AsyncUltravox) -> None:
    assert repr(ultravox.sip.registrations.list(cursor="c")) == (
        '<Pager of SipRegistration, GET /api/sip/registrations: iterate over it, or its .pages(), with "async for">'
    )


async def test_a_page_without_links_and_total_is_the_only_one() -> None:
    async with Wire(in_turn(answer(content={"results": []}))) as wire, client_of(wire.base_url) as ultravox:
        pages = [each async for each in ultravox.sip.registrations.list().pages()]
    assert pages == [Page[SipRegistration]([], None, None, None)]


@pytest.mark.parametrize(
    "link",
    [
        "?cursor=2",
        "/api/sip/registrations?cursor=2",
        "//backend.internal/api?cursor=2",
        "http://backend.internal:8000/api/sip/registrations?cursor=2",
        "https://127.0.0.1/?cursor=2",
        "https://alice:hidden@127.0.0.1/?cursor=2",
        "https://127.0.0.1/?cursor=2#page",
    ],
)
async def test_only_the_query_of_a_link_is_followed_whatever_comes_before_it(link: str) -> None:
    async with Wire(in_turn(page(link), page(None))) as wire, client_of(wire.base_url) as ultravox:
        assert len([each async for each in ultravox.sip.registrations.list()]) == 2
        assert [each.target for each in wire.received] == [
            "/api/sip/registrations",
            "/api/sip/registrations?cursor=2",
        ]


@pytest.mark.parametrize(
    "link",
    [
        "",
        "?",
        "cursor=2",
        "/api/sip/registrations",
        "/api/sip/registrations#?cursor=2",
        "javascript:alert(1)",
        "http://[",
        "http://[/?cursor=2",
        "http://127.0.0.1:port/?cursor=2",
    ],
)
async def test_a_link_that_is_not_a_url_with_a_query_is_refused(link: str) -> None:
    async with Wire(in_turn(page(link))) as wire:
        error = await walk(wire.base_url)
        assert len(wire.received) == 1
    assert isinstance(error, DecodeError)
    assert error.origin == "GET /api/sip/registrations"
    assert (error.path, error.expected, error.got) == ("next", "a URL with a query", link)


async def test_a_link_that_is_refused_is_shown_without_user_information_and_key() -> None:
    link = f"https://alice:hidden@backend.internal/{KEY}"
    async with Wire(in_turn(page(link))) as wire:
        error = await walk(wire.base_url)
    assert isinstance(error, DecodeError)
    assert error.got == "https://backend.internal/[redacted]"
    assert KEY not in shown(error)
    assert "hidden" not in shown(error)


async def test_a_link_with_the_key_in_its_query_is_refused_and_not_sent() -> None:
    async with Wire(in_turn(page(f"/api/sip/registrations?cursor={KEY}"), page(None))) as wire:
        error = await walk(wire.base_url)
        assert len(wire.received) == 1
    assert isinstance(error, DecodeError)
    assert error.got == "/api/sip/registrations?cursor=[redacted]"
    assert KEY not in shown(error)


async def test_a_link_of_the_wrong_type_is_refused() -> None:
    async with Wire(in_turn(page(7))) as wire:
        error = await walk(wire.base_url)
    assert isinstance(error, DecodeError)
    assert (error.path, error.got) == ("next", "7")


async def test_a_link_back_to_a_page_that_was_seen_is_refused() -> None:
    async def script(request: Received) -> Say:
        cursor = request.target.rpartition("=")[2]
        following = {"1": "2", "2": "3", "3": "1"}.get(cursor, "1")
        return page(f"{wire.base_url}/api/sip/registrations?cursor={following}")

    async with Wire(script) as wire:
        error = await walk(wire.base_url)
        assert len(wire.received) == 4
    assert isinstance(error, DecodeError)
    assert (error.path, error.expected) == ("next", "a page not fetched before")


async def test_a_link_back_to_a_page_that_was_seen_is_refused_whatever_origin_it_names() -> None:
    links = [page(f"https://alice:hidden@backend-{number}.internal/?cursor=2") for number in range(3)]
    async with Wire(in_turn(*links)) as wire:
        error = await walk(wire.base_url)
        assert len(wire.received) == 2
    assert isinstance(error, DecodeError)
    assert (error.expected, error.got) == ("a page not fetched before", "https://backend-1.internal/?cursor=2")


async def test_a_link_back_to_the_first_page_is_refused() -> None:
    async def script(_: Received) -> Say:
        return page(f"{wire.base_url}/api/sip/registrations")

    async with Wire(script) as wire:
        error = await walk(wire.base_url)
        assert len(wire.received) == 1
    assert isinstance(error, DecodeError)


async def test_of_a_link_only_the_query_is_followed() -> None:
    async def script(request: Received) -> Say:
        return page(None if "?" in request.target else f"{wire.base_url}/rewritten/by/a/proxy?cursor=a%2Bb%3D")

    async with Wire(script) as wire, client_of(f"{wire.base_url}/prefix") as ultravox:
        assert len([each async for each in ultravox.sip.registrations.list()]) == 2
        assert wire.received[1].target == "/prefix/api/sip/registrations?cursor=a%2Bb%3D"


async def test_a_page_that_is_no_page_says_where() -> None:
    bad = answer(content={"results": [REGISTRATION, {**REGISTRATION, "created": "yesterday"}], "next": None})
    async with Wire(in_turn(bad)) as wire:
        error = await walk(wire.base_url)
    assert isinstance(error, DecodeError)
    assert error.path == "results[1].created"


async def test_a_page_that_fails_ends_the_listing_with_its_error() -> None:
    async def script(request: Received) -> Say:
        return answer(404) if "?" in request.target else page(f"{wire.base_url}/?cursor=2")

    async with Wire(script) as wire:
        error = await walk(wire.base_url)
    assert str(error).startswith("404 Not Found: GET /api/sip/registrations")


@pytest.mark.parametrize("page_size", [0, -1])
async def test_a_page_size_below_one_is_refused(ultravox: AsyncUltravox, page_size: int) -> None:
    with pytest.raises(InvalidRequestError, match=r"page_size: takes a whole number of at least 1$"):
        ultravox.sip.registrations.list(page_size=page_size)
