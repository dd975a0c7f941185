"""The classes that stand for schemas, and the places in them beside the schema's."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from types import ModuleType, NoneType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints, is_typeddict

import attrs

from tests.contract.document import Document, Json, owner_of
from tests.contract.methods import Method, Path, methods
from tests.contract.operations import OPERATIONS, Missing
from tests.contract.schemas import PAGE, SCHEMAS
from ultravox_async import Page, types
from ultravox_async._wire.rules import Field, Rule, fields_of

_KINDS: Mapping[str, type] = {
    "": object,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": float,
    "object": dict,
}
_KINDS_OF_STRINGS: Mapping[str, type] = {"date": date, "date-time": datetime, "time": time}
_CONTAINERS = {list, Sequence, dict, Mapping, Literal}


def named(name: str) -> Any:  # noqa: ANN401 - a class, or an alias of literals
    """Return what a table calls ``webhooks.Webhook``."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(f"{types.__name__}.{module}"), last)


@cache
def modules_of_types() -> list[ModuleType]:
    return [importlib.import_module(one.name) for one in pkgutil.walk_packages(types.__path__, f"{types.__name__}.")]


@cache
def all_classes() -> dict[str, type]:
    """Return the attrs classes and TypedDicts of `ultravox_async.types`, by their names in the tables."""
    return {
        f"{module.__name__.removeprefix(f'{types.__name__}.')}.{name}": value
        for module in modules_of_types()
        for name, value in vars(module).items()
        if (is_typeddict(value) or (isinstance(value, type) and attrs.has(value)))
        and value.__module__ == module.__name__
        and not module.__name__.rpartition(".")[2].startswith("_")
    }


def classes_of(schema: str) -> list[type]:
    """Return the attrs classes that stand for a schema."""
    names = SCHEMAS.get(schema, ())
    found = [named(name) for name in names] if isinstance(names, tuple) else []
    return [one for one in found if isinstance(one, type) and attrs.has(one)]


def result_types_of(document: Document, declared: Json | None) -> list[object]:
    """Return what a response may be decoded into."""
    if declared is None:
        return [None]
    classes = classes_of(result_schema_of(document, declared))[:1]
    if declared.get("type") == "array":
        return [list[one] for one in classes]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeArguments] - made at run time
    if SCHEMAS.get(declared.get("x-name", "")) is PAGE:
        return [Page[one] for one in classes]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeArguments] - as above
    return [*classes]


def result_schema_of(document: Document, declared: Json) -> str:
    """Return the name of the schema of a response, or of each of its results."""
    if SCHEMAS.get(declared.get("x-name", "")) is PAGE:
        declared = document.properties_of(declared)["results"]
    if declared.get("type") == "array":
        declared = document.resolved(declared["items"])
    return str(declared.get("x-name", ""))


@attrs.frozen
class Place:
    """A place in a request, with what the package and the schema say about it."""

    where: str
    """As the tables call it."""

    method: Method
    path: Path
    owner: type
    """The class of the field."""

    field: Field
    """The field, or for an item the field whose item it is."""

    rule: Rule
    hint: Any
    """The annotation of the field; None for an item."""

    declared: Json
    is_required: bool
    """Whether the schema requires the field."""

    is_change: bool = False
    """Whether it is a field of a PATCH, which may be left out."""

    @property
    def name(self) -> str:
        """The Python name of the field."""
        return next(part for part in reversed(self.path) if part != "[]")


@cache
def places(document: Document) -> list[Place]:
    """Return each place in a request that the schema knows too; those in nested objects once."""
    seen: set[tuple[str, type]] = set()
    return [
        place for operation, method in implemented(document) for place in _places(document, operation, method, seen)
    ]


def implemented(document: Document) -> list[tuple[str, Method]]:
    """Return the operations that have a method."""
    return [
        (operation, methods()[name])
        for operation, name in OPERATIONS.items()
        if not isinstance(name, Missing) and name in methods() and operation in document.operations
    ]


def _places(document: Document, operation: str, method: Method, seen: set[tuple[str, type]]) -> Iterator[Place]:
    if method.fields_type is None:
        return
    body = document.body_of(operation) or {}
    in_query = document.query_of(operation)
    in_body = document.properties_of(body)
    hints = get_type_hints(method.fields_type, include_extras=True)
    required = {*document.required_in_query(operation), *body.get("required", ())}
    for name, field in method.fields.items():
        declared = (in_query if field.rule.in_query else in_body).get(field.wire)
        if declared is not None:
            place = Place(
                f"?{field.wire}" if field.rule.in_query else f"{owner_of(body)}.{field.wire}",
                method,
                (name,),
                method.fields_type,
                field,
                field.rule,
                hints[name],
                declared,
                is_required=field.wire in required,
                is_change=operation.startswith("PATCH"),
            )
            yield from _below(document, place, seen)


