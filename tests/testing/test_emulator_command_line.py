import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest

from ultravox_async import AsyncUltravox, testing
from ultravox_async.emulator_options import rate
from ultravox_async.testing import DEFAULT_API_KEY, Emulator
from ultravox_async.testing.__main__ import main

ROOT = Path(testing.__file__).parents[2]
MODULE = ("-m", "ultravox_async.testing")

# Programs that run the command under conditions that cannot be produced from outside the process.
STALLING = """
import sys
from ultravox_async.testing import Stall, __main__ as command

class StallingEmulator(command.Emulator):
    async def start(self):
        self.inject(Stall())
        await super().start()

command.Emulator = StallingEmulator
sys.exit(command.main())
"""
INTERRUPTED_AT_THE_START = """
import signal, sys
from ultravox_async.testing import __main__ as command

class InterruptedEmulator(command.Emulator):
    async def start(self):
        await super().start()
        signal.raise_signal(signal.{name})

    def __attrs_post_init__(self):
        super().__attrs_post_init__()
        signal.raise_signal(signal.{name})

command.Emulator = InterruptedEmulator
sys.exit(command.main())
"""
WITHOUT_SIGNAL_HANDLERS_OF_THE_LOOP = """
import asyncio, sys
from ultravox_async.testing.__main__ import main

def add_signal_handler(*_):
    raise NotImplementedError

asyncio.SelectorEventLoop.add_signal_handler = add_signal_handler
sys.exit(main())
"""

either_signal = pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def ignored_sigint() -> Iterator[None]:
    # Child processes inherit it. A shell without job control does the same for a command that it starts with "&".
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, previous)


Start: TypeAlias = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    processes: list[asyncio.subprocess.Process] = []

    async def start_program(*arguments: str, program: tuple[str, ...] = MODULE) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-W", "error", *program, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        processes.append(process)
        return process

    yield start_program
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def announced(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    readable, *exports = [(await process.stdout.readline()).decode() for _ in range(3)]
    assert readable.startswith("# ")
    return dict(line.removeprefix("export ").rstrip("\n").split("=", 1) for line in exports)


async def has_ended_quietly(process: asyncio.subprocess.Process) -> bool:
    rest = await process.communicate()
    return (process.returncode, rest) == (0, (b"", b""))


async def test_its_calls_go_on_as_they_are_read(start: Start) -> None:
    variables = await announced(await start("--port", "0", "--registrations", "0"))
    async with AsyncUltravox(DEFAULT_API_KEY, base_url=variables["ULTRAVOX_BASE_URL"]) as ultravox:
        call = await ultravox.calls.create()
        seen = [(await ultravox.calls.get(call.call_id)).billing_status for _ in range(4)]
    assert seen == ["BILLING_STATUS_PENDING"] * 3 + ["BILLING_STATUS_BILLED"]


async def test_its_account_begins_at_the_present_time(start: Start) -> None:
    before = datetime.now(UTC)
    variables = await announced(await start("--port", "0", "--registrations", "1"))
    async with AsyncUltravox(DEFAULT_API_KEY, base_url=variables["ULTRAVOX_BASE_URL"]) as ultravox:
        (registration,) = [each async for each in ultravox.sip.registrations.list()]
    assert before <= registration.created <= datetime.now(UTC)


async def test_calls_that_have_ended_can_be_there_from_the_beginning(start: Start) -> None:
    process = await start("--port", "0", "--registrations", "0", "--calls", "2")
    variables = await announced(process)
    async with AsyncUltravox(DEFAULT_API_KEY, base_url=variables["ULTRAVOX_BASE_URL"]) as ultravox:
        calls = [call async for call in ultravox.calls.list()]
        messages = [message async for message in ultravox.calls.messages(calls[0].call_id)]
        async with ultravox.calls.recording(calls[0].call_id) as recording:
            assert recording.content_type == "audio/wav"
    assert [(call.end_reason, call.billing_status) for call in calls] == [("hangup", "BILLING_STATUS_BILLED")] * 2
    assert [message.role for message in messages] == ["MESSAGE_ROLE_AGENT", "MESSAGE_ROLE_USER"] * 2
    process.send_signal(signal.SIGTERM)
    assert await has_ended_quietly(process)


@pytest.mark.parametrize("option", ["--calls-per-second", "--calls-per-minute"])
async def test_calls_over_a_limit_are_refused(start: Start, option: str) -> None:
    process = await start("--port", "0", "--registrations", "0", "--calls", "3", option, "0.01")
    variables = await announced(process)
    headers = {"X-API-Key": DEFAULT_API_KEY}
    async with aiohttp.ClientSession(variables["ULTRAVOX_BASE_URL"], headers=headers) as api:
        statuses = [(await api.post("/api/calls", json={})).status for _ in range(2)]
    assert statuses == [201, 429]
    process.send_signal(signal.SIGTERM)
    assert await has_ended_quietly(process)


@either_signal
async def test_it_serves_until_it_is_told_to_stop(start: Start, way: signal.Signals) -> None:
    process = await start("--port", "0", "--registrations", "3", "--requests-per-second", "none")
    environment = await announced(process)
    assert environment["ULTRAVOX_API_KEY"] == DEFAULT_API_KEY
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": environment["ULTRAVOX_API_KEY"]}) as api,
        api.get(f"{environment['ULTRAVOX_BASE_URL']}/api/sip/registrations") as response,
    ):
        assert (await response.json())["total"] == 3
    process.send_signal(way)
    assert await has_ended_quietly(process)


