import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.cli.ctrl_c import CtrlC, ctrl_c_works
from tests.cli.running import ultravox
from ultravox_async.testing import Emulator


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["cals"], "there is no command cals; did you mean calls?"),
        (["--outptu", "json", "calls", "list"], "there is no option --outptu; did you mean --output?"),
        (["--outptu=json", "calls", "list"], "there is no option --outptu; did you mean --output?"),
        (["calls", "list", "--limt", "3"], "there is no option --limt; did you mean --limit?"),
        (["calls", "list", "--xyzzy"], "there is no option --xyzzy; see ultravox calls list --help"),
        (["calls", "recording", "id", "rec.wav"], "there is no argument rec.wav; did you mean -o rec.wav?"),
        (["xyzzy"], "there is no command xyzzy; see ultravox --help"),
        (["_transport"], "there is no command _transport; see ultravox --help"),
        (["close"], "there is no command close; did you mean calls?"),
        (["sip", "registrations", "aply"], "there is no command sip registrations aply; did you mean apply?"),
        (["calls", "stages", "xyzzy"], "there is no command calls stages xyzzy; see ultravox calls stages --help"),
        (["calls", "list", "s3cret"], "there are too many arguments; see ultravox calls list --help"),
        (["calls", "list", "-ps3cret"], "there is no option -p; see ultravox calls list --help"),
        (["-ps3cret", "calls", "list"], "there is no option -p; see ultravox --help"),
        (["api", "GET", "/x", "--query", "s3cret"], "--query takes NAME=VALUE\n"),
        (["calls", "--output", "json", "list"], "options come first or last: ultravox calls COMMAND [options]"),
        ([""], "there is no command ''; see ultravox --help"),
        (["x" * 200], f"there is no command {'x' * 100}…; see ultravox --help"),
        (["calls", "list", "--limit", "9" * 5000], "argument --limit: takes a whole number of at least 1, not 999"),
        (["calls", "create", "--system-prompt", "@"], "cannot read '': Is a directory\n"),
        (["calls", "get", "@"], "'': Is a directory\n"),
        (["calls", "get", "id", "--failed", ""], "'': Is a directory\n"),
        (["sip", "registrations", "apply", ""], "'': Is a directory\n"),
        (["completion"], "the following arguments are required: SHELL; see ultravox completion --help"),
        (["calls", "get"], "the following arguments are required: ID; see ultravox calls get --help"),
        (["sip", "config", "--output", "xml"], "argument --output: invalid choice: 'xml'"),
        (["calls", "list", "--limit", "x"], "argument --limit: takes a whole number of at least 1, not x"),
        (["calls", "list", "--limit", "0"], "argument --limit: takes a whole number of at least 1, not 0"),
        (["--output", "json"], "there is no command; see ultravox --help"),
        (["sip", "--output", "csv", "registrations", "list"], "options come first or last: ultravox sip COMMAND"),
        (["calls", "list", "--fields", ""], "argument --fields: takes the names of fields, with commas between them"),
        (["calls", "list", "--fields", "a,,b"], "argument --fields: takes the names of fields, with commas between"),
        (["calls", "list", "--sort", "-created"], "argument --sort: expected one argument, and one that begins with -"),
        (["api", "GET", "/api/voices?pageSize=1"], "the path takes no query: use --query NAME=VALUE\n"),
    ],
)
def test_a_command_line_that_is_wrong_is_answered_on_one_line(words: list[str], problem: str) -> None:
    result = ultravox(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {problem}")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("calls list --page-size 0", "--page-size: takes a whole number of at least 1"),
        ("calls get ''", "CALL_ID: '' is not a valid id"),
        ("calls create --medium {}", "--medium: takes JSON with exactly one field, not with 0"),
        (
            "tools create --name x --definition {}",
            "--definition: takes JSON with exactly one of http, client, dataConnection, not with 0",
        ),
        (
            """agents create --name x --call-template '{"temperature": 7}'""",
            "--call-template.temperature: takes a number from 0 to 1",
        ),
        (
            "sip registrations update id",
            "takes at least one of --username, --password, --proxy, --outbound-proxy, --auth-user",
        ),
    ],
)
def test_an_argument_that_the_api_would_refuse_has_the_name_that_was_typed(
    account: Mapping[str, str], words: str, problem: str
) -> None:
    result = ultravox(*shlex.split(words), env=account)
    assert (result.code, result.err) == (2, f"error: {problem}\n")


