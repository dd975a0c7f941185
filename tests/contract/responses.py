"""Compares the classes of responses with a version of the schema."""

from collections.abc import Iterator
from typing import Any

import attrs

from tests.contract.classes import Received, allows_none, received, received_classes_of
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, Json
from tests.contract.writing import declaring, full_name, response_field
from ultravox_async._wire.rules import Field, fields_of


def lacking(document: Document) -> Iterator[Difference]:
    """Look for properties that are no fields; what is write-only is in no response."""
    for name, cls, shown, here in _classes(document):
        for wire in shown.keys() - here.keys():
            text = f"lacks `{response_field(document, wire, shown[wire])}`"
            yield Difference(f"{name}.{wire}", Group.MISSING, full_name(cls), text)


def left_over(document: Document) -> Iterator[Difference]:
    """Look for fields that are no properties."""
    for name, cls, shown, here in _classes(document):
        for wire in here.keys() - shown.keys():
            python, field = here[wire]
            what = "and nothing decodes without it" if field.required else "so that it has its default: remove it"
            yield Difference(
                f"{name}.{wire}",
                Group.BREAKS if field.required else Group.MISSING,
                declaring(cls, python),
                f"{python}: not in the API's responses, {what}",
            )


def _classes(document: Document) -> Iterator[tuple[str, type, dict[str, Json], dict[str, tuple[str, Field]]]]:
    """Return each class with its schema, and with the properties and the fields by their names in the API."""
    for name, schema in document.schemas.items():
        for cls in received_classes_of(document, name):
            properties = document.properties_of(schema)
            shown = {wire: declared for wire, declared in properties.items() if not declared.get("writeOnly")}
            yield name, cls, shown, {field.wire: (python, field) for python, field in fields_of(cls).items()}


def identity(document: Document) -> Iterator[Difference]:
    """Look for fields that are required here, and not in the schema."""
    for one in received(document):
        if one.field.default is attrs.NOTHING and not one.is_required:
            text = f"{one.field.name}: optional in the API, and nothing decodes without it"
            yield Difference(one.where, Group.BREAKS, declaring(one.owner, one.field.name), text)


def defaults(document: Document) -> Iterator[Difference]:
    """Look for fields that are not None, nor an empty list or dict, where the property is null or absent."""
    for one in received(document):
        is_nullable = one.declared.get("nullable", False)
        if not _fits(one, is_nullable=is_nullable):
            text = "may be null, which is refused" if is_nullable else f"if absent, it is {_default(one.field)}"
            yield Difference(
                one.where,
                Group.BREAKS if is_nullable else Group.MISSING,
                declaring(one.owner, one.field.name),
                f"{one.field.name}: {text}",
            )


def _fits(one: Received, *, is_nullable: bool) -> bool:
    is_required = one.field.default is attrs.NOTHING
    if allows_none(one.hint) and one.field.default is None:
        return True
    if is_nullable:
        return is_required and allows_none(one.hint)
    may_be_empty = one.rule.kind in {list, dict} and isinstance(one.field.default, attrs.Factory)  # type: ignore[arg-type]  # a class at run time # pyright: ignore[reportArgumentType]
    return may_be_empty or (is_required and not allows_none(one.hint))


def _default(field: "attrs.Attribute[Any]") -> str:
    return "required, although it may be None" if field.default is attrs.NOTHING else repr(field.default)