def _below(document: Document, place: Place, seen: set[tuple[str, type]]) -> Iterator[Place]:
    yield place
    item = document.item_of(place.declared)
    if item is not None and place.rule.items is not None:
        where, path = f"{place.where}[]", (*place.path, "[]")
        below = attrs.evolve(place, where=where, path=path, rule=place.rule.items, hint=None, declared=item)
        yield from _below(document, below, seen)
    key = (owner_of(place.declared), place.rule.kind)
    if attrs.has(place.rule.kind) and key not in seen:
        seen.add(key)
        yield from _fields_below(document, place, seen)


def _fields_below(document: Document, place: Place, seen: set[tuple[str, type]]) -> Iterator[Place]:
    owner = place.rule.kind
    hints = get_type_hints(owner, include_extras=True)
    properties = document.properties_of(place.declared)
    required = place.declared.get("required", ())
    for name, field in fields_of(owner).items():
        if field.wire in properties:
            below = Place(
                f"{owner_of(place.declared)}.{field.wire}",
                place.method,
                (*place.path, name),
                owner,
                field,
                field.rule,
                hints[name],
                properties[field.wire],
                is_required=field.wire in required,
            )
            yield from _below(document, below, seen)


def kinds_of(declared: Json) -> list[type]:
    """Return what a value of a schema may be here; a schema without any class yet has none."""
    if declared.get("x-name") in SCHEMAS and "enum" not in declared:
        return [*classes_of(declared["x-name"])] if "properties" in declared else [object]
    if declared.get("type") == "string":
        return [_KINDS_OF_STRINGS.get(declared.get("format", ""), timedelta if "pattern" in declared else str)]
    return [_KINDS[declared.get("type", "")]]


def literals_in(hint: object) -> set[object]:
    """Return the values of the literals in an annotation."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return {value for part in get_args(hint) for value in literals_in(part)}


def allows_none(hint: object) -> bool:
    return (
        hint is NoneType
        or hint is Any
        or any(allows_none(part) for part in get_args(hint) if get_origin(hint) not in _CONTAINERS)
    )


@attrs.frozen
class Received:
    """A field of a class, with its property."""

    where: str
    owner: type
    field: "attrs.Attribute[Any]"
    rule: Rule
    hint: Any
    declared: Json
    is_required: bool
    """Whether the schema requires it."""


@cache
def received(document: Document) -> list[Received]:
    """Return each field of each class of responses that the schema knows too."""
    return [
        one
        for name in document.schemas
        for cls in received_classes_of(document, name)
        for one in _received(document, name, cls)
    ]


def received_classes_of(document: Document, schema: str) -> list[type]:
    """Return the classes of responses that stand for a schema: all but those of which instances are only sent."""
    return [one for one in classes_of(schema) if one in _decoded(document) or one not in _sent(document)]


def sent_classes_of(document: Document, schema: str) -> list[type]:
    """Return the classes of which instances are sent that stand for a schema."""
    return [one for one in classes_of(schema) if one in _sent(document)]


@cache
def _sent(document: Document) -> set[type]:
    return {place.rule.kind for place in places(document) if attrs.has(place.rule.kind)}


@cache
def _decoded(document: Document) -> set[type]:
    """Return the classes of responses, with those inside of them."""
    responses = [document.response_of(operation) for operation, _ in implemented(document)]
    waiting = [cls for one in responses if one is not None for cls in classes_of(result_schema_of(document, one))[:1]]
    found: set[type] = set()
    while waiting:
        cls = waiting.pop()
        if cls not in found:
            found.add(cls)
            waiting += [kind for field in fields_of(cls).values() for kind in _classes_in(field.rule)]
    return found


def _classes_in(rule: Rule) -> list[type]:
    if rule.items is not None:
        return _classes_in(rule.items)
    return [rule.kind] if attrs.has(rule.kind) else []


def _received(document: Document, name: str, cls: type) -> Iterator[Received]:
    hints = get_type_hints(cls, include_extras=True)
    by_wire_name = {field.wire: (name, field.rule) for name, field in fields_of(cls).items()}
    attributes = attrs.fields_dict(cast("type[attrs.AttrsInstance]", cls))
    required = document.schemas[name].get("required", ())
    for wire, declared in document.properties_of(document.schemas[name]).items():
        if wire in by_wire_name:
            python, rule = by_wire_name[wire]
            yield Received(
                f"{name}.{wire}", cls, attributes[python], rule, hints[python], declared, is_required=wire in required
            )
