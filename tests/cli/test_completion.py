import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.running import ultravox
from ultravox_async_cli.index import RESOURCES

_BIN = Path(sys.executable).parent


def completions(*words: str) -> Sequence[str]:
    result = ultravox("completion", "words", *words)
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


@pytest.mark.parametrize("words", [[], [""]])
def test_everything_at_the_top_is_offered_in_the_beginning(words: list[str]) -> None:
    assert {*completions(*words)} == {*RESOURCES, "api", "completion", "doctor", "emulator"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ca"], ["call-throttles", "calls"]),
        (["sip", "registrations", "w"], ["wait", "watch"]),
        (["sip", "registrations", "a"], ["apply"]),
        (["calls", "list", "--from"], ["--from-date"]),
        (["calls", "list", "--output", "j"], ["json", "jsonl"]),
        (["calls", "get", "x", "--via", ""], ["auto", "get", "list"]),
        (["calls", "list", "--search", ""], []),
        (["calls", "create", "--recording-enabled", "--max"], ["--max-duration"]),
        (["calls", "list", ""], []),
        (["calls", "recording", "id", ""], []),
        (["cals", ""], []),
        (["--output", ""], []),
    ],
)
def test_the_last_word_is_completed(words: list[str], offered: list[str]) -> None:
    assert completions(*words) == offered


def test_bash_completes_commands() -> None:
    script = ultravox("completion", "bash").out
    asks = 'COMP_WORDS=(ultravox sip registrations w); COMP_CWORD=3; _ultravox; echo "${COMPREPLY[@]}"'
    done = subprocess.run(  # noqa: S603 - the script that is tested
        ["/bin/bash", "-c", f"{script}{asks}; complete -p ultravox"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{_BIN}:/usr/bin:/bin"},
    )
    assert done.stdout == "wait watch\ncomplete -o default -F _ultravox ultravox\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    result = ultravox("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert "ultravox completion words" in result.out


def test_its_help_names_the_shells_and_nothing_else() -> None:
    assert ultravox("completion", "--help").out.splitlines()[0] == "usage: ultravox completion [options] SHELL"


def test_other_shells_are_refused() -> None:
    assert ultravox("completion", "cmd").code == 2
