import inspect
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.cli.running import ultravox
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator
from ultravox_async_cli.command import Command
from ultravox_async_cli.dispatch import all_commands, find, parser_of
from ultravox_async_cli.index import COMMANDS, RESOURCES
from ultravox_async_cli.operations import docs
from ultravox_async_cli.operations.parameters import parameters_of
from ultravox_async_cli.operations.tree import Operation, all_groups, specimen

SECRET = "a-secret-value"

# What all commands have, or what some of them have beside the parameters of their operations.
TAKEN = {"profile", "output", "fields", "show_secrets", "limit", "target", "secret_file", "failed", "help"}


def methods_of(owner: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the names that lead to each public method of the resources, found in another way than the command does."""
    names = {*dir(type(owner)), *vars(owner)}
    for name in sorted(name for name in names if not name.startswith("_")):
        value = getattr(owner, name)
        if inspect.ismethod(value) and path:
            yield (*path, name)
        elif type(value).__module__.startswith("ultravox_async.resources"):
            yield from methods_of(value, (*path, name))


@cache
def operations() -> list[Operation]:
    return [operation for group in all_groups(specimen()) for operation in group.walk()]


@cache
def commands() -> Mapping[str, Command]:
    return {" ".join(path): command for path, command in all_commands(specimen())}


def test_every_method_of_every_resource_is_reached() -> None:
    reached = [(*one.resource, one.function.__name__) for one in operations()]
    reached += [(*one.resource, one.many.__name__) for one in operations() if one.many is not None]
    assert sorted(reached) == sorted(methods_of(AsyncUltravox("a-key")))
    assert len(reached) == len(set(reached)) >= 135


def test_each_command_is_one_operation() -> None:
    words = [one.words for one in operations()]
    assert len(words) == len(set(words)) >= 123
    assert not set(COMMANDS) & set(words)


def test_the_names_at_the_top_are_those_of_the_resources_of_the_client() -> None:
    assert {group.words[0]: group.summary for group in all_groups(specimen())} == RESOURCES


@pytest.mark.parametrize(
    ("words", "method"),
    [
        (["sip", "config"], "get_config"),
        (["sip", "registrations", "wait"], "wait_until_registered"),
        (["sip", "registrations", "watch"], "watch"),
        (["calls", "delete-when-billed"], "delete_when_billed"),
        (["corpora", "sources", "documents", "get"], "get"),
        (["accounts", "tts-api-keys", "update"], "update"),
    ],
)
def test_commands_are_called_as_people_would(words: list[str], method: str) -> None:
    operation = next(one for one in operations() if [*one.words] == words)
    assert operation.function.__name__ == method
    assert find(words)[0] == tuple(words)


def test_a_parameter_never_has_the_name_of_an_option_that_all_commands_have() -> None:
    names = {parameter.name for one in operations() for parameter in parameters_of(one.many or one.function)}
    assert len(names) > 80
    assert not names & TAKEN


def test_every_command_and_option_is_described() -> None:
    for words, command in commands().items():
        parser = parser_of(words.split(), command, 80)
        assert command.summary, words
        options = parser.options
        assert [name for name, action in options.items() if not action.help] == [], words


@pytest.mark.parametrize("words", ["sip registrations get", "calls create", "api", "completion", "emulator", "doctor"])
def test_help_shows_what_a_command_takes_and_examples(words: str) -> None:
    result = ultravox(*words.split(), "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"usage: ultravox {words} [options]")
    assert f"examples:\n  {commands()[words].examples[0]}\n" in result.out


def test_help_wins_over_what_is_missing() -> None:
    assert ultravox("calls", "wait", "-h").code == 0


def test_the_help_of_a_group_has_what_is_derived_and_what_is_not() -> None:
    result = ultravox("sip", "registrations")
    assert result.code == 0
    lines = result.out.splitlines()
    assert "  get     Fetch one registration, or many" in lines
    assert any(line.startswith("  apply ") for line in lines)
    assert "  registrations  The SIP registrations of the account …" in ultravox("sip", "--help").out.splitlines()


def test_help_needs_no_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_sources(_: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr(inspect, "getsource", without_sources)
    docs.classes_in.cache_clear()
    result = ultravox("corpora", "create", "--help")
    docs.classes_in.cache_clear()
    assert result.code == 0
    assert "--description TEXT" in result.out


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("calls", "list"), "--agent-ids TEXT"),
        (("sip", "update-config"), "--allowed-cidr-ranges TEXT"),
        (("sip", "update-config"), "--allowed-agents JSON"),
        (("calls", "list"), "--duration-min DURATION"),
    ],
)
def test_the_help_says_what_an_option_takes(words: tuple[str, ...], option: str) -> None:
    assert option in ultravox(*words, "--help").out


def test_deprecated_commands_say_so() -> None:
    assert "Deprecated: use the providers of ultravox.telephony" in ultravox(
        "accounts", "telephony-config", "get", "-h"
    ).out.replace("\n", " ")


def words_of(example: str) -> list[str]:
    """Return the words behind the name of the command, which may stand in a pipeline or in a substitution."""
    words = shlex.split(example.replace('eval "$(', "").replace(')"', ""), comments=True)
    words = words[words.index("ultravox") + 1 :]
    return words[: words.index("|")] if "|" in words else words


README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_commands_of_the_readme_can_be_typed() -> None:
    (block,) = re.findall(r"^```bash\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = block.splitlines()
    assert len(lines) >= 3
    for line in lines:
        path, command = find(words_of(line))
        parser_of(path, command, 80).parse_args(words_of(line)[len(path) :])


FILES = {
    "ids.txt": "3fa85f64-5717-4562-b3fc-2c963f66afa6\n",
    "ann.mp3": "sound",
    "manual.pdf": "%PDF",
    "openapi.json": json.dumps(
        {"openapi": "3.1.0", "paths": {"/tables": {"post": {"operationId": "bookTable", "responses": {}}}}}
    ),
    "password.txt": SECRET,
    "template.json": json.dumps({"systemPrompt": "You sell bicycles.", "temperature": 0.2}),
    "registrations.csv": f"username,proxy,password\nalice,sip.example.com,{SECRET}\n",
    "twilio.json": json.dumps({"accountSid": "AC1", "authToken": SECRET}),
}
VARIABLES = dict.fromkeys(("SIP_PASSWORD", "ELEVEN_LABS_KEY", "AUTH_TOKEN", "API_KEY", "PUBLIC_KEY"), SECRET)


def test_every_example_does_what_the_api_understands(
    account: Mapping[str, str], emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).write_text(content, "utf-8")
    examples = [example for words, command in commands().items() if words != "emulator" for example in command.examples]
    assert len(examples) > 123
    for example in examples:
        before = len(emulator.requests)
        result = ultravox(*words_of(example), env={**account, **VARIABLES})
        # The ids of the examples do not exist.
        assert result.code in {0, 4}, f"{example}: {result}"
        assert len(emulator.requests) > before or "completion" in example, example
        assert SECRET not in result.out + result.err
