"""Turns the words of a command line into the values that the methods of the package take."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, cast, get_args, get_origin

import attrs

from ultravox_async import DecodeError
from ultravox_async_cli.bulk.id_lists import read_ids
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.operations.parameters import Parameter, is_file, is_ids
from ultravox_async_cli.operations.scalars import READERS
from ultravox_async_cli.operations.secret_values import secret_from
from ultravox_async_cli.operations.text_files import read_text
from ultravox_async_cli.output.masking import has_secret
from ultravox_async_cli.terminal import Terminal

_T = TypeVar("_T")

_NO_SECRETS: Final = "contains a secret, which is not taken from the command line: use @FILE"
_TOO_DEEP: Final = "takes JSON that is not nested as deep as this"


@attrs.frozen
class _Text:
    """What was given for a parameter."""

    content: str

    is_inline: bool
    """Whether it stands on the command line, where other users of the machine can read it."""


def value_of(parameter: Parameter, words: Sequence[str], terminal: Terminal) -> object:
    """Return the value of a parameter.

    Args:
        parameter: The parameter.
        words: What was given for it: one word, or several for a list or a mapping.
        terminal: Where secrets are asked for, and where ``@-`` is read from.

    Raises:
        CommandError: A word is not what the parameter takes.
    """
    try:
        return _value_of(parameter, words, terminal)
    except ValueError as error:
        problem = str(error)
    except RecursionError:
        problem = _TOO_DEEP
    shown = parameter.name.upper() if parameter.is_positional else parameter.flag
    raise CommandError(f"{shown} {problem}")


def values_of(parameters: Sequence[Parameter], options: argparse.Namespace, terminal: Terminal) -> dict[str, object]:
    """Return the values of the parameters that were given, by their names. A required secret is asked for.

    Raises:
        CommandError: A word is not what its parameter takes.
    """
    given = {one.name: (one, getattr(options, one.name)) for one in parameters}
    missing = {name: (one, ["ask"]) for name, (one, words) in given.items() if _is_missing_secret(one, words)}
    return {
        name: words if isinstance(words, bool) else value_of(one, words, terminal)
        for name, (one, words) in (given | missing).items()
        if words is not None and words != []
    }


def _is_missing_secret(parameter: Parameter, words: object) -> bool:
    return parameter.is_sensitive and parameter.is_required and words is None


def json_of(word: str, terminal: Terminal) -> object:
    """Return what a JSON text stands for, or the JSON in a file for ``@FILE``.

    Raises:
        ValueError: It is no JSON, or contains something with the name of a secret and is not in a file.
    """
    text = _text_of(word, terminal)
    try:
        return _checked(_json(text), text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _value_of(parameter: Parameter, words: Sequence[str], terminal: Terminal) -> object:
    if parameter.is_nullable and [*words] == ["null"]:
        return None
    if parameter.is_sensitive:
        secrets = [secret_from(word, parameter.name.replace("_", " "), terminal) for word in words]
        return secrets if parameter.items is not None else secrets[-1]
    if is_ids(parameter.kind):
        return read_ids(words, terminal.stdin.buffer)
    return _of_texts(parameter, [_text_of(word, terminal) for word in words])


def _of_texts(parameter: Parameter, texts: Sequence[_Text]) -> object:
    if parameter.choices and any(_is_joined(text.content) for text in texts):
        raise ValueError("takes one value; repeat the option for several" if parameter.items else "takes one value")
    if parameter.is_mapping:
        return _mapping(parameter.kind, texts)
    if parameter.items is not None:
        return [item for text in texts for item in _items(parameter.items, text)]
    if parameter.is_seconds:
        return cast("timedelta", READERS[timedelta](texts[-1].content)).total_seconds()
    return _single(parameter.kind, texts[-1])


def _is_joined(text: str) -> bool:
    """Return whether a text looks like several words and not like JSON."""
    return "," in text and not text.lstrip().startswith(("[", "{"))


def _text_of(word: str, terminal: Terminal) -> _Text:
    """Return a word itself, or the content of a file for ``@FILE``; ``@@`` stands for an ``@`` at the beginning."""
    if word.startswith("@@"):
        return _Text(word[1:], is_inline=True)
    if word.startswith("@"):
        return _Text(read_text(word[1:], terminal.stdin.buffer), is_inline=False)
    return _Text(word, is_inline=True)


def _items(kind: Any, text: _Text) -> Iterator[object]:  # noqa: ANN401 - a type
    """Yield the items in a text: those of a JSON array, or one."""
    if not text.content.lstrip().startswith("["):
        yield _single(kind, text)
        return
    for item in cast("list[object]", _json(text)):
        yield _single(kind, attrs.evolve(text, content=_text(item)))


def _mapping(kind: Any, texts: Sequence[_Text]) -> Mapping[str, object]:  # noqa: ANN401 - a type
    of_texts = get_args(kind)[1] is str
    pairs = [pair for text in texts for pair in _checked(_pairs(text, of_texts=of_texts), text).items()]
    return dict(pairs)


def _pairs(text: _Text, *, of_texts: bool) -> Mapping[str, object]:
    if text.content.lstrip().startswith("{"):
        found = _untyped_object(text)
        return {name: _text(value) for name, value in found.items()} if of_texts else found
    name, equals, value = text.content.partition("=")
    if not equals:
        raise ValueError("takes NAME=VALUE, a JSON object or @FILE")
    return {name: value if of_texts else _json_or_text(value)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json_or_text(text: str) -> object:
    """Return what a text stands for where anything is allowed: ``3`` is a number, and ``three`` a string."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _single(kind: Any, text: _Text) -> object:  # noqa: ANN401 - a type
    if is_file(kind):
        return Path(text.content)
    if kind in READERS:
        return READERS[kind](text.content)
    if hasattr(kind, "from_dict"):
        return _typed_object(kind, text)
    if Mapping in {get_origin(member) for member in get_args(kind)}:
        return _untyped_object(text)
    return text.content  # a string, or one of several


