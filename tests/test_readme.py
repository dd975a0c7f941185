"""The README is what people copy from: its code runs, and its commands are the ones that the project's check uses."""

import asyncio
import operator
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator

_ROOT = Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_PYTHON: list[str] = re.findall(r"```python\n(.*?)```", _README, re.DOTALL)
_SHELL = re.findall(r"```sh\n(.*?)```", _README, re.DOTALL)


def _example(word: str) -> str:
    """Return the only example with this word in it."""
    (code,) = (code for code in _PYTHON if word in code)
    return code


def _executed(word: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(_example(word), namespace)  # noqa: S102 - the code of this project's README
    return namespace


def _run(code: str, emulator: Emulator | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ULTRAVOX_")}
    if emulator is not None:
        environment |= {"ULTRAVOX_API_KEY": emulator.api_key, "ULTRAVOX_BASE_URL": emulator.base_url}
    done = subprocess.run(  # noqa: S603 - the code of this project's README
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


async def test_the_first_example_prints_every_registration_and_the_error_it_promises(
    ultravox_emulator: Emulator,
) -> None:
    promised = re.search(r"# (404 .*)", _PYTHON[0])
    assert promised is not None

    lines = (await asyncio.to_thread(_run, _PYTHON[0], ultravox_emulator)).splitlines()

    assert sorted(line.split()[0] for line in lines[:-1]) == sorted(ultravox_emulator.registration_ids)
    assert lines[-1] == promised.group(1)


def test_the_first_example_is_within_the_first_forty_lines() -> None:
    end = _README.index(_PYTHON[0]) + len(_PYTHON[0])
    assert _README[:end].count("\n") <= 40


def test_each_of_the_two_commands_is_one_line_that_makes_its_own_virtual_environment() -> None:
    assert len(_SHELL) == 2
    assert [command.count("\n") for command in _SHELL] == [1, 1]
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip install ") for command in _SHELL)


def test_the_example_that_the_first_command_runs_exists() -> None:
    script = _SHELL[0].split()[-1]
    assert script.startswith("examples/")
    assert (_ROOT / script).is_file()


def test_the_projects_check_runs_the_second_command_word_for_word() -> None:
    pattern = re.search(r"grep -m1 -F '(.*)' README.md", (_ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert pattern is not None
    first = next(line for line in _README.splitlines() if pattern.group(1) in line)
    assert first == _SHELL[1].strip()


async def test_the_example_of_a_call_archives_it(
    ultravox_emulator: Emulator,
    ultravox: AsyncUltravox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call = await ultravox.calls.create(recording_enabled=True)
    ultravox_emulator.calls.join(call.call_id)
    ultravox_emulator.calls.say(call.call_id, "MESSAGE_ROLE_AGENT", "Hello!")
    ultravox_emulator.calls.end(call.call_id)
    ultravox_emulator.calls.bill(call.call_id)
    monkeypatch.chdir(tmp_path)

    await _executed("async def archive")["archive"](ultravox, call.call_id)

    assert capsys.readouterr().out == "MESSAGE_ROLE_AGENT Hello!\n"
    assert (tmp_path / "call.wav").read_bytes().startswith(b"RIFF")
    assert [one async for one in ultravox.calls.list()] == []


def test_everything_that_it_links_to_is_there() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", _README) if "://" not in target]
    assert len(targets) >= 15
    assert [target for target in targets if not (_ROOT / target).is_file()] == []


def test_every_extra_that_it_names_can_be_installed() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(re.findall(r"ultravox-async\[(\w+)\]", _README))
    assert named <= set(project["optional-dependencies"])


@pytest.mark.parametrize("name", re.findall(r"`(?:ultravox)?\.([a-z_.]+)`", _README))
def test_every_resource_that_it_names_exists(name: str) -> None:
    assert operator.attrgetter(name)(AsyncUltravox("api-key"))
