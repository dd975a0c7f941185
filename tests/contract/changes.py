"""Compares two versions of the schema, keyword by keyword, for what no comparison with the package tells."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import attrs

from tests.contract.classes import classes_of
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, Json
from tests.contract.operations import OPERATIONS, Missing
from tests.contract.schemas import SCHEMAS
from tests.contract.writing import full_name, python_name

Keywords: TypeAlias = dict[str, Any]

COSMETIC = {"description", "summary", "title", "example", "examples", "tags", "operationId", "x-codeSamples", "order"}
"""Keywords that say nothing about what is sent."""

_INNER = {"properties", "items", "additionalProperties", "required"}
_ABSENT = "absent"
_WHOLE = "the document"


@attrs.frozen
class Change:
    """A keyword that has changed at a place, or a place that only one version has."""

    where: str
    keyword: str
    old: object
    new: object


def changes(old: Document, new: Document) -> Iterator[Change]:
    """Return what is different between two versions."""
    before, after = dict(keywords_at(old)), dict(keywords_at(new))
    for where in before.keys() | after.keys():
        one, other = before.get(where), after.get(where)
        if one is None or other is None:
            yield Change(where, "", one, other)
            continue
        for keyword in one.keys() | other.keys():
            yield from _compared(where, keyword, one.get(keyword, _ABSENT), other.get(keyword, _ABSENT))


def _compared(where: str, keyword: str, old: object, new: object) -> Iterator[Change]:
    if keyword in {"enum", "order"} and isinstance(old, list) and isinstance(new, list):
        yield from _compared_lists(where, keyword, cast("list[object]", old), cast("list[object]", new))
    elif old != new:
        yield Change(where, keyword, old, new)


def _compared_lists(where: str, keyword: str, old: list[object], new: list[object]) -> Iterator[Change]:
    if [one for one in old if one in new] != [one for one in new if one in old]:
        yield Change(where, "order", old, new)
    if keyword == "enum" and set(old) != set(new):
        yield Change(where, keyword, old, new)


def keywords_at(document: Document) -> Iterator[tuple[str, Keywords]]:
    """Return each place of a version, with what it says of it."""
    yield _WHOLE, {key: value for key, value in document.content.items() if key not in {"paths", "components"}}
    for operation, declared in document.operations.items():
        yield from _places_of_operation(operation, declared)
    for name, declared in document.schemas.items():
        yield from _places_below(name.removeprefix("Patched") if name in SCHEMAS else name, declared)


def _places_of_operation(operation: str, declared: Json) -> Iterator[tuple[str, Keywords]]:
    yield operation, {key: value for key, value in declared.items() if key != "parameters"}
    for parameter in declared.get("parameters", ()):
        mark = "?" if parameter["in"] == "query" else ""
        yield f"{operation} {mark}{parameter['name']}", {**parameter, **parameter["schema"], "schema": None}


def _places_below(where: str, declared: Json) -> Iterator[tuple[str, Keywords]]:
    properties = cast("dict[str, Json]", declared.get("properties", {}))
    yield where, {**{key: value for key, value in declared.items() if key not in _INNER}, "order": [*properties]}
    for name, one in properties.items():
        for place, keywords in _places_below(f"{where}.{name}", one):
            is_required = {"required": name in declared.get("required", ())} if place == f"{where}.{name}" else {}
            yield place, keywords | is_required
    for inner in (declared.get("items"), declared.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from _places_below(f"{where}[]", cast("Json", inner))


def without_effect(found: Iterable[Change], differences: Iterable[Difference]) -> Iterator[Difference]:
    """Return what changed and is none of the differences of the package; what has become deprecated is missing."""
    told = {one.where for one in differences}
    for change in found:
        if change.keyword in COSMETIC:
            yield _difference(change, Group.COSMETIC, change.keyword)
        elif change.keyword == "deprecated" and change.new is True:
            yield _difference(change, Group.MISSING, "deprecated by the API: say so in the docstring")
        elif not any(_is_in(change.where, where) for where in told):
            yield _difference(change, Group.COSMETIC, _text(change))


def _is_in(where: str, other: str) -> bool:
    is_filter = other.startswith("?") and where.endswith(f" {other.removesuffix('[]')}")
    return is_filter or where == other or where.startswith((f"{other}.", f"{other}[", f"{other} "))


def _text(change: Change) -> str:
    if not change.keyword:
        return "new" if change.old is None else "not in the API any more"
    if change.keyword in {"responses", "requestBody", "security"}:
        return change.keyword
    return f"{change.keyword} from {_short(change.old)} to {_short(change.new)}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 40 else f"{text[:40]}…"


def _difference(change: Change, group: Group, text: str) -> Difference:
    subject, name = _named(change.where)
    return Difference(change.where, group, subject, f"{name}: {text}" if name else text)


def _named(where: str) -> tuple[str, str]:
    """Return what the package calls a place: a method or a class, and the parameter or the field."""
    verb, _, rest = where.partition(" ")
    if rest.startswith("/"):
        path, _, parameter = rest.partition(" ")
        method = OPERATIONS.get(f"{verb} {path}")
        name = f"?{parameter[1:]}" if parameter.startswith("?") else parameter
        return (f"{verb} {path}" if method is None or isinstance(method, Missing) else method), name
    schema = max((one for one in _schemas() if where == one or where.startswith((f"{one}.", f"{one}["))), default="")
    return (_schemas()[schema], python_name(where[len(schema) :].lstrip("."))) if schema else (where, "")


def _schemas() -> Mapping[str, str]:
    """Return what stands for each schema: the class of responses, if there is one."""
    found: dict[str, str] = {}
    for name, names in sorted(SCHEMAS.items()):
        if isinstance(names, tuple):
            classes = classes_of(name)
            found.setdefault(name.removeprefix("Patched"), full_name(classes[0]) if classes else f"types.{names[0]}")
    return found
