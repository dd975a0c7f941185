import getpass
import io
import os
import socket
from collections.abc import Callable

import pytest

from tests.cli.running import ultravox
from ultravox_async_cli.command_line import run
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.terminal import Terminal


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "is_yes"), [("y\n", True), (" YES \n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_only_yes_is_yes(answer: str, is_yes: bool) -> None:  # noqa: FBT001 - a parameter
    screen = io.StringIO()
    assert Terminal(Keyboard(answer), io.StringIO(), screen, {}).ask("Delete \x1b\n it?") is is_yes
    assert screen.getvalue() == "Delete \\u001b\\n it? [y/N] "


class KeyboardOfAnotherEncoding(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO("é\n".encode("latin-1")), "utf-8")

    def isatty(self) -> bool:
        return True


def test_an_answer_in_another_encoding_is_not_yes() -> None:
    assert not Terminal(KeyboardOfAnotherEncoding(), io.StringIO(), io.StringIO(), {}).ask("Delete it?")


def test_a_secret_in_another_encoding_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(_prompt: str, _stream: object) -> str:
        return KeyboardOfAnotherEncoding().readline()

    monkeypatch.setattr(getpass, "getpass", typed)
    with pytest.raises(CommandError, match=r"^the password is not in the encoding of this terminal$"):
        Terminal(Keyboard(), io.StringIO(), io.StringIO(), {}).ask_secret("password")


def test_a_question_that_nobody_can_answer_is_an_error() -> None:
    with pytest.raises(CommandError, match=r"nobody can answer here: Delete it\?"):
        Terminal(io.StringIO("y\n"), io.StringIO(), io.StringIO(), {}).ask("Delete it?")


def test_what_the_encoding_of_a_terminal_does_not_have_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(content, "ascii", write_through=True))
    Terminal.of_process({}).write("Jürgen")
    assert content.getvalue() == b"J\\xfcrgen\n"


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_stream_that_is_closed_is_one_that_goes_nowhere(monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    monkeypatch.setattr(f"sys.{closed}", None)
    assert run(["--version"]) == 0
    assert run(["no-such-command"]) == 2


def test_a_standard_error_that_cannot_be_written_does_not_change_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: PTH123, SIM115 - of a descriptor; closed below
    monkeypatch.setattr("sys.stderr", unwritable)
    assert run(["no-such-command"]) == 2
    unwritable.close()  # which flushes it, as the interpreter does when it exits


def answering(answer: str) -> Callable[[str, object], str]:
    return lambda prompt, _: answer if prompt == "password\\n: " else ""


def test_a_secret_is_asked_for_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(Keyboard(), io.StringIO(), io.StringIO(), {})
    monkeypatch.setattr(getpass, "getpass", answering("s3cret"))
    assert terminal.ask_secret("password\n") == "s3cret"
    monkeypatch.setattr(getpass, "getpass", answering(""))
    with pytest.raises(CommandError, match="the password is empty"):
        terminal.ask_secret("password")


def test_ctrl_d_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_the_end(_prompt: str, _stream: object) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", at_the_end)
    words = ("sip", "registrations", "create", "--username", "ann", "--proxy", "sip.example.com")
    result = ultravox(*words, env={"ULTRAVOX_API_KEY": "unused"}, columns=80)
    assert (result.code, result.out, result.err) == (2, "", "\nerror: the password is empty\n")


def test_the_emulator_refuses_numbers_that_are_out_of_range() -> None:
    result = ultravox("emulator", "--registrations", "-1")
    assert result.code == 2
    assert result.err.startswith("error: ")


def test_the_emulator_needs_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = ultravox("emulator", "--port", str(taken.getsockname()[1]))
    assert result.code == 1
    assert result.err.startswith("cannot listen: ")
