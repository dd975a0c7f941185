import asyncio
import itertools
import json
import pickle
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

import attrs
import pytest

from tests.conftest import Clock
from tests.wire import Received, Say, Wire, answer, client_of
from ultravox_async import (
    Added,
    APIConnectionError,
    AsyncUltravox,
    AuthenticationError,
    Change,
    Changed,
    ClientClosedError,
    Interrupted,
    InvalidRequestError,
    RateLimit,
    Removed,
    Resumed,
    RetryPolicy,
    ServerError,
    SipRegistration,
    UltravoxError,
)
from ultravox_async.testing import Delay, Emulator, Respond

LISTING = "/api/sip/registrations"
IMPATIENT = RetryPolicy(max_attempts=1, patience=0.0)

pytestmark = pytest.mark.usefixtures("clock")


@attrs.define
class World:
    """An account, and a client of it."""

    account: Emulator
    client: AsyncUltravox

    @property
    def ids(self) -> list[str]:
        return self.account.registration_ids

    @property
    def requests(self) -> list[tuple[str, int | None]]:
        """The end of the path, which is empty for a listing, and the status of each request."""
        return [(each.path.removeprefix(LISTING).removeprefix("/"), each.status) for each in self.account.requests]

    def fail(self, number: int) -> str:
        """Let the registration of this number fail, and return its id."""
        self.account.refuse_proxy(f"sip-{number}.example.com")
        return self.ids[number]


def client_for(account: Emulator, **settings: Any) -> AsyncUltravox:  # noqa: ANN401 - the settings of AsyncUltravox
    usual: dict[str, Any] = {"retry": IMPATIENT, "rate_limit": RateLimit(None)}
    return AsyncUltravox(account.api_key, base_url=account.base_url, **{**usual, **settings})


@pytest.fixture
def size() -> int:
    return 3


@pytest.fixture
async def world(size: int) -> AsyncIterator[World]:
    async with Emulator(registrations=size, requests_per_second=None) as account, client_for(account) as client:
        yield World(account, client)


async def some(changes: AsyncGenerator[Change[SipRegistration], None], count: int) -> list[Change[SipRegistration]]:
    return [await anext(changes) for _ in range(count)]


async def begun(
    world: World, ids: list[str] | None = None
) -> tuple[AsyncGenerator[Change[SipRegistration], None], dict[str, SipRegistration]]:
    """Return a watch whose first round is over, and what that has reported."""
    changes = world.client.sip.registrations.watch(ids)
    first = await some(changes, len(world.ids if ids is None else ids))
    return changes, {change.key: change.value for change in first if isinstance(change, Added)}


@pytest.mark.parametrize("named", [False, True])
async def test_the_first_round_reports_each_registration(world: World, named: bool) -> None:  # noqa: FBT001 - a parameter of the test
    changes, seen = await begun(world, world.ids if named else None)
    await changes.aclose()
    assert list(seen) == world.ids
    assert [await world.client.sip.registrations.get(key) for key in world.ids] == list(seen.values())


@pytest.mark.parametrize("named", [False, True])
async def test_a_change_is_reported_once_with_the_old_value(world: World, named: bool) -> None:  # noqa: FBT001 - as above
    changes, seen = await begun(world, world.ids if named else None)
    async with aclosing(changes):
        for number in (1, 2):
            key = world.fail(number)
            assert await some(changes, 1) == [Changed(key, seen[key], attrs.evolve(seen[key], successful=False))]


async def test_a_registration_that_is_created_later_is_reported(world: World) -> None:
    changes, _ = await begun(world)
    async with aclosing(changes):
        new = await world.client.sip.registrations.create(username="alice", password="x", proxy="sip.example.com")
        [change] = await some(changes, 1)
        assert isinstance(change, Added)
        assert change.key == new.registration_id


