import signal

import pytest

from tests.examples.example_scripts import ended, line_with, running

pytestmark = pytest.mark.slow

NAME = "fleet/main"


async def test_a_killed_worker_loses_nothing_and_the_results_are_in_order() -> None:
    arguments = ("--count", "120", "--workers", "2", "--rate", "80", "--kill", "--idle", "1")
    async with running(NAME, *arguments) as process:
        code, printed, complaints = await ended(process)
    assert (code, complaints) == (0, "")
    assert "killed the worker" in printed
    assert "fetched 0 of 120\n" in printed
    assert "found         120, in order\nfailed          0\n" in printed
    assert printed.endswith("429s            0\n")


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_all_processes(number: signal.Signals, expected: int) -> None:
    async with running(NAME, "--count", "2000", "--workers", "2") as process:
        await line_with("fetched 0 of 2000", process)
        process.send_signal(number)
        # All of them have the same standard error, which ends only when the last of them has ended.
        code, printed, complaints = await ended(process)
    assert (code, complaints) == (expected, "")
    assert printed.endswith("ended before it was done\n")


async def test_a_fleet_that_is_killed_leaves_no_process_behind() -> None:
    async with running(NAME, "--count", "2000", "--workers", "1") as process:
        await line_with("fetched 0 of 2000", process)
        process.kill()
        # Its standard error ends with the last of its processes.
        code, _, _ = await ended(process)
    assert code == -signal.SIGKILL
