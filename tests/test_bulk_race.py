import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.bulk_world import HANGS, TIMEOUT, Swept, World, errors_of, sweep, sweep_with_creeping_clock
from tests.wire import REGISTRATION, WAIT, Received, Say, Wire, answer, client_of
from ultravox_async import AsyncUltravox, ClientClosedError, NotFoundError, RateLimit, UltravoxError
from ultravox_async._bulk.choice import Outlook

# How long a page that never arrives is awaited in any case, and one interval of the pace. That is a quarter of a sweep
# that takes half a second, and hardly anything of one that takes five seconds.
WAITED_ANYWAY = 0.15
LISTING = "/api/sip/registrations"


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn


def ids(count: int) -> list[str]:
    return [f"id{number}" for number in range(count)]


def world_of(count: int, page: Callable[[int], float], **settings: object) -> World:
    return World(ids(count), ids(count), page_seconds=page, **settings)  # type: ignore[arg-type]  # fields of a world # pyright: ignore[reportArgumentType]


def better(world: World) -> float:
    return min(sweep(world, "get").seconds, sweep(world, "list").seconds)


def constant(seconds: float) -> Callable[[int], float]:
    return lambda _: seconds


def no_total(_: int) -> None:
    """Return no total, for a listing without one."""


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(world_of(1000, constant(1.0)), id="1 s a page"),
        pytest.param(world_of(600, constant(3.0)), id="3 s a page"),
        pytest.param(world_of(1000, lambda number: 0.03 if number == 1 else 20.0), id="first page fast, later 20 s"),
        pytest.param(world_of(1000, constant(HANGS)), id="hangs"),
        pytest.param(world_of(101, constant(HANGS)), id="hangs, 101 ids"),
        pytest.param(world_of(101, constant(0.03)), id="quick, 101 ids"),
        pytest.param(world_of(3000, constant(0.1), page_size=1000), id="quick, 3,000 ids"),
        pytest.param(world_of(3000, constant(2.0), page_size=1000), id="2 s a page, 3,000 ids"),
    ],
)
def test_auto_takes_at_most_1_3_times_as_long_as_the_better_way_and_yields_an_outcome_within_2_s(world: World) -> None:
    swept = sweep(world)
    assert swept.seconds <= 1.3 * better(world)
    assert swept.at[0] <= 2.0


