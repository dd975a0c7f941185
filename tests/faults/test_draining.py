import asyncio
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.wire import WAIT, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import (
    APITimeoutError,
    AsyncUltravox,
    ClientClosedError,
    InvalidRequestError,
    NotFoundError,
    RetryPolicy,
)

THING = "/api/things"


class Gate:
    """Answers each request when it is opened."""

    def __init__(self, said: Say) -> None:
        self.opened = asyncio.Event()
        self._said = said

    async def __call__(self, _: Received) -> Say:
        await self.opened.wait()
        return self._said


async def ask(ultravox: AsyncUltravox) -> object:
    return (await ultravox.request("GET", THING)).json()


async def closing_before_the_answer(ultravox: AsyncUltravox, gate: Gate) -> "asyncio.Task[None]":
    """Begin to close a client, and let the server answer after that."""
    closing = asyncio.create_task(ultravox.close(drain=60.0))
    await asyncio.sleep(0)
    gate.opened.set()
    return closing


async def test_a_request_that_was_sent_is_finished() -> None:
    gate = Gate(answer(200, "done"))
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        closing = await closing_before_the_answer(ultravox, gate)
        assert await asking == "done"
        await closing


async def test_an_error_that_comes_meanwhile_is_that_of_the_request() -> None:
    gate = Gate(answer(404, {}))
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        closing = await closing_before_the_answer(ultravox, gate)
        with pytest.raises(NotFoundError):
            await asking
        await closing


async def test_what_waits_for_its_turn_and_what_is_new_is_refused_at_once() -> None:
    gate = Gate(answer(200, "done"))
    async with Wire(gate) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        sent = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        queued = asyncio.create_task(ask(ultravox))
        await asyncio.sleep(0)
        closing = asyncio.create_task(ultravox.close(drain=60.0))
        with pytest.raises(ClientClosedError):
            await queued
        with pytest.raises(ClientClosedError):
            await ask(ultravox)
        assert not closing.done()
        gate.opened.set()
        assert await sent == "done"
        await closing
        assert len(wire.received) == 1


async def test_no_attempt_is_made_again_meanwhile() -> None:
    gate = Gate(answer(503))
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        closing = await closing_before_the_answer(ultravox, gate)
        with pytest.raises(ClientClosedError):
            await asking
        await closing
        assert len(wire.received) == 1


async def test_what_takes_longer_is_ended(clock: Clock) -> None:
    async with Wire(Gate(answer(200))) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        await ultravox.close(drain=10.0)
        with pytest.raises(ClientClosedError):
            await asking
    assert 9 < clock.ahead < 20


async def test_a_second_close_ends_it_at_once(clock: Clock) -> None:
    async with Wire(Gate(answer(200))) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        closing = asyncio.create_task(ultravox.close(drain=10.0))
        await asyncio.sleep(0)
        await ultravox.close()
        with pytest.raises(ClientClosedError):
            await asking
        await closing
    assert clock.ahead < 5


