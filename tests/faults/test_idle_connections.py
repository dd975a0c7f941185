"""Requests that must not be repeated are not sent on a connection that the server may be closing as idle."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator
from ssl import PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, SSLContext

import aiohttp
import pytest
import trustme

from tests.wire import HANG_UP, REGISTRATION, WAIT, Received, Say, Script, Wire, answer, client_of, in_turn
from ultravox_async import APIConnectionError, AsyncUltravox, DecodeError, RetryPolicy

ANYTHING = "/api/anything"
_LONGEST_TEST = 20.0
OK = answer(200, {"fine": True})
MUST_NOT_BE_REPEATED = pytest.mark.parametrize("method", ["POST", "PATCH"])
MAY_BE_REPEATED = pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])


class FrozenClock:
    """The clock of the event loop, which only moves when `advance` is called."""

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        # A whole number, so that idle times that are multiples of a half are exact.
        self._now = float(math.ceil(loop.time()))
        monkeypatch.setattr(loop, "time", lambda: self._now)

    def advance(self, seconds: float) -> None:
        """Move the clock by so many seconds."""
        self._now += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FrozenClock]:
    loop = asyncio.get_running_loop()

    def end() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel("this test takes too long")

    # A timer of the loop would never fire.
    watch = threading.Timer(_LONGEST_TEST, loop.call_soon_threadsafe, [end])
    watch.start()
    yield FrozenClock(loop, monkeypatch)
    watch.cancel()


async def send(client: AsyncUltravox, method: str = "POST") -> None:
    await client.request(method, ANYTHING, json={} if method in {"POST", "PATCH", "PUT"} else None)


def connections(wire: Wire) -> list[int]:
    return [each.connection for each in wire.received]


def all_at_once(count: int) -> Script:
    """Respond to the first `count` requests when all of them have arrived, so that each has its own connection."""
    all_there = asyncio.Barrier(count)

    async def script(request: Received) -> Say:
        if request.target.endswith("together"):
            await all_there.wait()
        return OK

    return script


async def open_connections(client: AsyncUltravox, count: int) -> None:
    await asyncio.gather(*(client.request("GET", "/api/together") for _ in range(count)))


@MUST_NOT_BE_REPEATED
@pytest.mark.parametrize(("idle", "used"), [(0.9, [1, 1]), (1.0, [1, 2])])
async def test_a_post_or_patch_uses_a_connection_that_was_idle_for_less_than_a_second(
    clock: FrozenClock, method: str, idle: float, used: list[int]
) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await send(client, method)
        clock.advance(idle)
        await send(client, method)
        assert connections(wire) == used


@MAY_BE_REPEATED
async def test_idempotent_requests_use_any_connection(clock: FrozenClock, method: str) -> None:
    async with Wire(in_turn(answer(204, body=b""))) as wire, client_of(wire.base_url) as client:
        await send(client, method)
        clock.advance(1000.0)
        await send(client, method)
        assert connections(wire) == [1, 1]


@MUST_NOT_BE_REPEATED
@pytest.mark.parametrize(
    ("closed_after", "idle", "used"), [(0.1, 0.04, 2), (0.1, 0.06, 3), (60.0, 29.0, 2), (60.0, 31.0, 3)]
)
async def test_after_an_idle_close_half_of_its_idle_time_is_the_limit(
    clock: FrozenClock, method: str, closed_after: float, idle: float, used: int
) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await send(client, "GET")
        clock.advance(closed_after)
        await wire.close_idle(1)
        await send(client, "GET")
        clock.advance(idle)
        await send(client, method)
        assert connections(wire) == [1, 2, used]


def tls_contexts() -> tuple[SSLContext, SSLContext]:
    authority = trustme.CA()
    server, client = SSLContext(PROTOCOL_TLS_SERVER), SSLContext(PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - partly typed in trustme
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - partly typed in trustme
    return server, client


@pytest.mark.parametrize(("idle", "used"), [(0.04, 2), (0.06, 3)])
async def test_an_idle_close_is_detected_through_tls(clock: FrozenClock, idle: float, used: int) -> None:
    server, trusting = tls_contexts()
    async with Wire(in_turn(OK), ssl=server) as wire, client_of(wire.base_url, ssl=trusting) as client:
        await send(client)
        clock.advance(0.1)
        await wire.close_idle(1)
        await send(client)
        clock.advance(idle)
        await send(client)
        assert connections(wire) == [1, 2, used]


@pytest.mark.parametrize(
    ("header", "idle", "used"),
    [
        ("timeout=4", 1.9, [1, 1]),
        ("timeout=4, max=1000", 2.0, [1, 2]),
        ("timeout=1", 0.4, [1, 1]),
        ("timeout=1", 0.5, [1, 2]),
        ("timeout=0", 0.0, [1, 2]),
        ("max=1000", 0.9, [1, 1]),
        ("max=1000", 1.0, [1, 2]),
    ],
)
async def test_half_of_the_timeout_in_keep_alive_is_the_limit(
    clock: FrozenClock, header: str, idle: float, used: list[int]
) -> None:
    async with (
        Wire(in_turn(answer(200, {}, headers={"keep-alive": header}))) as wire,
        client_of(wire.base_url) as client,
    ):
        await send(client)
        clock.advance(idle)
        await send(client)
        assert connections(wire) == used


@pytest.mark.parametrize(("advertised", "closed_after", "idle"), [(60, 0.5, 0.3), (1, 60.0, 0.6)])
async def test_the_shorter_of_the_observed_and_the_advertised_timeout_counts(
    clock: FrozenClock, advertised: int, closed_after: float, idle: float
) -> None:
    said = answer(200, {}, headers={"Keep-Alive": f"timeout={advertised}"})
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url) as client:
        await send(client)
        clock.advance(closed_after)
        await wire.close_idle(1)
        await send(client)
        clock.advance(idle)
        await send(client)
        assert connections(wire) == [1, 2, 3]


async def test_the_timeout_that_one_connection_advertises_is_not_used_for_another(clock: FrozenClock) -> None:
    said = in_turn(answer(200, {}, headers={"Keep-Alive": "timeout=1"}), OK)
    async with Wire(said) as wire, client_of(wire.base_url) as client:
        await send(client)
        clock.advance(0.6)
        await send(client)
        clock.advance(0.9)
        # The first connection was closed by the client, which is not an idle close of the server.
        await send(client)
        assert connections(wire) == [1, 2, 2]


async def test_a_connection_that_the_client_drops_does_not_count_as_an_idle_close(clock: FrozenClock) -> None:
    async with Wire(in_turn(OK, WAIT, OK)) as wire, client_of(wire.base_url) as client:
        await send(client)
        clock.advance(0.2)
        hanging = asyncio.create_task(send(client, "GET"))
        await wire.until_received(2)
        hanging.cancel()
        await asyncio.wait([hanging])
        await send(client)
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 1, 2, 2]


async def test_a_close_announced_by_the_server_does_not_count_as_an_idle_close(clock: FrozenClock) -> None:
    last = answer(200, {}, headers={"Connection": "close"})
    async with Wire(in_turn(OK, Say(last.data, then="hang up"), OK)) as wire, client_of(wire.base_url) as client:
        await send(client)
        clock.advance(0.2)
        await send(client)
        await send(client)
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 1, 2, 2]


@pytest.mark.parametrize(("idle", "used"), [(0.4, 4), (0.6, 5)])
async def test_a_restart_of_the_server_counts_as_a_close_after_the_longest_idle_time(
    clock: FrozenClock, idle: float, used: int
) -> None:
    async with Wire(all_at_once(3)) as wire, client_of(wire.base_url) as client:
        await open_connections(client, 3)
        clock.advance(0.9)
        await send(client)
        clock.advance(0.1)
        # Two connections were idle for a second, and one for a tenth of a second.
        await wire.close_idle(3, 2, 1)
        await send(client)
        clock.advance(idle)
        await send(client)
        assert connections(wire)[-2:] == [4, used]


async def test_a_close_without_a_timeout_is_forgotten(clock: FrozenClock) -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await send(client)
        await wire.close_idle(1)
        for _ in range(2):
            await send(client)
        clock.advance(600.0)
        for _ in range(2):
            await send(client)
            clock.advance(0.9)
        assert connections(wire) == [1, 2, 3, 4, 4]


async def test_a_post_replaces_one_old_connection_and_leaves_the_others_to_gets(clock: FrozenClock) -> None:
    async with Wire(all_at_once(5)) as wire, client_of(wire.base_url) as client:
        await open_connections(client, 5)
        clock.advance(5.0)
        await send(client)
        await open_connections(client, 5)
        before, changed, after = connections(wire)[:5], connections(wire)[5], connections(wire)[6:]
        assert sorted(before) == [1, 2, 3, 4, 5]
        assert changed == 6
        assert len(set(after) & set(before)) == 4
        assert changed in after


async def test_a_post_uses_the_connection_that_was_used_last(clock: FrozenClock) -> None:
    async with Wire(all_at_once(5)) as wire, client_of(wire.base_url) as client:
        await open_connections(client, 5)
        clock.advance(5.0)
        await send(client, "GET")
        clock.advance(0.5)
        await send(client)
        await open_connections(client, 5)
        assert connections(wire)[6] == connections(wire)[5]
        assert len(set(connections(wire))) == 5


async def test_a_post_skips_a_connection_that_the_server_has_closed(clock: FrozenClock) -> None:
    async with Wire(all_at_once(3)) as wire, client_of(wire.base_url) as client:
        await open_connections(client, 3)
        await send(client, "GET")
        used_last = connections(wire)[-1]
        clock.advance(5.0)
        await wire.close_idle(used_last)
        await send(client)
        await open_connections(client, 3)
        # One of the two others was replaced by the new connection.
        assert connections(wire)[4] == 4
        assert len({1, 2, 3} & set(connections(wire)[-3:])) == 1
        assert {4, 5} < set(connections(wire)[-3:])


async def test_a_post_opens_a_connection_if_the_server_has_closed_all(clock: FrozenClock) -> None:
    async with Wire(all_at_once(3)) as wire, client_of(wire.base_url) as client:
        await open_connections(client, 3)
        clock.advance(0.1)
        await wire.close_idle(1, 2, 3)
        await send(client)
        await send(client)
        assert connections(wire)[-2:] == [4, 4]


@MUST_NOT_BE_REPEATED
@pytest.mark.parametrize("failure", [HANG_UP, Say(then="reset")], ids=["hang up", "reset"])
async def test_after_a_post_or_patch_was_lost_on_an_idle_connection_the_next_one_opens_a_new_connection(
    clock: FrozenClock, failure: Say, method: str
) -> None:
    async with Wire(in_turn(OK, failure, OK)) as wire, client_of(wire.base_url) as client:
        await send(client, method)
        clock.advance(0.8)
        with pytest.raises(APIConnectionError):
            await send(client, method)
        await send(client, method)
        clock.advance(0.5)
        await send(client, method)
        assert connections(wire) == [1, 1, 2, 3]


async def test_a_truncated_response_does_not_count_as_an_idle_close(clock: FrozenClock) -> None:
    half = Say(OK.data[:-4], then="hang up")
    async with Wire(in_turn(OK, half, OK)) as wire, client_of(wire.base_url) as client:
        await send(client)
        clock.advance(0.2)
        with pytest.raises(APIConnectionError):
            await send(client)
        await send(client)
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 1, 2, 2]


async def test_a_connection_dropped_after_a_wrong_response_does_not_count_as_an_idle_close(clock: FrozenClock) -> None:
    wrong = answer(200, REGISTRATION)
    async with Wire(in_turn(wrong, OK)) as wire, client_of(wire.base_url, retry=RetryPolicy(max_attempts=1)) as client:
        with pytest.raises(DecodeError):
            await client.sip.registrations.get("another-id")
        await send(client)
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 2, 2]


async def test_a_request_that_makes_the_server_fail_does_not_count_as_an_idle_close(clock: FrozenClock) -> None:
    async with Wire(in_turn(OK, HANG_UP, OK)) as wire, client_of(wire.base_url) as client:
        await send(client)
        with pytest.raises(APIConnectionError):
            await send(client)
        await send(client)
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 1, 2, 2]


async def test_an_unsolicited_408_counts_as_an_idle_close(clock: FrozenClock) -> None:
    unasked = asyncio.Event()
    said = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(2)
        writer.write(OK.data)
        if len(heads) == 1:
            await unasked.wait()
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        said.set()
        writer.close()

    heads: list[bytes] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client_of(base_url) as client:
        await send(client)
        clock.advance(0.4)
        unasked.set()
        await said.wait()
        await send(client)
        clock.advance(0.3)
        await send(client)
        assert len(heads) == 3


async def test_a_connection_that_becomes_too_old_while_a_hook_waits_is_not_used(clock: FrozenClock) -> None:
    async def wait(*_: object) -> None:
        clock.advance(5.0)

    hooks = aiohttp.TraceConfig()
    hooks.on_connection_reuseconn.append(wait)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[hooks]) as client:
        await send(client)
        await send(client)
        assert connections(wire) == [1, 2]


async def test_a_request_of_a_hook_to_the_same_server_uses_a_pooled_connection(clock: FrozenClock) -> None:
    sessions: list[aiohttp.ClientSession] = []

    async def keep(session: aiohttp.ClientSession, _: object, __: object) -> None:
        sessions.append(session)

    hooks = aiohttp.TraceConfig()
    hooks.on_request_start.append(keep)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, trace_configs=[hooks]) as client:
        await send(client)
        clock.advance(5.0)
        async with sessions[0].post(f"{wire.base_url}/elsewhere") as found:
            assert found.status == 200
        clock.advance(0.9)
        await send(client)
        assert connections(wire) == [1, 1, 1]


async def test_the_connections_of_the_callers_session_are_not_restricted(clock: FrozenClock) -> None:
    async with Wire(in_turn(OK)) as wire, aiohttp.ClientSession() as session:
        client = client_of(wire.base_url, session=session)
        await send(client)
        clock.advance(5.0)
        await send(client)
        await client.close()
        assert connections(wire) == [1, 1]
