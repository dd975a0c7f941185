import asyncio
from typing import Any

import pytest

from tests.conftest import Clock
from tests.wire import WAIT, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import (
    AsyncUltravox,
    InvalidRequestError,
    NotFoundError,
    RetryPolicy,
    Timeout,
    WaitError,
    WaitTimeoutError,
)

CREATED = {"callId": "c", "created": "2026-07-02T10:00:00Z"}
JOINED = {**CREATED, "joined": "2026-07-02T10:00:01Z", "billingStatus": "BILLING_STATUS_PENDING"}
ENDED = {**JOINED, "ended": "2026-07-02T10:01:00Z", "endReason": "hangup"}
BILLED = {**ENDED, "billingStatus": "BILLING_STATUS_BILLED"}
UNJOINED = {**CREATED, "ended": "2026-07-02T10:00:31Z", "endReason": "unjoined"}
TOO_EARLY = answer(425, {"detail": "Not billed yet."})

pytestmark = pytest.mark.usefixtures("clock")


def told(*calls: dict[str, str]) -> Wire:
    return Wire(in_turn(*(answer(200, call) for call in calls)))


@pytest.mark.parametrize(
    ("until", "calls"),
    [
        ("joined", [CREATED, CREATED, JOINED]),
        ("joined", [CREATED, ENDED]),
        ("ended", [CREATED, JOINED, ENDED]),
        ("ended", [UNJOINED]),
        ("billed", [ENDED, ENDED, BILLED]),
        ("billed", [{**UNJOINED, "billingStatus": "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION"}]),
        ("billed", [{**JOINED, "billingStatus": "BILLING_STATUS_FREE_CONSOLE"}, BILLED]),
        ("billed", [UNJOINED, BILLED]),
    ],
)
async def test_a_call_is_asked_for_until_it_has_happened(until: Any, calls: list[dict[str, str]]) -> None:  # noqa: ANN401 - one of three
    async with told(*calls, {"callId": "c", "created": "not asked for"}) as wire, client_of(wire.base_url) as ultravox:
        call = await ultravox.calls.wait("c", until=until, timeout=60)
        assert call.to_dict(sensitive=True).items() >= {"callId": "c", "endReason": calls[-1].get("endReason")}.items()
        assert [(one.method, one.target) for one in wire.received] == [("GET", "/api/calls/c")] * len(calls)


async def test_it_is_asked_for_in_intervals(clock: Clock) -> None:
    async with told(CREATED, CREATED, ENDED) as wire, client_of(wire.base_url) as ultravox:
        started = asyncio.get_running_loop().time()
        await ultravox.calls.wait("c", until="ended", timeout=60, interval=7)
        assert asyncio.get_running_loop().time() - started >= 14
    assert clock.ahead < 21


async def test_a_call_that_ends_unjoined_is_not_waited_for() -> None:
    async with told(CREATED, UNJOINED) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(WaitError) as caught:
            await ultravox.calls.wait("c", until="joined", timeout=60)
    assert not isinstance(caught.value, WaitTimeoutError)
    assert (
        str(caught.value)
        == "waited for call c to be joined, but it has ended (end reason unjoined, billing status None)"
    )


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        (CREATED, "nobody has joined it yet"),
        (JOINED, "it goes on"),
        (ENDED, "it has ended (end reason hangup, billing status BILLING_STATUS_PENDING)"),
    ],
)
async def test_what_does_not_happen_in_time_is_an_error_that_says_what(call: dict[str, str], seen: str) -> None:
    async with told(call) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(TimeoutError) as caught:
            await ultravox.calls.wait("c", until="billed", timeout=60)
    assert isinstance(caught.value, WaitTimeoutError)
    assert str(caught.value) == f"waited 60 s for call c to be billed, but {seen}"
    assert (caught.value.awaited, caught.value.seen, caught.value.timeout) == ("call c to be billed", seen, 60)
    assert caught.value.__context__ is None


async def test_the_time_includes_what_the_requests_take() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(WaitTimeoutError, match="waited 5 s for call c to be ended, but there was no response"):
            await ultravox.calls.wait("c", until="ended", timeout=5)


async def test_a_request_that_times_out_does_not_end_the_wait() -> None:
    settings = {"timeout": Timeout(read=1), "retry": RetryPolicy(max_attempts=1)}
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, **settings) as ultravox:
        with pytest.raises(WaitTimeoutError, match="but GET /api/calls/c: read timeout"):
            await ultravox.calls.wait("c", until="ended", timeout=8)
        assert len(wire.received) > 1


