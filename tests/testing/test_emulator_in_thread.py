import asyncio
import gc
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import aiohttp
import pytest

from ultravox_async.testing import Emulator, Respond, Stall
from ultravox_async.testing._threaded import threaded_emulator

CONFIG = "/api/sip"


def status_of(emulator: Emulator) -> int:
    request = Request(emulator.base_url + CONFIG, headers={"X-API-Key": emulator.api_key})  # noqa: S310 - http only
    with urlopen(request) as response:  # noqa: S310 - http only
        status: int = response.status
        return status


def connected(emulator: Emulator) -> socket.socket:
    address = urlsplit(emulator.base_url)
    connection = socket.create_connection((address.hostname, address.port))
    connection.sendall(f"GET {CONFIG} HTTP/1.1\r\nHost: a\r\nX-API-Key: {emulator.api_key}\r\n\r\n".encode())
    return connection


def test_synchronous_code_reaches_it() -> None:
    with threaded_emulator(registrations=0) as emulator:
        assert status_of(emulator) == 200
        assert emulator.counts == {200: 1}


async def test_asyncio_code_reaches_it() -> None:
    with threaded_emulator(registrations=0) as emulator:
        headers = {"X-API-Key": emulator.api_key}
        async with aiohttp.ClientSession(emulator.base_url, headers=headers) as api, api.get(CONFIG) as response:
            assert response.status == 200


async def test_it_can_be_stopped_and_started_in_another_event_loop() -> None:
    with threaded_emulator(registrations=0) as emulator:
        await emulator.stop()
        with pytest.raises(OSError, match="refused"):
            await asyncio.to_thread(status_of, emulator)
        await emulator.start()
        assert await asyncio.to_thread(status_of, emulator) == 200


def test_it_serves_on_after_the_event_loop_that_started_it_was_closed() -> None:
    with threaded_emulator(registrations=0) as emulator:
        asyncio.run(emulator.stop())
        asyncio.run(emulator.start())
        assert status_of(emulator) == 200


async def test_it_cannot_be_started_twice() -> None:
    with threaded_emulator(registrations=0) as emulator:
        with pytest.raises(RuntimeError, match="running already"):
            await emulator.start()
        assert await asyncio.to_thread(status_of, emulator) == 200


def test_the_time_of_a_request_is_that_of_the_monotonic_clock() -> None:
    with threaded_emulator(registrations=0) as emulator:
        before = time.monotonic()
        status_of(emulator)
        assert before <= emulator.requests[0].at <= time.monotonic()


@pytest.mark.parametrize("settings", [{"registrations": 1}, {"registrations": 1, "host": "localhost"}])
def test_no_thread_is_left(settings: dict[str, Any]) -> None:
    before = set(threading.enumerate())
    with threaded_emulator(**settings) as emulator:
        status_of(emulator)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


def test_no_thread_is_left_if_the_port_is_in_use() -> None:
    before = set(threading.enumerate())
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="address already in use"),
        threaded_emulator(registrations=0, port=taken.getsockname()[1]),
    ):
        pass
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("fault", [Stall(), Respond(200, body=bytes(20_000_000))])
def test_no_socket_is_left_if_a_client_does_not_read(fault: Stall | Respond) -> None:
    with threaded_emulator(registrations=0) as emulator:
        emulator.inject(fault)
        connection = connected(emulator)
        assert connection.recv(1) == b"H"
    connection.close()
    # A socket that was not closed emits a ResourceWarning now, and warnings are errors.
    gc.collect()
