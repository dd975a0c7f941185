import asyncio
import random
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from ultravox_async.testing import (
    CutBody,
    Delay,
    DropConnection,
    DropResponse,
    Emulator,
    Fault,
    FaultRule,
    Garbage,
    RecordedRequest,
    Respond,
    Stall,
)

CONFIG = "/api/sip"
REGISTRATIONS = "/api/sip/registrations"
ALICE = {"username": "alice", "password": "made-up", "proxy": "sip.example.com"}


async def create(api: aiohttp.ClientSession) -> tuple[int, bytes]:
    async with api.post(REGISTRATIONS, json=ALICE) as response:
        return response.status, await response.read()


async def read_into(body: bytearray, content: aiohttp.StreamReader) -> None:
    async for chunk in content.iter_any():
        body += chunk


async def test_a_response_can_be_made_up(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Respond(503, {"Retry-After": "2"}, b"<html>"))
    async with api.get(CONFIG) as response:
        assert (response.status, response.headers["Retry-After"], await response.read()) == (503, "2", b"<html>")
    assert emulator.counts[503] == 1


async def test_a_made_up_response_replaces_the_operation(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Respond(200))
    assert await create(api) == (200, b"")
    assert len(emulator.registration_ids) == 25


async def test_a_delayed_request_is_carried_out_in_the_end(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Delay(0.0))
    status, _ = await create(api)
    assert (status, len(emulator.registration_ids)) == (201, 26)


