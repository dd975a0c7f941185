import asyncio
import io
import json
import os
import pty
import signal
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import attrs
import pytest

from tests.examples.example_scripts import ended, loaded, running
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator, Respond, Stall

NAME = "fetch_registrations"
ERASE_LINE = "\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 20, "requests_per_second": None}


@pytest.fixture
def account(ultravox_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    monkeypatch.setenv("ULTRAVOX_API_KEY", ultravox_emulator.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", ultravox_emulator.base_url)
    return ultravox_emulator


@attrs.frozen
class Run:
    code: int | None
    stdout: str
    stderr: str

    @property
    def numbers(self) -> dict[str, str]:
        words = [line.split() for line in (self.stdout + self.stderr).splitlines()]
        return {pair[0]: pair[1] for pair in words if len(pair) == 2}


@attrs.frozen
class Runner:
    example: ModuleType
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Run:
        code = self.example.main(arguments)
        printed = self.capsys.readouterr()
        return Run(code, printed.out, printed.err)


@pytest.fixture
def run(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(example, capsys)


@pytest.fixture
def embedded(run: Runner, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("ULTRAVOX_API_KEY", raising=False)
    return run("--count", "20")


def test_it_fetches_every_registration_of_the_embedded_emulator(embedded: Run) -> None:
    assert (embedded.code, embedded.numbers["found"], embedded.numbers["failed"]) == (0, "20", "0")


def test_it_says_that_it_uses_the_embedded_emulator(embedded: Run) -> None:
    assert embedded.stdout.startswith("Fetching from the embedded emulator")


def test_it_shows_no_progress_if_stderr_is_not_a_terminal(embedded: Run) -> None:
    assert (embedded.code, embedded.stderr) == (0, "")


@pytest.mark.usefixtures("account")
def test_with_a_key_it_says_that_it_uses_the_api(run: Runner) -> None:
    done = run()
    assert (done.code, done.stdout.startswith("Fetching from the API")) == (0, True)


def test_with_a_key_it_fetches_as_many_of_the_account_as_it_is_told(run: Runner, account: Emulator) -> None:
    run("--count", "12")
    asked_for = {request.path.rpartition("/")[2] for request in account.requests[1:]}
    assert asked_for == set(account.registration_ids[:12])


@pytest.mark.usefixtures("account")
def test_an_account_with_fewer_registrations_than_asked_for_is_fetched_whole(run: Runner) -> None:
    done = run("--count", "1000")
    assert (done.code, done.numbers["found"]) == (0, "20")


@pytest.mark.parametrize(("via", "listed", "fetched"), [("auto", 0, 20), ("get", 0, 20), ("list", 20, 0)])
@pytest.mark.usefixtures("account")
def test_it_says_how_it_fetched(run: Runner, via: str, listed: int, fetched: int) -> None:
    numbers = run("--via", via).numbers
    assert (numbers["found"], numbers["listing"], numbers["gets"]) == ("20", str(listed), str(fetched))


def test_with_json_standard_output_has_a_line_for_each_registration(run: Runner, account: Emulator) -> None:
    done = run("--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["registrationId"] for one in found} == set(account.registration_ids)
    assert {one["username"] for one in found} == {f"user-{number:06}" for number in range(20)}


@pytest.mark.usefixtures("account")
def test_with_json_all_that_is_said_is_on_standard_error(run: Runner) -> None:
    done = run("--json")
    assert done.stderr.startswith("Fetching from the API")
    assert (done.code, done.numbers["found"], done.numbers["gets"]) == (0, "20", "20")


def test_repeated_requests_and_429s_are_counted(run: Runner, account: Emulator) -> None:
    account.inject(Respond(429), times=2, path="/api/sip/registrations/")
    done = run("--concurrency", "2")
    assert (done.code, done.numbers["found"], done.numbers["429s"]) == (0, "20", "2")
    assert int(done.numbers["requests"]) == account.received == 23


def test_an_id_that_fails_is_counted_and_does_not_stop_the_others(run: Runner, account: Emulator) -> None:
    account.inject(Respond(404), path=f"/api/sip/registrations/{account.registration_ids[3]}")
    done = run()
    assert (done.code, done.numbers["found"], done.numbers["failed"]) == (1, "19", "1")


def test_the_first_five_errors_are_listed(run: Runner, account: Emulator) -> None:
    for registration_id in account.registration_ids[:7]:
        account.inject(Respond(404), path=f"/api/sip/registrations/{registration_id}")
    stdout = run().stdout
    assert stdout.count("  404 Not Found: GET /api/sip/registrations/") == 5
    assert "\n  and 2 more\n" in stdout


@pytest.mark.usefixtures("account")
def test_a_key_that_the_api_refuses_is_one_line_and_exit_code_2(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", "another-key")
    done = run()
    expected = "error: 401 Unauthorized: GET /api/sip/registrations: The API key is not valid.\n"
    assert (done.code, done.stderr) == (2, expected)


def test_an_invalid_key_is_one_line_and_exit_code_2(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", "with a space")
    assert example.main([]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: the API key must be a string")
    assert stderr.count("\n") == 1


def test_an_invalid_concurrency_is_one_line_and_exit_code_2(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ULTRAVOX_API_KEY", raising=False)
    assert example.main(["--count", "1", "--concurrency", "0"]) == 2
    assert capsys.readouterr().err == "error: concurrency: takes a whole number of at least 1, not 0\n"


def test_an_invalid_count_is_explained(example: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        example.main(["--count", "0"])
    assert raised.value.code == 2
    assert "--count takes a whole number of at least 1" in capsys.readouterr().err


async def test_a_page_of_ids_is_fetched_only_when_the_one_before_it_is_used_up(example: ModuleType) -> None:
    async with (
        Emulator(registrations=150) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox,
    ):
        ids = example.listed_ids(ultravox, example.Tally(120, sys.stdout))
        requests = [emulator.received async for _ in ids]
    assert requests == [1] * 100 + [2] * 20


@pytest.fixture
def shown(example: ModuleType, account: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    del account  # it is what is shown
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    example.main(["--count", "20"])
    return terminal.getvalue()


def test_on_a_terminal_one_line_shows_the_progress(shown: str) -> None:
    assert shown.startswith(f"{ERASE_LINE}fetched 0 of 20, 0 failed, ")
    assert "\n" not in shown


def test_the_progress_line_is_gone_in_the_end(shown: str) -> None:
    assert shown.rpartition(ERASE_LINE)[2] == ""
    assert "fetched" in shown


def test_ctrl_c_leaves_no_traceback(run: Runner, account: Emulator) -> None:
    account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[-1]}")

    def interrupt() -> None:
        for _ in range(1000):
            if account.counts[200] >= 20:  # a page, and all but the one that stalls
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.01)

    person = threading.Thread(target=interrupt, daemon=True)
    person.start()
    done = run()
    person.join()
    assert (done.code, done.stderr) == (130, "")


async def shown_on(terminal: int) -> AsyncIterator[bytes]:
    while True:
        try:
            shown = await asyncio.to_thread(os.read, terminal, 65536)
        except OSError:  # Linux raises this at the end; other systems return an empty read
            return
        if not shown:
            return
        yield shown


async def test_ctrl_c_on_a_terminal_ends_it_with_the_summary_so_far() -> None:
    async with stalling_account() as account:
        terminal, stderr = pty.openpty()
        try:
            async with running(NAME, account=account, stderr=stderr) as process:
                os.close(stderr)
                shown = b""
                async for chunk in shown_on(terminal):
                    shown += chunk
                    if b"fetched 19 of 20" in shown:
                        break
                process.send_signal(signal.SIGINT)
                code, stdout, _ = await ended(process)
        finally:
            os.close(terminal)
    assert (code, Run(code, stdout, "").numbers["found"]) == (130, "19")
    assert "\nInterrupted. So far:\n" in stdout


@asynccontextmanager
async def stalling_account() -> AsyncGenerator[Emulator]:
    async with Emulator(registrations=20, requests_per_second=None) as account:
        account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[-1]}")
        yield account


@pytest.mark.usefixtures("account")
def test_with_standard_output_closed_it_only_says_what_came_of_it(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert example.main(["--json"]) == 0
    sys.stdout.close()
    assert "\nfound          20\n" in capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_with_standard_error_closed_standard_output_has_the_registrations_only(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert example.main(["--json"]) == 0
    sys.stderr.close()
    assert len([json.loads(line) for line in capsys.readouterr().out.splitlines()]) == 20


@pytest.mark.usefixtures("account")
def test_ctrl_c_while_the_summary_is_printed_leaves_no_traceback(
    example: ModuleType, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_tally: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(example.Tally, "summary", interrupt)
    assert run().code == 130
