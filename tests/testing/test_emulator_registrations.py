import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from ultravox_async.testing import Emulator

REGISTRATIONS = "/api/sip/registrations"
ALICE = {"username": "alice", "password": "made-up", "proxy": "sip.example.com"}


async def created(api: aiohttp.ClientSession, **fields: object) -> dict[str, Any]:
    async with api.post(REGISTRATIONS, json={**ALICE, **fields}) as response:
        assert response.status == 201
        answer: dict[str, Any] = await response.json()
        return answer


async def read(api: aiohttp.ClientSession, registration_id: str) -> dict[str, Any]:
    async with api.get(f"{REGISTRATIONS}/{registration_id}") as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def changed(api: aiohttp.ClientSession, registration_id: str, **fields: object) -> dict[str, Any]:
    async with api.patch(f"{REGISTRATIONS}/{registration_id}", json=fields) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def page(api: aiohttp.ClientSession, url: str = REGISTRATIONS) -> dict[str, Any]:
    async with api.get(URL(url, encoded=True)) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


async def test_the_answer_to_a_creation_has_every_field(api: aiohttp.ClientSession) -> None:
    answer = await created(api, authUser="auth")
    assert set(answer) == {
        "registrationId",
        "created",
        "username",
        "proxy",
        "outboundProxy",
        "authUser",
        "successful",
    }
    assert (answer["username"], answer["authUser"], answer["outboundProxy"]) == ("alice", "auth", None)


async def test_a_created_registration_can_be_read(api: aiohttp.ClientSession) -> None:
    answer = await created(api)
    assert await read(api, answer["registrationId"]) == answer


