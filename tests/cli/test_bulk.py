import asyncio
import csv
import io
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest
from aiohttp import web

from tests.cli.ctrl_c import CtrlC, ctrl_c_works, defaults_of
from tests.cli.running import Result, ultravox
from ultravox_async.testing import Delay, Emulator, Respond
from ultravox_async.testing._exchange import Exchange
from ultravox_async_cli.bulk import fetching
from ultravox_async_cli.bulk.id_lists import RemainingIds
from ultravox_async_cli.command_line import run
from ultravox_async_cli.errors import ExitCode
from ultravox_async_cli.output.progress import Show
from ultravox_async_cli.stop_signals import stop_signals

PATH = "/api/sip/registrations"


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 30, "requests_per_second": None}


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return tmp_path / "left"


def get(emulator: Emulator, *words: str, stdin: str = "", api_key: str | None = None) -> Result:
    environment = {"ULTRAVOX_API_KEY": api_key or emulator.api_key, "ULTRAVOX_BASE_URL": emulator.base_url}
    return ultravox("sip", "registrations", "get", *words, stdin=stdin, env=environment)


def ids_in(lines: str) -> Sequence[str]:
    return [json.loads(line)["registrationId"] for line in lines.splitlines()]


@attrs.frozen
class AfterOthers(Delay):
    """Answers once that many others are answered."""

    counts: Counter[int]
    others: int

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        while self.counts[200] < self.others:  # noqa: ASYNC110 - nothing else says that an answer was sent
            await asyncio.sleep(self.seconds)
        return await super().play(exchange)


def test_values_are_in_the_order_of_their_ids(ultravox_emulator: Emulator) -> None:
    first, *others = ultravox_emulator.registration_ids[::-1]
    ultravox_emulator.inject(AfterOthers(0.001, ultravox_emulator.counts, len(others)), path=f"{PATH}/{first}")
    result = get(ultravox_emulator, first, *others, "--via", "get", "--concurrency", "2")
    assert (result.code, result.err) == (0, "")
    assert [one["registrationId"] for one in json.loads(result.out)] == [first, *others]


def test_jsonl_has_a_line_for_each_value_as_it_arrives(ultravox_emulator: Emulator) -> None:
    first, *others = ultravox_emulator.registration_ids
    ultravox_emulator.inject(AfterOthers(0.001, ultravox_emulator.counts, len(others)), path=f"{PATH}/{first}")
    words = ("--output", "jsonl", "--via", "get", "--concurrency", "2")
    found = ids_in(get(ultravox_emulator, first, *others, *words).out)
    assert found.index(first) >= len(others) - 1
    assert sorted(found) == sorted([first, *others])


@pytest.mark.parametrize("word", ["-", "@-"])
def test_ids_come_from_standard_input(ultravox_emulator: Emulator, word: str) -> None:
    ids = ultravox_emulator.registration_ids[:5]
    result = get(ultravox_emulator, word, "--output", "csv", stdin="\n".join(ids))
    assert [row["registrationId"] for row in csv.DictReader(io.StringIO(result.out))] == ids


def test_what_fails_is_named_and_the_rest_is_fetched(ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:2]
    result = get(ultravox_emulator, ids[0], "no-such-id", ids[1])
    assert [one["registrationId"] for one in json.loads(result.out)] == ids
    line, summary = result.err.splitlines()
    assert line == f"no-such-id: 404 Not Found: GET {PATH}/no-such-id: No such registration"
    assert summary.startswith("2 fetched, 1 failed, ")
    assert result.code == 1


def test_an_id_that_cannot_be_one_is_shown_without_its_control_characters(ultravox_emulator: Emulator) -> None:
    result = get(ultravox_emulator, "a\x1b[31mb", ultravox_emulator.registration_ids[0])
    assert result.err.startswith(r"'a\x1b[31mb': an id cannot contain")


