import asyncio
import logging
from collections.abc import Callable

import pytest

from tests.conftest import Clock
from tests.wire import HANG_UP, WAIT, Received, Say, Script, Wire, answer, client_of, the_registration_asked_for
from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncUltravox,
    ClientClosedError,
    Outcome,
    RateLimit,
    RetryPolicy,
    ServerError,
    SipRegistration,
    Timeout,
)

FAILED = answer(503, {"detail": "We are down."})
FAILURES = [FAILED, answer(500, {}), answer(502, {}), answer(504, {}), HANG_UP]
IDS = [f"id-{number}" for number in range(200)]


def out_while(is_out: Callable[[float], bool], said: Say = FAILED) -> Script:
    """Respond with the requested registration, except during outages, in seconds from the first request."""
    begin: list[float] = []

    async def script(request: Received) -> Say:
        now = asyncio.get_running_loop().time()
        begin.append(now)
        return said if is_out(now - begin[0]) else await the_registration_asked_for(request)

    return script


def patient_client(base_url: str, **settings: object) -> AsyncUltravox:
    usual: dict[str, object] = {"retry": RetryPolicy(), "rate_limit": RateLimit(50.0)}
    return client_of(base_url, **{**usual, **settings})


async def swept(client: AsyncUltravox, ids: list[str]) -> list[Outcome[SipRegistration]]:
    sweep = client.sip.registrations.get_many(ids, concurrency=10, via="get")
    return [outcome async for outcome in sweep]


async def until_an_outage(client: AsyncUltravox) -> None:
    while client.stats.outages == 0:  # noqa: ASYNC110 - other tasks of the loop cause it, without an event
        await asyncio.sleep(0.1)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("said", FAILURES)
async def test_a_sweep_loses_no_id_in_an_outage_shorter_than_its_patience(said: Say) -> None:
    async with Wire(out_while(lambda now: 1.0 < now < 45.0, said)) as wire, patient_client(wire.base_url) as client:
        assert {outcome.key for outcome in await swept(client, IDS) if outcome.value} == set(IDS)
        assert client.stats.outages == 1
        assert len(wire.received) - len(IDS) < 300  # four probes a second, and the requests before it was detected


@pytest.mark.usefixtures("clock")
async def test_a_sweep_that_begins_in_an_outage_waits_for_its_end() -> None:
    async with Wire(out_while(lambda now: now < 30.0)) as wire, patient_client(wire.base_url) as client:
        assert all(outcome.value for outcome in await swept(client, IDS))


@pytest.mark.usefixtures("clock")
async def test_in_an_outage_longer_than_its_patience_each_id_of_a_sweep_has_an_error() -> None:
    async with Wire(out_while(lambda now: now > 1.0)) as wire, patient_client(wire.base_url) as client:
        outcomes = await swept(client, IDS)
        failed = [outcome.error for outcome in outcomes if outcome.error is not None]
        assert sorted(outcome.key for outcome in outcomes) == sorted(IDS)
        assert 0 < len(failed) < len(IDS)
        assert {type(error) for error in failed} == {ServerError, APIConnectionError}
        assert len(wire.received) < len(IDS) + 300
        unsent = next(error for error in failed if isinstance(error, APIConnectionError))
        assert "not sent: no request has succeeded for 6" in str(unsent)
        assert not unsent.connected


async def test_after_an_outage_that_was_longer_than_its_patience_the_next_sweep_loses_no_id(clock: Clock) -> None:
    begin = asyncio.get_running_loop().time()

    async def script(request: Received) -> Say:
        out = asyncio.get_running_loop().time() - begin < 20.0
        return FAILED if out else await the_registration_asked_for(request)

    settings = {"retry": RetryPolicy(patience=2.0)}
    async with Wire(script) as wire, patient_client(wire.base_url, **settings) as client:
        assert all(outcome.error for outcome in await swept(client, IDS[:5]))
        clock.advance(30.0)
        assert all(outcome.value for outcome in await swept(client, IDS))