async def test_a_registration_never_returns_its_password(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    registration_id = (await created(api))["registrationId"]
    async with api.get(f"{REGISTRATIONS}/{registration_id}") as response:
        assert "made-up" not in await response.text()
    assert emulator.password_of(registration_id) == "made-up"


def test_there_is_no_password_of_a_registration_that_does_not_exist() -> None:
    with pytest.raises(KeyError):
        Emulator(registrations=1).password_of("nobody")


async def test_a_new_registration_is_pending_for_as_many_reads_as_asked_for() -> None:
    async with (
        Emulator(registrations=0, pending_reads=2) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        answer = await created(api)
        reads = [await read(api, answer["registrationId"]) for _ in range(4)]
    assert [answer["successful"], *(each["successful"] for each in reads)] == [None, None, None, True, True]


async def test_being_listed_counts_as_a_read(api: aiohttp.ClientSession) -> None:
    registration_id = (await created(api))["registrationId"]
    await page(api)
    assert (await read(api, registration_id))["successful"] is True


async def test_a_new_registration_fails_on_a_refused_proxy(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.refuse_proxy("sip.bad.example")
    registration_id = (await created(api, proxy="sip.bad.example"))["registrationId"]
    await read(api, registration_id)
    assert (await read(api, registration_id))["successful"] is False


async def test_a_proxy_can_be_refused_and_accepted_again(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[0]
    proxy = (await read(api, seeded))["proxy"]
    emulator.refuse_proxy(proxy)
    refused = await read(api, seeded)
    emulator.accept_proxy(proxy)
    accepted = await read(api, seeded)
    assert (refused["successful"], accepted["successful"]) == (False, True)


async def test_refusing_a_proxy_leaves_a_pending_registration_pending(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    registration_id = (await created(api))["registrationId"]
    emulator.refuse_proxy(ALICE["proxy"])
    assert (await read(api, registration_id))["successful"] is None


async def test_seeded_registrations_on_a_proxy_refused_from_the_beginning_have_failed() -> None:
    async with (
        Emulator(registrations=1, refused_proxies=["sip-0.example.com"]) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        assert (await read(api, emulator.registration_ids[0]))["successful"] is False


async def test_seeded_registrations_are_settled_and_varied(api: aiohttp.ClientSession) -> None:
    results = (await page(api))["results"]
    assert {each["successful"] for each in results} == {True, False}
    assert {each["outboundProxy"] for each in results} == {None, "edge.example.com"}
    assert len({each["authUser"] for each in results}) > 1


def test_the_same_seed_gives_the_same_registrations() -> None:
    assert Emulator(registrations=5, seed=7).registration_ids == Emulator(registrations=5, seed=7).registration_ids


def test_another_seed_gives_other_registrations() -> None:
    assert not set(Emulator(registrations=5, seed=7).registration_ids) & set(Emulator(registrations=5).registration_ids)


def test_ids_are_version_4_uuids() -> None:
    ids = Emulator(registrations=50).registration_ids
    assert len(ids) == 50
    assert all(str(UUID(each)) == each and UUID(each).version == 4 for each in ids)


async def test_creation_times_are_aware_and_in_order(api: aiohttp.ClientSession) -> None:
    results = (await page(api))["results"]
    texts = [each["created"] for each in results]
    assert all(len(each) == len("2026-01-01T00:00:00.000000Z") and each.endswith("Z") for each in texts)
    times = [datetime.fromisoformat(each) for each in texts]
    assert times == sorted(set(times))
    assert times[0].utcoffset() == timedelta(0)


async def test_a_change_leaves_what_was_not_sent(api: aiohttp.ClientSession) -> None:
    registration_id = (await created(api, outboundProxy="edge.example.com"))["registrationId"]
    answer = await changed(api, registration_id, username="bob")
    assert (answer["username"], answer["outboundProxy"]) == ("bob", "edge.example.com")


async def test_a_change_to_null_is_not_the_same_as_leaving_it_out(api: aiohttp.ClientSession) -> None:
    registration_id = (await created(api, outboundProxy="edge.example.com"))["registrationId"]
    assert (await changed(api, registration_id, outboundProxy=None))["outboundProxy"] is None


async def test_a_change_makes_the_outcome_unknown_again(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[0]
    answers = [await changed(api, seeded, password="another"), await read(api, seeded), await read(api, seeded)]
    assert [each["successful"] for each in answers] == [None, None, True]
    assert emulator.password_of(seeded) == "another"


async def test_a_change_to_the_same_values_has_no_effect(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[0]
    before = await read(api, seeded)
    assert await changed(api, seeded, proxy=before["proxy"]) == before


async def test_a_change_of_read_only_fields_is_ignored(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[0]
    before = await read(api, seeded)
    assert await changed(api, seeded, registrationId="mine", created="now", successful=False, extra=1) == before


async def test_a_deleted_registration_is_gone(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[3]
    async with api.delete(f"{REGISTRATIONS}/{seeded}") as response:
        assert (response.status, await response.read()) == (204, b"")
    assert seeded not in emulator.registration_ids
    async with api.get(f"{REGISTRATIONS}/{seeded}") as response:
        assert response.status == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_registration_is_not_found(api: aiohttp.ClientSession, method: str) -> None:
    async with api.request(method, f"{REGISTRATIONS}/nobody", json={}) as response:
        assert response.status == 404
        assert await response.json() == {"detail": "No such registration"}


async def test_an_id_is_percent_decoded(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    encoded = emulator.registration_ids[0].replace("-", "%2D")
    async with api.get(URL(f"{REGISTRATIONS}/{encoded}", encoded=True)) as response:
        assert response.status == 200
    assert emulator.requests[-1].path == f"{REGISTRATIONS}/{encoded}"


@pytest.mark.parametrize("rest", ["/", "/a/b", "/a/"])
async def test_an_id_is_exactly_one_segment(api: aiohttp.ClientSession, rest: str) -> None:
    async with api.get(f"{REGISTRATIONS}{rest}") as response:
        assert await response.json() == {"detail": "Nothing is served at this path."}


async def test_a_page_says_how_many_there_are_and_where_the_next_one_is(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    first = await page(api, f"{REGISTRATIONS}?pageSize=10")
    assert (first["total"], len(first["results"]), first["previous"]) == (25, 10, None)
    assert first["next"].startswith(f"{emulator.base_url}{REGISTRATIONS}?cursor=")


async def test_following_next_shows_everything_once(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    shown: list[str] = []
    url = f"{REGISTRATIONS}?pageSize=10"
    while url:
        found = await page(api, url)
        shown += [each["registrationId"] for each in found["results"]]
        url = found["next"]
    assert shown == emulator.registration_ids


async def test_previous_leads_back_to_the_page_before(api: aiohttp.ClientSession) -> None:
    first = await page(api, f"{REGISTRATIONS}?pageSize=10")
    second = await page(api, first["next"])
    assert await page(api, second["previous"]) == first


async def test_a_deletion_between_two_pages_skips_nothing(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    ids = emulator.registration_ids
    first = await page(api, f"{REGISTRATIONS}?pageSize=10")
    for gone in (ids[0], ids[10]):
        async with api.delete(f"{REGISTRATIONS}/{gone}"):
            pass
    second = await page(api, first["next"])
    assert [each["registrationId"] for each in second["results"]] == ids[11:21]


async def test_a_creation_between_two_pages_repeats_nothing(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    first = await page(api, f"{REGISTRATIONS}?pageSize=20")
    new = await created(api)
    second = await page(api, first["next"])
    assert [each["registrationId"] for each in second["results"]] == emulator.registration_ids[20:]
    assert second["results"][-1]["registrationId"] == new["registrationId"]


async def test_a_page_that_was_deleted_since_is_empty_and_leads_back(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    first = await page(api, f"{REGISTRATIONS}?pageSize=24")
    async with api.delete(f"{REGISTRATIONS}/{emulator.registration_ids[-1]}"):
        pass
    empty = await page(api, first["next"])
    assert (empty["results"], empty["next"]) == ([], None)
    assert await page(api, empty["previous"]) == {**first, "next": None, "total": 24}


@pytest.mark.parametrize(
    ("asked", "got"),
    [("3", 3), ("0", 1), ("-4", 1), ("99", 20), ("many", 7), ("", 7)],
)
async def test_a_page_size_is_kept_within_bounds(asked: str, got: int) -> None:
    async with (
        Emulator(registrations=30, page_size=7, max_page_size=20) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        assert len((await page(api, f"{REGISTRATIONS}?pageSize={asked}"))["results"]) == got


@pytest.mark.parametrize("cursor", ["", "nonsense", "Zm9v", "ZnJvbT0tMQ%3D%3D", "ZnJvbT0x%21", "%C3%A4"])
async def test_an_invalid_cursor_is_not_found(api: aiohttp.ClientSession, cursor: str) -> None:
    async with api.get(URL(f"{REGISTRATIONS}?cursor={cursor}", encoded=True)) as response:
        assert (response.status, await response.json()) == (404, {"detail": "Invalid cursor"})


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {},
            {
                "username": ["This field is required."],
                "password": ["This field is required."],
                "proxy": ["This field is required."],
            },
        ),
        ({**ALICE, "username": 3}, {"username": ["Not a valid string."]}),
        ({**ALICE, "proxy": None}, {"proxy": ["This field may not be null."]}),
        ({**ALICE, "username": "a" * 61}, {"username": ["Ensure this field has no more than 60 characters."]}),
        ({**ALICE, "proxy": "a" * 101}, {"proxy": ["Ensure this field has no more than 100 characters."]}),
        (
            {**ALICE, "outboundProxy": "a" * 101},
            {"outboundProxy": ["Ensure this field has no more than 100 characters."]},
        ),
        ({**ALICE, "authUser": "a" * 61}, {"authUser": ["Ensure this field has no more than 60 characters."]}),
        ({**ALICE, "authUser": False}, {"authUser": ["Not a valid string."]}),
    ],
)
async def test_a_wrong_registration_is_refused_field_by_field(
    emulator: Emulator, api: aiohttp.ClientSession, fields: dict[str, object], errors: dict[str, list[str]]
) -> None:
    async with api.post(REGISTRATIONS, json=fields) as response:
        assert (response.status, await response.json()) == (400, errors)
    assert len(emulator.registration_ids) == 25


async def test_values_of_the_greatest_length_are_accepted(api: aiohttp.ClientSession) -> None:
    longest = {"username": "u" * 60, "proxy": "p" * 100, "outboundProxy": "o" * 100, "authUser": "a" * 60}
    assert longest.items() <= (await created(api, **longest, password="x" * 1000)).items()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "The body is not JSON."),
        (b"{", "The body is not JSON."),
        (b"[]", "The body has to be a JSON object."),
        (b"null", "The body has to be a JSON object."),
    ],
)
async def test_a_body_that_is_not_an_object_is_refused(api: aiohttp.ClientSession, body: bytes, sentence: str) -> None:
    async with api.post(REGISTRATIONS, data=body) as response:
        assert (response.status, await response.json()) == (400, {"detail": sentence})


async def test_a_wrong_change_changes_nothing(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    seeded = emulator.registration_ids[0]
    before = await read(api, seeded)
    async with api.patch(f"{REGISTRATIONS}/{seeded}", json={"username": "new", "proxy": None}) as response:
        assert response.status == 400
    assert await read(api, seeded) == before


async def test_each_of_many_concurrent_requests_gets_its_own_registration(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    answers = await asyncio.gather(*(read(api, each) for each in emulator.registration_ids))
    assert [each["registrationId"] for each in answers] == emulator.registration_ids