@pytest.mark.usefixtures("clock")
async def test_waiting_can_be_cancelled() -> None:
    async with told(JOINED) as wire, client_of(wire.base_url) as ultravox:
        task = asyncio.create_task(ultravox.calls.wait("c", until="ended", timeout=60))
        while len(wire.received) < 2:  # noqa: ASYNC110 - the clock moves only while everything waits
            await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("waits", ["wait", "delete_when_billed"])
async def test_interactive_requests_go_before_those_of_a_wait(waits: str) -> None:
    released = asyncio.Event()

    async def script(request: Received) -> Say:
        if len(wire.received) == 1:
            await released.wait()
        call_id = request.target.rpartition("/")[2]
        return answer(200, {**ENDED, "callId": call_id}) if request.method == "GET" else answer(204, body=b"")

    async with Wire(script) as wire, client_of(wire.base_url, pool_size=1) as ultravox, asyncio.TaskGroup() as tasks:
        tasks.create_task(ultravox.calls.get("first"))
        await wire.until_received(1)
        tasks.create_task(waiting(ultravox, waits))
        await asyncio.sleep(0)
        tasks.create_task(ultravox.calls.get("last"))
        await asyncio.sleep(0)
        released.set()
        await wire.until_received(3)
        assert [one.target.rpartition("/")[2] for one in wire.received] == ["first", "last", "waited"]


async def waiting(ultravox: AsyncUltravox, waits: str) -> None:
    if waits == "wait":
        await ultravox.calls.wait("waited", until="ended", timeout=60)
    else:
        await ultravox.calls.delete_when_billed("waited")


async def test_a_call_is_deleted_as_soon_as_it_can_be(clock: Clock) -> None:
    async with (
        Wire(in_turn(TOO_EARLY, TOO_EARLY, answer(204, body=b""))) as wire,
        client_of(wire.base_url) as ultravox,
    ):
        started = asyncio.get_running_loop().time()
        await ultravox.calls.delete_when_billed("c", interval=7)
        assert asyncio.get_running_loop().time() - started >= 14
        assert [(one.method, one.target) for one in wire.received] == [("DELETE", "/api/calls/c")] * 3
    assert clock.ahead < 21


async def test_a_web_page_is_not_a_deletion_and_is_waited_out(clock: Clock) -> None:
    page = answer(200, body=b"<html>Log in</html>", headers={"Content-Type": "text/html"})
    async with Wire(in_turn(page, answer(204, body=b""))) as wire, client_of(wire.base_url) as ultravox:
        await ultravox.calls.delete_when_billed("c", interval=7)
        assert len(wire.received) == 2
    assert clock.ahead >= 7


async def test_a_call_that_cannot_be_deleted_in_time_is_an_error_that_says_why() -> None:
    async with Wire(in_turn(TOO_EARLY)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(WaitTimeoutError) as caught:
            await ultravox.calls.delete_when_billed("c", timeout=30)
    assert str(caught.value) == (
        "waited 30 s for call c to be billed, so that it can be deleted, but "
        "425 Too Early: DELETE /api/calls/c: Not billed yet."
    )


async def test_a_call_that_does_not_exist_is_not_waited_for() -> None:
    async with Wire(in_turn(answer(404, {"detail": "No such call"}))) as wire, client_of(wire.base_url) as ultravox:
        for attempt in (
            ultravox.calls.wait("c", until="ended", timeout=60),
            ultravox.calls.delete_when_billed("c"),
        ):
            with pytest.raises(NotFoundError):
                await attempt
        assert len(wire.received) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"until": "gone"}, "until: takes one of joined, ended, billed"),
        ({"call_id": ".."}, "call_id"),
        *(
            ({name: value}, f"{name}: takes a finite number of seconds above 0")
            for name in ("timeout", "interval")
            for value in (0, -1, float("nan"), float("inf"), True, "5")
        ),
    ],
)
async def test_a_wrong_argument_is_refused(wrong: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"call_id": "c", "until": "ended", "timeout": 60, **wrong}
    async with told(ENDED) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(InvalidRequestError, match=message):
            await ultravox.calls.wait(**arguments)
        assert wire.received == []
