"""Writes what a schema declares as one would write it in the package: names, annotations and methods."""

import inspect
import keyword
import re
from collections.abc import Iterator
from functools import cache
from typing import get_type_hints, is_typeddict

from tests.contract.classes import all_classes, literals_in, modules_of_types
from tests.contract.document import Document, Json
from tests.contract.operations import OPERATIONS, Missing
from tests.contract.schemas import SCHEMAS
from ultravox_async._wire.rules import Rule

_TEXTS = {"date": "date", "date-time": "datetime", "time": "time"}
_FORMATS = {"uuid": "UUID", "uri": "HTTP_URL", "ipv4-cidr": "IPV4_CIDR"}
_SCALARS = {"": "Any", "boolean": "bool", "integer": "int", "number": "float"}
_VERBS = {"POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}


def python_name(wire: str) -> str:
    """Return the name in Python: ``outbound_proxy`` for ``outboundProxy``."""
    name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", wire).lower()
    return f"{name}_" if keyword.iskeyword(name) else name


def response_field(document: Document, wire: str, declared: Json) -> str:
    """Return the line of a field in a class of responses; only what is identity would have no default."""
    kind = _annotation(document, declared, is_sent=False)
    if kind.startswith(("list[", "dict[")) and not declared.get("nullable"):
        return f"{python_name(wire)}: {kind} = attrs.field(factory={kind})"
    return f"{python_name(wire)}: {kind if kind == 'Any' else f'{kind} | None'} = None"


def request_field(document: Document, wire: str, declared: Json, *, is_required: bool, in_query: bool = False) -> str:
    """Return the line of a field in a TypedDict."""
    markers = [*_limits(declared), *(["Sensitive"] if declared.get("writeOnly") else []), *["InQuery"][: int(in_query)]]
    kind = _annotation(document, declared, is_sent=True)
    written = f"Annotated[{', '.join([kind, *markers])}]" if markers else kind
    nullable = f"{written} | None" if declared.get("nullable") else written
    return f"{python_name(wire)}: {nullable if is_required else f'NotRequired[{nullable}]'}"


def _limits(declared: Json) -> Iterator[str]:
    for marker, names in {"MinLen": ("minLength", "minItems"), "MaxLen": ("maxLength", "maxItems")}.items():
        yield from (f"{marker}({declared[name]})" for name in names if name in declared)
    for marker, name in {"Ge": "minimum", "Le": "maximum"}.items():
        if name in declared:
            yield f"{marker}({declared[name]})"
    if declared.get("format") in _FORMATS:
        yield _FORMATS[declared["format"]]


def annotation(document: Document, declared: Json) -> str:
    """Return the type of a value in a response."""
    return _annotation(document, declared, is_sent=False)


def _annotation(document: Document, declared: Json, *, is_sent: bool) -> str:
    if "x-name" in declared and ("properties" in declared or "enum" in declared):
        return class_name(declared["x-name"])
    if "enum" in declared:
        return literals(declared)
    item = document.item_of(declared)
    inner = _annotation(document, item, is_sent=is_sent) if item else "Any"
    kind = declared.get("type", "")
    if kind == "array":
        return f"{'Sequence' if is_sent else 'list'}[{inner}]"
    if kind == "object":
        return f"{'Mapping' if is_sent else 'dict'}[str, {inner}]"
    if kind == "string":
        return _TEXTS.get(declared.get("format", ""), "timedelta" if "pattern" in declared else "str")
    return _SCALARS[kind]


def literals(declared: Json) -> str:
    """Return the type of an enumeration, which is open."""
    values = (f'"{value}"' for value in declared["enum"])
    return f"Literal[{', '.join(values)}] | str"


def written(rule: Rule) -> str:
    """Return the type that a rule is for."""
    if rule.items is not None:
        return f"list[{written(rule.items)}]" if rule.kind is list else f"dict[str, {written(rule.items)}]"
    return "Any" if rule.kind is object else rule.kind.__name__


def class_name(schema: str) -> str:
    """Return the name of the class of a schema, or the one that it would have."""
    found = SCHEMAS.get(schema)
    if isinstance(found, tuple):
        return found[0].rpartition(".")[2]
    name = re.split(r"[._]", schema)[-1]
    return name.removesuffix("Enum") or name


def full_name(cls: type) -> str:
    """Return ``types.calls.Call``."""
    return f"{cls.__module__}.{cls.__name__}".removeprefix("ultravox_async.")


@cache
def declaring(cls: type, name: str) -> str:
    """Return the full name of the class that declares a field: `cls`, or a class that it inherits the field from."""
    if is_typeddict(cls):
        # A TypedDict does not remember its bases.
        hints = get_type_hints(cls, include_extras=True)
        shapes = [cls, *(one for one in all_classes().values() if is_typeddict(one))]
        bases = {one: get_type_hints(one, include_extras=True) for one in shapes}
        fitting = [one for one, own in bases.items() if name in own and all(hints.get(key) == own[key] for key in own)]
        return full_name(min(fitting, key=lambda one: len(bases[one])))
    return full_name(next(one for one in reversed(cls.__mro__) if name in getattr(one, "__annotations__", {})))


@cache
def _aliases() -> dict[frozenset[object], str]:
    """Return the full names of the aliases of literals, by their values."""
    declared = [
        (module, name)
        for module in modules_of_types()
        for name in re.findall(r"^(\w+): TypeAlias = ", inspect.getsource(module), re.MULTILINE)
        if literals_in(vars(module)[name])
    ]
    return {
        frozenset(literals_in(vars(module)[name])): f"{module.__name__}.{name}".removeprefix("ultravox_async.")
        for module, name in declared
    }


def alias_of(hint: object, default: str) -> str:
    """Return the full name of the alias that has the literals of an annotation."""
    return _aliases().get(frozenset(literals_in(hint)), default)


def suggested_method(document: Document, operation: str) -> str:
    """Return what the method of a new operation could be called, from the methods of the operations around it."""
    verb, _, path = operation.partition(" ")
    parts = [part for part in path.removeprefix("/api/").strip("/").split("/") if part != "me"]
    names = [part for part in parts if not part.startswith("{")]
    resource, known = _resource_of(path)
    rest = names[known:]
    if verb == "POST" and len(parts) > 1 and not parts[-1].startswith("{") and rest:
        return ".".join([*resource, *rest])
    is_listing = "Paginated" in str((document.response_of(operation) or {}).get("x-name"))
    is_one = parts[-1].startswith("{") or not is_listing
    return ".".join([*resource, *rest, _VERBS.get(verb, "get" if is_one else "list")])


def _resource_of(path: str) -> tuple[list[str], int]:
    """Return the attributes of the resource that is nearest above a path, and how many names of the path it covers."""
    while path.count("/") > 1:
        methods = [
            name
            for operation, name in OPERATIONS.items()
            if not isinstance(name, Missing) and operation.partition(" ")[2].rstrip("/") == path
        ]
        if methods:
            names = [part for part in path.removeprefix("/api/").split("/") if part[0] != "{" and part != "me"]
            return methods[0].split(".")[:-1], len(names)
        path = path.rpartition("/")[0]
    return [], 0
