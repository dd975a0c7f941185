import asyncio
import itertools
from collections import Counter

import pytest

from tests.conftest import Clock
from tests.wire import Received, Say, Wire, answer, client_of, the_registration_asked_for
from ultravox_async import AsyncUltravox, LocalRateBudget, RateLimit, RateLimitError, RetryPolicy

pytestmark = pytest.mark.usefixtures("clock")

IDS = [f"id-{number}" for number in range(300)]
ADAPTIVE = RateLimit(100.0)


def refused(seconds: str = "1", status: int = 429) -> Say:
    return answer(status, {"detail": "Slow down."}, headers={"Retry-After": seconds})


class Limited:
    """A server that accepts so many requests in any second, and refuses what exceeds that."""

    def __init__(self, rate: int, refusal: Say) -> None:
        self._rate = rate
        self._refusal = refusal
        self._accepted: list[float] = []
        self.refusals = 0

    async def __call__(self, request: Received) -> Say:
        now = asyncio.get_running_loop().time()
        if sum(at > now - 1.0 for at in self._accepted[-self._rate :]) == self._rate:
            self.refusals += 1
            return self._refusal
        self._accepted.append(now)
        return await the_registration_asked_for(request)


async def found(client: AsyncUltravox) -> int:
    return len((await client.sip.registrations.get_many(IDS, via="get")).found)


@pytest.mark.parametrize("refusal", [refused(), refused(status=503), answer(503, {}), answer(429, {})])
async def test_a_sweep_finds_an_unknown_limit_and_loses_no_id(refusal: Say) -> None:
    server = Limited(30, refusal)
    async with Wire(server) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=RetryPolicy()) as client:
        assert await found(client) == len(IDS)
        assert server.refusals < 0.35 * len(IDS)
        assert client.stats.requests_per_second is not None
        assert client.stats.requests_per_second < 60.0


async def test_429s_do_not_use_up_the_attempts_of_a_sweep() -> None:
    refusals = Counter[str]()

    async def script(request: Received) -> Say:
        if request.target.endswith("/id-50") and refusals[request.target] < 10:
            refusals[request.target] += 1
            return refused()
        return await the_registration_asked_for(request)

    many = [f"id-{number}" for number in range(1500)]
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=RetryPolicy()) as client:
        result = await client.sip.registrations.get_many(many, via="get")
        assert len(result.found) == len(many)
        assert refusals.total() == 10


async def test_an_id_that_is_refused_for_ever_while_others_succeed_has_its_error_in_the_end() -> None:
    async def script(request: Received) -> Say:
        return refused() if request.target.endswith("/id-50") else await the_registration_asked_for(request)

    many = (f"id-{number}" for number in itertools.count())
    rate = RateLimit(20.0)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=rate, retry=RetryPolicy()) as client:
        async for outcome in client.sip.registrations.get_many(many, via="get"):
            if outcome.error is not None:
                assert outcome.key == "id-50"
                assert isinstance(outcome.error, RateLimitError)
                break
        assert sum(request.target.endswith("/id-50") for request in wire.received) == 24


async def test_one_id_that_is_always_refused_lowers_the_pace_three_times_only() -> None:
    async def script(request: Received) -> Say:
        return refused("0.1") if request.target.endswith("/bad") else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=30, base_delay=0.001)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        await client.sip.registrations.get("one")
        bad = asyncio.create_task(client.with_options(priority="background").sip.registrations.get("bad"))
        while sum(request.target.endswith("/bad") for request in wire.received) < 10:
            await client.sip.registrations.get("one")
        assert client.stats.requests_per_second is not None
        assert client.stats.requests_per_second > 85.0
        bad.cancel()
        await asyncio.wait([bad])


