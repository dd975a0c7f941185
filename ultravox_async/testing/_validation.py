"""Checks of what a client sends.

The limits are those of the package's types; the errors have the form that Django REST framework gives them.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import NoneType
from typing import cast

import attrs
import orjson

from ultravox_async._wire.durations import parse_duration
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import Rule, choice_in, fields_of
from ultravox_async._wire.validation import Broken, Problem, problems_in
from ultravox_async.testing._wire import Json
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID


class Invalid(Exception):  # noqa: N818 - describes the request, not a failure of the emulator
    """A request has a body that the schema does not allow."""

    def __init__(self, errors: Json) -> None:
        """Keep `errors`: a list of sentences about one value, or a dict or list of such for a nested one."""
        super().__init__(errors)
        self.errors = errors


def json_object(body: bytes) -> dict[str, Json]:
    """The JSON object that `body` holds.

    Raises:
        Invalid: `body` is not JSON, or not an object.
    """
    try:
        content: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid({"detail": "The body is not JSON."}) from error
    if not isinstance(content, dict):
        raise Invalid({"detail": "The body has to be a JSON object."})
    return content


def check_fields(shape: type, content: dict[str, Json]) -> dict[str, Json]:
    """Check the fields of `content` that a TypedDict has, and drop all others, which are read-only or unknown.

    Returns:
        The fields that were sent and that the TypedDict has.

    Raises:
        Invalid: a field is wrong or missing; its errors are a dict by field.
    """
    problems = list(problems_in(shape, _by_python_name(content, shape), _read_object))
    if problems:
        raise Invalid(_by_field(problems))
    return _known(shape, content)


def _read_object(value: object, cls: type) -> Mapping[str, object] | None:
    return _by_python_name(cast("dict[str, Json]", value), cls) if isinstance(value, dict) else None


def _by_python_name(content: dict[str, Json], shape: type) -> dict[str, object]:
    fields = fields_of(shape).items()
    return {name: parsed(field.rule, content[field.wire]) for name, field in fields if field.wire in content}


def parsed(rule: Rule, value: Json) -> object:
    """What a text stands for where a moment or a duration is expected; what is not one stays a text."""
    parse = _PARSERS.get(rule.kind)
    if parse is None or not isinstance(value, str):
        return value
    try:
        return parse(value)
    except ValueError:
        return value


_PARSERS: dict[type, Callable[[str], object]] = {
    datetime: datetime.fromisoformat,
    date: lambda text: _in_utc(datetime.fromisoformat(text)) if "T" in text else date.fromisoformat(text),
    time: time.fromisoformat,
    timedelta: lambda text: text if parse_duration(text) is None else parse_duration(text),
}


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _known(shape: type, content: dict[str, Json]) -> dict[str, Json]:
    fields = fields_of(shape).values()
    return {field.wire: _known_of_value(field.rule, content[field.wire]) for field in fields if field.wire in content}


def _known_of_value(rule: Rule, value: Json) -> Json:
    if isinstance(value, dict):
        return _known(rule.kind, value) if attrs.has(rule.kind) else value
    if isinstance(value, list) and rule.items:
        return [_known_of_value(rule.items, item) for item in value]
    return value


def _by_field(problems: Iterable[Problem]) -> Json:
    errors: dict[str, Json] = {}
    for problem in problems:
        *parents, last = (wire_name(str(step)) for step in problem.path)
        place = errors
        for step in parents:
            place = cast("dict[str, Json]", place.setdefault(step, {}))
        place[last] = [_sentence(problem)]
    return errors


_WRONG_KIND: dict[type, str] = {
    str: "Not a valid string.",
    bool: "Must be a valid boolean.",
    int: "A valid integer is required.",
    float: "A valid number is required.",
    list: "Expected a list of items.",
    dict: "Expected a dictionary of items.",
    datetime: "Datetime has wrong format.",
    date: "Date has wrong format.",
    time: "Time has wrong format.",
    timedelta: "Duration has wrong format.",
}
_WRONG_FORMAT = {
    HTTP_URL: "Enter a valid URL.",
    IPV4_CIDR: "Not an IPv4 range in CIDR notation.",
    UUID: "Must be a valid UUID.",
}


def _sentence(problem: Problem) -> str:
    rule = problem.rule
    unit = "characters" if rule.kind is str else "elements"
    is_null = problem.broken is Broken.KIND and problem.given == NoneType.__name__
    sentences = {
        Broken.REQUIRED: "This field is required.",
        Broken.MIN_LENGTH: f"Ensure this field has at least {rule.min_length} {unit}.",
        Broken.MAX_LENGTH: f"Ensure this field has no more than {rule.max_length} {unit}.",
        Broken.RANGE: _out_of_range(rule),
        Broken.ALTERNATIVES: "Exactly one of these fields can be set.",
        Broken.EXACTLY_ONE: "Exactly one of these fields is required.",
        Broken.KIND: "This field may not be null." if is_null else _wrong_kind(rule),
        Broken.ZONE: _wrong_kind(rule),
        Broken.UNKNOWN: f'"{problem.given}" is not a valid choice.',
    }
    if problem.broken is Broken.CHOICE:
        is_required = choice_in(rule.kind).required
        return sentences[Broken.EXACTLY_ONE] if is_required else "Only one of these fields can be set."
    return sentences.get(problem.broken) or _wrong_format(rule)


def _out_of_range(rule: Rule) -> str:
    if rule.at_most is None:
        return f"Ensure this value is greater than or equal to {rule.at_least or 0:g}."
    if rule.at_least is None:
        return f"Ensure this value is less than or equal to {rule.at_most:g}."
    return f"Ensure this value is within {rule.at_least:g} and {rule.at_most:g}."


def _wrong_kind(rule: Rule) -> str:
    return _WRONG_KIND.get(rule.kind, "Expected an object.")


def _wrong_format(rule: Rule) -> str:
    if rule.format is None:  # a lone surrogate
        return _wrong_kind(rule)
    return _WRONG_FORMAT.get(rule.format, "This value does not match the required pattern.")
