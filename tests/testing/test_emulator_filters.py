"""Filters, orders and pages of the emulator's lists."""

from typing import Any

import aiohttp
import pytest

from ultravox_async.testing import Emulator

LILY: dict[str, Any] = {"lmnt": {"voiceId": "lily"}}


async def created(api: aiohttp.ClientSession, path: str, **fields: object) -> dict[str, Any]:
    async with api.post(path, json=fields) as response:
        assert response.status == 201
        answer: dict[str, Any] = await response.json()
        return answer


async def pages(api: aiohttp.ClientSession, url: str, link: str = "next") -> list[list[dict[str, Any]]]:
    """Follow the links from one page to the others, and return what is on each page."""
    found: list[list[dict[str, Any]]] = []
    following: str | None = url
    while following:
        async with api.get(following) as response:
            assert response.status == 200
            page = await response.json()
        found.append(page["results"])
        following = page[link]
    return found


async def names(api: aiohttp.ClientSession, url: str, field: str = "name") -> list[Any]:
    return [one[field] for page in await pages(api, url) for one in page]


async def refusal(api: aiohttp.ClientSession, url: str) -> Any:  # noqa: ANN401 - JSON
    async with api.get(url) as response:
        assert response.status == 400
        return await response.json()


@pytest.fixture
async def call_ids(emulator: Emulator, api: aiohttp.ClientSession) -> list[str]:
    """Three calls of 0, 30 and 30 seconds, created a minute after each other from 00:00:00 on 2026-01-01."""
    ids = [
        (await created(api, "/api/calls", metadata={"number": f"{number}", "a.b": "c"}, **more))["callId"]
        for number, more in enumerate(({}, {"voice": VOICE}, {}))
    ]
    for call_id in ids[1:]:
        emulator.calls.join(call_id)
        emulator.calls.bill(call_id)
    return ids


VOICE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CONDITIONS: list[tuple[str, list[int]]] = [
    ("", [0, 1, 2]),
    ("unknown=1&metadata=x", [0, 1, 2]),
    ("search=&agentIds=", [0, 1, 2]),
    ("durationMin=30s", [1, 2]),
    ("durationMax=29.5s", [0]),
    ("fromDate=2026-01-01", [0, 1, 2]),
    ("fromDate=2026-01-02", []),
    ("toDate=2026-01-01", [0, 1, 2]),
    ("toDate=2025-12-31", []),
    ("fromDate=2026-01-01T00:01:00Z", [1, 2]),
    ("toDate=2026-01-01T01:01:30%2B01:00", [0, 1]),
    ("toDate=2026-01-01T00:01:30", [0, 1]),
    ("timeOfDayStart=00:01:00&timeOfDayEnd=00:01:59", [1]),
    ("metadata.number=2", [2]),
    ("metadata.number=2&metadata.a.b=c", [2]),
    ("metadata.number=2&metadata.a.b=d", []),
    (f"voiceId={VOICE}", [1]),
    ("search=EMULATED", [1, 2]),
    (f"agentIds={VOICE}", []),
    ("sort=-created", [2, 1, 0]),
    ("sort=unknown", [0, 1, 2]),
]


@pytest.mark.parametrize(("query", "expected"), CONDITIONS)
async def test_calls_are_listed_by_conditions(
    api: aiohttp.ClientSession, call_ids: list[str], query: str, expected: list[int]
) -> None:
    found = await names(api, f"/api/calls?{query}", "callId")
    assert [call_ids.index(call_id) for call_id in found] == expected


@pytest.mark.parametrize(("query", "expected"), [one for one in CONDITIONS[1:] if "sort" not in one[0]])
async def test_deleted_calls_are_listed_by_the_same_conditions(
    emulator: Emulator, api: aiohttp.ClientSession, call_ids: list[str], query: str, expected: list[int]
) -> None:
    emulator.calls.bill(call_ids[0])
    for call_id in call_ids:
        async with api.delete(f"/api/calls/{call_id}") as response:
            assert response.status == 204
    found = await names(api, f"/api/deleted_calls?{query}", "callId")
    # The summaries, in which the text was, are gone.
    assert [call_ids.index(call_id) for call_id in found] == ([] if "EMULATED" in query else expected)


async def test_calls_are_listed_by_any_of_several_agents(api: aiohttp.ClientSession) -> None:
    agents = [(await created(api, "/api/agents", name=name))["agentId"] for name in "abc"]
    ids = [(await created(api, f"/api/agents/{agent}/calls"))["callId"] for agent in agents]
    found = await names(api, f"/api/calls?agentIds={agents[0].upper()}&agentIds={agents[2]}", "callId")
    assert found == [ids[0], ids[2]]


@pytest.mark.parametrize(
    ("url", "errors"),
    [
        ("/api/calls?durationMin=long", {"durationMin": ["Duration has wrong format."]}),
        ("/api/calls?fromDate=yesterday", {"fromDate": ["Date has wrong format."]}),
        ("/api/calls?toDate=2026-01-01Tx", {"toDate": ["Date has wrong format."]}),
        ("/api/calls?timeOfDayEnd=25:00", {"timeOfDayEnd": ["Time has wrong format."]}),
        ("/api/calls?voiceId=x", {"voiceId": ["Must be a valid UUID."]}),
        ("/api/calls?agentIds=x", {"agentIds": {"0": ["Must be a valid UUID."]}}),
        ("/api/deleted_calls?voiceId=x", {"voiceId": ["Must be a valid UUID."]}),
        ("/api/tools?ownership=mine", {"ownership": ['"mine" is not a valid choice.']}),
        ("/api/tools?sortOrder=none", {"sortOrder": ['"none" is not a valid choice.']}),
        ("/api/voices?provider=lmnt&provider=x", {"provider": {"1": ['"x" is not a valid choice.']}}),
        ("/api/webhooks?agentId=x", {"agentId": ["Must be a valid UUID."]}),
        ("/api/agents/usage?agentIds=x", {"agentIds": {"0": ["Must be a valid UUID."]}}),
    ],
)
async def test_a_malformed_filter_is_refused(api: aiohttp.ClientSession, url: str, errors: dict[str, Any]) -> None:
    assert await refusal(api, url) == errors


