"""The command as a person uses it: in a terminal, which is narrow or wide, and with a keyboard."""

import json
from collections.abc import Mapping

import pytest

from tests.cli.pseudo_terminal import CTRL_C, session
from ultravox_async.testing import Emulator

PASSWORD = "typed-by-a-person"


@pytest.fixture(scope="module")
def first(emulator: Emulator) -> str:
    return emulator.registration_ids[0]


@pytest.mark.parametrize(("width", "is_complete"), [(80, False), (200, True)])
def test_a_listing_is_a_table_that_fits(account: Mapping[str, str], first: str, width: int, is_complete: bool) -> None:  # noqa: FBT001 - a parameter
    with session("sip", "registrations", "list", env={**account, "NO_COLOR": "1"}, width=width) as person:
        assert person.end() == 0
    lines = person.shown.splitlines()
    assert first in person.shown
    assert "\x1b" not in person.shown
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith("not shown: ") is not is_complete


def test_a_password_is_asked_for_and_not_shown(account: Mapping[str, str], emulator: Emulator) -> None:
    words = ("sip", "registrations", "create", "--username", "alice", "--proxy", "sip.example.com")
    with session(*words, env=account) as person:
        person.wait_for("password: ")
        person.type(f"{PASSWORD}\n")
        assert person.end() == 0
    assert json.loads(emulator.requests[-1].body)["password"] == PASSWORD
    assert PASSWORD not in person.shown


def test_ctrl_c_ends_a_watch_without_a_traceback(account: Mapping[str, str]) -> None:
    with session("sip", "registrations", "watch", env=account) as person:
        person.wait_for("added  user-")
        person.type(CTRL_C)
        assert person.end() == 130
    assert "Traceback" not in person.shown
