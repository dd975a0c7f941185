"""Decodes scalars, without coercion. A leaf module: it imports nothing of the package but another leaf."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from types import NoneType
from typing import Any, Final, TypeAlias

from ultravox_async._wire.durations import parse_duration

Hook: TypeAlias = Callable[[Any, Any], Any]
"""Takes a value and its declared type, and returns the decoded value."""

_TEXT: Final = "a string"
_TRUTH: Final = "true or false"
_WHOLE: Final = "a whole number"
_NUMBER: Final = "a number"
_MOMENT: Final = "an ISO 8601 timestamp with a time zone"
_DAY: Final = "an ISO 8601 date"
_DURATION: Final = "a duration in seconds, such as 12.5s"


class MismatchError(ValueError):
    """A value does not have the type that its field declares."""

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.got = got


def decode_text(value: object, _: object) -> object:
    """Return a string."""
    if type(value) is str:
        return value
    raise MismatchError(_TEXT, value)


def decode_text_or_null(value: object, _: object) -> object:
    """Return a string or None."""
    if value is None or type(value) is str:
        return value
    raise MismatchError(_TEXT, value)


def decode_truth(value: object, _: object) -> object:
    """Return a boolean."""
    if value is True or value is False:
        return value
    raise MismatchError(_TRUTH, value)


def decode_truth_or_null(value: object, _: object) -> object:
    """Return a boolean or None."""
    if value is None or value is True or value is False:
        return value
    raise MismatchError(_TRUTH, value)


def decode_whole(value: object, _: object) -> object:
    """Return a whole number."""
    if type(value) is int:
        return value
    raise MismatchError(_WHOLE, value)


def decode_number(value: object, _: object) -> float:
    """Return a number."""
    if type(value) is float or type(value) is int:
        return float(value)
    raise MismatchError(_NUMBER, value)


def decode_moment(value: object, _: object, parse: Callable[[str], datetime] = datetime.fromisoformat) -> datetime:
    """Return a datetime with a time zone."""
    if type(value) is str:
        try:
            moment = parse(value)
        except ValueError:
            pass
        else:
            if moment.tzinfo is not None:
                return moment
    raise MismatchError(_MOMENT, value)


def decode_day(value: object, _: object) -> date:
    """Return a date."""
    if type(value) is str:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise MismatchError(_DAY, value)


def decode_duration(value: object, _: object) -> timedelta:
    """Return a duration."""
    duration = parse_duration(value) if type(value) is str else None
    if duration is None:
        raise MismatchError(_DURATION, value)
    return duration


def _or_null(hook: Hook) -> Hook:
    return lambda value, into: None if value is None else hook(value, into)


def or_enumeration(kind: type, hook: Hook) -> Hook:
    """Return a hook that also decodes the enumerations of a scalar type."""
    # cattrs looks up the same hook for an enum of strings as for strings.
    return lambda value, into: hook(value, into) if into is kind else into(hook(value, into))


SCALAR_HOOKS: Final[Mapping[frozenset[object], Hook]] = {
    frozenset({str}): decode_text,
    frozenset({str, NoneType}): decode_text_or_null,
    frozenset({bool}): decode_truth,
    frozenset({bool, NoneType}): decode_truth_or_null,
    frozenset({int}): decode_whole,
    frozenset({int, NoneType}): _or_null(decode_whole),
    frozenset({float}): decode_number,
    frozenset({float, NoneType}): _or_null(decode_number),
    frozenset({datetime}): decode_moment,
    frozenset({datetime, NoneType}): _or_null(decode_moment),
    frozenset({date}): decode_day,
    frozenset({date, NoneType}): _or_null(decode_day),
    frozenset({timedelta}): decode_duration,
    frozenset({timedelta, NoneType}): _or_null(decode_duration),
}
"""The hooks for scalars, by the members of their type. Each is a single call, even for a union with None."""
