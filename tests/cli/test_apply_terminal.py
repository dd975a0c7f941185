import asyncio
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import CTRL_C, session
from tests.cli.running import ultravox
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator
from ultravox_async_cli.terminal import Terminal

QUESTION = "Carry out this plan? [y/N] "


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 1}


@pytest.fixture
def environment(ultravox_emulator: Emulator) -> dict[str, str]:
    return {"ULTRAVOX_API_KEY": ultravox_emulator.api_key, "ULTRAVOX_BASE_URL": ultravox_emulator.base_url}


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "registrations.csv"
    path.write_text("username,proxy,password\nann,sip.example.com,pw-of-ann\nbob,sip.example.com,\n")
    return "sip", "registrations", "apply", str(path)


def test_after_yes_passwords_are_asked_for_and_not_shown(
    environment: dict[str, str], words: tuple[str, ...], ultravox_emulator: Emulator
) -> None:
    with session(*words, "--password", "ask", env=environment) as person:
        person.wait_for(QUESTION)
        assert "1 password is asked for after a yes." in person.shown
        person.type("y\n")
        person.wait_for("password of bob at sip.example.com: ")
        person.type("pw-of-bob\n")
        assert person.end() == 0
    assert "2 created, 0 updated, 0 deleted" in person.shown
    assert "pw-of-" not in person.shown
    passwords = {ultravox_emulator.password_of(key) for key in ultravox_emulator.registration_ids}
    assert passwords > {"pw-of-ann", "pw-of-bob"}


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_anything_but_yes_changes_nothing(
    environment: dict[str, str], words: tuple[str, ...], ultravox_emulator: Emulator, answer: str
) -> None:
    result = ultravox(*words, "--password", "ask", env=environment, stdin=answer, columns=80)
    assert result.code == 1
    assert result.err.endswith(f"{QUESTION}Nothing was changed.\n")
    assert {one.method for one in ultravox_emulator.requests} == {"GET"}


@pytest.mark.parametrize("other", ["ann", "eve"])
def test_a_plan_is_not_carried_out_if_the_account_has_changed_meanwhile_so_that_it_is_another_one(
    environment: dict[str, str],
    words: tuple[str, ...],
    ultravox_emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    other: str,
) -> None:
    async def somebody_else_creates() -> None:
        async with AsyncUltravox(ultravox_emulator.api_key, base_url=ultravox_emulator.base_url) as client:
            await client.sip.registrations.create(username=other, proxy="sip.example.com", password="theirs")

    def answer(_: Terminal, question: str) -> bool:
        asyncio.run(somebody_else_creates())
        return bool(question)

    monkeypatch.setattr(Terminal, "ask", answer)
    variables = {**environment, "SIP_PASSWORD": "shared"}
    result = ultravox(*words, "--password", "env:SIP_PASSWORD", env=variables, columns=80)
    created = [one.method for one in ultravox_emulator.requests].count("POST") - 1
    assert (result.code, created) == ((1, 0) if other == "ann" else (0, 2))
    assert ("error: the account has changed since the plan was shown" in result.err) == (other == "ann")


def test_ctrl_c_at_the_question_ends_it(
    environment: dict[str, str], words: tuple[str, ...], ultravox_emulator: Emulator
) -> None:
    with session(*words, "--password", "ask", env=environment) as person:
        person.wait_for_question(QUESTION)
        person.type(CTRL_C)
        assert person.end() == 130
    assert "Traceback" not in person.shown
    assert {one.method for one in ultravox_emulator.requests} == {"GET"}


def test_the_plan_is_in_colours_on_a_terminal(environment: dict[str, str], words: tuple[str, ...]) -> None:
    result = ultravox(*words, "--password", "ask", "--dry-run", env=environment, columns=80)
    assert result.out.startswith("\x1b[32m+\x1b[0m create  ann at sip.example.com")


def test_no_color_is_respected(environment: dict[str, str], words: tuple[str, ...]) -> None:
    result = ultravox(*words, "--dry-run", "--password", "ask", env={**environment, "NO_COLOR": "1"}, columns=80)
    assert "\x1b" not in result.out