@pytest.mark.usefixtures("ignored_sigint")
@either_signal
async def test_a_background_job_of_a_script_can_be_told_to_stop(start: Start, way: signal.Signals) -> None:
    process = await start("--port", "0", "--registrations", "0")
    await announced(process)
    process.send_signal(way)
    assert await has_ended_quietly(process)


@either_signal
async def test_it_stops_in_the_middle_of_an_answer(start: Start, way: signal.Signals) -> None:
    process = await start("--port", "0", "--registrations", "0", program=("-c", STALLING))
    environment = await announced(process)
    headers = {"X-API-Key": environment["ULTRAVOX_API_KEY"]}
    async with (
        aiohttp.ClientSession(environment["ULTRAVOX_BASE_URL"], headers=headers) as api,
        api.get("/api/sip") as response,
    ):
        process.send_signal(way)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert await has_ended_quietly(process)


@either_signal
async def test_only_the_first_signal_has_an_effect(start: Start, way: signal.Signals) -> None:
    process = await start("--port", "0", "--registrations", "0")
    await announced(process)
    end = asyncio.create_task(has_ended_quietly(process))
    while not end.done():
        # `process.send_signal` would poll the process, and so take its exit code away from the event loop.
        with suppress(ProcessLookupError):
            os.kill(process.pid, way)
        await asyncio.sleep(0)
    assert await end


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_received_before_it_serves_is_not_lost(start: Start, name: str) -> None:
    process = await start(
        *("--port", "0", "--registrations", "0"), program=("-c", INTERRUPTED_AT_THE_START.format(name=name))
    )
    await announced(process)
    assert await has_ended_quietly(process)


@either_signal
async def test_it_works_with_event_loops_without_signal_handlers(start: Start, way: signal.Signals) -> None:
    process = await start(*("--port", "0", "--registrations", "0"), program=("-c", WITHOUT_SIGNAL_HANDLERS_OF_THE_LOOP))
    await announced(process)
    process.send_signal(way)
    assert await has_ended_quietly(process)


@either_signal
def test_signal_handlers_are_restored_if_no_signal_was_received(
    way: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(way)
    with pytest.raises(SystemExit):
        main(["--registrations", "-1"])
    assert signal.getsignal(way) is before
    assert "error: " in capsys.readouterr().err


async def test_on_all_addresses_it_prints_one_that_clients_can_connect_to(start: Start) -> None:
    process = await start("--host", "0.0.0.0", "--port", "0", "--registrations", "0")  # noqa: S104 - the test's point
    environment = await announced(process)
    async with AsyncUltravox(environment["ULTRAVOX_API_KEY"], base_url=environment["ULTRAVOX_BASE_URL"]) as ultravox:
        assert (await ultravox.request("GET", "/api/sip")).status == 200
    process.send_signal(signal.SIGTERM)
    assert await has_ended_quietly(process)


async def test_a_port_in_use_is_reported_in_one_line(start: Start, emulator: Emulator) -> None:
    port = emulator.base_url.rpartition(":")[2]
    process = await start("--port", port, "--registrations", "0")
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.decode().startswith("cannot listen: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "99999"],
        ["--port", "x"],
        ["--registrations", "-1"],
        ["--requests-per-second", "-3"],
        ["--calls", "-1"],
        ["--calls-per-second", "-1"],
    ],
)
def test_wrong_arguments_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(("argument", "limit"), [("none", None), ("0", None), ("0.5", 0.5), ("200", 200.0)])
def test_none_and_0_mean_no_limit(argument: str, limit: float | None) -> None:
    assert rate(argument) == limit
