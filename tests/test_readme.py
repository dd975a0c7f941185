"""The README is what people copy from: its code runs, and its commands are the ones that the project's check uses."""

import asyncio
import operator
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp.test_utils import TestServer

from ultravox_async import AsyncUltravox, Download, FallbackHandler
from ultravox_async.testing import Emulator
from ultravox_async.types import CallMedium, SipIncoming

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


async def test_the_example_of_calls_calls_everybody(
    ultravox_emulator: Emulator, ultravox: AsyncUltravox, capsys: pytest.CaptureFixture[str]
) -> None:
    example = _executed("call_everybody")
    calling = asyncio.create_task(example["call_everybody"](ultravox, ["+4930123", "+4930456"]))
    while ultravox_emulator.counts[201] < 3:  # noqa: ASYNC110 - it is another thread that counts
        await asyncio.sleep(0)
    async for call in ultravox.calls.list():
        ultravox_emulator.calls.join(call.call_id)
        ultravox_emulator.calls.end(call.call_id)

    await calling

    assert sorted(capsys.readouterr().out.splitlines()) == ["+4930123 hangup", "+4930456 hangup"]


async def test_the_example_of_files_archives_a_call_and_uploads(
    ultravox_emulator: Emulator, ultravox: AsyncUltravox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await ultravox.calls.create(recording_enabled=True, medium=CallMedium.sip(incoming=SipIncoming()))
    ultravox_emulator.calls.join(call.call_id)
    ultravox_emulator.calls.end(call.call_id)
    corpus = await ultravox.corpora.create(name="manuals")
    monkeypatch.chdir(tmp_path)
    for name in ("ann.mp3", "manual.pdf"):
        (tmp_path / name).write_bytes(b"content")
    example = _executed("archive")

    await example["archive"](ultravox, call.call_id)
    await example["add"](ultravox, corpus.corpus_id)

    assert (tmp_path / "call.wav").read_bytes().startswith(b"RIFF")
    assert [voice.name async for voice in ultravox.voices.list()] == ["Ann"]
    assert [source.name async for source in ultravox.corpora.sources.list(corpus.corpus_id)] == ["manual.pdf"]


async def test_the_example_of_a_web_service_passes_a_recording_on(
    ultravox_emulator: Emulator, ultravox: AsyncUltravox, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = await ultravox.calls.create(recording_enabled=True)
    ultravox_emulator.calls.join(call.call_id)
    ultravox_emulator.calls.end(call.call_id)
    monkeypatch.setenv("ULTRAVOX_API_KEY", ultravox_emulator.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", ultravox_emulator.base_url)
    example = _executed("StreamingResponse")

    transport = httpx.ASGITransport(app=example["app"])
    async with example["ultravox"], httpx.AsyncClient(transport=transport, base_url="http://service") as listener:
        response = await listener.get(f"/recordings/{call.call_id}")

    assert response.headers["content-type"] == "audio/wav"
    assert response.content == await _content(ultravox.calls.recording(call.call_id))


async def _content(download: Download) -> bytes:
    async with download as stream:
        return await stream.read()


async def test_the_example_of_webhooks_receives_events_and_answers_calls(
    ultravox_emulator: Emulator, ultravox: AsyncUltravox, capsys: pytest.CaptureFixture[str]
) -> None:
    example = _executed("SipFallbackHandler")
    async with TestServer(example["app"]) as server:
        url, secrets = str(server.make_url("/webhook")), example["SECRETS"]
        await ultravox.webhooks.create(url=url, events=["call.started", "call.ended"], secrets=secrets)
        handler = FallbackHandler(str(server.make_url("/sip-fallback")), secrets)
        await ultravox.sip.update_config(fallback_handler=handler)

        rejected = await ultravox_emulator.call_in("sip:nobody@example.com")
        started = await ultravox_emulator.call_in("sip:sales@example.com")
        ultravox_emulator.calls.end(str(started.call_id))
        await ultravox_emulator.webhooks.until_idle()

    assert (rejected.status, started.status) == (404, 200)
    assert capsys.readouterr().out == f"{started.call_id} unjoined\n"
    assert [one.statuses for one in ultravox_emulator.webhooks.deliveries] == [[204], [204]]


def test_the_settings_that_are_shown_are_the_defaults() -> None:
    shown = _run(f"{_example('pool_size=100')}\nprint(ultravox)")
    default = _run("from ultravox_async import AsyncUltravox\nprint(AsyncUltravox('api-key'))")
    assert shown == default


def test_the_test_for_a_bot_passes_as_it_stands(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(_example("ultravox_emulator.inject"))
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


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


def test_every_method_in_the_table_of_what_is_covered_exists() -> None:
    named = re.findall(r"`ultravox\.([a-z_.]+)\(", _README)
    assert len(named) >= 9
    ultravox = AsyncUltravox("api-key")
    assert [name for name in named if not callable(operator.attrgetter(name)(ultravox))] == []
