import asyncio
import os
import pty
import signal
from collections.abc import AsyncIterator
from types import ModuleType

import pytest

from tests.examples.example_scripts import ended, line_with, loaded, running
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator, Respond, Stall

NAME = "fetch_registrations"
ERASE_LINE = b"\r\x1b[K"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=20, requests_per_second=None) as emulator:
        yield emulator


def numbers_in(stdout: str) -> dict[str, str]:
    words = [line.split() for line in stdout.splitlines()]
    return {pair[0]: pair[1] for pair in words if len(pair) == 2}


async def shown_on(terminal: int) -> AsyncIterator[bytes]:
    while True:
        try:
            shown = await asyncio.to_thread(os.read, terminal, 65536)
        except OSError:  # Linux raises this at the end; other systems return an empty read
            return
        if not shown:
            return
        yield shown


async def test_it_fetches_every_registration_of_the_embedded_emulator() -> None:
    async with running(NAME, "--count", "20") as process:
        code, stdout, _ = await ended(process)
    numbers = numbers_in(stdout)
    assert (code, numbers["found"], numbers["failed"]) == (0, "20", "0")


async def test_it_says_that_it_uses_the_embedded_emulator() -> None:
    async with running(NAME, "--count", "1") as process:
        _, stdout, _ = await ended(process)
    assert stdout.startswith("Fetching from the embedded emulator")


async def test_it_shows_no_progress_if_stderr_is_not_a_terminal() -> None:
    async with running(NAME, "--count", "20") as process:
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")


async def test_with_a_key_it_says_that_it_uses_the_api(account: Emulator) -> None:
    async with running(NAME, account=account) as process:
        code, stdout, _ = await ended(process)
    assert (code, stdout.startswith("Fetching from the API")) == (0, True)


async def test_with_a_key_it_fetches_as_many_of_the_account_as_it_is_told(account: Emulator) -> None:
    async with running(NAME, "--count", "12", account=account) as process:
        await ended(process)
    asked_for = {request.path.rpartition("/")[2] for request in account.requests[1:]}
    assert asked_for == set(account.registration_ids[:12])


async def test_an_account_with_fewer_registrations_than_asked_for_is_fetched_whole(account: Emulator) -> None:
    async with running(NAME, "--count", "1000", account=account) as process:
        code, stdout, _ = await ended(process)
    assert (code, numbers_in(stdout)["found"]) == (0, "20")


async def test_repeated_requests_and_429s_are_counted(account: Emulator) -> None:
    account.inject(Respond(429), times=2, path="/api/sip/registrations/")
    async with running(NAME, "--concurrency", "2", account=account) as process:
        code, stdout, _ = await ended(process)
    numbers = numbers_in(stdout)
    assert (code, numbers["found"], numbers["429s"]) == (0, "20", "2")
    assert int(numbers["requests"]) == account.received == 23


async def test_an_id_that_fails_is_counted_and_does_not_stop_the_others(account: Emulator) -> None:
    account.inject(Respond(404), path=f"/api/sip/registrations/{account.registration_ids[3]}")
    async with running(NAME, account=account) as process:
        code, stdout, _ = await ended(process)
    numbers = numbers_in(stdout)
    assert (code, numbers["found"], numbers["failed"]) == (1, "19", "1")


async def test_the_first_five_errors_are_listed(account: Emulator) -> None:
    for registration_id in account.registration_ids[:7]:
        account.inject(Respond(404), path=f"/api/sip/registrations/{registration_id}")
    async with running(NAME, account=account) as process:
        _, stdout, _ = await ended(process)
    assert stdout.count("  404 Not Found: GET /api/sip/registrations/") == 5
    assert "\n  and 2 more\n" in stdout


async def test_a_key_that_the_api_refuses_is_one_line_and_exit_code_2(account: Emulator) -> None:
    stranger = Emulator("another-key", registrations=0, port=int(account.base_url.rpartition(":")[2]))
    async with running(NAME, account=stranger) as process:
        code, _, stderr = await ended(process)
    expected = "error: 401 Unauthorized: GET /api/sip/registrations: The API key is not valid.\n"
    assert (code, stderr) == (2, expected)


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
        ids = example.listed_ids(ultravox, example.Tally(120))
        requests = [emulator.received async for _ in ids]
    assert requests == [1] * 100 + [2] * 20


async def test_on_a_terminal_one_line_shows_the_progress() -> None:
    terminal, stderr = pty.openpty()
    try:
        async with running(NAME, "--count", "20", stderr=stderr) as process:
            os.close(stderr)
            shown = b"".join([chunk async for chunk in shown_on(terminal)])
            await ended(process)
    finally:
        os.close(terminal)
    assert shown.startswith(ERASE_LINE + b"fetched 0 of 20, 0 failed, ")
    assert b"\n" not in shown


async def test_the_progress_line_is_gone_in_the_end() -> None:
    terminal, stderr = pty.openpty()
    try:
        async with running(NAME, "--count", "20", stderr=stderr) as process:
            os.close(stderr)
            shown = b"".join([chunk async for chunk in shown_on(terminal)])
            await ended(process)
    finally:
        os.close(terminal)
    assert shown.rpartition(ERASE_LINE)[2] == b""
    assert b"fetched" in shown


async def test_ctrl_c_ends_it_with_the_summary_so_far(account: Emulator) -> None:
    account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[-1]}")
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
    assert (code, numbers_in(stdout)["found"]) == (130, "19")
    assert "\nInterrupted. So far:\n" in stdout


async def test_ctrl_c_leaves_no_traceback() -> None:
    async with running(NAME) as process:
        await line_with("Fetching from the embedded emulator", process)
        process.send_signal(signal.SIGINT)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (130, "")