async def test_of_named_registrations_the_others_are_not_reported(world: World) -> None:
    changes, seen = await begun(world, world.ids[:2])
    async with aclosing(changes):
        assert list(seen) == world.ids[:2]
        world.fail(2)
        key = world.fail(0)
        [change] = await some(changes, 1)
        assert isinstance(change, Changed)
        assert change.key == key


@pytest.mark.parametrize("named", [False, True])
async def test_a_removal_is_reported_after_a_404_of_its_own(world: World, named: bool) -> None:  # noqa: FBT001 - as above
    changes, seen = await begun(world, world.ids if named else None)
    async with aclosing(changes):
        key = world.ids[1]
        await world.client.sip.registrations.delete(key)
        world.account.clear()
        assert await some(changes, 1) == [Removed(key, seen[key])]
        assert world.requests[-1] == (key, 404)


async def test_what_a_listing_does_not_show_is_not_removed_as_long_as_it_can_be_fetched(world: World) -> None:
    changes, seen = await begun(world)
    async with aclosing(changes):
        empty = json.dumps({"results": [], "next": None, "previous": None}).encode()
        world.account.inject(Respond(200, body=empty), times=1)
        key = world.fail(0)
        world.account.clear()
        assert await some(changes, 1) == [Changed(key, seen[key], attrs.evolve(seen[key], successful=False))]
        assert world.requests[:2] == [("", 200), (key, 200)]


async def test_a_named_registration_that_never_existed_is_reported_as_removed(world: World) -> None:
    changes = world.client.sip.registrations.watch(["nobody", world.ids[0]])
    async with aclosing(changes):
        reported = {cast("Any", change).key: change for change in await some(changes, 2)}
    assert reported["nobody"] == Removed("nobody", None)
    assert isinstance(reported[world.ids[0]], Added)


async def test_the_watch_ends_when_nothing_is_left(world: World) -> None:
    changes = [change async for change in world.client.sip.registrations.watch(["nobody", "nobody", "no-one"])]
    assert sorted(changes, key=lambda change: cast("Any", change).key) == [
        Removed("no-one", None),
        Removed("nobody", None),
    ]


async def test_a_watch_of_no_registrations_ends_at_once(world: World) -> None:
    assert [change async for change in world.client.sip.registrations.watch([])] == []
    assert world.account.received == 0


async def test_ids_may_come_asynchronously(world: World) -> None:
    async def ids() -> AsyncIterator[str]:
        for key in world.ids[:2]:
            yield key

    changes = world.client.sip.registrations.watch(ids())
    async with aclosing(changes):
        assert {cast("Any", change).key for change in await some(changes, 2)} == set(world.ids[:2])


async def asked_in_a_round(world: World, ids: list[str] | None) -> set[str]:
    """Return the ends of the paths of the requests of a round, not the first one."""
    changes, _ = await begun(world, ids)
    async with aclosing(changes):
        world.account.clear()
        world.account.refuse_proxy("sip-0.example.com")
        await some(changes, 1)
        world.account.accept_proxy("sip-0.example.com")
        await some(changes, 1)
        return {path for path, _ in world.requests}


@pytest.mark.parametrize("size", [300])
async def test_a_round_is_one_listing_where_that_takes_fewer_requests(world: World) -> None:
    assert await asked_in_a_round(world, None) == {""}


@pytest.mark.parametrize("size", [300])
async def test_a_few_named_registrations_are_found_in_a_listing_of_one_page(world: World) -> None:
    assert await asked_in_a_round(world, world.ids[:20]) == {""}


async def test_a_single_registration_is_fetched(world: World) -> None:
    assert await asked_in_a_round(world, world.ids[:1]) == {world.ids[0]}


@pytest.mark.parametrize("size", [2500])
async def test_registrations_that_are_few_among_many_are_fetched_one_by_one(world: World) -> None:
    assert await asked_in_a_round(world, world.ids[:2]) == set(world.ids[:2])