@pytest.mark.usefixtures("clock")
async def test_the_error_of_an_unsent_request_in_an_outage_names_the_last_failure() -> None:
    settings = {"retry": RetryPolicy(patience=2.0)}
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url, **settings) as client:
        outcomes = await swept(client, IDS)
        unsent = [outcome.error for outcome in outcomes if isinstance(outcome.error, APIConnectionError)]
        assert all("the last failure: 503 Service Unavailable: GET /api/sip" in str(error) for error in unsent)
        assert unsent


@pytest.mark.usefixtures("clock")
async def test_without_patience_a_sweep_does_not_wait_for_the_end_of_an_outage() -> None:
    loop = asyncio.get_running_loop()
    settings = {"retry": RetryPolicy(patience=0.0)}
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url, **settings) as client:
        began = loop.time()
        assert all(outcome.error for outcome in await swept(client, IDS))
        assert loop.time() - began < 20.0


@pytest.mark.usefixtures("clock")
async def test_a_listing_waits_for_the_end_of_an_outage() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def script(_: Received) -> Say:
        out = loop.time() - began < 30.0
        return FAILED if out else answer(200, {"results": [], "next": None, "previous": None})

    async with Wire(script) as wire, patient_client(wire.base_url) as client:
        assert [each async for each in client.sip.registrations.list()] == []


@pytest.mark.usefixtures("clock")
async def test_a_single_call_in_an_outage_is_retried_only_as_its_policy_says() -> None:
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url) as client:
        for number in range(1, 5):
            with pytest.raises(ServerError):
                await client.sip.registrations.get("some-id")
            assert len(wire.received) == 4 * number


@pytest.mark.usefixtures("clock")
async def test_a_sweep_without_retries_has_none_in_an_outage() -> None:
    settings = {"retry": RetryPolicy(max_attempts=1)}
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url, **settings) as client:
        await swept(client, IDS)
        assert len({each.target for each in wire.received}) == len(wire.received)


@pytest.mark.usefixtures("clock")
async def test_an_id_that_fails_while_others_succeed_is_not_an_outage() -> None:
    async def script(request: Received) -> Say:
        return FAILED if request.target.endswith("/id-7") else await the_registration_asked_for(request)

    async with Wire(script) as wire, patient_client(wire.base_url) as client:
        outcomes = await swept(client, IDS)
        assert [outcome.key for outcome in outcomes if outcome.error] == ["id-7"]
        assert len(wire.received) == len(IDS) + 3
        assert client.stats.outages == 0


@pytest.mark.usefixtures("clock")
async def test_the_time_of_a_retry_after_does_not_count_against_the_patience() -> None:
    announced = answer(503, {"detail": "Maintenance."}, headers={"Retry-After": "200"})
    settings = {"retry": RetryPolicy(patience=30.0)}
    script = out_while(lambda now: now < 150.0, announced)
    async with Wire(script) as wire, patient_client(wire.base_url, **settings) as client:
        assert all(outcome.value for outcome in await swept(client, IDS))


@pytest.mark.usefixtures("clock")
async def test_one_id_that_always_gets_a_500_is_not_an_outage() -> None:
    async def script(request: Received) -> Say:
        return answer(500, {}) if request.target.endswith("/id-7") else await the_registration_asked_for(request)

    async with Wire(script) as wire, patient_client(wire.base_url) as client:
        assert [outcome.key for outcome in await swept(client, IDS[:20]) if outcome.error] == ["id-7"]
        assert len(wire.received) == 20 + 3
        assert client.stats.outages == 0


@pytest.mark.usefixtures("clock")
async def test_an_outage_of_creating_calls_does_not_hold_back_other_requests() -> None:
    async def script(request: Received) -> Say:
        return HANG_UP if request.target == "/api/calls" else await the_registration_asked_for(request)

    async with Wire(script) as wire, patient_client(wire.base_url) as client:
        for _ in range(4):
            with pytest.raises(APIConnectionError):
                await client.request("POST", "/api/calls", json={})
            await asyncio.sleep(0.5)
        assert client.stats.outages == 1
        sweep = client.with_options(retry=RetryPolicy(patience=0.0)).sip.registrations.get_many(IDS, via="get")
        assert len((await sweep).found) == len(IDS)


