"""Filters of lists: which objects a request asks for, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import attrs

from ultravox_async._wire.rules import Field, fields_of
from ultravox_async.testing._call_life import duration_of, moment
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._pages import BY_POSITION, Order
from ultravox_async.testing._validation import check_fields, parsed
from ultravox_async.testing._wire import Json
from ultravox_async.types.shared.paging import ListOptions

Condition = Callable[[Entry, Any], bool]
"""Whether an object fulfils a condition with this value."""

_ORDERS = {
    "alphabetic": "name",
    "reverseAlphabetic": "-name",
    "chronologic": "created",
    "reverseChronologic": "-created",
}


@attrs.frozen
class Filters:
    """The filters of a list. A query parameter that the list does not have is ignored, as in the API."""

    shape: type
    """The TypedDict of the filters."""

    conditions: Mapping[str, Condition]
    """The conditions, by the Python names of the filters."""

    defaults: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """The values of filters that a request does not have, by their Python names."""

    def select(self, entries: Sequence[Entry], query: Mapping[str, str]) -> Sequence[Entry]:
        """The objects that fulfil all conditions.

        Raises:
            Invalid: a filter has a value that it cannot have.
        """
        wanted = {**self.defaults, **_read(self.shape, query)}
        tests = [(test, wanted[name]) for name, test in self.conditions.items() if name in wanted]
        return [one for one in entries if all(test(one, value) for test, value in tests)] if tests else entries

    def order(self, query: Mapping[str, str]) -> Order[Entry]:
        """The order that a request asks for; the order of creation if it does not, or by an unknown field."""
        names = fields_of(self.shape)
        field = query.get("sort", "") if "sort" in names else ""
        if "sort_order" in names:
            field = _ORDERS.get(query.get("sortOrder", ""), "")
        return Order(_text_in(field.removeprefix("-")), descending=field.startswith("-")) if field else BY_POSITION


def _text_in(field: str) -> Callable[[Entry], str]:
    return lambda entry: str(entry.shown.get(field) or "")


def _read(shape: type, query: Mapping[str, str]) -> dict[str, Any]:
    paging = fields_of(ListOptions)
    fields = {name: field for name, field in fields_of(shape).items() if name not in paging}
    sent: dict[str, Json] = {field.wire: value for field in fields.values() if (value := _value_of(field, query))}
    check_fields(shape, sent)
    return {name: parsed(field.rule, sent[field.wire]) for name, field in fields.items() if field.wire in sent}


def _value_of(field: Field, query: Mapping[str, str]) -> Json:
    # A query may have a name several times; indexing would give the first value only.
    if field.rule.kind is list:
        return [value for name, value in query.items() if name == field.wire and value]
    if field.rule.kind is dict:
        prefix = f"{field.wire}."
        return {name.removeprefix(prefix): value for name, value in query.items() if name.startswith(prefix)}
    return query.get(field.wire)


def is_in(field: str) -> Condition:
    """The field has this value, or one of these values."""
    return lambda entry, wanted: entry.get(field) in (wanted if isinstance(wanted, list) else [wanted])


def found_in(*fields: str) -> Condition:
    """The text is found in one of the fields, whatever its case."""
    return lambda entry, text: any(str(text).casefold() in str(entry.get(field)).casefold() for field in fields)


def language_is(entry: Entry, wanted: str) -> bool:
    """The language is the same, whatever its region."""
    return str(entry.shown["primaryLanguage"]).partition("-")[0].lower() == wanted.partition("-")[0].lower()


def _is_since(entry: Entry, start: date) -> bool:
    return _created(entry) >= (start if isinstance(start, datetime) else datetime.combine(start, time.min, UTC))


def _is_until(entry: Entry, end: date) -> bool:
    return _created(entry) <= (end if isinstance(end, datetime) else datetime.combine(end, time.max, UTC))


def _has_metadata(entry: Entry, wanted: Mapping[str, str]) -> bool:
    metadata = entry.get("metadata")
    return isinstance(metadata, dict) and wanted.items() <= metadata.items()


def _created(entry: Entry) -> datetime:
    return moment(entry.shown["created"])


CALL_CONDITIONS: Mapping[str, Condition] = {
    "agent_ids": lambda entry, ids: entry.get("agentId") in [str(one).lower() for one in ids],
    "duration_min": lambda entry, shortest: duration_of(entry.shown) >= shortest,
    "duration_max": lambda entry, longest: duration_of(entry.shown) <= longest,
    "from_date": _is_since,
    "to_date": _is_until,
    "time_of_day_start": lambda entry, start: _created(entry).time() >= start,
    "time_of_day_end": lambda entry, end: _created(entry).time() <= end,
    "metadata": _has_metadata,
    "search": found_in("callId", "agent", "metadata", "systemPrompt", "summary"),
    "voice_id": is_in("voice"),
}
"""The conditions for calls, and for what is left of deleted ones."""
