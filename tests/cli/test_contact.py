"""A server that does not answer."""

import argparse
import io
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ultravox
from ultravox_async import AsyncUltravox, AttemptInfo, RequestInfo, Stats, Sweep
from ultravox_async.testing import DropConnection, Emulator
from ultravox_async_cli import contact
from ultravox_async_cli.bulk.fetching import run
from ultravox_async_cli.terminal import Terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "FIRST_CONTACT", 0.0)


@pytest.fixture
def nobody() -> Iterator[Mapping[str, str]]:
    """An address where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield {"ULTRAVOX_API_KEY": "key", "ULTRAVOX_BASE_URL": f"http://127.0.0.1:{unused.getsockname()[1]}"}


def test_a_listing_gives_up_soon_where_nothing_listens(nobody: Mapping[str, str]) -> None:
    result = ultravox("models", "list", env=nobody)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: no answer from {nobody['ULTRAVOX_BASE_URL']}; ultravox doctor finds out why\n"


def test_a_person_is_told_for_how_long_it_goes_on(nobody: Mapping[str, str]) -> None:
    result = ultravox("models", "list", env=nobody, columns=80)
    assert result.err.startswith(f"no answer from {nobody['ULTRAVOX_BASE_URL']}, trying for another 0 s\n")


def test_ids_that_nobody_answers_for_are_left(nobody: Mapping[str, str], tmp_path: Path) -> None:
    left = tmp_path / "left"
    result = ultravox("calls", "get", "one", "two", "--failed", str(left), env=nobody)
    assert (result.code, left.read_text()) == (1, "one\ntwo\n")
    assert "error: no answer from" in result.err


def test_without_contact_all_ids_are_left_and_the_error_is_raised(nobody: Mapping[str, str], tmp_path: Path) -> None:
    left = tmp_path / "left"
    options = {"failed": str(left), "output": "jsonl", "fields": None, "show_secrets": False, "profile": None}

    def unreachable(_: AsyncUltravox, __: Sequence[str]) -> Sweep[Any]:
        raise contact.NoContactError("http://127.0.0.1")

    terminal = Terminal(io.TextIOWrapper(io.BytesIO()), io.StringIO(), io.StringIO(), nobody)
    with pytest.raises(contact.NoContactError):
        run(terminal, argparse.Namespace(**options), ["one"], unreachable, [])
    assert left.read_text() == "one\n"


def test_a_server_that_was_reached_is_waited_for(account: Mapping[str, str], emulator: Emulator) -> None:
    emulator.inject(DropConnection(), times=1)
    assert ultravox("sip", "config", env=account).code == 0


class InOutage(AsyncUltravox):
    @property
    def stats(self) -> Stats:
        return Stats(outages=1)


async def test_a_person_is_told_once_of_an_outage() -> None:
    screen = Screen()
    terminal = Terminal(io.StringIO(), io.StringIO(), screen, {})
    watching = contact.Contact(terminal, "http://127.0.0.1")
    request = RequestInfo("GET", "/api/models", "http://127.0.0.1/api/models", "background")
    async with watching.around(InOutage("key", base_url="http://127.0.0.1")):
        for error in (None, "ServerError", "ServerError"):
            watching.attempt_ended(None, request, AttemptInfo(1, None, error, 0.1, 0.0, 0.0, connection_reused=False))
    assert screen.getvalue() == "no answer from http://127.0.0.1, trying for another 60 s\n"


async def test_an_error_of_another_timeout_is_no_lack_of_contact() -> None:
    watching = contact.Contact(Terminal(io.StringIO(), io.StringIO(), io.StringIO(), {}), "http://127.0.0.1")
    with pytest.raises(TimeoutError, match="too slow"):
        async with watching.around(AsyncUltravox("key", base_url="http://127.0.0.1")):
            raise TimeoutError("too slow")
