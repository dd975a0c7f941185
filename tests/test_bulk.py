import asyncio
import gc
import inspect
import sys
import traceback
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from tests.wire import KEY, REGISTRATION, WAIT, Received, Say, Script, Wire, answer, client_of, in_turn, shown
from ultravox_async import (
    AsyncUltravox,
    ClientClosedError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    SipRegistration,
    Sweep,
    UltravoxError,
    Via,
)
from ultravox_async.testing import Emulator


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 60, "requests_per_second": None}


@pytest.fixture
async def frozen_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, so that no page is ever late, however busy the machine is."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)


class Source:
    """An iterator of ids that counts how many were read."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self._count = count

    def __iter__(self) -> Iterator[str]:
        for number in range(self._count):
            self.read += 1
            yield f"id{number}"


def id_of(request: Received) -> str:
    return request.target.rpartition("/")[2]


async def found(request: Received) -> Say:
    return answer(content={**REGISTRATION, "registrationId": id_of(request)})


async def many_turns() -> None:
    # Enough iterations of the loop for everything that can happen without further events from outside.
    for _ in range(200):
        await asyncio.sleep(0)


def outcomes_of(sweep: Sweep[SipRegistration]) -> AsyncGenerator[Outcome[SipRegistration], None]:
    return aiter(sweep)


def tasks_of_sweeps() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if "WorkerPool._work" in repr(task)}


async def all_of(sweep: Sweep[SipRegistration]) -> list[Outcome[SipRegistration]]:
    return [outcome async for outcome in sweep]


async def test_every_id_has_its_outcome(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids
    outcomes = await all_of(ultravox.sip.registrations.get_many(ids))
    assert sorted(each.key for each in outcomes) == sorted(ids)
    assert [each.value and each.value.registration_id for each in outcomes] == [each.key for each in outcomes]
    assert {each.error for each in outcomes} == {None}


async def test_ids_may_come_from_a_generator(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    result = await ultravox.sip.registrations.get_many(each for each in ultravox_emulator.registration_ids)
    assert set(result.found) == set(ultravox_emulator.registration_ids)


async def test_ids_may_come_from_an_asynchronous_iterable(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    async def source() -> AsyncIterator[str]:
        for each in ultravox_emulator.registration_ids:
            await asyncio.sleep(0)
            yield each

    result = await ultravox.sip.registrations.get_many(source())
    assert set(result.found) == set(ultravox_emulator.registration_ids)


async def test_ids_may_come_from_a_listing(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    source = (each.registration_id async for each in ultravox.sip.registrations.list(page_size=7))
    result = await ultravox.sip.registrations.get_many(source)
    assert set(result.found) == set(ultravox_emulator.registration_ids)


async def test_without_ids_there_are_no_outcomes(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    result = await ultravox.sip.registrations.get_many([])
    assert (result.found, result.failed, ultravox_emulator.received) == ({}, {}, 0)
    result.raise_for_failures()


async def test_outcomes_are_yielded_as_they_finish() -> None:
    second_is_done = asyncio.Event()

    async def script(request: Received) -> Say:
        if id_of(request) == "first":
            await second_is_done.wait()
        return await found(request)

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        keys: list[str] = []
        async for outcome in ultravox.sip.registrations.get_many(["first", "second"]):
            keys.append(outcome.key)
            second_is_done.set()
    assert keys == ["second", "first"]


@pytest.mark.parametrize("concurrency", [1, 3, 10])
async def test_no_more_requests_are_in_flight_than_allowed(concurrency: int) -> None:
    in_flight, most = 0, 0

    async def script(request: Received) -> Say:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0)
        in_flight -= 1
        return await found(request)

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(Source(100), concurrency=concurrency)
    assert len(result.found) == 100
    assert 1 <= most <= concurrency


async def test_as_many_requests_are_in_flight_as_allowed() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(Source(100), concurrency=7))
        await wire.until_received(7)
        await many_turns()
        assert len(wire.received) == 7
        sweep.cancel()
        await asyncio.wait([sweep])


async def test_ids_are_read_only_as_fast_as_they_are_fetched() -> None:
    source = Source(1000)
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(source, concurrency=5))
        await wire.until_received(5)
        await many_turns()
        assert source.read == 5
        sweep.cancel()
        await asyncio.wait([sweep])


async def test_outcomes_do_not_pile_up_for_a_slow_reader() -> None:
    source = Source(1000)
    async with (
        Wire(found) as wire,
        client_of(wire.base_url) as ultravox,
        aclosing(outcomes_of(ultravox.sip.registrations.get_many(source, concurrency=5))) as outcomes,
    ):
        await anext(outcomes)
        await many_turns()
        assert 5 < source.read <= 11
        assert len(wire.received) <= 11


async def test_no_id_is_read_before_the_iteration(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    source = Source(3)
    sweep = ultravox.sip.registrations.get_many(source)
    await many_turns()
    assert (source.read, ultravox_emulator.received) == (0, 0)
    await sweep
    assert (source.read, ultravox_emulator.received) == (3, 3)


async def test_the_repr_of_a_sweep_shows_what_it_fetches_and_how_to_start_it(ultravox: AsyncUltravox) -> None:
    sweep = ultravox.sip.registrations.get_many(["some-id"], via="get")
    assert repr(sweep) == (
        "<Sweep of SipRegistration, GET /api/sip/registrations/{registration_id}, via='get': "
        'iterate with "async for", or await it (in a task: .collect())>'
    )
    await sweep


async def test_passing_a_sweep_for_a_coroutine_raises_an_error_that_names_collect(ultravox: AsyncUltravox) -> None:
    sweep = ultravox.sip.registrations.get_many([])
    with pytest.raises(TypeError, match=r"a coroutine was expected, got <Sweep of .* \(in a task: \.collect\(\)\)>"):
        asyncio.get_running_loop().create_task(sweep)  # type: ignore[arg-type]  # what is tested # pyright: ignore[reportArgumentType]
    await sweep


async def test_collect_can_run_in_a_separate_task(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:3]
    result = await asyncio.create_task(ultravox.sip.registrations.get_many([*ids, "missing"]).collect())
    assert sorted(result.found) == sorted(ids)
    assert list(result.failed) == ["missing"]


def test_collect_is_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(Sweep[SipRegistration].collect)


async def test_a_sweep_that_was_never_started_emits_a_warning_where_it_was_dropped(ultravox: AsyncUltravox) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        ultravox.sip.registrations.get_many(["some-id"])
    assert len(caught) == 1
    assert str(caught[0].message) == (
        "Sweep of SipRegistration, GET /api/sip/registrations/{registration_id}, via='auto' "
        "was never awaited or iterated"
    )
    assert caught[0].filename == __file__


async def test_the_warning_shows_where_the_sweep_was_created_if_tracemalloc_is_running(ultravox: AsyncUltravox) -> None:
    tracemalloc.start(10)
    try:
        with pytest.warns(RuntimeWarning) as caught:
            ultravox.sip.registrations.get_many(["some-id"])
        trace = tracemalloc.get_object_traceback(caught[0].source)
    finally:
        tracemalloc.stop()
    assert trace is not None
    assert __file__ in {frame.filename for frame in trace}


async def test_a_sweep_that_is_left_early_emits_no_warning(
    ultravox: AsyncUltravox, recwarn: pytest.WarningsRecorder
) -> None:
    async with aclosing(outcomes_of(ultravox.sip.registrations.get_many(["some-id"]))):
        pass
    gc.collect()
    assert recwarn.list == []


async def test_a_sweep_with_invalid_arguments_emits_no_warning(
    ultravox: AsyncUltravox, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(InvalidRequestError):
        ultravox.sip.registrations.get_many("some-id")
    gc.collect()
    assert recwarn.list == []


async def test_a_sweep_with_invalid_arguments_has_a_repr(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        ultravox.sip.registrations.get_many([], concurrency=0)
    assert "self = <Sweep of SipRegistration" in shown(caught.value)


async def test_an_unstarted_sweep_prints_nothing_at_interpreter_exit() -> None:
    script = (
        "import ultravox_async\nsweep = ultravox_async.AsyncUltravox('key').sip.registrations.get_many(['some-id'])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "always", "-c", script, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")


async def test_each_iteration_reads_the_ids_again(ultravox: AsyncUltravox) -> None:
    source = Source(3)
    sweep = ultravox.sip.registrations.get_many(source)
    first, second = await sweep, await sweep
    assert set(first.failed) == set(second.failed) == {"id0", "id1", "id2"}
    assert source.read == 6


async def test_a_duplicate_id_has_one_outcome(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:4]
    outcomes = await all_of(ultravox.sip.registrations.get_many([*ids, *ids, ids[0]]))
    assert sorted(each.key for each in outcomes) == sorted(ids)
    assert ultravox_emulator.received == 4


async def test_an_id_that_fails_does_not_stop_the_others(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:3]
    result = await ultravox.sip.registrations.get_many(["missing", *ids, "gone"], concurrency=1)
    assert list(result.found) == ids
    assert list(result.failed) == ["missing", "gone"]
    assert {type(error) for error in result.failed.values()} == {NotFoundError}


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a\\b", "a\nb", "\ud800"])
async def test_an_invalid_id_has_an_outcome(ultravox: AsyncUltravox, ultravox_emulator: Emulator, bad: str) -> None:
    good = ultravox_emulator.registration_ids[0]
    result = await ultravox.sip.registrations.get_many([bad, good])
    assert isinstance(result.failed[bad], InvalidRequestError)
    assert list(result.found) == [good]
    assert ultravox_emulator.received == 1


# Ids come from untyped places.
@pytest.mark.parametrize("bad", [None, 17, b"bytes"])
async def test_an_id_that_is_not_a_string_is_refused_by_name_and_does_not_stop_the_others(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, bad: str
) -> None:
    good = ultravox_emulator.registration_ids[0]
    result = await ultravox.sip.registrations.get_many([bad, good])
    assert isinstance(result.failed[bad], InvalidRequestError)
    assert list(result.found) == [good]


@pytest.mark.parametrize("value", ["a", "", 0, None, False, [], {}])
def test_unwrap_of_an_outcome_without_an_error_returns_its_value(value: object) -> None:
    assert Outcome("some-id", value).unwrap() is value


def test_unwrap_of_an_outcome_with_an_error_raises_it() -> None:
    outcome = Outcome[SipRegistration]("some-id", error=NotFoundError(404, "GET", "/api/x"))
    with pytest.raises(NotFoundError) as caught:
        outcome.unwrap()
    assert caught.value is outcome.error


def test_unwrapping_twice_raises_with_the_same_traceback() -> None:
    outcome = Outcome[SipRegistration]("some-id", error=NotFoundError(404, "GET", "/api/x"))
    stacks: list[list[str]] = []
    for _ in range(3):
        with pytest.raises(NotFoundError) as caught:
            outcome.unwrap()
        stacks.append([frame.name for frame in traceback.extract_tb(caught.value.__traceback__)])
    here = "test_unwrapping_twice_raises_with_the_same_traceback"
    assert stacks == [[here, "unwrap"]] * 3


async def test_raise_for_failures_raises_all_failures_together(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    result = await ultravox.sip.registrations.get_many(["missing", "..", *ultravox_emulator.registration_ids])
    with pytest.raises(ExceptionGroup, match="2 of 62 ids failed") as caught:
        result.raise_for_failures()
    assert {type(error) for error in caught.value.exceptions} == {NotFoundError, InvalidRequestError}


async def test_raise_for_failures_without_failures_raises_nothing(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    result = await ultravox.sip.registrations.get_many(ultravox_emulator.registration_ids)
    result.raise_for_failures()
    assert (len(result.found), result.failed) == (60, {})


async def leave_at_once(ultravox: AsyncUltravox) -> set[asyncio.Task[Any]]:
    async with aclosing(outcomes_of(ultravox.sip.registrations.get_many(Source(1000)))) as outcomes:
        await anext(outcomes)
        return tasks_of_sweeps()


async def test_a_loop_that_is_left_early_leaves_no_task() -> None:
    async def script(request: Received) -> Say:
        return await found(request) if id_of(request) == "id0" else WAIT

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        assert await leave_at_once(ultravox)
        assert tasks_of_sweeps() == set()
        sent = len(wire.received)
        await many_turns()
        assert len(wire.received) == sent


async def test_the_client_still_works_after_a_loop_that_was_left_early() -> None:
    async with Wire(found) as wire, client_of(wire.base_url, pool_size=2) as ultravox:
        await leave_at_once(ultravox)
        assert (await ultravox.sip.registrations.get("other")).registration_id == "other"


async def test_a_cancelled_sweep_leaves_no_task() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(Source(1000)))
        await wire.until_received(50)
        assert len(tasks_of_sweeps()) == 50
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
        assert tasks_of_sweeps() == set()


async def test_an_exception_of_the_ids_is_raised_after_the_outcomes_before_it() -> None:
    def source() -> Iterator[str]:
        yield from ("a", "b", "c")
        message = "the database is gone"
        raise LookupError(message)

    keys: list[str] = []

    async def collect(sweep: Sweep[SipRegistration]) -> None:
        async for outcome in sweep:
            keys.append(outcome.key)  # noqa: PERF401 - the outcomes before the error are tested

    async with Wire(found) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(LookupError, match="the database is gone"):
            await collect(ultravox.sip.registrations.get_many(source()))
    assert sorted(keys) == ["a", "b", "c"]


async def test_awaiting_a_sweep_raises_the_exception_of_its_ids() -> None:
    async def source() -> AsyncIterator[str]:
        yield "a"
        message = "the database is gone"
        raise LookupError(message)

    async with Wire(found) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(LookupError, match="the database is gone"):
            await ultravox.sip.registrations.get_many(source())


async def test_an_exception_of_a_trace_callback_is_the_outcome_of_its_id() -> None:
    async def surprise(*_: object) -> None:
        message = "a bug in a trace callback"
        raise LookupError(message)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(surprise)
    async with Wire(found) as wire, client_of(wire.base_url, trace_configs=[trace]) as ultravox:
        result = await ultravox.sip.registrations.get_many(["a", "b", "c"])
    assert sorted(result.failed) == ["a", "b", "c"]
    assert all("a bug in a trace callback" in str(error) for error in result.failed.values())


async def test_closing_the_client_ends_a_running_sweep() -> None:
    keys: list[str] = []

    async def close_after_one(ultravox: AsyncUltravox) -> None:
        async for outcome in ultravox.sip.registrations.get_many(Source(1000), concurrency=2):
            keys.append(outcome.key)
            await ultravox.close()

    async with Wire(found) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(UltravoxError, match="closed"):
            await close_after_one(ultravox)
    assert 1 <= len(keys) <= 4


async def test_an_iterable_of_ids_that_closes_the_client_ends_the_sweep_and_is_read_no_further() -> None:
    read: list[str] = []

    async def source() -> AsyncIterator[str]:
        for key in ("a", "b", "c", "d"):
            if key == "b":
                await ultravox.close()
            read.append(key)
            yield key

    async with Wire(found) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(ClientClosedError):
            await ultravox.sip.registrations.get_many(source(), concurrency=1)
    assert read == ["a", "b"]


async def test_a_sweep_of_a_closed_client_raises() -> None:
    source = Source(3)
    ultravox = AsyncUltravox(KEY)
    await ultravox.close()
    with pytest.raises(UltravoxError, match="closed; make a new one"):
        await ultravox.sip.registrations.get_many(source)
    assert source.read == 0


async def test_a_sweep_whose_tasks_were_cancelled_from_outside_raises() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(Source(1000), concurrency=2))
        await wire.until_received(2)
        for task in tasks_of_sweeps():
            task.cancel()
        with pytest.raises(UltravoxError, match="cancelled before its last id"):
            await sweep


async def test_a_single_string_as_ids_is_refused(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError, match="ids: takes an iterable of ids, not one id"):
        ultravox.sip.registrations.get_many("abc")


@pytest.mark.parametrize("concurrency", [0, -1])
async def test_a_concurrency_below_one_is_refused(ultravox: AsyncUltravox, concurrency: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"concurrency: .* at least 1, not {concurrency}"):
        ultravox.sip.registrations.get_many([], concurrency=concurrency)


@pytest.mark.parametrize("script", [in_turn(answer(400, {"detail": KEY})), in_turn(Say(then="hang up"))])
async def test_no_failed_outcome_shows_the_key(script: Script) -> None:
    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(["a"])
    text = shown(result.failed["a"])
    assert "transport.py" in text
    assert KEY not in text


async def test_single_calls_are_sent_before_those_of_a_sweep() -> None:
    async with Wire(found) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(Source(100)))
        await wire.until_received(1)
        await ultravox.sip.registrations.get("urgent")
        assert len(wire.received) < 10
        assert len((await sweep).found) == 100


def page_of(ids: list[str], total: int | None, link: str | None = None) -> Say:
    results = [{**REGISTRATION, "registrationId": each} for each in ids]
    return answer(content={"results": results, "next": link, "previous": None, "total": total})


def methods_of(emulator: Emulator) -> tuple[int, int]:
    listed = sum(each.path == "/api/sip/registrations" for each in emulator.requests)
    return listed, len(emulator.requests) - listed


async def test_via_list_reads_the_listing_and_fetches_only_the_ids_that_are_not_on_it(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    ids = ultravox_emulator.registration_ids
    result = await ultravox.sip.registrations.get_many([*ids, "missing", *ids], via="list")
    assert sorted(result.found) == sorted(ids)
    assert [type(error) for error in result.failed.values()] == [NotFoundError]
    assert methods_of(ultravox_emulator) == (1, 1)


async def test_via_list_takes_an_asynchronous_iterable(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    async def source() -> AsyncIterator[str]:
        for each in ultravox_emulator.registration_ids:
            yield each

    result = await ultravox.sip.registrations.get_many(source(), via="list")
    assert set(result.found) == set(ultravox_emulator.registration_ids)
    assert methods_of(ultravox_emulator) == (1, 0)


async def test_via_get_never_lists(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    await ultravox.sip.registrations.get_many([f"id{number}" for number in range(150)], via="get")
    assert methods_of(ultravox_emulator) == (0, 150)


async def test_few_ids_are_fetched_without_a_listing(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    await ultravox.sip.registrations.get_many(ultravox_emulator.registration_ids)
    assert methods_of(ultravox_emulator) == (0, 60)


@pytest.mark.usefixtures("frozen_clock")
async def test_a_listing_with_all_ids_on_its_first_page_replaces_the_gets() -> None:
    ids = [f"id{number}" for number in range(600)]

    async with Wire(in_turn(page_of(ids, 600))) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids)
        assert len(wire.received) == 1
    assert list(result.found) == ids


@pytest.mark.usefixtures("frozen_clock")
@pytest.mark.parametrize("total", [None, 1_000_000_000])
async def test_a_listing_that_is_slower_is_abandoned_for_single_requests(total: int | None) -> None:
    ids = [f"id{number}" for number in range(120)]

    async def script(request: Received) -> Say:
        if id_of(request).startswith("id"):
            return await found(request)
        return page_of(["id0", "other"], total, f"{wire.base_url}/?cursor=2")

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids)
        assert len(wire.received) == 1 + 119
    assert sorted(result.found) == sorted(ids)


@pytest.mark.parametrize("said", [answer(404), answer(body=b"{"), answer(403)])
async def test_a_listing_that_fails_loses_no_id(said: Say) -> None:
    async def script(request: Received) -> Say:
        return await found(request) if id_of(request).startswith("id") else said

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(["id1", "id2"], via="list")
    assert sorted(result.found) == ["id1", "id2"]


async def test_an_exception_of_the_ids_is_raised_after_the_outcomes_from_the_listing() -> None:
    def source() -> Iterator[str]:
        yield "id1"
        message = "the database is gone"
        raise LookupError(message)

    keys: list[str] = []

    async def collect(sweep: Sweep[SipRegistration]) -> None:
        async for outcome in sweep:
            keys.append(outcome.key)  # noqa: PERF401 - the outcomes before the error are tested

    async with Wire(in_turn(page_of(["id1"], 1))) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(LookupError, match="the database is gone"):
            await collect(ultravox.sip.registrations.get_many(source(), via="list"))
    assert keys == ["id1"]


async def test_an_unknown_via_is_refused(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError, match="via: takes one of auto, get, list"):
        ultravox.sip.registrations.get_many([], via="post")  # type: ignore[arg-type]  # what is tested # pyright: ignore[reportArgumentType]


async def test_the_listing_is_read_once_for_each_batch_of_ids(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ultravox_async._bulk.ids._BATCH", 25)
    monkeypatch.setattr("ultravox_async._bulk.ids._YIELD_EVERY_IDS", 10)
    ids = ultravox_emulator.registration_ids
    result = await ultravox.sip.registrations.get_many(ids, via="list")
    assert sorted(result.found) == sorted(ids)
    assert methods_of(ultravox_emulator) == (3, 0)


@pytest.mark.usefixtures("frozen_clock")
async def test_a_listing_with_more_than_its_total_is_abandoned_for_single_requests() -> None:
    ids = [f"id{number}" for number in range(200)]
    listed = 0

    async def endless(request: Received) -> Say:
        nonlocal listed
        if "pageSize" not in request.target and "cursor" not in request.target:
            return await found(request)
        listed += 1
        return page_of([f"other{listed}"], 0, f"{wire.base_url}/?cursor={listed}")

    async with Wire(endless) as wire, client_of(wire.base_url) as client:
        result = await client.sip.registrations.get_many(ids)
    assert sorted(result.found) == sorted(ids)
    assert listed == 1


async def test_an_eager_task_factory_changes_nothing(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    # Python 3.11 has no eager tasks, so that this test cannot fail there.
    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
    ids = ultravox_emulator.registration_ids
    async with asyncio.timeout(20):
        keys = [outcome.key async for outcome in ultravox.sip.registrations.get_many(iter(ids), concurrency=1)]
    assert sorted(keys) == sorted(ids)


@pytest.mark.parametrize("via", ["auto", "get", "list"])
async def test_a_cancellation_raised_by_the_ids_is_raised_and_no_id_is_lost(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, via: Via
) -> None:
    cancelled = asyncio.create_task(asyncio.sleep(0))
    cancelled.cancel()

    async def ids() -> AsyncGenerator[str]:
        for number, registration_id in enumerate(ultravox_emulator.registration_ids):
            if number == 5:
                await cancelled
            yield registration_id

    with pytest.raises(asyncio.CancelledError):
        await ultravox.sip.registrations.get_many(ids(), via=via)


@pytest.mark.parametrize("ids", [None, 5, object()])
async def test_ids_that_cannot_be_iterated_over_are_refused_at_once(ultravox: AsyncUltravox, ids: Any) -> None:  # noqa: ANN401 - what the type forbids
    with pytest.raises(InvalidRequestError, match="takes an iterable of ids"):
        ultravox.sip.registrations.get_many(ids)
