import asyncio
import math

import pytest

from ultravox_async.redis._slots import OperationSlots
from ultravox_async.redis._store import Granted, Question, ServerClock, Slot


def given(*slots: Slot, cooling_until: float = -math.inf) -> OperationSlots:
    operation = OperationSlots()
    operation.add(Granted(slots, cooling_until, (-math.inf, -math.inf)))
    return operation


def reported(slots: OperationSlots, now: float) -> Question:
    question = Question()
    slots.report("api", now, question)
    return question


async def waiting(slots: OperationSlots, *, single: bool) -> "asyncio.Future[bool]":
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    slots.wait(future, single=single)
    return future


async def test_a_slot_is_handed_out_at_its_time() -> None:
    slots = given(Slot(2, 7.0), Slot(1, 5.0))
    future = await waiting(slots, single=False)
    slots.hand_out(4.9)
    assert (future.done(), slots.hand_out_at()) == (False, 5.0)
    slots.hand_out(5.0)
    assert future.result() is True
    assert slots.hand_out_at() == 5.05


def test_a_slot_that_is_not_used_within_300_ms_is_given_back() -> None:
    slots = given(Slot(1, 5.0))
    assert not slots.take_at_once(5.31)
    assert reported(slots, 5.31).returned == [(Slot(1, 5.0), "api")]


def test_a_slot_that_was_given_back_after_its_time_does_not_go_to_another_request() -> None:
    slots = given(Slot(1, 5.0))
    assert slots.take_at_once(5.0)
    slots.cancel(5.4)
    assert reported(slots, 5.4).returned == [(Slot(1, 5.0), "api")]
    assert slots.idle


def test_slots_without_requests_are_given_back_after_50_ms() -> None:
    slots = given(Slot(1, 5.0), Slot(2, 9.0))
    slots.hand_out(5.0)
    slots.hand_out(5.04)
    assert reported(slots, 5.04).returned == []
    slots.hand_out(5.05)
    assert slots.exchange_at(5.05) == 5.05
    assert [slot.number for slot, _ in reported(slots, 5.05).returned] == [1, 2]


def test_a_punctual_send_is_not_reported_and_a_late_one_is() -> None:
    slots = given(Slot(1, 5.0), Slot(2, 5.0))
    assert slots.take_at_once(5.0)
    assert slots.take_at_once(5.0)
    assert not slots.mark_sent(5.002)
    assert slots.mark_sent(5.01)
    assert slots.exchange_at(5.01) == pytest.approx(5.16)
    assert reported(slots, 5.16).moved == [(Slot(2, 5.0), "api", 5.01)]
    assert slots.exchange_at(5.2) == math.inf


def test_the_slot_of_a_request_that_is_not_sent_yet_is_moved_along() -> None:
    slots = given(Slot(1, 5.0))
    assert slots.take_at_once(5.0)
    assert slots.exchange_at(5.0) == pytest.approx(5.15)
    assert reported(slots, 5.15).moved == [(Slot(1, 5.0), "api", 5.15)]
    assert slots.exchange_at(5.15) == pytest.approx(5.3)
    assert not slots.mark_sent(5.152)


async def test_a_cool_down_gives_all_slots_back_and_sends_single_calls_to_look_again() -> None:
    slots = given(Slot(1, 5.0))
    single, sweep = await waiting(slots, single=True), await waiting(slots, single=False)
    assert slots.cool_down(60.0)
    assert not slots.cool_down(50.0)
    assert (single.result(), sweep.done()) == (False, False)
    assert slots.wanted(59.0) == (0, 0)
    assert [slot.number for slot, _ in reported(slots, 5.0).returned] == [1]
    assert slots.exchange_at(59.0) == 60.0
    assert slots.wanted(60.0) == (0, 1)


async def test_the_store_is_asked_again_when_it_said_and_for_no_more_than_is_missing() -> None:
    slots = OperationSlots()
    for _ in range(2):
        await waiting(slots, single=True)
    await waiting(slots, single=False)
    assert slots.wanted(5.0) == (2, 1)
    slots.add(Granted([Slot(1, 5.001)], -math.inf, (6.0, 7.0)))
    assert slots.wanted(5.0) == (0, 0)
    assert slots.exchange_at(5.0) == 6.0
    assert slots.wanted(6.0) == (1, 0)


async def test_for_a_long_queue_of_a_sweep_as_much_as_possible_is_asked_for() -> None:
    slots = OperationSlots()
    for _ in range(8):
        await waiting(slots, single=False)
    assert slots.wanted(5.0)[1] > 1000


async def test_requests_that_are_done_are_skipped() -> None:
    slots = given(Slot(1, 5.0))
    cancelled, next_one = await waiting(slots, single=False), await waiting(slots, single=False)
    cancelled.cancel()
    slots.hand_out(5.0)
    assert next_one.result() is True
    failed, dismissed = await waiting(slots, single=True), await waiting(slots, single=True)
    failed.cancel()
    slots.dismiss_single_calls()
    assert dismissed.result() is False
    failed.cancel()
    await waiting(slots, single=False)
    gone = await waiting(slots, single=False)
    gone.cancel()
    slots.fail(ValueError)
    assert gone.cancelled()


async def test_a_request_that_is_cancelled_as_it_gets_its_slot_gives_it_back() -> None:
    slots = given(Slot(1, 5.0))
    future = await waiting(slots, single=True)
    slots.hand_out(5.0)
    slots.leave(future, 5.0)
    assert slots.take_at_once(5.0)


async def test_a_request_that_leaves_after_it_was_failed_gives_no_slot_back() -> None:
    slots = OperationSlots()
    future = await waiting(slots, single=True)
    slots.fail(ValueError)
    slots.leave(future, 5.0)
    assert isinstance(future.exception(), ValueError)
    assert slots.idle


def test_a_time_of_the_server_is_never_too_early_on_the_clock_of_the_loop() -> None:
    clock = ServerClock()
    # The server is 1000 s ahead. Its clock is read somewhere between the question and the answer.
    clock.note(1010.09, 10.0, 10.1)
    clock.note(1020.0, 20.0, 20.01)
    assert 20.0 <= clock.on_loop(1020.0) <= 20.02
    assert clock.on_server(clock.on_loop(1020.0)) == pytest.approx(1020.0)


def test_a_slow_answer_does_not_spoil_what_is_known_of_the_servers_clock() -> None:
    clock = ServerClock()
    clock.note(1010.0, 10.0, 10.001)
    clock.note(1011.0, 11.0, 12.0)
    assert clock.on_loop(1012.0) == pytest.approx(12.001, abs=0.001)


def test_a_clock_of_the_server_that_was_set_back_is_read_anew() -> None:
    clock = ServerClock()
    clock.note(1010.0, 10.0, 10.001)
    clock.note(511.0, 11.0, 11.001)
    assert clock.on_loop(511.0) == pytest.approx(11.001)


def test_a_clock_of_the_server_that_was_set_forward_is_noticed_and_a_slow_answer_is_not_taken_for_that() -> None:
    clock = ServerClock()
    assert not clock.note(1010.0, 10.0, 10.001)
    assert not clock.note(1011.9, 11.0, 12.0)
    assert not clock.note(1013.0, 13.0, 13.001)
    assert clock.note(1014.2, 14.0, 14.001)
    assert clock.on_loop(1015.2) == pytest.approx(15.001, abs=0.001)
    assert not clock.note(1016.2, 16.0, 16.001)
