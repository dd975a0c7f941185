import asyncio
from typing import Any, cast

import aiohttp
import pytest

from tests.conftest import Clock
from tests.wire import KEY, WAIT, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import (
    APITimeoutError,
    AsyncUltravox,
    ClientClosedError,
    ConfigurationError,
    RateLimit,
    RateLimitError,
    RetryPolicy,
    ServerError,
    Timeout,
    UltravoxError,
)

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
ONCE = RetryPolicy(max_attempts=1)
LONG = answer(429, headers={"Retry-After": "61"})


class Mine(AsyncUltravox):
    """A client with a method that its user has added."""

    async def status(self) -> int:
        return (await self.request("GET", ANYTHING)).status


async def error_of(client: AsyncUltravox, method: str = "GET") -> UltravoxError:
    with pytest.raises(UltravoxError) as caught:
        await client.request(method, ANYTHING)
    return caught.value


@pytest.mark.parametrize("handed_in", [False, True])
async def test_the_read_timeout_of_a_view_holds(clock: Clock, *, handed_in: bool) -> None:
    async with Wire(in_turn(WAIT)) as wire, aiohttp.ClientSession() as session:
        settings = {"session": session} if handed_in else {}
        async with client_of(wire.base_url, **settings) as client:
            error = await error_of(client.with_options(timeout=Timeout(read=5.0), retry=ONCE))
    assert isinstance(error, APITimeoutError)
    assert "5.0 s (Timeout.read)" in str(error)
    assert clock.ahead < 30


async def test_a_client_keeps_its_read_timeout_beside_a_view_with_a_shorter_one(clock: Clock) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        view = client.with_options(timeout=Timeout(read=5.0))
        errors = await asyncio.gather(error_of(client), error_of(view))
    assert ["30.0 s (Timeout.read)" in str(each) for each in errors] == [True, False]
    assert clock.ahead >= 29


@pytest.mark.usefixtures("clock")
async def test_the_total_timeout_of_a_view_holds() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        error = await error_of(client.with_options(timeout=Timeout(total=3.0)))
    assert "3.0 s (Timeout.total)" in str(error)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("handed_in", [False, True])
async def test_the_connect_timeout_of_a_view_holds(*, handed_in: bool) -> None:
    async with Wire(in_turn(WAIT)) as wire, aiohttp.ClientSession() as session:
        settings = {"session": session} if handed_in else {}
        base_url = wire.base_url.replace("http:", "https:")
        async with client_of(base_url, timeout=Timeout(connect=600.0, total=900.0), **settings) as client:
            timeout = Timeout(connect=0.2, read=600.0, total=900.0)
            error = await error_of(client.with_options(timeout=timeout, retry=ONCE))
    assert "0.2 s (Timeout.connect)" in str(error)


async def test_the_retry_policy_of_a_view_holds_for_its_requests_only() -> None:
    async with Wire(in_turn(answer(503), answer(503), OK)) as wire, client_of(wire.base_url) as client:
        assert isinstance(await error_of(client.with_options(retry=ONCE)), ServerError)
        assert len(wire.received) == 1
        assert (await client.request("GET", ANYTHING)).status == 200


async def test_single_calls_through_a_background_view_wait_behind_others() -> None:
    may_answer = asyncio.Event()

    async def script(_: Received) -> Say:
        await may_answer.wait()
        return OK

    async with Wire(script) as wire, client_of(wire.base_url, pool_size=1) as client:
        view = client.with_options(priority="background")
        first = asyncio.create_task(client.request("GET", "/api/first"))
        await wire.until_received(1)
        behind = [asyncio.create_task(view.request("GET", "/api/behind")) for _ in range(2)]
        await asyncio.sleep(0)
        before = [asyncio.create_task(client.request("GET", "/api/before")) for _ in range(2)]
        await asyncio.sleep(0)
        may_answer.set()
        await asyncio.gather(first, *behind, *before)
        assert [each.target for each in wire.received] == ["/api/first", *["/api/before"] * 2, *["/api/behind"] * 2]


async def test_an_interactive_view_of_a_background_view_goes_first_again(clock: Clock) -> None:
    async with Wire(in_turn(LONG, OK)) as wire, client_of(wire.base_url) as client:
        view = client.with_options(priority="background").with_options(priority="interactive")
        assert isinstance(await error_of(view), RateLimitError)
        assert clock.ahead < 61


async def test_an_interactive_view_leaves_a_sweep_in_the_background(clock: Clock) -> None:
    async with Wire(in_turn(LONG, answer(200, {"results": []}))) as wire, client_of(wire.base_url) as client:
        listing = client.with_options(priority="interactive").sip.registrations.list()
        assert [one async for one in listing] == []
    assert clock.ahead >= 60


