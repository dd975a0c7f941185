"""Closing a client ends everything at once, wherever the close is called and whatever its requests are doing."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Literal

import aiohttp
import pytest
from yarl import URL

from tests.campaign.cancelled import STAGES, Scene, Stage, scene_of
from tests.campaign.closed import BODY, UPLOADS, StallingServer, small_socket
from tests.campaign.leftovers import in_use, transports_to, unsent_bytes
from tests.wire import WAIT, Received, Say, Script, Wire, answer, client_of, in_turn
from ultravox_async import AsyncUltravox, ClientClosedError, NotFoundError, Timeout

ANYTHING = "/api/anything"
ANSWERED = "/api/answered"
OK = answer(200, {"fine": True})
BODY_CUT = Say(OK.data[:-5], "wait")
# A call that may be anywhere is at no certain stage.
HELD_UP = [stage for stage in STAGES if not stage.startswith("anywhere")]
# Each request needs a few turns of the loop to end, and all end in the same turns. A close that polls takes thousands.
FEW_TURNS = 50

EVENTS = [
    "on_request_start",
    "on_connection_create_start",
    "on_connection_create_end",
    "on_request_headers_sent",
    "on_request_end",
]


@contextlib.asynccontextmanager
async def few_turns() -> AsyncGenerator[None, None]:
    """Cancel what takes more turns of the event loop than a close may, and raise TimeoutError."""
    loop = asyncio.get_running_loop()
    scope = asyncio.timeout(None)
    turns = itertools.count()
    handles: list[asyncio.Handle] = []

    def take_a_turn() -> None:
        if next(turns) == FEW_TURNS:
            scope.reschedule(0.0)
        else:
            handles[:] = [loop.call_soon(take_a_turn)]

    async with scope:
        take_a_turn()
        try:
            yield
        finally:
            handles[0].cancel()


async def close_at_once(client: AsyncUltravox) -> None:
    async with few_turns():
        await client.close()


async def outcomes_of(calls: Sequence[asyncio.Task[object]]) -> list[object]:
    """Return the result or the exception of each call; they must end without any further event."""
    async with asyncio.timeout(20):
        return await asyncio.gather(*calls, return_exceptions=True)


async def answer_one(request: Received) -> Say:
    return OK if request.target == ANSWERED else WAIT


def start_gets(client: AsyncUltravox, count: int) -> list[asyncio.Task[object]]:
    async def get(number: int) -> object:
        return await client.request("GET", f"{ANYTHING}/{number}")

    return [asyncio.create_task(get(number)) for number in range(count)]


async def start_calls(scene: Scene) -> list[asyncio.Task[object]]:
    """Start calls, and wait until one of them is at the stage."""
    if scene.stage == "pacing":
        return await scene.start_calls_that_queue()
    calls = await scene.start_calls()
    await scene.reach(1)
    return calls


@pytest.mark.parametrize("pool_size", [1, 2, 100])
async def test_a_close_by_the_task_of_an_answer_does_not_wait_for_the_request_admitted_after_it(pool_size: int) -> None:
    async def ask_and_close() -> None:
        await client.request("GET", ANSWERED)
        await close_at_once(client)

    limits = Timeout(read=2.0, total=3.0)
    async with Wire(answer_one) as wire, client_of(wire.base_url, pool_size=pool_size, timeout=limits) as client:
        closing = asyncio.create_task(ask_and_close())
        calls = start_gets(client, 150)
        await closing
        assert {type(each) for each in await outcomes_of(calls)} == {ClientClosedError}
        assert len(wire.received) <= pool_size


@pytest.mark.parametrize("pool_size", [1, 10, 100])
async def test_leaving_async_with_because_one_of_many_calls_fails_ends_the_others_at_once(pool_size: int) -> None:
    async with Wire(_one_missing(pool_size)) as wire, contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_of(wire.base_url, pool_size=pool_size))
        calls = start_gets(client, 301)
        with pytest.raises(NotFoundError):
            await asyncio.gather(*calls)
        async with few_turns():
            await stack.aclose()
        errors = [each for each in await outcomes_of(calls) if isinstance(each, BaseException)]
        assert {type(each) for each in errors} == {NotFoundError, ClientClosedError}


def _one_missing(pool_size: int) -> Script:
    """Answer the first requests all at once, one of them with a 404, and no other."""
    all_there = asyncio.Barrier(pool_size)
    numbers = itertools.count(1)

    async def script(request: Received) -> Say:
        if next(numbers) > pool_size:
            return WAIT
        await all_there.wait()
        return answer(404) if request.target.endswith("/0") else OK

    return script


@pytest.mark.parametrize("stage", HELD_UP)
async def test_a_close_takes_few_turns_and_raises_in_each_caller_at_any_stage(stage: Stage) -> None:
    async with scene_of(stage) as scene:
        calls = await start_calls(scene)
        await close_at_once(scene.client)
        outcomes = await outcomes_of(calls)
        if stage != "sweep":  # whose outcomes are those of its ids
            assert {type(each) for each in outcomes} == {ClientClosedError}


async def test_a_close_takes_few_turns_with_three_hundred_requests_in_flight() -> None:
    async with StallingServer("headers") as server, client_of(server.origin, pool_size=300) as client:
        calls = start_gets(client, 300)
        async with asyncio.timeout(20):
            while server.held < 300:  # noqa: ASYNC110 - it is the loop's other tasks that bring them
                await asyncio.sleep(0)
        await close_at_once(client)
        assert {type(each) for each in await outcomes_of(calls)} == {ClientClosedError}


@pytest.mark.parametrize("stage", HELD_UP)
async def test_two_closes_at_once_are_both_over_after_few_turns_at_any_stage(stage: Stage) -> None:
    async with scene_of(stage) as scene:
        calls = await start_calls(scene)
        async with few_turns():
            await asyncio.gather(scene.client.close(), scene.client.close())
        await outcomes_of(calls)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("stage", HELD_UP)
async def test_a_close_that_was_cancelled_is_completed_by_the_next_one(stage: Stage, turns: int) -> None:
    async with scene_of(stage) as scene:
        calls = await start_calls(scene)
        closing = asyncio.create_task(scene.client.close())
        for _ in range(turns):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await close_at_once(scene.client)
        outcomes = await outcomes_of(calls)
        if stage != "sweep":
            assert {type(each) for each in outcomes} == {ClientClosedError}


@pytest.mark.parametrize("stage", HELD_UP)
async def test_a_cancelled_call_stays_cancelled_though_the_client_is_closed_at_that_moment(stage: Stage) -> None:
    async with scene_of(stage) as scene:
        calls = await start_calls(scene)
        running = [call for call in calls if call.cancel()]
        await close_at_once(scene.client)
        await outcomes_of(calls)
        assert running
        assert all(call.cancelled() for call in running)


async def test_a_close_ends_each_reader_that_shares_a_request() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, coalesce_reads=True) as client:
        calls = [asyncio.create_task(_get(client, ANYTHING)) for _ in range(50)]
        await wire.until_received(1)
        await close_at_once(client)
        outcomes = await outcomes_of(calls)
        assert {type(each) for each in outcomes} == {ClientClosedError}
        assert len({id(each) for each in outcomes}) == 50


async def _get(client: AsyncUltravox, path: str) -> object:
    return await client.request("GET", path)


@pytest.mark.parametrize("pool_size", [1, 2])
async def test_a_closed_client_sends_nothing_for_those_who_waited_for_a_place(pool_size: int) -> None:
    async with Wire(answer_one) as wire, client_of(wire.base_url, pool_size=pool_size) as client:
        calls = start_gets(client, 10)
        await wire.until_received(pool_size)
        await close_at_once(client)
        await outcomes_of(calls)
        assert len(wire.received) == pool_size


class DeafServer:
    """Reads the heads of requests, and their bodies only when told to."""

    def __init__(self) -> None:
        self.port = 0
        self.received = 0
        """How many bytes of bodies were read."""

        self._may_read = asyncio.Event()
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        server = await asyncio.start_server(self._converse, sock=small_socket())
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.close()
            for writer in self._conversations.values():
                writer.transport.abort()
            await self.read_to_the_end()

    async def read_to_the_end(self) -> None:
        """Read until the clients have closed all connections."""
        self._may_read.set()
        async with asyncio.timeout(20):
            await asyncio.gather(*self._conversations)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations[task] = writer
        await reader.readuntil(b"\r\n\r\n")
        await self._may_read.wait()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                self.received += len(data)
        writer.transport.abort()


async def test_a_close_drops_the_connection_of_an_upload_that_the_server_does_not_read() -> None:
    server = DeafServer()
    async with server.listening() as base_url:
        client = client_of(base_url)
        call = asyncio.create_task(_post(client))
        while not (unsent_bytes(server.port) or call.done()):  # noqa: ASYNC110 - no event tells that the buffers are full
            await asyncio.sleep(0)
        await close_at_once(client)
        assert [type(each) for each in await outcomes_of([call])] == [ClientClosedError]
        # An ordinary close waits for the server to read, and never gives back its socket.
        await asyncio.sleep(0)
        assert transports_to(server.port) == []
        await server.read_to_the_end()
        assert 0 < server.received < len(BODY["data"])


async def _post(client: AsyncUltravox) -> object:
    return await client.request("POST", UPLOADS, json=BODY)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("said", [WAIT, BODY_CUT, OK], ids=["no answer", "half an answer", "an answer"])
async def test_a_close_within_a_tracing_hook_is_over_at_once(event: str, said: Say) -> None:
    closed: list[bool] = []

    async def close(*_: object) -> None:
        if not closed:
            closed.append(True)
            await close_at_once(client)

    traces = aiohttp.TraceConfig()
    getattr(traces, event).append(close)
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, trace_configs=[traces], pool_size=2) as client:
        calls = start_gets(client, 20)
        if said is WAIT and event == "on_request_end":  # which does not come
            await wire.until_received(2)
            await close_at_once(client)
        errors = [each for each in await outcomes_of(calls) if isinstance(each, BaseException)]
        assert {type(each) for each in errors} == {ClientClosedError}
        # The request whose hook it was, and one that was answered before it.
        assert len(errors) >= 18


@pytest.mark.parametrize("event", EVENTS)
async def test_a_close_while_a_tracing_hook_waits_ends_the_request_and_its_connection(event: str) -> None:
    waiting = asyncio.Event()

    async def wait(*_: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    traces = aiohttp.TraceConfig()
    getattr(traces, event).append(wait)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[traces]) as client:
        calls = start_gets(client, 1)
        await waiting.wait()
        await close_at_once(client)
        assert [type(each) for each in await outcomes_of(calls)] == [ClientClosedError]
        await asyncio.sleep(0)
        assert transports_to(URL(wire.base_url).port or 0) == []


async def test_two_closes_from_tracing_hooks_do_not_wait_for_each_other() -> None:
    async def close(*_: object) -> None:
        await client.close()

    traces = aiohttp.TraceConfig()
    traces.on_request_exception.append(close)
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, trace_configs=[traces]) as client:
        calls = start_gets(client, 5)
        await wire.until_received(5)
        await close_at_once(client)
        assert {type(each) for each in await outcomes_of(calls)} == {ClientClosedError}


async def test_a_close_within_a_tracing_hook_ends_other_requests_that_are_in_hooks() -> None:
    inside = asyncio.Barrier(10)

    async def close(*_: object) -> None:
        await inside.wait()
        await client.close()

    traces = aiohttp.TraceConfig()
    traces.on_request_start.append(close)
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, trace_configs=[traces]) as client:
        async with few_turns():
            outcomes = await outcomes_of(start_gets(client, 10))
        assert {type(each) for each in outcomes} == {ClientClosedError}
        assert wire.received == []


@pytest.mark.parametrize("via", ["get", "list"])
async def test_a_close_within_the_ids_of_a_sweep_ends_the_sweep_with_a_clear_error(via: Literal["get", "list"]) -> None:
    async def ids() -> AsyncIterator[str]:
        yield "some-id"
        await client.close()
        yield "another-id"

    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ClientClosedError):
            async with few_turns():
                await client.sip.registrations.get_many(ids(), via=via)


@pytest.mark.parametrize("via", ["get", "list"])
async def test_a_close_during_a_sweep_ends_it_with_a_clear_error(via: Literal["get", "list"]) -> None:
    async def sweep() -> object:
        return await client.sip.registrations.get_many((f"id-{each}" for each in range(200)), via=via)

    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        call = asyncio.create_task(sweep())
        await wire.until_received(1)
        await close_at_once(client)
        assert [type(each) for each in await outcomes_of([call])] == [ClientClosedError]


async def test_a_session_that_was_handed_in_still_works_after_the_close() -> None:
    async with Wire(answer_one) as wire, aiohttp.ClientSession() as session:
        client = client_of(wire.base_url, session=session, pool_size=20)
        calls = start_gets(client, 50)
        await wire.until_received(20)
        await close_at_once(client)
        await outcomes_of(calls)
        assert in_use(session) == 0
        async with session.get(f"{wire.base_url}{ANSWERED}") as response:
            assert response.status == 200