@pytest.mark.parametrize("count", [101, 150, 1000, 5000])
@pytest.mark.parametrize("seconds", [0.005, 0.03, 0.1])
def test_a_quick_listing_needs_no_gets_beside_it(count: int, seconds: float) -> None:
    swept = sweep(world_of(count, constant(seconds)))
    assert (swept.pages, swept.gets) == (-(-count // 100), 0)


def test_a_listing_without_a_total_is_read_while_it_contains_wanted_ids() -> None:
    swept = sweep(world_of(1000, constant(0.03), total=no_total))
    assert (swept.pages, swept.gets) == (10, 0)


def test_the_newest_values_of_a_huge_account_are_read_from_its_first_pages() -> None:
    swept = sweep(World(ids(2000), ids(40_000)))
    assert (swept.pages, swept.gets) == (20, 0)


def test_gets_fetch_ids_from_the_other_end_while_a_page_is_late() -> None:
    swept = sweep(world_of(1000, constant(1.0)))
    keys = [outcome.key for outcome in swept.outcomes]
    before_the_first_page = [key for key, at in zip(keys, swept.at, strict=True) if at < 1.0]
    assert before_the_first_page
    assert before_the_first_page == [f"id{number}" for number in range(999, 999 - len(before_the_first_page), -1)]
    assert keys[len(before_the_first_page)] == "id0"


def test_a_late_page_is_still_used() -> None:
    swept = sweep(world_of(1000, constant(1.0)))
    assert swept.pages > 1
    assert swept.gets < 800


def test_gets_stop_when_pages_are_quick_again() -> None:
    swept = sweep(world_of(5000, lambda number: 2.0 if number == 1 else 0.03))
    assert 40 < swept.pages <= 50
    # One GET in each interval from when the first page was late until it arrived.
    assert 200 < swept.gets < 300


def test_a_listing_with_few_wanted_ids_is_abandoned_for_gets() -> None:
    swept = sweep(World(ids(6000)[::20], ids(6000), page_size=20))
    assert swept.pages < 50
    assert swept.gets > 250


def test_a_slow_listing_is_read_alone_if_gets_are_even_slower() -> None:
    swept = sweep(world_of(1000, constant(0.5), get_seconds=constant(20.0)))
    assert swept.seconds == pytest.approx(5.0, rel=0.1)


@pytest.mark.parametrize("concurrency", range(1, 8))
@pytest.mark.parametrize("page", [0.03, 1.0, HANGS])
def test_a_low_concurrency_is_never_exceeded_and_a_late_page_does_not_occupy_it(concurrency: int, page: float) -> None:
    world = world_of(200, constant(page), concurrency=concurrency)
    swept = sweep(world)
    assert swept.most_in_flight <= concurrency
    assert swept.seconds <= 1.3 * sweep(world, "get").seconds + WAITED_ANYWAY
    assert_one_outcome_each(world, swept)


def test_with_a_concurrency_of_one_a_listing_that_was_given_up_too_early_is_begun_again() -> None:
    swept = sweep(world_of(200, constant(0.5), page_size=200, concurrency=1, get_seconds=constant(1.0)))
    assert swept.seconds < 5.0


def assert_one_outcome_each(world: World, swept: Swept) -> None:
    assert Counter(outcome.key for outcome in swept.outcomes) == dict.fromkeys(world.wanted, 1)
    known = set(world.account)
    failed = errors_of(swept)
    assert failed.keys() == set(world.wanted) - known
    assert {type(error) for error in failed.values()} <= {NotFoundError}


LATENCIES = st.sampled_from([0.005, 0.02, 0.05, 0.1, 0.14, 0.2, 0.4, 0.7, 1.0, 2.0, 5.0])
COUNTS = st.sampled_from([1, 100, 101, 110, 150, 200, 300, 500]) | st.integers(1, 500) | st.integers(1, 2000)


@st.composite
def page_latencies(draw: st.DrawFn) -> Callable[[int], float]:
    before, after = draw(LATENCIES), draw(LATENCIES | st.just(20.0) | st.just(HANGS))
    changes_at = draw(st.sampled_from([0, 1, 2, 3, 5, 1000]))
    lasts = draw(st.sampled_from([1, 1000]))
    jitter = draw(st.sampled_from([0.0, 0.5]))
    seed = draw(st.integers(0, 1000))

    def seconds(number: int) -> float:
        usual = after if changes_at <= number < changes_at + lasts else before
        return usual * chance(seed + number).uniform(1 - jitter, 1 + jitter)

    return seconds


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(COUNTS)
    size = max(1, int(count * draw(st.sampled_from([0.5, 0.9, 1, 1, 1, 2, 5]))))
    known = ids(max(size, count))
    choose: Callable[[], Sequence[str]] = draw(
        st.sampled_from([lambda: known[:count], lambda: known[-count:], lambda: chance(count).sample(known, count)])
    )
    wanted = list(choose())
    if draw(st.booleans()):
        wanted.reverse()
    get_seconds = draw(st.sampled_from([0.005, 0.03, 0.1, 0.3, 1.0]))
    return World(
        wanted,
        known[:size],
        page_size=draw(st.sampled_from([20, 100, 100, 1000])),
        page_seconds=draw(page_latencies()),
        get_seconds=lambda number: get_seconds * chance(number).uniform(0.5, 1.0),
        concurrency=draw(st.sampled_from([8, 20, 50, 50, 100])),
        rate=draw(st.sampled_from([20.0, 50.0, 200.0, 200.0, 200.0, 1000.0])),
        total=draw(
            st.sampled_from([lambda size: size, lambda size: size, lambda _: None, lambda _: 0, lambda size: 9 * size])
        ),
    )


@settings(deadline=None, max_examples=15, derandomize=True)
@given(worlds())
@example(world_of(2000, constant(HANGS), rate=1000.0, get_seconds=constant(0.3)))
@example(World(ids(2000)[::-1], ids(2000), page_seconds=lambda number: 5.0 if number == 1 else 0.05, rate=50.0))
@example(World(ids(5000)[-1000:], ids(5000), page_seconds=constant(0.5)))
def test_auto_is_about_as_quick_as_the_better_way_for_any_latencies(world: World) -> None:
    swept, by_getting, by_listing = sweep(world), sweep(world, "get"), sweep(world, "list")
    assert_one_outcome_each(world, swept)
    assert swept.most_in_flight <= world.concurrency
    # If the total is missing or wrong, or the first pages have no wanted ids and the listing is not much quicker than
    # GETs, the race cannot know that the listing would have been quicker.
    total_is_known = world.total(len(world.account)) == len(world.account) and len(world.wanted) > 100
    shown_at_once = not set(world.wanted).isdisjoint(world.account[: world.page_size])
    clear = shown_at_once or by_listing.seconds < 0.3 * by_getting.seconds
    best = min(by_getting.seconds, by_listing.seconds) if total_is_known and clear else by_getting.seconds
    # A page in flight takes one of the places. If these are the limit, and not the pace, one GET may have to wait for
    # the others.
    slowest_get = max(world.get_seconds(number) for number in range(1, 100))
    places_are_the_limit = world.rate is None or slowest_get / world.concurrency > 1 / world.rate
    assert swept.seconds <= 1.3 * best + WAITED_ANYWAY + (slowest_get if places_are_the_limit else 0.0)
    assert swept.at[0] <= max(2.0, min(by_getting.at[0], by_listing.at[0]))
    slowest = max(world.page_seconds(number) for number in range(1, by_listing.pages + 1))
    if total_is_known and slowest < 0.125 and by_listing.pages * slowest < 0.3 * by_getting.seconds:
        assert swept.requests <= 1.2 * by_listing.requests + 1


def test_an_id_whose_get_takes_too_long_gets_its_outcome_from_a_page() -> None:
    world = world_of(200, constant(3.0), page_size=200, get_seconds=constant(HANGS))
    swept = sweep(world)
    assert_one_outcome_each(world, swept)
    assert swept.seconds < TIMEOUT


def page_of(keys: Sequence[str]) -> Say:
    results = [{**REGISTRATION, "registrationId": each} for each in keys]
    return answer(content={"results": results, "next": None, "previous": None, "total": len(keys)})


def found(request: Received) -> Say:
    return answer(content={**REGISTRATION, "registrationId": id_of(request)})


def id_of(request: Received) -> str:
    return request.target.rpartition("/")[2]


def lists(request: Received) -> bool:
    return request.target.startswith(f"{LISTING}?")


def sweeping(ultravox: AsyncUltravox, keys: Sequence[str]) -> asyncio.Task[set[str]]:
    async def all_keys() -> set[str]:
        return {outcome.key async for outcome in ultravox.sip.registrations.get_many(keys)}

    return asyncio.create_task(all_keys())


async def hanging_listing(request: Received) -> Say:
    return WAIT if lists(request) else found(request)


async def hanging(_: Received) -> Say:
    return WAIT


async def test_the_pending_page_is_cancelled_when_gets_have_fetched_everything() -> None:
    async with Wire(hanging_listing) as wire, client_of(wire.base_url) as ultravox:
        assert await sweeping(ultravox, ids(150)) == set(ids(150))
        assert sum(map(lists, wire.received)) == 1
        assert len(asyncio.all_tasks()) <= 2 + len({each.connection for each in wire.received})


@pytest.mark.parametrize("received", [1, 20])
async def test_a_cancelled_race_leaves_nothing_behind(received: int) -> None:
    async with Wire(hanging) as wire, client_of(wire.base_url) as ultravox:
        before = asyncio.all_tasks()
        sweep = sweeping(ultravox, ids(150))
        await wire.until_received(received)
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
        # The tasks of the test server's connections do not count.
        left = {repr(task) for task in asyncio.all_tasks() - before if "Wire" not in repr(task)}
        assert not [each for each in left if "ultravox_async/_bulk" in each]


@pytest.mark.parametrize("received", [1, 20])
async def test_a_race_ends_when_the_client_is_closed(received: int) -> None:
    async with Wire(hanging) as wire, client_of(wire.base_url) as ultravox:
        sweep = sweeping(ultravox, ids(150))
        await wire.until_received(received)
        await ultravox.close()
        with pytest.raises(ClientClosedError):
            await sweep


async def test_a_race_whose_tasks_were_cancelled_from_outside_raises() -> None:
    async with Wire(hanging) as wire, client_of(wire.base_url) as ultravox:
        sweep = sweeping(ultravox, ids(150))
        await wire.until_received(20)
        for task in asyncio.all_tasks():
            if "Race._get" in repr(task):
                task.cancel()
        with pytest.raises(UltravoxError, match="cancelled before its last id"):
            await sweep


async def test_a_race_that_is_left_early_leaves_nothing_behind() -> None:
    async with Wire(hanging_listing) as wire, client_of(wire.base_url) as ultravox:
        async with aclosing(aiter(ultravox.sip.registrations.get_many(ids(150)))) as outcomes:
            await anext(outcomes)
        assert not [task for task in asyncio.all_tasks() if "ultravox_async/_bulk" in repr(task)]
        sent = len(wire.received)
        await asyncio.sleep(0)
        assert len(wire.received) == sent


async def test_a_late_page_gives_the_outcome_of_an_id_whose_get_is_still_in_flight() -> None:
    gets = asyncio.Event()

    async def script(request: Received) -> Say:
        if lists(request):
            await gets.wait()
            return page_of(ids(150))
        gets.set()
        return WAIT

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        assert await sweeping(ultravox, ids(150)) == set(ids(150))


@pytest.mark.parametrize("refusal", [answer(404), answer(body=b"{")])
async def test_a_listing_that_fails_in_a_race_loses_no_id(refusal: Say) -> None:
    async def script(request: Received) -> Say:
        return refusal if lists(request) else found(request)

    async with Wire(script) as wire, client_of(wire.base_url, rate_limit=RateLimit(1e6)) as ultravox:
        assert await sweeping(ultravox, ids(150)) == set(ids(150))


async def test_an_invalid_id_has_an_outcome_in_a_race() -> None:
    async with Wire(hanging_listing) as wire, client_of(wire.base_url) as ultravox:
        assert await sweeping(ultravox, [*ids(150), ".."]) == {*ids(150), ".."}


async def test_a_race_of_a_closed_client_raises() -> None:
    ultravox = AsyncUltravox("key")
    await ultravox.close()
    with pytest.raises(ClientClosedError):
        await ultravox.sip.registrations.get_many(ids(150))


def test_after_an_empty_page_the_number_of_remaining_pages_is_unknown() -> None:
    outlook = Outlook(200)
    outlook.add_page(0.1, 0, 0, 1000)
    assert not outlook.pays(200, 0.01, 0.005)
    assert not outlook.saves_requests(200)


def test_pages_without_wanted_ids_are_read_until_a_fifth_of_the_time_of_gets_is_lost() -> None:
    outlook = Outlook(1000)
    lost: list[float] = []
    while not lost or outlook.pays(1000, 0.005, 0.005):
        outlook.held_back += 0.1
        outlook.add_page(0.1, 20, 0, 800)
        lost.append(outlook.held_back)
    assert lost[-1] == pytest.approx(1.0, abs=0.11)


def test_a_clearly_quicker_listing_is_read_even_if_its_first_pages_have_no_wanted_ids() -> None:
    outlook = Outlook(1000)
    for _ in range(9):
        outlook.held_back += 0.14
        outlook.add_page(0.14, 100, 0, 1000)
        assert outlook.pays(1000, 0.005, 0.005)


@pytest.mark.parametrize(
    ("count", "usual", "seconds"),
    [(101, 0.0, 0.125), (400, 0.0, 0.4), (1000, 0.0, 0.8), (50_000, 0.0, 0.8), (50_000, 1.0, 3.0), (400, 1.0, 0.4)],
)
def test_how_long_a_page_is_awaited_depends_on_the_time_of_gets_and_of_the_pages_before_it(
    count: int, usual: float, seconds: float
) -> None:
    assert Outlook(count).patience(0.005, usual) == pytest.approx(seconds)


@pytest.mark.parametrize("step", [0.00001, 0.0001, 0.001, 0.004])
def test_what_becomes_due_while_the_clock_is_read_is_not_overlooked(step: float) -> None:
    # The listing is empty, and GETs are quicker than the pace: between two of them nothing is in flight.
    world = World(ids(200), [], page_seconds=constant(0.001), get_seconds=constant(0.001), concurrency=20)
    assert len(sweep_with_creeping_clock(world, step).outcomes) == 200