@pytest.mark.parametrize("size", [2500])
async def test_a_listing_is_left_where_gets_take_fewer_requests(world: World) -> None:
    changes, _ = await begun(world, [world.ids[0], *world.ids[-2:]])
    await changes.aclose()
    assert world.requests[0] == ("", 200)
    assert {path for path, _ in world.requests[1:]} == set(world.ids[-2:])


async def test_a_listing_that_does_not_say_how_long_it_is_is_left_for_gets() -> None:
    asked: list[str] = []

    async def script(request: Received) -> Say:
        asked.append(request.target.partition("?")[0])
        if request.target.startswith(f"{LISTING}?"):
            return answer(content={"results": [], "next": "?cursor=2", "previous": None})
        return answer(404, {})

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        assert len([change async for change in client.sip.registrations.watch(["a", "b"])]) == 2
    assert sorted(asked) == [LISTING, f"{LISTING}/a", f"{LISTING}/b"]


async def test_named_registrations_are_fetched_one_by_one_if_the_listing_fails(world: World) -> None:
    world.account.inject(Respond(500), times=1)
    changes, seen = await begun(world, world.ids)
    await changes.aclose()
    assert list(seen) == world.ids


async def test_a_round_begins_after_the_end_of_the_one_before_and_a_pause(world: World) -> None:
    changes = world.client.sip.registrations.watch(interval=7.0)
    world.account.inject(Delay(20.0), times=3)
    async with aclosing(changes):
        await some(changes, 3)
        world.account.clear_faults()
        world.fail(0)
        await some(changes, 1)
    at = [each.at for each in world.account.requests]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(at)] == [27]


async def test_an_outage_is_reported_once_when_it_begins_and_once_when_it_ends(world: World) -> None:
    changes, seen = await begun(world)
    async with aclosing(changes):
        world.account.inject(Respond(500), times=4)
        key = world.fail(1)
        began, changed, ended = await some(changes, 3)
    assert isinstance(began, Interrupted)
    assert isinstance(began.error, ServerError)
    assert changed == Changed(key, seen[key], attrs.evolve(seen[key], successful=False))
    assert ended == Resumed(4)


async def test_a_second_outage_is_reported_too(world: World) -> None:
    changes, _ = await begun(world, world.ids[:1])
    async with aclosing(changes):
        for _ in range(2):
            world.account.inject(Respond(500), times=1)
            assert [type(change) for change in await some(changes, 2)] == [Interrupted, Resumed]


async def test_a_failure_of_one_registration_does_not_hide_the_changes_of_others(world: World) -> None:
    changes, _ = await begun(world, world.ids[:1])
    await changes.aclose()
    world.account.inject(Respond(500), times=1, path=f"{LISTING}/{world.ids[0]}")
    empty = json.dumps({"results": [], "next": None, "previous": None}).encode()
    world.account.inject(Respond(200, body=empty), times=1)
    changes = world.client.sip.registrations.watch(world.ids)
    async with aclosing(changes):
        reported = await some(changes, 5)
    assert [type(change) for change in reported] == [Added, Added, Interrupted, Added, Resumed]


async def test_after_a_failed_listing_nothing_is_removed(world: World) -> None:
    changes, seen = await begun(world)
    async with aclosing(changes):
        world.account.inject(Respond(500), times=1)
        await world.client.with_options(retry=RetryPolicy()).sip.registrations.delete(world.ids[0])
        world.account.inject(Respond(500), times=1)
        key = next(iter(seen))
        assert [type(change) for change in await some(changes, 3)] == [Interrupted, Removed, Resumed]
        assert world.requests[-1] == (key, 404)


async def test_an_outage_shorter_than_the_patience_only_delays_a_round(world: World) -> None:
    async with client_for(world.account, retry=RetryPolicy()) as client:
        world.client = client
        changes, _ = await begun(world)
        async with aclosing(changes):
            loop = asyncio.get_running_loop()
            until = loop.time() + 30.0
            rule = world.account.inject(Respond(503))
            loop.call_at(until, world.account.clear_faults)
            key = world.fail(0)
            [change] = await some(changes, 1)
    assert isinstance(change, Changed)
    assert change.key == key
    assert loop.time() >= until
    assert rule.hits > 4