async def test_a_single_call_through_a_background_view_waits_out_a_long_cool_down(clock: Clock) -> None:
    async with Wire(in_turn(LONG, OK)) as wire, client_of(wire.base_url) as client:
        response = await client.with_options(priority="background").request("GET", ANYTHING)
    assert response.status == 200
    assert clock.ahead >= 60


async def test_a_view_that_waits_longer_waits_out_a_cool_down_that_the_client_refuses(clock: Clock) -> None:
    async with Wire(in_turn(LONG, OK)) as wire, client_of(wire.base_url) as client:
        patient = client.with_options(retry=RetryPolicy(max_delay=62.0))
        assert isinstance(await error_of(client), RateLimitError)
        assert (await patient.request("GET", ANYTHING)).status == 200
    assert clock.ahead >= 60


@pytest.mark.usefixtures("clock")
async def test_the_longest_cool_down_of_a_view_holds_for_its_requests() -> None:
    async with (
        Wire(in_turn(answer(429, headers={"Retry-After": "3600"}), OK)) as wire,
        client_of(wire.base_url) as client,
    ):
        assert isinstance(await error_of(client.with_options(retry=RetryPolicy(max_cool_down=30.0))), RateLimitError)
        assert (await client.request("GET", ANYTHING)).status == 200


async def test_options_that_a_view_omits_are_those_of_the_client() -> None:
    client = AsyncUltravox(KEY, timeout=Timeout(read=7.5))
    view = client.with_options(retry=ONCE).with_options(priority="background").with_options()
    assert repr(view).endswith(f".with_options(timeout={Timeout(read=7.5)!r}, retry={ONCE!r}, priority='background')")


async def test_a_view_does_not_change_its_client() -> None:
    client = AsyncUltravox(KEY)
    before = repr(client)
    client.with_options(timeout=Timeout(read=7.5), retry=ONCE, priority="background")
    assert repr(client) == before


async def test_the_repr_of_a_view_begins_with_that_of_its_client_and_shows_no_key() -> None:
    client = AsyncUltravox(KEY)
    view = client.with_options(timeout=Timeout(read=7.5))
    assert repr(view).startswith(f"{client!r}.with_options(timeout=Timeout(connect=5.0, read=7.5,")
    assert KEY not in repr(view) + repr(vars(view))


async def test_views_share_the_connections() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        for number in range(1, 4):
            view = client.with_options(timeout=Timeout(read=float(number)))
            await view.request("GET", ANYTHING)
        assert [each.connection for each in wire.received] == [1, 1, 1]


@pytest.mark.usefixtures("clock")
async def test_views_share_the_pace() -> None:
    loop = asyncio.get_running_loop()
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=RateLimit(1.0)) as client:
        started = loop.time()
        for _ in range(3):
            await client.with_options().request("GET", ANYTHING)
        assert loop.time() - started >= 2.0


async def test_views_with_the_same_options_share_a_read_and_others_do_not() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, coalesce_reads=True) as client:
        views = [client, client.with_options(), *(client.with_options(timeout=Timeout(read=9.0)) for _ in range(2))]
        await asyncio.gather(*(each.request("GET", ANYTHING) for each in views))
        assert len(wire.received) == 2


async def test_a_view_cannot_be_closed() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(UltravoxError, match=r"is a view, .* close the client it was made from"):
            await client.with_options().close()
        assert not client.closed
        assert (await client.request("GET", ANYTHING)).status == 200


async def test_a_view_cannot_be_used_with_async_with() -> None:
    client = AsyncUltravox(KEY)
    with pytest.raises(UltravoxError, match="is a view, "):
        async with client.with_options():
            raise AssertionError
    assert not client.closed


async def test_a_view_of_a_closed_client_is_closed() -> None:
    client = AsyncUltravox(KEY)
    view = client.with_options()
    assert not view.closed
    await client.close()
    assert view.closed
    assert client.with_options().closed
    assert isinstance(await error_of(view), ClientClosedError)


async def test_closing_the_client_ends_the_requests_of_its_views() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.create_task(error_of(client.with_options()))
        await wire.until_received(1)
        await client.close()
        assert isinstance(await task, ClientClosedError)


async def test_a_view_of_a_subclass_has_its_methods() -> None:
    async with Wire(in_turn(OK)) as wire, Mine(KEY, base_url=wire.base_url) as client:
        assert await client.with_options(retry=ONCE).status() == 200


@pytest.mark.parametrize("name", ["timeout", "retry"])
@pytest.mark.parametrize("value", [5, "5", aiohttp.ClientTimeout(total=5)])
def test_an_option_of_the_wrong_type_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} takes .*, not {type(value).__name__}"):
        AsyncUltravox(KEY).with_options(**cast("dict[str, Any]", {name: value}))


@pytest.mark.parametrize("value", ["urgent", 1, ["interactive"]])
def test_an_unknown_priority_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="priority takes one of background, interactive"):
        AsyncUltravox(KEY).with_options(priority=cast("Any", value))
