"""Compares the types of values, in requests and in responses, with a version of the schema."""

from collections.abc import Iterator
from typing import Any

import attrs

from tests.contract.classes import kinds_of, literals_in, named, places, received
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, Json
from tests.contract.schemas import SCHEMAS
from tests.contract.writing import alias_of, annotation, declaring, written
from ultravox_async._wire.rules import Rule


@attrs.frozen
class _Value:
    """A value in a request or in a response."""

    where: str
    owner: type
    name: str
    rule: Rule
    hint: Any
    """The annotation of a field; None for an item."""

    declared: Json
    is_sent: bool

    @property
    def subject(self) -> str:
        return declaring(self.owner, self.name)


def _values(document: Document) -> Iterator[_Value]:
    for place in places(document):
        yield _Value(place.where, place.owner, place.name, place.rule, place.hint, place.declared, is_sent=True)
    for one in received(document):
        yield _Value(one.where, one.owner, one.field.name, one.rule, one.hint, one.declared, is_sent=False)


def kinds(document: Document) -> Iterator[Difference]:
    """Compare the types."""
    for value in _values(document):
        if not _fits(document, value.rule, value.declared):
            text = f"{value.name}: {annotation(document, value.declared)} in the API; here {written(value.rule)}"
            yield Difference(value.where, Group.BREAKS, value.subject, text)


def _fits(document: Document, rule: Rule, declared: Json) -> bool:
    """Return whether a value, with the items in it, has the type of the schema."""
    item = document.item_of(declared)
    fits = rule.kind in kinds_of(declared)
    return fits and (item is None or rule.items is None or _fits(document, rule.items, item))


def enumerations(document: Document) -> Iterator[Difference]:
    """Compare the literals with the values of enumerations. Those of an item are in the annotation of its list."""
    for value in _values(document):
        if value.hint is not None:
            here, there = literals_in(value.hint), document.values_of(value.declared)
            subject = alias_of(value.hint, value.subject) if here else f"{value.subject}.{value.name}"
            yield from _compared(value.where, subject, here, there, is_sent=value.is_sent)
    for schema, names in SCHEMAS.items():
        found = document.schemas.get(schema, {})
        if "enum" in found and isinstance(names, tuple):
            for name in names:
                yield from _compared(
                    schema, f"types.{name}", literals_in(named(name)), document.values_of(found), is_sent=False
                )


def _compared(
    where: str, subject: str, here: set[object], there: set[object], *, is_sent: bool
) -> Iterator[Difference]:
    for value in there - here:
        yield Difference(where, Group.MISSING, subject, f'lacks the value "{value}"')
    for value in here - there:
        group = Group.BREAKS if is_sent else Group.MISSING
        yield Difference(where, group, subject, f'has the value "{value}", which the API does not have')


def secrets(document: Document) -> Iterator[Difference]:
    """Compare what is sensitive with what is write-only."""
    for value in _values(document):
        is_write_only = value.declared.get("writeOnly", False)
        if value.hint is not None and value.rule.sensitive != is_write_only:
            text = "write-only in the API: mark it Sensitive" if is_write_only else "Sensitive, and not write-only"
            yield Difference(value.where, Group.MISSING, value.subject, f"{value.name}: {text}")