def test_a_file_to_upload_is_described_as_one() -> None:
    assert "The recording: the path of a file." in " ".join(ultravox("voices", "clone", "-h").out.split())


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_command_itself_explains_what_there_is(words: list[str]) -> None:
    result = ultravox(*words)
    assert (result.code, result.err) == (0, "")
    assert "  sip             SIP registrations, and" in result.out
    assert "  doctor      Check" in result.out


def test_the_version_is_that_of_the_package() -> None:
    assert ultravox("--version").out.startswith("ultravox-async 0.")
    assert ultravox("-V").out == ultravox("--version").out


def test_ctrl_c_ends_a_request_at_once(account: Mapping[str, str], emulator: Emulator) -> None:
    emulator.inject(CtrlC(), times=1)
    with ctrl_c_works():
        result = ultravox("sip", "config", env=account)
    assert (result.code, result.out, result.err) == (130, "", "")


@pytest.mark.parametrize("words", [["--help"], ["sip", "config"]])
def test_a_broken_pipe_is_silent(words: list[str], account: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "ultravox_async_cli", *words]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **account, "PYTHONWARNINGS": "error"},
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 141


_IMPORTED = (
    "import sys; from ultravox_async_cli.command_line import run; run({words}); print(*sys.modules, file=sys.stderr)"
)


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        (["--help"], {"aiohttp", "rich", "ultravox_async", "argparse", "yaml"}),
        (["sip", "config", "--output", "jsonl"], {"rich", "yaml"}),
        (["emulator", "--help"], {"ultravox_async.testing", "aiohttp.web"}),
    ],
)
def test_a_command_imports_only_what_it_needs(words: list[str], absent: set[str], account: Mapping[str, str]) -> None:
    program = _IMPORTED.format(words=words)
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **account}
    )
    assert done.stdout
    modules = {*done.stderr.split()}
    assert "ultravox_async_cli.command_line" in modules
    assert not modules & absent


@pytest.fixture
def _without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in {"rich", "yaml"}]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("rich", "yaml"):
        monkeypatch.setitem(sys.modules, name, None)  # so that it cannot be imported
    for name in ("progress_bar", "yaml_text"):
        monkeypatch.delitem(sys.modules, f"ultravox_async_cli.output.{name}", raising=False)


@pytest.mark.usefixtures("_without_extras")
def test_what_has_to_be_installed_is_said_before_anything_is_sent(
    account: Mapping[str, str], emulator: Emulator
) -> None:
    before = len(emulator.requests)
    result = ultravox("sip", "config", "--output", "yaml", env=account)
    assert (result.code, result.err) == (2, "error: YAML needs PyYAML: pip install 'ultravox-async[cli]'\n")
    assert len(emulator.requests) == before


@pytest.mark.usefixtures("_without_extras")
@pytest.mark.parametrize("layout", ["table", "json", "jsonl", "csv"])
def test_without_extras_many_ids_are_fetched_at_a_terminal_without_a_bar(
    account: Mapping[str, str], emulator: Emulator, layout: str
) -> None:
    ids = emulator.registration_ids[:2]
    result = ultravox("sip", "registrations", "get", *ids, "--output", layout, env=account, columns=200)
    assert result.code == 0
    assert [key for key in ids if key in result.out] == ids
    assert re.fullmatch(r"2 fetched, 0 failed, \d+\.\d s\n", result.err)