@pytest.mark.parametrize("size", [300])
async def test_429s_are_waited_out(world: World) -> None:
    async with client_for(world.account, retry=RetryPolicy(max_attempts=2)) as client:
        world.client = client
        changes, _ = await begun(world)
        async with aclosing(changes):
            world.account.inject(Respond(429, {"Retry-After": "30"}), times=1)
            world.fail(0)
            changed = await some(changes, 20)
    assert {type(change) for change in changed} == {Changed}
    assert world.account.counts[429] == 1


async def refused(changes: AsyncGenerator[Change[SipRegistration], None]) -> UltravoxError:
    with pytest.raises(UltravoxError) as caught:
        _ = [change async for change in changes]
    return caught.value


@pytest.mark.parametrize("named", [False, True])
async def test_a_key_that_is_refused_ends_the_watch(world: World, named: bool) -> None:  # noqa: FBT001 - as above
    changes, _ = await begun(world, world.ids if named else None)
    world.account.inject(Respond(401))
    assert isinstance(await refused(changes), AuthenticationError)


async def test_a_key_that_is_refused_for_one_registration_ends_the_watch(world: World) -> None:
    changes, _ = await begun(world, world.ids[:1])
    world.account.inject(Respond(401))
    assert isinstance(await refused(changes), AuthenticationError)


async def test_an_id_that_is_not_valid_ends_the_watch(world: World) -> None:
    assert isinstance(await refused(world.client.sip.registrations.watch([".."])), InvalidRequestError)


@pytest.mark.parametrize("ids", ["some-id", 5])
async def test_what_are_no_ids_is_refused_at_once(world: World, ids: Any) -> None:  # noqa: ANN401 - the wrong types too
    with pytest.raises(InvalidRequestError, match="ids: takes an iterable of ids"):
        world.client.sip.registrations.watch(ids)


@pytest.mark.parametrize("interval", [0, -1.0, float("nan"), float("inf"), True, "5", None])
async def test_an_interval_that_is_not_a_time_is_refused_at_once(world: World, interval: Any) -> None:  # noqa: ANN401 - as above
    with pytest.raises(InvalidRequestError, match="interval: takes a finite number of seconds above 0"):
        world.client.sip.registrations.watch(interval=interval)


async def test_closing_the_client_ends_a_pause_at_once(world: World, clock: Clock) -> None:
    changes = world.client.sip.registrations.watch(interval=1e6)
    await some(changes, len(world.ids))
    waiting = asyncio.create_task(anext(changes))
    for _ in range(50):  # nothing of this takes time, and the clock stands still
        await asyncio.sleep(0)
    await world.client.close()
    with pytest.raises(ClientClosedError):
        await waiting
    assert clock.ahead < 1e5


async def test_cancelling_a_watch_leaves_the_client_usable(world: World) -> None:
    changes = world.client.sip.registrations.watch(world.ids)
    world.account.inject(Delay(1e5), times=1)
    watching = asyncio.create_task(anext(changes))
    while world.account.received == 0:  # noqa: ASYNC110 - it is the loop's other tasks that bring it
        await asyncio.sleep(0)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    await changes.aclose()
    assert await world.client.sip.registrations.get(world.ids[0])


async def test_a_loop_that_is_left_leaves_nothing_behind(world: World) -> None:
    async for _ in world.client.sip.registrations.watch(world.ids):
        break
    assert await world.client.sip.registrations.get(world.ids[0])


