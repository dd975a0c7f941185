import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Coroutine, Generator
from contextlib import suppress

import pytest

from tests.cli.ctrl_c import ctrl_c_works
from ultravox_async_cli import event_loop
from ultravox_async_cli.main import main


@pytest.fixture(autouse=True)
def _ctrl_c() -> Generator[None]:
    with ctrl_c_works():
        yield


def press() -> None:
    signal.raise_signal(signal.SIGINT)


_BEFORE = """
import signal
from ultravox_async_cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
_WHILE_MODULES_ARE_IMPORTED = """
main.load = lambda _: signal.raise_signal(signal.SIGINT)
main.main()
"""
_AFTER_THE_COMMAND = """
main.main()
signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("moment", [_WHILE_MODULES_ARE_IMPORTED, _AFTER_THE_COMMAND])
def test_ctrl_c_is_silent_before_the_command_and_after_it(moment: str) -> None:
    command = [sys.executable, "-c", f"{_BEFORE}{moment}", "completion", "bash"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - this interpreter
    assert (done.returncode, done.stderr) == (130, b"")


def test_ctrl_c_raises_nothing_once_the_command_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(sys, "argv", ["ultravox", "completion", "bash"])
    assert main() == 0
    press()
    assert codes == [130]


def test_ctrl_c_stays_ignored_as_by_a_job_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> str:
        press()
        return "done"

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    monkeypatch.setattr(sys, "argv", ["ultravox", "completion", "bash"])
    assert main() == 0
    assert event_loop.run(work()) == "done"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.fixture
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Restore what is silenced when an event loop is stopped."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", False)
    with warnings.catch_warnings():
        yield


def test_the_first_ctrl_c_cancels_the_work() -> None:
    steps: list[str] = []

    async def work() -> None:
        press()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise

    with pytest.raises(KeyboardInterrupt):
        event_loop.run(work())
    assert steps == ["cancelled"]


@pytest.mark.usefixtures("_quiet")
def test_a_second_ctrl_c_ends_a_clean_up_that_takes_long_but_not_in_the_middle_of_a_step() -> None:
    steps: list[str] = []

    async def work() -> None:
        press()
        try:
            await asyncio.Event().wait()
        finally:
            press()
            steps.append("in the same step")
            await asyncio.Event().wait()
            steps.append("never")

    with pytest.raises(KeyboardInterrupt):
        event_loop.run(work())
    assert steps == ["in the same step"]


@pytest.mark.usefixtures("_quiet")
def test_what_ctrl_c_breaks_off_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        while True:
            press()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        event_loop.run(work())
    gc.collect()
    assert caplog.text == ""


@pytest.mark.usefixtures("_quiet")
def test_ctrl_c_while_the_loop_is_closed_ends_that() -> None:
    steps: list[str] = []

    async def other() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            press()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            steps.append("never")

    async def work() -> asyncio.Task[None]:
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
        return task

    with pytest.raises(KeyboardInterrupt):
        event_loop.run(work())
    assert steps == []


@pytest.mark.usefixtures("_quiet")
def test_ctrl_c_right_behind_the_end_of_the_loop_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def and_press(work: Coroutine[object, object, None]) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(work)
        loop.close()
        press()

    async def work() -> None:
        pass

    monkeypatch.setattr(asyncio, "run", and_press)
    with pytest.raises(KeyboardInterrupt):
        event_loop.run(work())


def test_work_that_was_cancelled_before_it_began_is_not_reported_as_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(work: Coroutine[object, object, None]) -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(work)
        task.cancel()
        try:
            loop.run_until_complete(task)
        finally:
            loop.close()

    async def work() -> None:
        pass

    monkeypatch.setattr(asyncio, "run", cancelled)
    with pytest.raises(asyncio.CancelledError):
        event_loop.run(work())


def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise RuntimeError("of the work")

    with pytest.raises(RuntimeError, match="of the work"):
        event_loop.run(work())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