async def test_a_drain_that_is_cancelled_ends_everything_at_once(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        if "recording" in request.target:
            return answer(302, body=b"", headers={"Location": "/stored"})
        return WAIT

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        reading = asyncio.create_task(ultravox.calls.recording("c").open())
        await wire.until_received(3)
        closing = asyncio.create_task(ultravox.close(drain=10.0))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        for ended in (asking, reading):
            with pytest.raises(ClientClosedError):
                await ended
    assert clock.ahead < 5


async def test_a_drain_that_is_cancelled_leaves_its_time_to_another_one() -> None:
    gate = Gate(answer(200, "done"))
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        first, second = (asyncio.create_task(ultravox.close(drain=60.0)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        gate.opened.set()
        assert await asking == "done"
        await second


async def test_the_last_drain_that_is_cancelled_ends_everything_at_once(clock: Clock) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        asking = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        drains = [asyncio.create_task(ultravox.close(drain=10.0)) for _ in range(2)]
        await asyncio.sleep(0)
        for drain in drains:
            drain.cancel()
        await asyncio.wait(drains)
        with pytest.raises(ClientClosedError):
            await asking
    assert clock.ahead < 5


async def test_an_upload_to_a_corpus_is_ended_before_its_contents_are_complete(clock: Clock) -> None:
    async def script(request: Received) -> Say:
        if request.method == "PUT":
            return WAIT
        return answer(201, {"documentId": "d", "presignedUrl": f"{wire.base_url}/stored"})

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        uploading = asyncio.create_task(ultravox.corpora.upload("c", b"text", mime_type="text/plain"))
        await wire.until_received(2)
        await ultravox.close(drain=10.0)
        with pytest.raises(ClientClosedError):
            await uploading
    assert clock.ahead < 5


async def test_a_timeout_of_the_caller_during_an_upload_to_a_corpus_is_that(clock: Clock) -> None:
    assert clock

    async def script(request: Received) -> Say:
        if request.method == "PUT":
            return WAIT
        return answer(201, {"documentId": "d", "presignedUrl": f"{wire.base_url}/stored"})

    async with Wire(script) as wire, client_of(wire.base_url, retry=RetryPolicy(max_attempts=1)) as ultravox:
        with pytest.raises(APITimeoutError):
            await ultravox.corpora.upload("c", b"text", mime_type="text/plain")


async def test_the_rest_of_a_sweep_is_refused_and_what_was_sent_has_its_outcome() -> None:
    gate = Gate(answer(404, {}))
    found: list[str] = []
    async with Wire(gate) as wire, client_of(wire.base_url, pool_size=2) as ultravox:

        async def sweep() -> None:
            ids = [f"id-{number}" for number in range(10)]
            async for outcome in ultravox.sip.registrations.get_many(ids, via="get"):
                found.append(outcome.key)  # noqa: PERF401 - what was found before the sweep raises counts

        sweeping = asyncio.create_task(sweep())
        await wire.until_received(2)
        closing = await closing_before_the_answer(ultravox, gate)
        with pytest.raises(ClientClosedError):
            await sweeping
        await closing
        assert len(wire.received) == 2
        assert set(found) <= {"id-0", "id-1"}


async def test_a_download_is_finished(tmp_path: Path) -> None:
    gate = Gate(answer(200, body=b"x" * 3_000_000))
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        saving = asyncio.create_task(ultravox.calls.recording("c").save(tmp_path / "call.wav"))
        await wire.until_received(1)
        closing = await closing_before_the_answer(ultravox, gate)
        assert await saving == 3_000_000
        await closing


async def test_a_download_from_storage_is_finished(tmp_path: Path) -> None:
    gate = Gate(answer(200, body=b"x" * 3_000_000))

    async def script(request: Received) -> Say:
        if request.target == "/stored":
            return await gate(request)
        return answer(302, body=b"", headers={"Location": "/stored"})

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        saving = asyncio.create_task(ultravox.calls.recording("c").save(tmp_path / "call.wav"))
        await wire.until_received(2)
        closing = await closing_before_the_answer(ultravox, gate)
        assert await saving == 3_000_000
        await closing


async def test_a_download_that_nobody_reads_is_ended(clock: Clock) -> None:
    gate = Gate(answer(200, body=b"x" * 3_000_000))
    gate.opened.set()
    async with Wire(gate) as wire, client_of(wire.base_url) as ultravox:
        stream = await ultravox.calls.recording("c").open()
        await ultravox.close(drain=10.0)
        with pytest.raises(ClientClosedError):
            await stream.read()
        stream.close()
    assert 9 < clock.ahead < 20


async def test_a_client_that_does_nothing_is_closed_at_once(clock: Clock) -> None:
    async with Wire(Gate(answer(200))) as wire:
        await client_of(wire.base_url).close(drain=10.0)
    assert clock.ahead < 1


@pytest.mark.parametrize("drain", [-1.0, float("inf"), float("nan"), "10", None])
async def test_a_drain_takes_a_number_of_seconds(drain: float) -> None:
    async with client_of("http://127.0.0.1:9") as ultravox:
        with pytest.raises(InvalidRequestError, match="drain: takes a finite number of seconds of at least 0, not "):
            await ultravox.close(drain)