async def test_a_dropped_connection_has_no_effect(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(DropConnection())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await create(api)
    assert len(emulator.registration_ids) == 25
    assert emulator.requests[-1].status is None


async def test_a_dropped_response_has_an_effect(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(DropResponse())
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await create(api)
    assert len(emulator.registration_ids) == 26
    assert emulator.requests[-1].status is None


@pytest.mark.parametrize(("keep", "arrives"), [(10, 10), (0, 0), (10_000, -1)])
async def test_a_cut_body_is_shorter_than_announced(
    emulator: Emulator, api: aiohttp.ClientSession, keep: int, arrives: int
) -> None:
    async with api.get(CONFIG) as response:
        whole = await response.read()
    emulator.inject(CutBody(keep))
    async with api.get(CONFIG) as response:
        assert response.content_length == len(whole)
        body = bytearray()
        with pytest.raises(aiohttp.ClientPayloadError):
            await read_into(body, response.content)
    assert body == whole[:arrives]


async def test_cutting_an_empty_body_drops_the_response(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(CutBody(), times=1)
    await api.delete(f"{REGISTRATIONS}/{emulator.registration_ids[0]}")
    # aiohttp's client has sent the DELETE again by itself, as it does once with every idempotent request.
    assert [each.status for each in emulator.requests] == [None, 404]


async def test_garbage_claims_to_be_json_and_has_an_effect(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Garbage(b"no JSON"))
    async with api.post(REGISTRATIONS, json=ALICE) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "application/json", b"no JSON")
    assert len(emulator.registration_ids) == 26


async def test_a_stalled_answer_sends_half_of_its_body(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    async with api.get(CONFIG) as response:
        whole = await response.read()
    emulator.inject(Stall())
    async with api.get(CONFIG) as response:
        half = await response.content.readexactly(len(whole) // 2)
        assert (half, response.content_length) == (whole[: len(whole) // 2], len(whole))
        assert not response.content.at_eof()


async def test_of_a_stalled_answer_without_a_body_nothing_is_sent(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    emulator.inject(Stall())
    deletion = asyncio.create_task(api.delete(f"{REGISTRATIONS}/{emulator.registration_ids[0]}"))
    while len(emulator.registration_ids) == 25:  # noqa: ASYNC110 - the emulator has no event to wait for
        await asyncio.sleep(0)
    assert emulator.requests[-1].status is None
    await emulator.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await deletion


async def test_after_a_stalled_answer_the_next_one_is_complete(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Stall(), times=1)
    (await api.get(CONFIG)).close()
    async with api.get(CONFIG) as response:
        assert set(await response.json()) >= {"domain"}


async def test_a_wrong_key_meets_no_fault(emulator: Emulator) -> None:
    rule = emulator.inject(Respond(503))
    async with aiohttp.ClientSession(emulator.base_url) as api, api.get(CONFIG) as response:
        assert (response.status, rule.hits) == (401, 0)


async def test_a_throttled_request_meets_no_fault() -> None:
    async with (
        Emulator(registrations=0, requests_per_second=0.001) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        rule = emulator.inject(Respond(503))
        statuses = [(await api.get(CONFIG)).status for _ in range(2)]
    assert (statuses, rule.hits) == ([503, 429], 1)


async def test_a_fault_happens_as_often_as_asked_for(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    rule = emulator.inject(Respond(503), times=2)
    assert [(await api.get(CONFIG)).status for _ in range(4)] == [503, 503, 200, 200]
    assert rule.hits == 2


async def test_of_two_faults_that_match_a_request_the_first_one_happens(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    emulator.inject(Respond(500), times=1)
    emulator.inject(Respond(503), times=1)
    assert [(await api.get(CONFIG)).status for _ in range(3)] == [500, 503, 200]


async def test_faults_can_be_cleared(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Respond(503))
    emulator.clear_faults()
    assert (await api.get(CONFIG)).status == 200


GET_CONFIG = RecordedRequest("GET", CONFIG, {}, {}, b"", 0.0)


@pytest.mark.parametrize(
    ("method", "path", "strikes"),
    [
        (None, None, True),
        ("GET", None, True),
        ("POST", None, False),
        (None, "/api/s", True),
        (None, REGISTRATIONS, False),
        ("GET", CONFIG, True),
    ],
)
def test_a_fault_happens_only_to_its_method_and_path(*, method: str | None, path: str | None, strikes: bool) -> None:
    rule = FaultRule(DropConnection(), None, 1.0, method, path)
    assert rule.strikes(GET_CONFIG, random.Random(0)) is strikes  # noqa: S311 - has to be reproducible, is not for security


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.5, 400, 600), (1.0, 1000, 1000)])
def test_a_fault_happens_with_its_probability(probability: float, least: int, most: int) -> None:
    rule = FaultRule(DropConnection(), None, probability, None, None)
    chance = random.Random(0)  # noqa: S311 - has to be reproducible, is not for security
    assert least <= sum(rule.strikes(GET_CONFIG, chance) for _ in range(1000)) <= most


async def test_the_same_seed_makes_the_same_requests_fail() -> None:
    outcomes: list[list[int]] = []
    for _ in range(2):
        async with (
            Emulator(registrations=0, seed=3) as emulator,
            aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
        ):
            emulator.inject(Respond(503), probability=0.5)
            outcomes.append([(await api.get(CONFIG)).status for _ in range(20)])
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {200, 503}


@pytest.mark.parametrize("times", [0, -1])
def test_a_fault_cannot_happen_less_than_once(times: int) -> None:
    with pytest.raises(ValueError, match="times"):
        Emulator(registrations=0).inject(DropConnection(), times=times)


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_a_probability_is_within_0_and_1(probability: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        Emulator(registrations=0).inject(DropConnection(), probability=probability)


@pytest.mark.parametrize("fault", [Respond(500), Delay(0.0), DropConnection(), DropResponse(), CutBody(), Garbage()])
async def test_after_any_fault_the_next_request_is_served(
    emulator: Emulator, api: aiohttp.ClientSession, fault: Fault
) -> None:
    rule = emulator.inject(fault, times=1)
    with suppress(aiohttp.ClientError):
        await (await api.get(CONFIG)).read()
    async with api.get(CONFIG) as response:
        assert (response.status, rule.hits) == (200, 1)


@pytest.mark.parametrize("fault", [503, "Respond", Respond, None])
def test_something_that_is_not_a_fault_is_refused(fault: Any) -> None:  # noqa: ANN401 - what the type forbids
    with pytest.raises(TypeError, match="an instance of a fault"):
        Emulator(registrations=0).inject(fault)


@pytest.mark.parametrize("path", ["api/sip", "http://127.0.0.1/api/sip", "/api/sip/registrations/{registration_id}"])
def test_a_path_that_no_request_begins_with_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="the path of a request begins with"):
        Emulator(registrations=0).inject(Respond(503), path=path)


async def test_the_method_of_a_rule_may_be_in_any_case(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    rule = emulator.inject(Respond(503), method="get")
    async with api.get(CONFIG) as response:
        assert (response.status, rule.hits) == (503, 1)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Respond, {"status": "503"}),
        (Respond, {"status": 99}),
        (Respond, {"status": 1000}),
        (Respond, {"status": 503, "headers": {"Retry-After": 1}}),
        (Respond, {"status": 200, "body": {"a": 1}}),
        (Delay, {"seconds": "1"}),
        (Delay, {"seconds": -1}),
        (CutBody, {"keep": -1}),
        (Garbage, {"body": "text"}),
    ],
)
def test_a_fault_with_invalid_arguments_is_refused(kind: Any, arguments: dict[str, object]) -> None:  # noqa: ANN401 - what the types forbid
    with pytest.raises((TypeError, ValueError)):
        kind(**arguments)
