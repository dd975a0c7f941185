import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import ModuleType

import attrs
import pytest

from tests.examples.example_scripts import PATIENCE, ended, line_with, loaded, running
from ultravox_async import (
    Added,
    AsyncUltravox,
    Change,
    Changed,
    Interrupted,
    Removed,
    Resumed,
    ServerError,
    SipRegistration,
)
from ultravox_async.testing import Emulator, Respond, Stall

NAME = "watch_bot"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=3, requests_per_second=None) as emulator:
        yield emulator


def registration(*, successful: bool | None) -> SipRegistration:
    created = datetime(2026, 7, 2, tzinfo=UTC)
    return SipRegistration("r1", created, "alice", "sip.example.com", successful=successful)


REGISTERED = registration(successful=True)
LINES: list[tuple[Change[SipRegistration], str | None]] = [
    (Added("r1", REGISTERED), None),
    (Changed("r1", REGISTERED, registration(successful=False)), "alice@sip.example.com: registered -> failed"),
    (Changed("r1", registration(successful=None), REGISTERED), "alice@sip.example.com: unknown -> registered"),
    (Changed("r1", REGISTERED, attrs.evolve(REGISTERED, auth_user="bob")), None),
    (Removed("r1", REGISTERED), "alice@sip.example.com: vanished"),
    (Removed("r1", None), "r1: vanished"),
    (Interrupted(ServerError(502, "GET", "/x")), "not all could be read, because of: 502 Bad Gateway: GET /x"),
    (Resumed(3), "all could be read again, after 3 failed rounds"),
]


@pytest.mark.parametrize(("change", "line"), LINES)
def test_a_change_is_a_line(example: ModuleType, change: Change[SipRegistration], line: str | None) -> None:
    assert example.line_about(change) == line


async def test_what_waiting_does_not_cure_ends_the_watch(account: Emulator) -> None:
    async with running(NAME, "--interval", "0.01", account=account) as process:
        await line_with("Watching", process)
        while account.received < 3:  # noqa: ASYNC110 - another process brings them
            await asyncio.sleep(0.01)
        account.inject(Respond(400), times=1)
        code, _, stderr = await ended(process)
    assert code == 2
    assert stderr.startswith("error: 400 Bad Request: GET /api/sip/registrations")


async def test_no_more_pages_are_listed_than_needed(example: ModuleType) -> None:
    async with (
        Emulator(registrations=250) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox,
    ):
        assert await example.listed_ids(ultravox, 120) == emulator.registration_ids[:120]
        assert emulator.received == 2


@pytest.mark.parametrize(
    "line", ["bot-3@sip.example.com: unknown -> registered", ": failed -> registered", ": vanished"]
)
async def test_the_embedded_emulator_has_something_to_show(line: str) -> None:
    async with running(NAME, "--count", "20", "--interval", "0.01") as process:
        await line_with(line, process)


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
async def test_it_watches_until_it_is_told_to_stop(way: signal.Signals) -> None:
    async with running(NAME, "--count", "20", "--interval", "0.01") as process:
        await line_with("vanished", process)
        process.send_signal(way)
        code, stdout, stderr = await ended(process)
    assert (code, stdout.splitlines()[-1], stderr) == (0, "Stopped.", "")


async def test_it_stops_in_the_middle_of_a_request_too(account: Emulator) -> None:
    account.inject(Stall())
    async with running(NAME, account=account) as process:
        await line_with("Watching the API", process)
        process.send_signal(signal.SIGINT)
        assert await ended(process) == (0, "Stopped.\n", "")


async def test_with_a_key_it_watches_the_account_of_the_api() -> None:
    async with (
        Emulator(registrations=3, pending_reads=2) as account,
        AsyncUltravox(account.api_key, base_url=account.base_url) as ultravox,
    ):
        await ultravox.sip.registrations.create(username="alice", password="secret", proxy="sip.example.com")
        async with running(NAME, "--interval", "0.01", account=account) as process:
            assert await line_with("Watching", process) == "Watching the API every 0.01 s; Ctrl-C ends it."
            assert (await line_with("alice", process)).endswith(" alice@sip.example.com: unknown -> registered")


async def test_an_empty_account_is_nothing_to_watch() -> None:
    async with Emulator(registrations=0) as account, running(NAME, account=account) as process:
        code, stdout, _ = await ended(process)
    assert (code, stdout.splitlines()[-1]) == (0, "Nothing is left to watch.")


async def test_a_key_that_the_api_refuses_is_one_line_and_exit_code_2(account: Emulator) -> None:
    stranger = Emulator("another-key", registrations=0, port=int(account.base_url.rpartition(":")[2]))
    async with running(NAME, account=stranger) as process:
        code, _, stderr = await ended(process)
    expected = "error: 401 Unauthorized: GET /api/sip/registrations: The API key is not valid.\n"
    assert (code, stderr) == (2, expected)


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--interval", "0"], ["--interval", "nan"]])
def test_invalid_numbers_are_explained(
    example: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        example.main(arguments)
    assert raised.value.code == 2
    assert "--count and --interval take numbers above 0" in capsys.readouterr().err


def test_where_a_loop_has_no_signal_handlers_ctrl_c_ends_it_too(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    async def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", refuse)
    monkeypatch.setattr(example, "watch", interrupted)
    assert example.main([]) == 0
