import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from ultravox_async import testing
from ultravox_async.testing import DEFAULT_API_KEY, Emulator
from ultravox_async.testing.__main__ import main, rate

ROOT = Path(testing.__file__).parents[2]


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-m", "ultravox_async.testing", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def announced(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    readable, *exports = [(await process.stdout.readline()).decode() for _ in range(3)]
    assert readable.startswith("# ")
    return dict(line.removeprefix("export ").rstrip("\n").split("=", 1) for line in exports)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
async def test_it_serves_until_it_is_told_to_stop(way: signal.Signals) -> None:
    process = await started("--port", "0", "--registrations", "3", "--requests-per-second", "none")
    environment = await announced(process)
    assert environment["ULTRAVOX_API_KEY"] == DEFAULT_API_KEY
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": environment["ULTRAVOX_API_KEY"]}) as api,
        api.get(f"{environment['ULTRAVOX_BASE_URL']}/api/sip/registrations") as response,
    ):
        assert (await response.json())["total"] == 3
    process.send_signal(way)
    rest = await process.communicate()
    assert (process.returncode, rest) == (0, (b"", b""))


async def test_a_port_that_is_taken_is_one_line(emulator: Emulator) -> None:
    port = emulator.base_url.rpartition(":")[2]
    process = await started("--port", port, "--registrations", "0")
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.decode().startswith("cannot listen: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--port", "99999"], ["--port", "x"], ["--registrations", "-1"], ["--requests-per-second", "-3"]]
)
def test_wrong_arguments_are_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(("argument", "limit"), [("none", None), ("0", None), ("0.5", 0.5), ("200", 200.0)])
def test_no_limit_can_be_said_in_two_ways(argument: str, limit: float | None) -> None:
    assert rate(argument) == limit
