"""The exit codes for the errors of the package, and their texts as they are read by somebody who types commands."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from ultravox_async import (
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    UltravoxError,
)
from ultravox_async_cli.errors import ExitCode
from ultravox_async_cli.names import camel_case, flag

_SNAKE_CASE: Final = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
_NAME: Final = re.compile(r"\b[a-z][a-z0-9_]*\b")
_CLASS_WITH_ONE: Final = re.compile(r"takes an? \w+ with exactly one")


def text_of(error: UltravoxError, options: Collection[str]) -> str:
    """Return the text of an error, with the options of the command and the names of JSON in the place of Python's.

    Args:
        error: The error.
        options: The options of the command.
    """
    if isinstance(error, ConfigurationError):
        return text_for_people(error)
    if not isinstance(error, InvalidRequestError):
        return "; ".join([str(error), *getattr(error, "__notes__", [])])
    if error.field == "changes":  # all options of an update together
        return _NAME.sub(lambda match: option if (option := flag(match[0])) in options else match[0], error.problem)
    name, dot, below = error.field.partition(".")
    option = flag(name)
    shown = option if option.partition("[")[0] in options else name.upper()
    problem = _CLASS_WITH_ONE.sub("takes JSON with exactly one", error.problem)
    return f"{shown}{dot}{_with_names_of_json(below)}: {_with_names_of_json(problem)}"


def text_for_people(error: ConfigurationError) -> str:
    """Return what is wrong with a key or a URL, without the argument that a program could pass instead."""
    return str(error).partition(", or pass")[0]


def _with_names_of_json(text: str) -> str:
    """Return a text with the names that JSON has, where it has those of Python."""
    return _SNAKE_CASE.sub(lambda match: camel_case(match[0]), text)


def exit_code_of(error: UltravoxError) -> ExitCode:
    """Return the exit code that an error of the package stands for."""
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        return ExitCode.AUTHENTICATION
    if isinstance(error, NotFoundError):
        return ExitCode.NOT_FOUND
    if isinstance(error, InvalidRequestError | ConfigurationError):
        return ExitCode.USAGE
    return ExitCode.FAILED


def exit_code_of_several(errors: Iterable[UltravoxError]) -> ExitCode:
    """Return the exit code of a command that did several things, some of which may have failed."""
    codes = {exit_code_of(error) for error in errors}
    if ExitCode.AUTHENTICATION in codes:
        return ExitCode.AUTHENTICATION
    return ExitCode.FAILED if codes else ExitCode.OK