async def test_a_single_call_that_would_wait_behind_hanging_requests_in_an_outage_fails_at_once(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        return WAIT if request.target.endswith("/hangs") else FAILED

    settings = {"pool_size": 2, "retry": RetryPolicy(max_attempts=1)}
    async with Wire(script) as wire, patient_client(wire.base_url, **settings) as client:
        get = client.sip.registrations.get
        hanging = [asyncio.create_task(get("hangs"))]
        await wire.until_received(1)
        clock.advance(2.0)
        for _ in range(3):
            with pytest.raises(ServerError):
                await get("fails")
        hanging.append(asyncio.create_task(get("hangs")))
        await wire.until_received(5)
        with pytest.raises(APIConnectionError, match="not sent: no request has succeeded"):
            await get("one-more")
        assert len(wire.received) == 5
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)


async def test_a_single_call_that_waits_behind_hanging_requests_fails_when_the_outage_is_detected(clock: Clock) -> None:
    settings = {"pool_size": 3, "retry": RetryPolicy(max_attempts=1), "timeout": Timeout(read=5.0)}

    async def script(_: Received) -> Say:
        return WAIT

    async with Wire(script) as wire, patient_client(wire.base_url, **settings) as client:
        calls = [asyncio.create_task(client.sip.registrations.get(f"id-{number}")) for number in range(3)]
        await wire.until_received(3)
        view = client.with_options(timeout=Timeout(read=500.0))
        calls += [asyncio.create_task(view.sip.registrations.get(f"late-{number}")) for number in range(4)]
        clock.advance(4.0)
        errors = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in errors[:3]] == [APITimeoutError] * 3
        assert sum("not sent" in str(error) for error in errors[3:]) > 0
        assert {type(error) for error in errors[3:]} <= {APIConnectionError, APITimeoutError}


@pytest.mark.usefixtures("clock")
async def test_the_beginning_and_the_end_of_an_outage_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ultravox_async")
    async with Wire(out_while(lambda now: 1.0 < now < 20.0)) as wire, patient_client(wire.base_url) as client:
        await swept(client, IDS)
    begins, ends = [message for message in caplog.messages if message.startswith("outage")]
    assert begins.startswith("outage (class of operations: api): no request succeeds; background requests wait")
    assert ends.startswith("outage over after ")


@pytest.mark.usefixtures("clock")
async def test_probes_are_counted() -> None:
    async with Wire(out_while(lambda now: 1.0 < now < 11.0)) as wire, patient_client(wire.base_url) as client:
        await swept(client, IDS)
        assert 20 <= client.stats.probes <= 50


async def test_closing_the_client_in_an_outage_ends_a_sweep_at_once(clock: Clock) -> None:
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url) as client:
        sweep = asyncio.create_task(swept(client, IDS))
        await until_an_outage(client)
        before = clock.ahead
        await client.close()
        with pytest.raises(ClientClosedError):
            await sweep
        assert clock.ahead - before < 1.0


@pytest.mark.usefixtures("clock")
async def test_cancelling_a_sweep_in_an_outage_leaves_the_client_usable() -> None:
    async with Wire(out_while(lambda now: now < 20.0)) as wire, patient_client(wire.base_url) as client:
        sweep = asyncio.create_task(swept(client, IDS))
        await until_an_outage(client)
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
        assert all(outcome.value for outcome in await swept(client, IDS))


@pytest.mark.usefixtures("clock")
async def test_a_patch_that_may_have_had_an_effect_is_not_repeated_in_an_outage() -> None:
    async with Wire(out_while(lambda _: True)) as wire, patient_client(wire.base_url) as client:
        view = client.with_options(priority="background")
        for _ in range(5):
            with pytest.raises(APIStatusError):
                await view.sip.registrations.update("some-id", username="bob")
            await asyncio.sleep(0.5)
        assert len(wire.received) == 5
