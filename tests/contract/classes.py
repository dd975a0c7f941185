"""The classes that stand for schemas, and the places in them beside the schema's."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints, is_typeddict

import attrs

from tests.contract.document import Json, body_of, owner_of, properties_of, query_of, resolved, response_of, schemas
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
def all_classes() -> dict[str, type]:
    """Return the attrs classes and TypedDicts of `ultravox_async.types`, by their names in the tables."""
    modules = [one.name for one in pkgutil.walk_packages(types.__path__, f"{types.__name__}.")]
    return {
        f"{module.removeprefix(f'{types.__name__}.')}.{name}": value
        for module in modules
        for name, value in vars(importlib.import_module(module)).items()
        if (is_typeddict(value) or (isinstance(value, type) and attrs.has(value)))
        and value.__module__ == module
        and not module.rpartition(".")[2].startswith("_")
    }


def classes_of(schema: str) -> list[type]:
    """Return the attrs classes that stand for a schema."""
    names = SCHEMAS.get(schema, ())
    found = [named(name) for name in names] if isinstance(names, tuple) else []
    return [one for one in found if isinstance(one, type) and attrs.has(one)]


def result_types_of(declared: Json | None) -> list[object]:
    """Return what a response may be decoded into."""
    if declared is None:
        return [None]
    classes = classes_of(result_schema_of(declared))[:1]
    if declared.get("type") == "array":
        return [list[one] for one in classes]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeArguments] - made at run time
    if SCHEMAS.get(declared.get("x-name", "")) is PAGE:
        return [Page[one] for one in classes]  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeArguments] - as above
    return [*classes]


def result_schema_of(declared: Json) -> str:
    """Return the name of the schema of a response, or of each of its results."""
    if declared.get("type") == "array":
        return str(resolved(declared["items"])["x-name"])
    name = str(declared.get("x-name", ""))
    if SCHEMAS.get(name) is PAGE:
        return str(resolved(properties_of(declared)["results"]["items"])["x-name"])
    return name


@attrs.frozen
class Place:
    """A place in a request, with what the package and the schema say about it."""

    where: str
    """As the tables call it."""

    method: Method
    path: Path
    field: Field
    """The field, or for an item the field whose item it is."""

    rule: Rule
    hint: Any
    """The annotation of the field; None for an item."""

    declared: Json
    is_change: bool = False
    """Whether it is a field of a PATCH, which may be left out."""


@cache
def places() -> list[Place]:
    """Return each place in a request that the schema knows too; those in nested objects once."""
    seen: set[tuple[str, type]] = set()
    return [place for operation, method in implemented() for place in _places(operation, method, seen)]


def implemented() -> list[tuple[str, Method]]:
    """Return the operations that have a method."""
    return [
        (operation, methods()[name])
        for operation, name in OPERATIONS.items()
        if not isinstance(name, Missing) and name in methods()
    ]


def _places(operation: str, method: Method, seen: set[tuple[str, type]]) -> Iterator[Place]:
    if method.fields_type is None:
        return
    body = body_of(operation) or {}
    in_query = query_of(operation)
    in_body = properties_of(body)
    hints = get_type_hints(method.fields_type, include_extras=True)
    for name, field in method.fields.items():
        declared = (in_query if field.rule.in_query else in_body).get(field.wire)
        if declared is not None:
            where = f"?{field.wire}" if field.rule.in_query else f"{owner_of(body)}.{field.wire}"
            is_change = operation.startswith("PATCH")
            yield from _below(Place(where, method, (name,), field, field.rule, hints[name], declared, is_change), seen)


def _below(place: Place, seen: set[tuple[str, type]]) -> Iterator[Place]:
    yield place
    item = item_of(place.declared)
    if item is not None and place.rule.items is not None:
        below = (*place.path, "[]")
        yield from _below(
            attrs.evolve(place, where=f"{place.where}[]", path=below, rule=place.rule.items, hint=None, declared=item),
            seen,
        )
    key = (owner_of(place.declared), place.rule.kind)
    if attrs.has(place.rule.kind) and key not in seen:
        seen.add(key)
        yield from _fields_below(place, seen)


def _fields_below(place: Place, seen: set[tuple[str, type]]) -> Iterator[Place]:
    hints = get_type_hints(place.rule.kind, include_extras=True)
    properties = properties_of(place.declared)
    for name, field in fields_of(place.rule.kind).items():
        if field.wire in properties:
            where = f"{owner_of(place.declared)}.{field.wire}"
            below = Place(
                where, place.method, (*place.path, name), field, field.rule, hints[name], properties[field.wire]
            )
            yield from _below(below, seen)


def item_of(declared: Json) -> Json | None:
    """Return the schema of the items of a list or of the values of a map."""
    found = declared.get("items", declared.get("additionalProperties"))
    return resolved(cast("Json", found)) if found and isinstance(found, dict) else None


def kinds_of(declared: Json) -> list[type]:
    """Return what a value of a schema may be here; a schema without any class yet has none."""
    if declared.get("x-name") in SCHEMAS and "enum" not in declared:
        return [*classes_of(declared["x-name"])] if "properties" in declared else [object]
    if declared.get("type") == "string":
        return [_KINDS_OF_STRINGS.get(declared.get("format", ""), timedelta if "pattern" in declared else str)]
    return [_KINDS[declared.get("type", "")]]


def values_of(declared: Json) -> set[object]:
    """Return the values of an enumeration, or of one whose values are the items of a list."""
    empty: Sequence[object] = ()
    found: Sequence[object] = declared.get("enum") or (item_of(declared) or {}).get("enum", empty)
    return set(found)


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
    field: "attrs.Attribute[Any]"
    rule: Rule
    hint: Any
    declared: Json
    is_required: bool
    """Whether the schema requires it."""


@cache
def received() -> list[Received]:
    """Return each field of each class of responses that the schema knows too."""
    return [one for name in schemas() for cls in received_classes_of(name) for one in _received(name, cls)]


def received_classes_of(schema: str) -> list[type]:
    """Return the classes of responses that stand for a schema: all but those of which instances are only sent."""
    return [one for one in classes_of(schema) if one in _decoded() or one not in _sent()]


def sent_classes_of(schema: str) -> list[type]:
    """Return the classes of which instances are sent that stand for a schema."""
    return [one for one in classes_of(schema) if one in _sent()]


@cache
def _sent() -> set[type]:
    return {place.rule.kind for place in places() if attrs.has(place.rule.kind)}


@cache
def _decoded() -> set[type]:
    """Return the classes of responses, with those inside of them."""
    responses = [response_of(operation) for operation, _ in implemented()]
    waiting = [cls for one in responses if one is not None for cls in classes_of(result_schema_of(one))[:1]]
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


def _received(name: str, cls: type) -> Iterator[Received]:
    hints = get_type_hints(cls, include_extras=True)
    by_wire_name = {field.wire: (name, field.rule) for name, field in fields_of(cls).items()}
    attributes = attrs.fields_dict(cast("type[attrs.AttrsInstance]", cls))
    for wire, declared in properties_of(schemas()[name]).items():
        if wire in by_wire_name:
            python, rule = by_wire_name[wire]
            is_required = wire in schemas()[name].get("required", ())
            yield Received(f"{name}.{wire}", attributes[python], rule, hints[python], declared, is_required)
