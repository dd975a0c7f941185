import asyncio
import itertools
from collections import Counter

import pytest

from tests.wire import HANG_UP, Received, Say, Script, Wire, answer, client_of, in_turn
from ultravox_async import APIConnectionError, APIStatusError, RetryPolicy, UltravoxError

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
RESET = Say(then="reset")


@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize("failure", [HANG_UP, RESET, answer(503)], ids=["hang up", "reset", "503"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("pooled", [False, True], ids=["fresh", "pooled"])
async def test_the_server_sees_as_many_attempts_as_the_policy_says(
    *, pooled: bool, method: str, failure: Say, attempts: int
) -> None:
    policy = RetryPolicy(max_attempts=attempts, base_delay=0.001)
    said = in_turn(OK, failure) if pooled else in_turn(failure)
    async with Wire(said) as wire, client_of(wire.base_url, retry=policy) as client:
        if pooled:
            await client.request(method, ANYTHING)
        with pytest.raises((APIConnectionError, APIStatusError)):
            await client.request(method, ANYTHING)
        assert len(wire.received) == attempts + pooled


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("failure", [HANG_UP, RESET], ids=["hang up", "reset"])
async def test_a_change_is_sent_once_over_a_pooled_connection_that_breaks(method: str, failure: Say) -> None:
    async with Wire(in_turn(OK, failure)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING)
        with pytest.raises(APIConnectionError) as caught:
            await client.request(method, ANYTHING, json={})
        assert caught.value.connected
        assert [each.method for each in wire.received] == ["GET", method]


@pytest.mark.parametrize("failure", [HANG_UP, RESET], ids=["hang up", "reset"])
async def test_a_get_succeeds_though_five_pooled_connections_are_stale(failure: Say) -> None:
    async with Wire(_stale_after_one(5, failure)) as wire, client_of(wire.base_url) as client:
        await asyncio.gather(*(client.request("GET", ANYTHING) for _ in range(5)))
        assert len({each.connection for each in wire.received}) == 5
        assert (await client.request("GET", ANYTHING)).status == 200


def _stale_after_one(connections: int, failure: Say) -> Script:
    all_there = asyncio.Barrier(connections)
    seen = Counter[int]()

    async def script(request: Received) -> Say:
        if request.connection > connections:
            return OK
        seen[request.connection] += 1
        if seen[request.connection] > 1:
            return failure
        await all_there.wait()
        return OK

    return script


@pytest.mark.parametrize(("failure", "count"), [(HANG_UP, 500), (RESET, 500)], ids=["hang up", "reset"])
async def test_no_get_fails_where_the_server_closes_idle_connections_as_they_are_used_again(
    failure: Say, count: int
) -> None:
    # Each connection answers one request, does not announce its end, and breaks when the next request comes.
    seen = Counter[int]()

    async def script(request: Received) -> Say:
        seen[request.connection] += 1
        return failure if seen[request.connection] > 1 else OK

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        left = iter(range(count))

        async def some() -> list[int]:
            return [(await client.request("GET", ANYTHING)).status for _ in left]

        statuses = itertools.chain(*await asyncio.gather(*(some() for _ in range(20))))
        assert Counter(statuses) == {200: count}
        broken = sum(each > 1 for each in seen.values())
        assert broken > count / 4
        assert len(wire.received) == count + broken


async def test_the_connection_of_a_repetition_is_new_and_used_again() -> None:
    async with Wire(in_turn(OK, HANG_UP, OK, OK, HANG_UP, OK)) as wire, client_of(wire.base_url) as client:
        for _ in range(4):
            await client.request("GET", ANYTHING)
        assert [each.connection for each in wire.received] == [1, 1, 2, 2, 2, 3]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_long_failed_answer_is_released_before_the_pause_where_the_pool_has_one_place(status: int) -> None:
    failed = answer(status, body=b"x" * 2_000_000)
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url, pool_size=1) as client:
        async with asyncio.timeout(20):
            assert (await client.request("GET", ANYTHING)).status == 200
        assert len(wire.received) == 2


async def test_others_get_the_only_place_while_a_failed_request_pauses() -> None:
    failed = answer(503, body=b"x" * 2_000_000)
    patient = RetryPolicy(base_delay=30.0)
    async with (
        Wire(in_turn(failed, OK)) as wire,
        client_of(wire.base_url, pool_size=1, retry=patient) as client,
    ):
        pausing = asyncio.create_task(client.request("GET", ANYTHING))
        await wire.until_received(1)
        async with asyncio.timeout(20):
            assert (await client.request("GET", "/api/another")).status == 200
        assert not pausing.done()
        await client.close()
        with pytest.raises(UltravoxError, match="closed meanwhile"):
            await pausing
