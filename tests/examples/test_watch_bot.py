import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from types import ModuleType

import pytest

from tests.examples.example_scripts import PATIENCE, ended, line_with, loaded, running
from ultravox_async import AsyncUltravox, RetryPolicy
from ultravox_async.testing import Emulator, Respond, Stall

NAME = "watch_bot"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=3, requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
async def ultravox(account: Emulator) -> AsyncIterator[AsyncUltravox]:
    retry = RetryPolicy(max_attempts=1)
    async with AsyncUltravox(account.api_key, base_url=account.base_url, retry=retry) as ultravox:
        yield ultravox


async def no_pause() -> None:
    pass


def after_sweep(number: int, happening: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    sweeps = count(1)

    async def pause() -> None:
        if next(sweeps) == number:
            happening()

    return pause


async def test_a_registration_that_fails_is_reported(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    pause = after_sweep(1, lambda: account.refuse_proxy("sip-1.example.com"))
    async with aclosing(example.changes(ultravox, account.registration_ids, pause)) as lines:
        assert await anext(lines) == "user-000001@sip-1.example.com: registered -> failed"


async def test_a_registration_that_succeeds_is_reported(example: ModuleType, ultravox: AsyncUltravox) -> None:
    new = await ultravox.sip.registrations.create(username="alice", password="secret", proxy="sip.example.com")
    async with aclosing(example.changes(ultravox, [new.registration_id], no_pause)) as lines:
        assert await anext(lines) == "alice@sip.example.com: unknown -> registered"


async def test_a_change_is_reported_once(example: ModuleType, ultravox: AsyncUltravox, account: Emulator) -> None:
    sweeps = count(1)

    async def pause() -> None:
        happening = {1: account.refuse_proxy, 4: account.accept_proxy}.get(next(sweeps))
        if happening is not None:
            happening("sip-1.example.com")

    async with aclosing(example.changes(ultravox, account.registration_ids, pause)) as lines:
        assert await anext(lines) == "user-000001@sip-1.example.com: registered -> failed"
        assert await anext(lines) == "user-000001@sip-1.example.com: failed -> registered"


async def test_a_registration_without_changes_is_not_reported(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    pause = after_sweep(9, lambda: account.refuse_proxy("sip-2.example.com"))
    async with aclosing(example.changes(ultravox, account.registration_ids, pause)) as lines:
        assert await anext(lines) == "user-000002@sip-2.example.com: registered -> failed"
    assert account.received > 9 * 3


async def test_a_change_during_an_outage_is_reported_after_it(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    def break_down() -> None:
        account.refuse_proxy("sip-0.example.com")
        account.inject(Respond(500), times=3)

    async with aclosing(example.changes(ultravox, account.registration_ids, after_sweep(1, break_down))) as lines:
        await anext(lines)
        assert await anext(lines) == "user-000000@sip-0.example.com: registered -> failed"


async def test_the_errors_of_a_sweep_are_one_line(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    account.inject(Respond(500), times=2)
    async with aclosing(example.changes(ultravox, account.registration_ids, no_pause)) as lines:
        line = await anext(lines)
    said = "2 of 3 could not be read, the first because of: 500 Internal Server Error: GET /api/sip/registrations/"
    assert line.startswith(said)


async def test_an_id_that_vanishes_is_reported_once(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    first, second, _ = account.registration_ids
    account.inject(Respond(404), times=3, path=f"/api/sip/registrations/{first}")
    pause = after_sweep(3, lambda: account.refuse_proxy("sip-1.example.com"))
    async with aclosing(example.changes(ultravox, [first, second], pause)) as lines:
        assert await anext(lines) == f"{first}: vanished"
        assert await anext(lines) == "user-000001@sip-1.example.com: registered -> failed"


async def test_a_registration_that_vanishes_is_reported_by_name_if_that_is_known(
    example: ModuleType, ultravox: AsyncUltravox, account: Emulator
) -> None:
    gone = account.registration_ids[1]
    pause = after_sweep(1, lambda: account.inject(Respond(404), path=f"/api/sip/registrations/{gone}"))
    async with aclosing(example.changes(ultravox, account.registration_ids, pause)) as lines:
        assert await anext(lines) == "user-000001@sip-1.example.com: vanished"


async def test_the_watch_ends_when_nothing_is_left(example: ModuleType, ultravox: AsyncUltravox) -> None:
    lines = [line async for line in example.changes(ultravox, ["nobody", "no-one"], no_pause)]
    assert sorted(lines) == ["no-one: vanished", "nobody: vanished"]


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
        assert await ended(process) == (0, "Stopped.\n", "")


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
