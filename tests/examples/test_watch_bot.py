import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import ModuleType

import attrs
import pytest

from tests.examples.example_scripts import PATIENCE, ended, line_with, loaded, running, until
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


@attrs.frozen
class Watching:
    """The example, running as a task of the test, and what it prints."""

    task: asyncio.Task[int]
    _capsys: pytest.CaptureFixture[str]
    _lines: list[str] = attrs.field(factory=list[str], init=False)

    async def line_with(self, text: str) -> str:
        while True:
            self._lines.extend(self._capsys.readouterr().out.splitlines())
            while self._lines:
                if text in (line := self._lines.pop(0)):
                    return line
            assert not self.task.done(), f"{text!r} was not printed"
            await asyncio.sleep(0.01)


@pytest.fixture
async def watching(
    example: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Watching]]:
    tasks: list[asyncio.Task[int]] = []

    def watching(count: int = 50, *, account: Emulator | None = None, key: str | None = None) -> Watching:
        if account is None:
            monkeypatch.delenv("ULTRAVOX_API_KEY", raising=False)
        else:
            monkeypatch.setenv("ULTRAVOX_API_KEY", key or account.api_key)
            monkeypatch.setenv("ULTRAVOX_BASE_URL", account.base_url)
        tasks.append(asyncio.create_task(example.watch_until_told_to_stop(count, 0.01)))
        return Watching(tasks[-1], capsys)

    yield watching
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_waiting_does_not_cure_ends_the_watch(
    watching: Callable[..., Watching], account: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = watching(account=account)
    await until(lambda: account.received >= 3)
    account.inject(Respond(400), times=1)
    assert await bot.task == 2
    assert capsys.readouterr().err.startswith("error: 400 Bad Request: GET /api/sip/registrations")


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
async def test_the_embedded_emulator_has_something_to_show(watching: Callable[..., Watching], line: str) -> None:
    await watching(20).line_with(line)


# A process, as a user starts it.
async def test_it_watches_until_sigterm() -> None:
    async with running(NAME, "--count", "20", "--interval", "0.01") as process:
        await line_with("vanished", process)
        process.send_signal(signal.SIGTERM)
        code, stdout, stderr = await ended(process)
    assert (code, stdout.splitlines()[-1], stderr) == (0, "Stopped.", "")


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
async def test_it_watches_until_it_is_told_to_stop(
    watching: Callable[..., Watching], way: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = watching(20)
    await bot.line_with("vanished")
    signal.raise_signal(way)
    assert await bot.task == 0
    stdout, stderr = capsys.readouterr()
    assert (stdout.splitlines()[-1], stderr) == ("Stopped.", "")


async def test_it_stops_in_the_middle_of_a_request_too(
    watching: Callable[..., Watching], account: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    account.inject(Stall())
    bot = watching(account=account)
    await bot.line_with("Watching the API")
    await until(lambda: account.received)
    signal.raise_signal(signal.SIGINT)
    assert (await bot.task, *capsys.readouterr()) == (0, "Stopped.\n", "")


async def test_with_a_key_it_watches_the_account_of_the_api(watching: Callable[..., Watching]) -> None:
    async with (
        Emulator(registrations=3, pending_reads=2) as account,
        AsyncUltravox(account.api_key, base_url=account.base_url) as ultravox,
    ):
        await ultravox.sip.registrations.create(username="alice", password="secret", proxy="sip.example.com")
        bot = watching(account=account)
        assert await bot.line_with("Watching") == "Watching the API every 0.01 s; Ctrl-C ends it."
        assert (await bot.line_with("alice")).endswith(" alice@sip.example.com: unknown -> registered")


async def test_an_empty_account_is_nothing_to_watch(
    watching: Callable[..., Watching], capsys: pytest.CaptureFixture[str]
) -> None:
    async with Emulator(registrations=0) as account:
        assert await watching(account=account).task == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is left to watch."


async def test_a_key_that_the_api_refuses_is_one_line_and_exit_code_2(
    watching: Callable[..., Watching], account: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await watching(account=account, key="another-key").task
    expected = "error: 401 Unauthorized: GET /api/sip/registrations: The API key is not valid.\n"
    assert (code, capsys.readouterr().err) == (2, expected)


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
