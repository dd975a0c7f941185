import json
import re
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import CTRL_C, session
from tests.cli.running import ultravox
from ultravox_async.testing import Emulator, Stall

PATH = "/api/sip/registrations"
_CURSOR_UP = "\x1b[1A\x1b[2K"
ERASE_LINE = "\x1b[2K"
CODE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 2000, "requests_per_second": None}


@pytest.fixture
def environment(ultravox_emulator: Emulator) -> dict[str, str]:
    return {"ULTRAVOX_API_KEY": ultravox_emulator.api_key, "ULTRAVOX_BASE_URL": ultravox_emulator.base_url}


@pytest.fixture
def ids(ultravox_emulator: Emulator, tmp_path: Path) -> Path:
    path = tmp_path / "ids"
    path.write_text("\n".join(ultravox_emulator.registration_ids))
    return path


def bars_in(shown: str) -> list[str]:
    return [CODE.sub("", line) for line in re.split(r"\r\x1b\[2K|\r\n", shown) if " failed" in line and "━" in line]


def test_ctrl_c_in_the_middle_of_thousands_prints_the_table_of_what_is_done(
    environment: dict[str, str], ids: Path, ultravox_emulator: Emulator
) -> None:
    words = ("sip", "registrations", "get", f"@{ids}", "--failed", str(ids), "--via", "get")
    with session(*words, env=environment, width=80) as person:
        person.wait_until(lambda shown: re.search(r"[1-9]\d* of 2,000", shown) is not None)
        person.type(CTRL_C)
        code = person.end()
    left = ids.read_text().split()
    done = [key for key in ultravox_emulator.registration_ids if key not in {*left}]
    assert code == 130
    assert 0 < len(done) < 2000
    assert left == [key for key in ultravox_emulator.registration_ids if key not in {*done}]
    assert [key for key in done if key in person.shown] == done
    assert f"{len(done):,} fetched, 0 failed, {len(left):,} not reached, " in person.shown
    assert "Traceback" not in person.shown


@pytest.mark.parametrize("width", [80, 200])
def test_the_bar_has_the_width_of_the_terminal_also_after_that_changes(
    environment: dict[str, str], ultravox_emulator: Emulator, tmp_path: Path, width: int
) -> None:
    *ids, last = ultravox_emulator.registration_ids[:30]
    ultravox_emulator.inject(Stall(), path=f"{PATH}/{last}")
    words = ("sip", "registrations", "get", *ids, last, "no-such-id", "--output", "jsonl")
    with (
        (tmp_path / "out").open("w") as out,
        session(*words, env=environment, width=width, stdout=out.fileno()) as person,
    ):
        person.wait_for("30 of 31")
        *bars, _ = bars_in(person.shown)  # the last one may not be complete yet
        assert {len(bar) for bar in bars} == {width}
        before = len(person.shown)
        person.resize(60)
        person.wait_until(lambda shown: 60 in {len(bar) for bar in bars_in(shown[before:])})
        person.type(CTRL_C)
        assert person.end() == 130
    assert sorted(map(id_in, (tmp_path / "out").read_text().splitlines())) == sorted(ids)


def id_in(line: str) -> str:
    return str(json.loads(line)["registrationId"])


def test_the_bar_says_what_is_done_what_failed_the_rate_and_the_time_that_is_left(environment: dict[str, str]) -> None:
    result = ultravox("sip", "registrations", "get", "no-1", "no-2", env=environment, columns=80)
    assert re.search(r"2 of 2 ━+ 2 failed [\d,]+/s, 0:00 left", bars_in(result.err)[-1])


def test_a_bar_in_a_narrow_terminal_is_one_line(environment: dict[str, str]) -> None:
    result = ultravox("sip", "registrations", "get", "no-1", "no-2", env=environment, columns=30)
    assert "of 2" in result.err
    assert result.err.count(_CURSOR_UP) == 1  # where it disappears
    assert [bar for bar in bars_in(result.err) if len(bar) > 30] == []


def test_a_bar_for_no_ids_is_no_problem(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "none").write_text("")
    result = ultravox("sip", "registrations", "get", f"@{tmp_path / 'none'}", env=environment, columns=80)
    assert (result.code, result.out) == (0, "")


def test_the_bar_is_gone_at_the_end(environment: dict[str, str], ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:2]
    result = ultravox("sip", "registrations", "get", *ids, env=environment, columns=80)
    after_the_bar = CODE.sub("", result.err.rpartition(ERASE_LINE)[2]).strip("\r")
    assert re.fullmatch(r"2 fetched, 0 failed, \d+\.\d s\n", after_the_bar)


def test_after_failures_nobody_is_told_that_there_are_no_results(environment: dict[str, str]) -> None:
    result = ultravox("sip", "registrations", "get", "no-1", "no-2", env=environment, columns=80)
    assert result.out == ""
    assert "no results" not in result.err


def test_there_is_no_bar_among_lines_that_arrive_on_the_same_terminal(
    environment: dict[str, str], ultravox_emulator: Emulator
) -> None:
    ids = ultravox_emulator.registration_ids[:2]
    result = ultravox("sip", "registrations", "get", *ids, "--output", "jsonl", env=environment, columns=80)
    assert ERASE_LINE not in result.err
    assert result.err.startswith("2 fetched, ")