def test_a_field_that_does_not_exist_ends_it_at_the_first_value(ultravox_emulator: Emulator) -> None:
    words = ("--fields", "passwort", "--via", "get", "--concurrency", "1")
    result = get(ultravox_emulator, *ultravox_emulator.registration_ids, *words)
    assert (result.code, result.out) == (2, "")
    assert "there is no field passwort; there are " in result.err
    assert len(ultravox_emulator.requests) < 5


def test_csv_of_ids_that_all_failed_has_the_names_of_the_fields(ultravox_emulator: Emulator) -> None:
    result = get(ultravox_emulator, "no-1", "no-2", "--output", "csv")
    assert result.out == "registrationId,created,username,proxy,outboundProxy,authUser,successful\n"


def test_a_list_may_be_one_argument_as_with_quotes_in_a_shell(ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:3]
    assert ids_in(get(ultravox_emulator, "\n".join(ids), "--output", "jsonl", "--via", "get").out) == ids


def test_an_option_for_many_ids_with_a_wrong_value_is_refused_for_one_id_too(ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids
    one, many = (get(ultravox_emulator, *some, "--concurrency", "0") for some in (ids[:1], ids))
    assert (one.code, one.err) == (many.code, many.err)
    assert (one.code, one.err) == (2, "error: --concurrency: takes a whole number of at least 1, not 0\n")
    assert ultravox_emulator.requests == []


def test_a_refusal_of_one_of_many_ids_ends_as_a_refusal_does(ultravox_emulator: Emulator) -> None:
    ids = ultravox_emulator.registration_ids[:3]
    ultravox_emulator.inject(Respond(403), path=f"{PATH}/{ids[0]}")
    assert get(ultravox_emulator, ids[0]).code == 3
    assert get(ultravox_emulator, *ids, "--via", "get").code == 3


def test_many_failures_are_few_lines(ultravox_emulator: Emulator) -> None:
    lines = get(ultravox_emulator, *(f"no-{number}" for number in range(25))).err.splitlines()
    assert sum("404 Not Found" in line for line in lines) == 10
    assert lines[10] == "… and 15 more"


def test_the_ids_that_failed_are_written_to_a_file_in_their_order(ultravox_emulator: Emulator, left: Path) -> None:
    found = ultravox_emulator.registration_ids[0]
    result = get(ultravox_emulator, "no-2", found, "no-1", "--failed", str(left))
    assert left.read_text() == "no-2\nno-1\n"
    assert result.err.endswith(f"{left} has the 2 ids that are left\n")


def test_an_only_id_that_does_not_exist_ends_as_without_a_list(ultravox_emulator: Emulator, left: Path) -> None:
    result = get(ultravox_emulator, "no-such-id", "--failed", str(left))
    assert result.code == get(ultravox_emulator, "no-such-id").code == 4
    assert result.err.endswith(f"{left} has the 1 id that is left\n")


def test_a_second_run_goes_on_with_the_same_file(ultravox_emulator: Emulator, left: Path) -> None:
    left.write_text("\n".join(ultravox_emulator.registration_ids))
    failing = ultravox_emulator.registration_ids[3]
    ultravox_emulator.inject(Respond(403), path=f"{PATH}/{failing}", times=1)
    first = get(ultravox_emulator, f"@{left}", "--failed", str(left), "--output", "jsonl", "--via", "get")
    assert (first.code, left.read_text()) == (3, f"{failing}\n")
    second = get(ultravox_emulator, f"@{left}", "--failed", str(left), "--output", "jsonl")
    assert (second.code, left.read_text()) == (0, "")
    assert sorted(ids_in(first.out + second.out)) == sorted(ultravox_emulator.registration_ids)


def test_a_file_without_ids_is_a_run_without_work(ultravox_emulator: Emulator, left: Path) -> None:
    left.write_text("")
    result = get(ultravox_emulator, f"@{left}", "--failed", str(left))
    assert (result.code, result.out, ultravox_emulator.requests) == (0, "[]\n", [])


@pytest.mark.parametrize("layout", ["jsonl", "csv"])
def test_ctrl_c_prints_what_is_done_and_keeps_the_rest(ultravox_emulator: Emulator, left: Path, layout: str) -> None:
    ids = ultravox_emulator.registration_ids
    ultravox_emulator.inject(CtrlC(), path=f"{PATH}/{ids[10]}", times=1)
    words = ("--failed", str(left), "--output", layout, "--via", "get", "--concurrency", "1")
    with ctrl_c_works():
        result = get(ultravox_emulator, "no-such-id", *ids, *words)
    done = len(result.out.splitlines()) - (layout == "csv")
    # A value that arrives in the same moment as Ctrl-C may be left for the next run.
    assert done in {9, 10}
    assert left.read_text().split() == ["no-such-id", *ids[done:]]
    assert result.err.splitlines()[1].startswith(f"{done} fetched, 1 failed, {30 - done} not reached, ")
    assert result.code == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("ctrl_c", [signal.SIG_IGN, signal.default_int_handler])
def test_sigterm_and_sighup_do_what_ctrl_c_does_also_where_that_is_ignored(
    ultravox_emulator: Emulator, left: Path, number: signal.Signals, code: int, ctrl_c: Callable[..., object]
) -> None:
    first, *others = ultravox_emulator.registration_ids[:3]
    ultravox_emulator.inject(CtrlC(number), path=f"{PATH}/{others[0]}", times=1)
    words = ("--failed", str(left), "--output", "jsonl", "--via", "get", "--concurrency", "1")
    with defaults_of(signal.SIGTERM, signal.SIGHUP), ctrl_c_works():
        signal.signal(signal.SIGINT, ctrl_c)
        result = get(ultravox_emulator, first, *others, *words)
        assert signal.getsignal(number) == signal.SIG_DFL
    assert (result.code, {*ids_in(result.out), *left.read_text().split()}) == (code, {first, *others})
    assert " not reached, " in result.err


def test_a_signal_that_is_ignored_stays_so_as_with_nohup() -> None:
    with defaults_of(signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL


def test_a_key_that_is_refused_is_another_exit_code_and_all_ids_are_left(
    ultravox_emulator: Emulator, left: Path
) -> None:
    ids = ultravox_emulator.registration_ids
    result = get(ultravox_emulator, *ids, "--failed", str(left), api_key="another-key")
    assert (result.code, left.read_text().split()) == (3, ids)


def test_a_file_that_cannot_be_written_is_noticed_before_anything_is_fetched(ultravox_emulator: Emulator) -> None:
    result = get(ultravox_emulator, "a", "b", "--failed", "/nowhere/left")
    assert (result.code, result.err) == (2, "error: /nowhere/left: No such directory\n")
    assert ultravox_emulator.requests == []


def test_a_file_that_cannot_be_written_at_the_end_hides_no_failure(
    ultravox_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    left = tmp_path / "left"
    result = get(ultravox_emulator, "no-1", ultravox_emulator.registration_ids[0], "no-2", "--failed", str(left))
    first, second, summary, problem = result.err.splitlines()
    assert [first[:4], second[:4]] == ["no-1", "no-2"]
    assert summary.startswith("1 fetched, 2 failed, ")
    assert problem == f"error: {left}: No space left on device; it should have the 2 ids that are left"
    assert (result.code, [*tmp_path.iterdir()]) == (1, [])


class Counting(io.StringIO):
    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def get_into(stdout: io.StringIO, emulator: Emulator, *words: str) -> tuple[int, str]:
    """Return the exit code, and what is on standard error."""
    stderr = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ULTRAVOX_API_KEY", emulator.api_key)
        patch.setenv("ULTRAVOX_BASE_URL", emulator.base_url)
        patch.setattr("sys.stdout", stdout)
        patch.setattr("sys.stderr", stderr)
        return run(["sip", "registrations", "get", *words]), stderr.getvalue()


@pytest.mark.parametrize("layout", ["json", "csv", "yaml", "table"])
def test_values_that_are_all_there_are_not_flushed_one_by_one(ultravox_emulator: Emulator, layout: str) -> None:
    stdout = Counting()
    ids = ultravox_emulator.registration_ids
    assert get_into(stdout, ultravox_emulator, *ids, "--output", layout) == (0, "")
    assert ultravox_emulator.registration_ids[-1] in stdout.getvalue()
    assert stdout.flushes < 5


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(28, "No space left on device")


class ClosedPipe(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


class Interrupted(io.StringIO):
    """Its reader has stalled, and somebody presses Ctrl-C."""

    has_waited = False

    def write(self, text: str) -> int:
        signal.raise_signal(signal.SIGINT)
        self.has_waited = True
        return len(text)


@pytest.mark.parametrize("layout", ["jsonl", "json", "table"])
def test_ctrl_c_ends_the_wait_for_a_reader_that_has_stalled(ultravox_emulator: Emulator, layout: str) -> None:
    stdout = Interrupted()
    with ctrl_c_works():
        code, _ = get_into(stdout, ultravox_emulator, *ultravox_emulator.registration_ids, "--output", layout)
    assert (code, stdout.has_waited) == (130, False)


@pytest.mark.parametrize("layout", ["jsonl", "json", "csv"])
@pytest.mark.parametrize(
    ("stdout", "code"),
    [(FullDisk, ExitCode.FAILED), (ClosedPipe, ExitCode.BROKEN_PIPE), (Interrupted, ExitCode.INTERRUPTED)],
)
def test_if_values_cannot_be_written_their_ids_are_left_and_the_failures_are_named(
    ultravox_emulator: Emulator, left: Path, stdout: type[io.StringIO], code: ExitCode, layout: str
) -> None:
    ids = ["a/b", *ultravox_emulator.registration_ids[:2]]
    words = (*ids, "--failed", str(left), "--output", layout, "--concurrency", "1")
    with ctrl_c_works():
        ending, shown = get_into(stdout(), ultravox_emulator, *words)
    assert (ending, left.read_text().split()) == (code, ids)
    assert "a/b: an id cannot contain" in shown
    assert f"{left} has the 3 ids that are left\n" in shown
    assert ("not all of them written" in shown) == (layout != "jsonl")


def test_a_second_ctrl_c_does_not_prevent_that_the_ids_that_are_left_are_written(
    ultravox_emulator: Emulator, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(RemainingIds):
        def write(self, ids: Iterable[str]) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            super().write(ids)

    monkeypatch.setattr(fetching, "RemainingIds", Impatient)
    ultravox_emulator.inject(CtrlC(), times=1)
    ids = ultravox_emulator.registration_ids
    with ctrl_c_works():
        result = get(ultravox_emulator, *ids, "--via", "get", "--failed", str(left))
    assert (result.code, left.read_text().split()) == (130, list(ids))
    assert f"{left} has the {len(ids)} ids that are left\n" in result.err


def test_if_the_terminal_is_closed_while_it_fetches_all_ids_are_left(
    ultravox_emulator: Emulator, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def closed_terminal(*_: object) -> Generator[Show]:
        yield lambda _done, _failed: None
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fetching, "progress", closed_terminal)
    ids = ultravox_emulator.registration_ids[:2]
    result = get(ultravox_emulator, *ids, "--failed", str(left), "--output", "csv")
    assert (result.code, result.out, left.read_text().split()) == (1, "", ids)


def test_objects_below_another_one_are_fetched_too(ultravox_emulator: Emulator) -> None:
    environment = {"ULTRAVOX_API_KEY": ultravox_emulator.api_key, "ULTRAVOX_BASE_URL": ultravox_emulator.base_url}
    words = ("corpora", "sources", "get", "no-corpus", "one", "two")
    result = ultravox(*words, env=environment)
    assert result.code == 1
    assert {one.path for one in ultravox_emulator.requests} == {
        "/api/corpora/no-corpus/sources/one",
        "/api/corpora/no-corpus/sources/two",
    }