async def test_malformed_filters_of_what_belongs_to_a_call_are_refused(api: aiohttp.ClientSession) -> None:
    call_id = (await created(api, "/api/calls"))["callId"]
    for url in (f"/api/calls/{call_id}/events?minimum_severity=x", f"/api/calls/{call_id}/messages?mode=x"):
        (errors,) = (await refusal(api, url)).values()
        assert errors == ['"x" is not a valid choice.']


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["i", "w", "e", "w2"]),
        ("minimum_severity=debug", ["d", "i", "w", "e", "w2"]),
        ("minimum_severity=warning", ["w", "e", "w2"]),
        ("minimum_severity=error", ["e"]),
        ("type=other", ["w2"]),
    ],
)
async def test_events_are_listed_by_severity_and_type(
    emulator: Emulator, api: aiohttp.ClientSession, query: str, expected: list[str]
) -> None:
    call_id = (await created(api, "/api/calls"))["callId"]
    for text, severity in (("d", "debug"), ("i", "info"), ("w", "warning"), ("e", "error")):
        emulator.calls.add_event(call_id, "some", text, severity, number=1)
    emulator.calls.add_event(call_id, "other", "w2", "warning")
    assert await names(api, f"/api/calls/{call_id}/events?{query}", "text") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("ownership=private", ["b", "C", "a"]),
        ("ownership=public", []),
        ("search=c", ["C"]),
        ("sortOrder=alphabetic", ["C", "a", "b"]),
        ("sortOrder=reverseAlphabetic", ["b", "a", "C"]),
        ("sortOrder=reverseChronologic", ["a", "C", "b"]),
        ("sortOrder=display", ["b", "C", "a"]),
    ],
)
async def test_tools_are_listed_by_filters_and_in_an_order(
    api: aiohttp.ClientSession, query: str, expected: list[str]
) -> None:
    for name in ("b", "C", "a"):
        await created(api, "/api/tools", name=name, definition={"http": {}})
    assert await names(api, f"/api/tools?{query}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("billingStyle=VOICE_BILLING_STYLE_EXTERNAL", ["Lily", "Rose"]),
        ("billingStyle=VOICE_BILLING_STYLE_INCLUDED", []),
        ("ownership=public", []),
        ("primaryLanguage=en-GB", ["Lily"]),
        ("provider=google", ["Rose"]),
        ("provider=google&provider=lmnt", ["Lily", "Rose"]),
        ("search=calm", ["Rose"]),
    ],
)
async def test_voices_are_listed_by_filters(api: aiohttp.ClientSession, query: str, expected: list[str]) -> None:
    await created(api, "/api/voices", name="Lily", definition=LILY, primaryLanguage="en-US")
    await created(api, "/api/voices", name="Rose", definition={"google": {"voiceId": "r"}}, description="Calm")
    assert await names(api, f"/api/voices?{query}") == expected


async def test_agents_are_searched_and_sorted(api: aiohttp.ClientSession) -> None:
    for name in ("beta", "alpha", "Betty"):
        await created(api, "/api/agents", name=name)
    assert await names(api, "/api/agents?search=BET") == ["beta", "Betty"]
    assert await names(api, "/api/agents?sort=name") == ["Betty", "alpha", "beta"]
    assert await names(api, "/api/agents?sort=-name&search=a") == ["beta", "alpha"]


async def test_links_keep_the_filters_and_the_order(api: aiohttp.ClientSession) -> None:
    for number in range(7):
        await created(api, "/api/agents", name=f"{number % 3} {'x' if number else 'y'}")
    first = "/api/agents?search=x&sort=-name&pageSize=2"
    forward = await pages(api, first)
    assert [[one["name"] for one in page] for page in forward] == [["2 x", "2 x"], ["1 x", "1 x"], ["0 x", "0 x"]]
    async with api.get(first) as response:
        following = (await response.json())["next"]
    async with api.get(following) as response:
        last = (await response.json())["next"]
    assert await pages(api, last, "previous") == forward[::-1]


@pytest.mark.parametrize("order", ["name", "-name"])
async def test_a_page_in_an_order_neither_skips_nor_repeats_after_a_deletion(
    api: aiohttp.ClientSession, order: str
) -> None:
    made = [await created(api, "/api/agents", name=name) for name in "bdacb"]
    async with api.get(f"/api/agents?sort={order}&pageSize=2") as response:
        page = await response.json()
    seen = [one["agentId"] for one in page["results"]]
    async with api.delete(f"/api/agents/{seen[0]}") as response:
        assert response.status == 204
    seen += await names(api, page["next"], "agentId")
    assert sorted(seen) == sorted(agent["agentId"] for agent in made)


async def test_a_filter_that_is_sent_twice_is_twice_in_the_links(api: aiohttp.ClientSession) -> None:
    for number, provider in enumerate(("lmnt", "google", "cartesia", "lmnt")):
        await created(api, "/api/voices", name=f"{number}", definition={provider: {"voiceId": "v"}})
    assert await names(api, "/api/voices?provider=lmnt&provider=google&pageSize=1") == ["0", "1", "3"]