async def test_while_others_succeed_only_the_refused_request_waits(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        return refused("2") if request.target.endswith("/refused") else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=2)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        await client.sip.registrations.get("one")
        call = asyncio.create_task(client.sip.registrations.get("refused"))
        while client.stats.requests_per_second == 100.0:  # noqa: ASYNC110 - until the client has read the 429
            await asyncio.sleep(0)
        before = clock.ahead
        await client.sip.registrations.get("another")
        assert clock.ahead - before < 1.0
        with pytest.raises(RateLimitError):
            await call
        assert clock.ahead - before >= 2.0


async def test_a_retry_after_of_more_than_two_seconds_stops_all_requests(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        return refused("3") if request.target.endswith("/refused") else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        await client.sip.registrations.get("one")
        with pytest.raises(RateLimitError):
            await client.sip.registrations.get("refused")
        before = clock.ahead
        await client.sip.registrations.get("another")
        assert clock.ahead - before > 2.0


async def test_refusals_without_a_success_for_a_second_stop_all_requests(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        return refused("2") if request.target.endswith("/refused") else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        for _ in range(2):
            with pytest.raises(RateLimitError):
                await client.sip.registrations.get("refused")
            clock.advance(1.5)
        before = clock.ahead
        with pytest.raises(RateLimitError):
            await client.sip.registrations.get("refused")
        await client.sip.registrations.get("another")
        assert clock.ahead - before > 1.0


async def test_with_a_fixed_rate_each_429_stops_all_requests(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        return refused("1") if request.target.endswith("/refused") else await the_registration_asked_for(request)

    settings = {"rate_limit": RateLimit(100.0, adaptive=False), "retry": RetryPolicy(max_attempts=1)}
    async with Wire(script) as wire, client_of(wire.base_url, **settings) as client:
        await client.sip.registrations.get("one")
        with pytest.raises(RateLimitError):
            await client.sip.registrations.get("refused")
        before = clock.ahead
        await client.sip.registrations.get("another")
        assert clock.ahead - before > 0.9
        assert client.stats.requests_per_second == 100.0


async def test_at_a_lowered_pace_single_calls_are_spaced_evenly() -> None:
    loop = asyncio.get_running_loop()
    sent: list[float] = []

    async def script(request: Received) -> Say:
        sent.append(loop.time())
        return refused() if request.target.endswith("/refused") else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        await client.sip.registrations.get("one")
        with pytest.raises(RateLimitError):
            await client.sip.registrations.get("refused")
        sent.clear()
        await asyncio.gather(*(client.sip.registrations.get(registration_id) for registration_id in IDS[:20]))
        assert sent[-1] - sent[0] > 0.1


async def test_a_429_for_creating_a_call_does_not_change_the_pace() -> None:
    async def script(request: Received) -> Say:
        return refused() if request.target == "/api/calls" else await the_registration_asked_for(request)

    policy = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=ADAPTIVE, retry=policy) as client:
        await client.sip.registrations.get("one")
        with pytest.raises(RateLimitError):
            await client.request("POST", "/api/calls", json={})
        assert client.stats.requests_per_second == 100.0


async def test_clients_with_a_shared_budget_share_its_pace() -> None:
    budget = LocalRateBudget(ADAPTIVE)
    policy = RetryPolicy(max_attempts=1)

    async def script(request: Received) -> Say:
        return refused() if request.target.endswith("/refused") else await the_registration_asked_for(request)

    async with (
        Wire(script) as wire,
        client_of(wire.base_url, rate_limit=budget, retry=policy) as one,
        client_of(wire.base_url, rate_limit=budget, retry=policy) as other,
    ):
        await other.sip.registrations.get("one")
        with pytest.raises(RateLimitError):
            await one.sip.registrations.get("refused")
        assert one.stats.requests_per_second == other.stats.requests_per_second
        assert one.stats.requests_per_second is not None
        assert one.stats.requests_per_second < 100.0


async def test_without_a_rate_limit_the_statistics_have_no_pace() -> None:
    async with client_of("http://127.0.0.1:1") as client:
        assert client.stats.requests_per_second is None
