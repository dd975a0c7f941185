import shlex
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
        (["--output", "j"], ["json", "jsonl"]),
        (["--output=j"], ["--output=json", "--output=jsonl"]),
        (["--profile", "p", "--output", "csv", "sip", "c"], ["config"]),
        (["--pro"], ["--profile"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["api", "P"], ["PATCH", "POST", "PUT"]),
        (["calls", "create", "--first-speaker", "FIRST_SPEAKER_US"], ["FIRST_SPEAKER_USER"]),
        (["sip", "registrations", "list", "--fields", "username,p"], ["username,proxy"]),
        (["sip", "registrations", "get", "@no-such-folder/"], []),
    ],
)
def test_the_last_word_is_completed(words: list[str], offered: list[str]) -> None:
    assert completions(*words) == offered


def test_files_are_completed_behind_their_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "ids.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert completions("calls", "get", "@f") == ["@folder/"]
    assert completions("calls", "get", "@folder/i") == ["@folder/ids.txt"]


def test_profiles_are_those_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "ultravox" / "config.toml"
    file.parent.mkdir()
    file.write_text("[profiles.work]\n[profiles.home]\n", "utf-8")
    file.chmod(0o600)
    result = ultravox("completion", "words", "--profile", "", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert result.out == "home\nwork\n"
    file.unlink()
    assert ultravox("completion", "words", "--profile", "", env={"XDG_CONFIG_HOME": str(tmp_path)}).out == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files and a profile whose names mean something to a shell."""
    for name in ("my ids.txt", "x$(touch made)", "two\nlines"):
        (tmp_path / name).touch()
    file = tmp_path / ".config" / "ultravox" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[profiles.work]\n[profiles."*"]\n[profiles."a\\nb"]\n', "utf-8")
    file.chmod(0o600)
    return tmp_path


def run_in_bash(program: str, folder: Path) -> str:
    command = ["/bin/bash", "-c", f"{ultravox('completion', 'bash').out}\n{program}"]
    environment = {"PATH": f"{_BIN}:/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder)  # noqa: S603 - the script that is tested
    return done.stdout


@pytest.mark.parametrize(
    ("line", "replaced", "offered"),
    [
        ("ultravox sip registrations w", "w", "wait watch"),
        ("ultravox calls list --output=js", "js", "json jsonl"),
        ("ultravox sip registrations get @m", "@m", r"@my\ ids.txt"),
        ('ultravox sip registrations get "@m', "@m", "@my ids.txt"),
        ("ultravox sip registrations get * --vi", "--vi", "--via"),
        ("ultravox calls list ", "", ""),
        ("ultravox sip registrations get @x", "@x", r"@x\$\(touch\ made\)"),
        ('ultravox sip registrations get "@x', "@x", ""),
        ("ultravox --profile ", "", r"\* work"),
    ],
)
def test_bash_completes_the_last_word(line: str, replaced: str, offered: str, folder: Path) -> None:
    asked = f"COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; _ultravox ultravox {shlex.quote(replaced)}"
    shown = run_in_bash(f'{asked}; echo "${{COMPREPLY[@]}}"; complete -p ultravox', folder)
    assert shown == f"{offered}\ncomplete -o default -F _ultravox ultravox\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    result = ultravox("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert "ultravox completion words" in result.out


def test_its_help_names_the_shells_and_nothing_else() -> None:
    assert ultravox("completion", "--help").out.splitlines()[0] == "usage: ultravox completion [options] SHELL"


def test_other_shells_are_refused() -> None:
    assert ultravox("completion", "tcsh").err == "error: SHELL takes bash, zsh or fish, not tcsh\n"
