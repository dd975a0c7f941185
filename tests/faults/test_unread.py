"""Servers and proxies that send a surplus response: it must not be taken for the response to the next request."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping

import aiohttp
import attrs
import pytest

from tests.wire import REGISTRATION, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import DecodeError, RetryPolicy

ANYTHING = "/api/anything"


def registration(registration_id: str) -> Say:
    return answer(200, {**REGISTRATION, "registrationId": registration_id})


def id_of(request: Received) -> str:
    return request.target.rpartition("/")[2]


@attrs.define
class TalkativeServer:
    """Answers each request with its path, and sends more data on the connection of the first one."""

    more: bytes
    """The data that it sends when `speak` is set, without a request."""

    speak: asyncio.Event = attrs.field(factory=asyncio.Event)
    connections: list[str] = attrs.field(factory=list[str])
    """The connection of each request, by its number."""

    spoken: asyncio.Event = attrs.field(factory=asyncio.Event)
    base_url: str = ""

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        serving: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            serving.add(asyncio.ensure_future(self._serve(len(serving) + 1, reader, writer)))

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.connections.append(str(number))
                body = b'{"asked": "%b"}' % head.split(" ")[1].encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                if len(self.connections) == 1:
                    await self.speak.wait()
                    writer.write(self.more)
                    await writer.drain()
                    self.spoken.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


UNASKED: Mapping[str, bytes] = {
    "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate",
    "the beginning of an answer": b"HTTP/1.1 200",
    "a time-out, before the server closes": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("more", UNASKED)
async def test_a_connection_on_which_something_came_unasked_is_closed_and_not_used(more: str) -> None:
    server = TalkativeServer(UNASKED[more])
    async with server.listening() as base_url, client_of(base_url) as client:
        await client.request("GET", ANYTHING)
        server.speak.set()
        await server.spoken.wait()
        # What was written to this loop's own socket is read within a few of its turns.
        for _ in range(20):
            await asyncio.sleep(0)
        found = await client.request("POST", "/api/next", json={})
        assert found.json() == {"asked": "/api/next"}
        assert server.connections == ["1", "2"]


async def test_a_surplus_response_in_the_same_packet_as_the_right_one_is_used_for_no_request() -> None:
    twice = Say(answer(200, {"answer": "right"}).data + answer(200, {"answer": "one too many"}).data)
    async with Wire(in_turn(twice, answer(200, {"answer": "next"}))) as wire, client_of(wire.base_url) as client:
        assert (await client.request("GET", ANYTHING)).json() == {"answer": "right"}
        assert (await client.request("POST", ANYTHING, json={})).json() == {"answer": "next"}
        assert [each.connection for each in wire.received] == [1, 2]


async def test_a_get_that_is_given_another_resource_is_repeated_on_a_new_connection() -> None:
    seen: list[int] = []

    async def shifted_by_one(request: Received) -> Say:
        seen.append(request.connection)
        return registration("LATE" if request.connection == 1 else id_of(request))

    async with Wire(shifted_by_one) as wire, client_of(wire.base_url) as client:
        assert (await client.sip.registrations.get("k2")).registration_id == "k2"
        assert (await client.sip.registrations.get("k3")).registration_id == "k3"
        assert seen == [1, 2, 2]


async def test_after_the_last_attempt_the_error_names_both_ids() -> None:
    async with Wire(in_turn(registration("LATE"))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(DecodeError, match=r'registrationId: expected .*"k2", got "LATE"'):
            await client.sip.registrations.get("k2")
        assert [each.connection for each in wire.received] == [1, 2, 3, 4]


async def test_a_change_that_is_answered_with_another_resource_is_an_error_and_not_repeated() -> None:
    async with Wire(in_turn(registration("LATE"))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(DecodeError, match=r'"k2", got "LATE"'):
            await client.sip.registrations.update("k2", username="bob")
        assert len(wire.received) == 1


async def test_an_id_of_a_sweep_that_is_given_another_resource_has_that_as_its_error() -> None:
    async def script(request: Received) -> Say:
        return registration("LATE" if id_of(request) == "k2" else id_of(request))

    once = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, retry=once) as client:
        result = await client.sip.registrations.get_many(["k1", "k2", "k3"])
        assert sorted(result.found) == ["k1", "k3"]
        assert type(result.failed["k2"]) is DecodeError


@pytest.mark.parametrize("wanted", ["6E1B0A4E-3a0c-4a6c-9a1e-0d5d0f3b7c11", "6e1b0a4e-3a0c-4a6c-9a1e-0d5d0f3b7c11"])
async def test_a_uuid_may_come_back_in_another_case(wanted: str) -> None:
    async with (
        Wire(in_turn(registration("6e1b0a4e-3a0c-4a6c-9a1e-0d5d0f3B7C11"))) as wire,
        client_of(wire.base_url) as client,
    ):
        await client.sip.registrations.get(wanted)
        assert len(wire.received) == 1


async def test_an_id_that_is_not_a_uuid_may_not() -> None:
    once = RetryPolicy(max_attempts=1)
    async with Wire(in_turn(registration("K2"))) as wire, client_of(wire.base_url, retry=once) as client:
        with pytest.raises(DecodeError, match='"k2", got "K2"'):
            await client.sip.registrations.get("k2")


async def test_a_session_that_was_handed_in_is_given_the_same_check() -> None:
    async with (
        Wire(in_turn(registration("LATE"))) as wire,
        aiohttp.ClientSession() as session,
        client_of(wire.base_url, session=session) as client,
    ):
        with pytest.raises(DecodeError, match='"k2", got "LATE"'):
            await client.sip.registrations.get("k2")