def _untyped_object(text: _Text) -> Mapping[str, object]:
    value = _checked(_json(text), text)
    if not isinstance(value, dict):
        raise ValueError("takes a JSON object")  # noqa: TRY004 - a person has mistyped a value
    return cast("dict[str, object]", value)


def _checked(value: _T, text: _Text) -> _T:
    """Return JSON that no type describes, if nothing in it has the name of a secret, or if it is in a file."""
    if text.is_inline and has_secret(value):
        raise ValueError(_NO_SECRETS)
    return value


def _typed_object(kind: Any, text: _Text) -> object:  # noqa: ANN401 - a class of ultravox_async.types
    data = _json(text)
    try:
        value = kind.from_dict(data)
    except DecodeError as error:
        raise ValueError(f"has {error.path or 'JSON'}: expected {error.expected}, got {error.got}") from None
    unknown = _unknown(data, value.to_dict(sensitive=True))
    if unknown:
        raise ValueError(f"has a field that does not exist: {unknown}")
    if text.is_inline and has_secret(value):
        raise ValueError(_NO_SECRETS)
    return value


def _unknown(given: object, known: object) -> str:
    """Return the path of the first field that was given and is not known; empty if there is none.

    `from_dict` ignores such fields, as it has to when they come from the API. From people they are typing errors.
    """
    if isinstance(given, list):
        pairs = zip(cast("list[object]", given), cast("list[object]", known), strict=True)
        return next((path for one in pairs if (path := _unknown(*one))), "")
    if not isinstance(given, dict):
        return ""
    fields, declared = cast("dict[str, object]", given), cast("dict[str, object]", known)
    for name, value in fields.items():
        if name not in declared:
            return name
        below = _unknown(value, declared[name])
        if below:
            return f"{name}.{below}"
    return ""


def _json(text: _Text) -> object:
    try:
        return json.loads(text.content, parse_constant=_refuse)
    except ValueError as error:
        raise ValueError(f"takes JSON or @FILE ({error})") from None


def _refuse(constant: str) -> NoReturn:
    """Refuse what Python reads as a number, and JSON does not have."""
    raise ValueError(f"{constant} is not JSON")
