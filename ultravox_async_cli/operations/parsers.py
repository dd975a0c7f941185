"""Parsers of command lines: what all commands take, and what follows from the parameters of an operation."""

import argparse
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NoReturn

from annotated_types import Ge, Interval, MaxLen, MinLen

from ultravox_async.annotations import Format
from ultravox_async_cli.errors import CommandError, HelpRequested
from ultravox_async_cli.index import unknown_option
from ultravox_async_cli.operations.parameters import Parameter, is_file, is_ids
from ultravox_async_cli.operations.secret_values import SOURCES
from ultravox_async_cli.output.layouts import FORMATS, installed
from ultravox_async_cli.terminal import as_shown

_METAVARS: Final[Mapping[Any, str]] = {
    int: "N",
    float: "N",
    datetime: "TIME",
    date: "DATE",
    time: "HH:MM",
    timedelta: "DURATION",
}

_MOST_DIGITS: Final = 18


class OpenChoices(tuple[str, ...]):
    """The known values of an argument that takes others too; shells complete them."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


class Parser(argparse.ArgumentParser):
    """A parser that raises, where argparse would print and exit."""

    def __init__(self, command: str, description: str, examples: Iterable[str], width: int) -> None:
        lines = "\n".join(f"  {example}" for example in examples)
        super().__init__(
            prog=command,
            usage="%(prog)s [options]",  # and the arguments, once they are added: the options would fill a page
            description="\n\n".join(textwrap.fill(one, width) for one in description.split("\n\n")),
            epilog=f"examples:\n{lines}",
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=width),
            add_help=False,
            allow_abbrev=False,
        )
        self.options: dict[str, argparse.Action] = {}
        self.arguments: list[argparse.Action] = []
        self.color = False  # of Python 3.14, which would colour what is read by tests and shown by pagers
        self.add_argument("-h", "--help", action=_Help, nargs=0, help="show this and exit")

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:  # noqa: ANN401 - argparse checks them
        """Add an argument, as every parser does, and remember it if it is an option."""
        action = super().add_argument(*names, **settings)
        self.options |= dict.fromkeys(action.option_strings, action)
        if not action.option_strings and action.help != argparse.SUPPRESS:
            self.arguments.append(action)
            shown = {"+": f"{action.metavar}...", "*": f"[{action.metavar}...]"}
            self.usage = f"{self.usage} {shown.get(str(action.nargs), action.metavar)}"
        return action

    def error(self, message: str) -> NoReturn:
        """Raise CommandError."""
        _, is_unknown, words = message.partition("unrecognized arguments: ")
        if is_unknown and words.startswith("-"):
            raise unknown_option(words.split()[0].partition("=")[0], self.options, self.prog)
        if is_unknown and "-o" in self.options:
            raise CommandError(f"there is no argument {words}; did you mean -o {words}?")
        if message.endswith("expected one argument"):
            message += ", and one that begins with - is written with =, such as --sort=-created"
        # They are not shown, because one of them may be a secret that an option was meant to have.
        raise CommandError(f"{'there are too many arguments' if is_unknown else message}; see {self.prog} --help")


class _Help(argparse.Action):
    """Raises HelpRequested; what else is on the command line does not matter."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise HelpRequested(parser.format_help())


def count(text: str) -> int:
    """Return a number of things, for argparse.

    Raises:
        ArgumentTypeError: It is not a whole number of at least 1.
    """
    # More digits than int takes are no number of anything.
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number of at least 1, not {as_shown(text)}")
    return int(text)


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add how the account is chosen."""
    parser.add_argument(
        "--profile", metavar="NAME", help="a profile of the configuration file, instead of ULTRAVOX_API_KEY"
    )


def add_output(parser: argparse.ArgumentParser, default: str = "table on a terminal, json elsewhere") -> None:
    """Add how results are printed.

    Args:
        parser: The parser of a command.
        default: What it prints without the option, for the help.
    """
    parser.add_argument(
        "--output",
        type=installed,
        choices=FORMATS,
        help=f"the layout of results (default: {default})",
    )
    parser.add_argument(
        "--fields", type=_names, metavar="A,B", help="only these fields; A.C is the field C of an object A"
    )
    parser.add_argument("--show-secrets", action="store_true", help="print secrets; by default, they are hidden")


def _names(text: str) -> Sequence[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"takes the names of fields, with commas between them, not {text!r}")
    return names


def add_parameter(parser: argparse.ArgumentParser, parameter: Parameter) -> None:
    """Add an argument or an option for a parameter; its value is a list of words, or None."""
    text = _help(parameter).replace("%", "%%")
    if parameter.kind is bool and not parameter.is_nullable:
        required = parameter.is_required
        parser.add_argument(
            parameter.flag, dest=parameter.name, action=argparse.BooleanOptionalAction, required=required, help=text
        )
    elif parameter.is_positional:
        nargs = 1 if parameter.items is None else "+" if parameter.is_required else "*"
        parser.add_argument(parameter.name, nargs=nargs, metavar=_metavar(parameter), help=text)
    else:
        parser.add_argument(
            parameter.flag,
            dest=parameter.name,
            action="append",
            metavar=None if parameter.is_closed else _metavar(parameter),
            choices=(parameter.choices if parameter.is_closed else OpenChoices(parameter.choices)) or None,
            # A secret that is missing is asked for.
            required=parameter.is_required and not parameter.is_sensitive,
            help=text,
        )


def _metavar(parameter: Parameter) -> str:
    kind = timedelta if parameter.is_seconds else parameter.items or parameter.kind
    if parameter.is_sensitive:
        return "SOURCE"
    if parameter.is_mapping:
        return "NAME=VALUE"
    if is_file(kind):
        return "FILE"
    if parameter.is_positional and kind is str:
        return parameter.name.removesuffix("s").upper()
    if kind is str or parameter.choices:
        return "TEXT"
    return _METAVARS.get(kind, "JSON")


def _help(parameter: Parameter) -> str:
    if is_ids(parameter.kind):
        return "an id; - stands for ids on standard input, and @FILE for those in a file, an id a line"
    return " ".join([parameter.help, *_notes(parameter)])


def _notes(parameter: Parameter) -> Iterable[str]:
    if parameter.choices and not parameter.is_closed:
        yield f"Known values: {', '.join(parameter.choices)}."
    limits = ", ".join(limit for marker in parameter.markers for limit in _limits(marker, parameter))
    if limits:
        yield f"Limits: {limits}."
    if parameter.is_sensitive:
        yield f"A secret: {SOURCES}."
    elif parameter.kind is not bool and _metavar(parameter) == "JSON":
        yield "JSON or @FILE."
    if (parameter.items is not None or parameter.is_mapping) and not parameter.is_positional:
        yield "Repeat it for several."
    if parameter.is_required and not parameter.is_positional:
        yield "Required."
    if parameter.default is not None:
        yield f"Default: {parameter.default}."


def _limits(marker: object, parameter: Parameter) -> Sequence[str]:
    match marker:
        case MaxLen(max_length=limit):
            return [f"at most {limit} {_unit(parameter, limit)}"]
        case MinLen(min_length=limit):
            return [f"at least {limit} {_unit(parameter, limit)}"]
        case Ge(ge=limit):
            return [f"at least {limit}"]
        case Interval(ge=low, le=high):
            return [f"from {low} to {high}"]
        case Format(description=description):
            return [description]
        case _:
            return []


def _unit(parameter: Parameter, number: int) -> str:
    if parameter.items is not None:
        return "of them"
    return "character" if number == 1 else "characters"