def test_what_a_watch_reports_can_be_matched_and_pickled() -> None:
    changes: list[Change[int]] = [Added("a", 1), Changed("a", 1, 2), Removed("a", None), Resumed(2)]
    assert pickle.loads(pickle.dumps(changes)) == changes  # noqa: S301 - made here
    error = APIConnectionError("GET", LISTING, "lost", connected=True)
    match pickle.loads(pickle.dumps(Interrupted(error))):  # noqa: S301 - made here
        case Interrupted(APIConnectionError(reason="lost")):
            pass
        case other:
            pytest.fail(f"{other}")


class State(dict[str, SipRegistration]):
    """What is known from the changes so far, each of which has to fit."""

    def apply(self, change: Change[SipRegistration]) -> None:
        match change:
            case Added(key, value):
                assert key not in self
                self[key] = value
            case Changed(key, old, value):
                assert self[key] == old != value
                self[key] = value
            case Removed(key, old):
                assert self.pop(key) == old
            case Interrupted() | Resumed():
                pass

    async def follow(self, changes: AsyncGenerator[Change[SipRegistration], None]) -> None:
        async with aclosing(changes):
            async for change in changes:
                self.apply(change)


@pytest.mark.parametrize("size", [120])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("named", [False, True])
async def test_each_difference_is_reported_once_whatever_fails_in_between(world: World, seed: int, named: bool) -> None:  # noqa: FBT001 - as above
    chance = random.Random(seed)  # noqa: S311 - has to be reproducible
    account, registrations = world.account, world.client.sip.registrations
    faults = [
        lambda: account.inject(Respond(500), times=chance.randint(1, 9)),
        lambda: account.inject(Respond(429, {"Retry-After": "1"}), times=chance.randint(1, 9)),
        lambda: account.inject(Respond(503), times=chance.randint(1, 3), path=f"{LISTING}/"),
    ]
    changes, seen = await begun(world, account.registration_ids if named else None)
    state, deleted = State(seen), set[str]()
    following = asyncio.create_task(state.follow(changes))
    for _ in range(12):
        proxy = f"sip-{chance.randrange(8)}.example.com"
        chance.choice([account.refuse_proxy, account.accept_proxy])(proxy)
        deleted.add(chance.choice(world.ids))
        await registrations.delete(min(deleted & set(world.ids)))
        chance.choice(faults)()
        await asyncio.sleep(chance.uniform(0.1, 30.0))
        account.clear_faults()
    await asyncio.sleep(60.0)
    following.cancel()
    await asyncio.wait([following])
    assert following.cancelled()
    assert state == {key: await registrations.get(key) for key in world.ids}
    assert len(world.ids) == 120 - 12
    assert deleted <= {path for path, status in world.requests if status == 404}


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000])
@pytest.mark.parametrize("named", [False, True])
async def test_fifty_changes_of_a_thousand_with_an_outage_and_429s_in_between(world: World, named: bool) -> None:  # noqa: FBT001 - as above
    account = world.account
    loop = asyncio.get_running_loop()
    async with client_for(account, retry=RetryPolicy(), rate_limit=RateLimit()) as client:
        world.client = client
        changes, seen = await begun(world, world.ids if named else None)
        state = State(seen)
        following = asyncio.create_task(state.follow(changes))
        removed: set[str] = set()
        for number in range(50):
            if number % 10 == 0:
                await client.sip.registrations.update(world.ids[number], username=f"changed-{number}")
            else:
                removed.add(world.ids[number])
                await client.sip.registrations.delete(world.ids[number])
            if number == 20:
                account.inject(Respond(503))
                loop.call_later(10.0, account.clear_faults)
                await asyncio.sleep(11.0)
            if number % 7 == 0:
                account.inject(Respond(429, {"Retry-After": "1"}), times=5, method="GET")
            await asyncio.sleep(1.0)
        await asyncio.sleep(30.0)
        following.cancel()
        await asyncio.wait([following])
        assert following.cancelled()
        assert state == {each.registration_id: each async for each in client.sip.registrations.list(page_size=1000)}
        assert len(state) == 955
        assert client.stats.outages == 1
    assert {path for path, status in world.requests if status == 404} == removed
