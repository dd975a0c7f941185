"""Checks requests against the annotations in `ultravox_async.types`.

`problems_in` yields what exceeds a limit, without the value, which may be secret. The client checks the Python objects
that it is given; the emulator checks the JSON that it receives, and has its own texts.
"""

import enum
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from datetime import date, datetime, time, timedelta
from types import NoneType
from typing import Final, TypeAlias, cast

import attrs

from ultravox_async._wire.rules import Rule, choice_in, fields_of
from ultravox_async.errors import InvalidRequestError


def check_count(name: str, value: object) -> None:
    """Check an argument that is a number of things.

    Raises:
        InvalidRequestError: `value` is not a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(name, f"takes a whole number of at least 1, not {value!r}")


def check_index(name: str, value: object) -> None:
    """Check an argument that is the place of something in a list.

    Raises:
        InvalidRequestError: `value` is not a whole number of at least 0.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidRequestError(name, f"takes a whole number of at least 0, not {value!r}")


def check_seconds(name: str, value: object) -> None:
    """Check an argument that is a number of seconds.

    Raises:
        InvalidRequestError: `value` is not a finite number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidRequestError(name, f"takes a finite number of seconds above 0, not {value!r}")


class Broken(enum.Enum):
    """How a value violates its rule."""

    REQUIRED = enum.auto()
    """A field is missing."""

    KIND = enum.auto()
    """It has another type; `Problem.given` is the name of the type."""

    MIN_LENGTH = enum.auto()
    """It is too short; `Problem.given` is its length."""

    MAX_LENGTH = enum.auto()
    """It is too long; `Problem.given` is its length."""

    ENCODING = enum.auto()
    """It contains a lone surrogate."""

    RANGE = enum.auto()
    """It is a number out of range, or a negative duration."""

    ZONE = enum.auto()
    """It is a datetime without a time zone."""

    EXACTLY_ONE = enum.auto()
    """None of its fields is set, or more than one; `Problem.given` is the number of those that are."""

    CHOICE = enum.auto()
    """Of its alternative fields none is set, or more than one; `Problem.given` is the number of those that are."""

    ALTERNATIVES = enum.auto()
    """The same for the fields of a whole request, which are the last step of the path."""

    FORMAT = enum.auto()
    """It does not have the format."""

    UNKNOWN = enum.auto()
    """It is not one of the values that the API lists; `Problem.given` is the value. The client sends it."""


@attrs.frozen
class Problem:
    """The problem with a value that violates its rule, without the value, which may be secret.

    Only a value that is not among those listed is named: no such list is one of secrets.
    """

    rule: Rule
    broken: Broken
    given: str | int = ""
    path: tuple[str | int, ...] = ()
    """The place of the value: the field names and item indices that lead to it."""

    def below(self, step: str | int) -> "Problem":
        """Return the same problem with one more step in front of its path."""
        return attrs.evolve(self, path=(step, *self.path))


Read: TypeAlias = Callable[[object, type], Mapping[str, object] | None]
"""Returns the fields of an object by their Python names, or None if a value is not an instance of the attrs class."""


def problems_in(shape: type, fields: Mapping[str, object], read: Read) -> Iterator[Problem]:
    """Yield the problems with the fields of a TypedDict or of an attrs class, at most one for each value.

    Args:
        shape: The TypedDict or attrs class.
        fields: The fields, by their Python names; unknown ones are ignored.
        read: How to read the objects among the values.
    """
    yield from _problems_of_fields(shape, fields, read)
    choice = choice_in(shape)
    if (count := choice.refused_count(fields)) is not None:
        yield Problem(Rule(dict), Broken.ALTERNATIVES, count, (", ".join(choice.names),))


def _problems_of_fields(shape: type, fields: Mapping[str, object], read: Read) -> Iterator[Problem]:
    for name, field in fields_of(shape).items():
        if name in fields:
            yield from (problem.below(name) for problem in _problems(field.rule, fields[name], read))
        elif field.required:
            yield Problem(field.rule, Broken.REQUIRED, NoneType.__name__, (name,))


def _problems(rule: Rule, value: object, read: Read) -> Iterator[Problem]:
    if (value is None and rule.nullable) or rule.kind is object:
        return
    if attrs.has(rule.kind):
        yield from _problems_of_object(rule, value, read)
    elif problem := _problem(rule, value):
        yield problem
    elif rule.items:
        for step, item in _steps(value):
            yield from (problem.below(step) for problem in _problems(rule.items, item, read))


def _problems_of_object(rule: Rule, value: object, read: Read) -> Iterator[Problem]:
    fields = read(value, rule.kind)
    if fields is None:
        yield Problem(rule, Broken.KIND, type(value).__name__)
    elif problem := _problem_of_choice(rule, fields):
        yield problem
    else:
        yield from _problems_of_fields(rule.kind, fields, read)


def _problem_of_choice(rule: Rule, fields: Mapping[str, object]) -> Problem | None:
    if rule.exactly_one and len(fields) != 1:
        return Problem(rule, Broken.EXACTLY_ONE, len(fields))
    count = choice_in(rule.kind).refused_count(fields)
    return None if count is None else Problem(rule, Broken.CHOICE, count)


def _steps(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).items()
    return enumerate(cast("Sequence[object]", value))


_ACCEPTED: Final[Mapping[type, type | tuple[type, ...]]] = {
    dict: Mapping,
    float: (float, int),
    list: (list, tuple),
}


def _problem(rule: Rule, value: object) -> Problem | None:
    """Return the problem with a value itself, not with the items or fields in it."""
    is_other_number = isinstance(value, bool) and rule.kind is not bool
    if is_other_number or not isinstance(value, _ACCEPTED.get(rule.kind, rule.kind)):
        return Problem(rule, Broken.KIND, type(value).__name__)
    if isinstance(value, str | Mapping | list | tuple):
        return _problem_of_sized(rule, cast("Sized", value))
    if isinstance(value, datetime) and value.tzinfo is None:
        return Problem(rule, Broken.ZONE)
    if isinstance(value, timedelta) and value < timedelta(0):
        return Problem(rule, Broken.RANGE)
    if isinstance(value, int | float) and not _is_in_range(rule, value):
        return Problem(rule, Broken.RANGE)
    return None


def _is_in_range(rule: Rule, value: float) -> bool:
    at_least = -math.inf if rule.at_least is None else rule.at_least
    at_most = math.inf if rule.at_most is None else rule.at_most
    # JSON has no form for the infinities, and a NaN is in no range.
    return at_least <= value <= at_most and math.isfinite(value)


def _problem_of_sized(rule: Rule, value: Sized) -> Problem | None:
    length = len(value)
    if length < rule.min_length:
        return Problem(rule, Broken.MIN_LENGTH, length)
    if rule.max_length is not None and length > rule.max_length:
        return Problem(rule, Broken.MAX_LENGTH, length)
    if isinstance(value, str):
        if not _has_encoding(value):
            return Problem(rule, Broken.ENCODING)
        if rule.format and not rule.format.matches(value):
            return Problem(rule, Broken.FORMAT)
        if rule.known and value not in rule.known:
            return Problem(rule, Broken.UNKNOWN, value)
    return None


def _has_encoding(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refusal(shape: type, fields: Mapping[str, object]) -> InvalidRequestError | None:
    """Return an error about the first field that violates its rule.

    It is returned and not raised, because the values are in the frames below, and a traceback would show them.
    """
    # The API may have got new values since the lists of the known ones were written.
    problems = (one for one in problems_in(shape, fields, _read_instance) if one.broken is not Broken.UNKNOWN)
    problem = next(problems, None)
    return None if problem is None else InvalidRequestError(_place(problem.path), _sentence(problem))


def _read_instance(value: object, cls: type) -> Mapping[str, object] | None:
    if not isinstance(value, cls):
        return None
    found = {name: getattr(value, name) for name in fields_of(cls)}
    return {name: value for name, value in found.items() if value is not None}


def _place(path: Iterable[str | int]) -> str:
    # The field of a member has an underscore behind its name; see `types._member`.
    steps = (f"[{step}]" if isinstance(step, int) else f".{step.removesuffix('_')}" for step in path)
    return "".join(steps).removeprefix(".")


def _sentence(problem: Problem) -> str:
    rule, given = problem.rule, problem.given
    sentences = {
        Broken.MIN_LENGTH: f"takes {_range(rule)}, not {given}",
        Broken.MAX_LENGTH: f"takes at most {_counted(rule.max_length, rule)}, not {given}",
        Broken.RANGE: f"takes {_phrase(rule)}{_bounds(rule)}",
        Broken.ZONE: f"takes {_phrase(rule)}",
        Broken.ENCODING: "contains a lone surrogate, which cannot be encoded",
        Broken.EXACTLY_ONE: f"takes {_phrase(rule)} with exactly one field, not with {given}",
        Broken.ALTERNATIVES: f"exactly one of these can be given, not {given}",
    }
    if problem.broken in sentences:
        return sentences[problem.broken]
    if problem.broken is Broken.CHOICE:
        return f"takes {_phrase(rule)} with {_choice(rule)}, not with {given}"
    return f"takes {rule.format.description}" if rule.format else f"takes {_phrase(rule)}, not {given}"


def _choice(rule: Rule) -> str:
    choice = choice_in(rule.kind)
    return f"{'exactly' if choice.required else 'at most'} one of {', '.join(choice.names)}"


def _range(rule: Rule) -> str:
    if rule.max_length is None:
        return f"at least {_counted(rule.min_length, rule)}"
    return f"{rule.min_length} to {_counted(rule.max_length, rule)}"


def _counted(number: int | None, rule: Rule) -> str:
    unit = "character" if rule.kind is str else "item"
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _phrase(rule: Rule) -> str:
    if rule.kind is str and rule.max_length is not None:
        return f"a string of at most {rule.max_length} characters"
    if attrs.has(rule.kind):
        return f"{'an' if rule.kind.__name__[0] in 'AEIOU' else 'a'} {rule.kind.__name__}"
    return _PHRASES[rule.kind]


_PHRASES: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    datetime: "a datetime with a time zone",
    date: "a date, or a datetime with a time zone",
    time: "a time",
    timedelta: "a timedelta of zero or more",
}


def _bounds(rule: Rule) -> str:
    if rule.kind is timedelta or (rule.at_least is None and rule.at_most is None):
        return ""
    if rule.at_most is None:
        return f" of at least {rule.at_least:g}"
    return f" of at most {rule.at_most:g}" if rule.at_least is None else f" from {rule.at_least:g} to {rule.at_most:g}"
