"""Compares the methods and the tables with a version of the schema: all operations, all fields and all schemas."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import cast

import attrs

from tests.contract.classes import implemented, named, result_types_of, sent_classes_of
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, Json, owner_of
from tests.contract.methods import Method, Sent, methods, sent_by_each
from tests.contract.operations import FORMS, OPERATIONS, Missing
from tests.contract.schemas import SCHEMAS
from tests.contract.writing import annotation, class_name, full_name, request_field, suggested_method
from ultravox_async._http.messages import KEY_HEADER
from ultravox_async._wire.rules import fields_of
from ultravox_async.client import _DEFAULT_BASE_URL  # pyright: ignore[reportPrivateUsage] - not public


@cache
def _sent_by_each() -> dict[str, list[Sent]]:
    return asyncio.run(sent_by_each())


def sent(document: Document) -> Iterator[tuple[str, Method, list[Sent]]]:
    """Return the operations that have a method, with what it sends; there is one for each of its alternatives."""
    for operation, method in implemented(document):
        yield operation, method, _sent_by_each()[method.name]


def connection(document: Document) -> Iterator[Difference]:
    """Compare the URL of the API, and the header of the key."""
    urls = [one["url"] for one in document.content.get("servers", ())]
    if urls != [_DEFAULT_BASE_URL]:
        text = f"the API is at {urls}; the default here is {_DEFAULT_BASE_URL}"
        yield Difference("servers", Group.BREAKS, "AsyncUltravox", text)
    schemes = document.content["components"].get("securitySchemes", {}).values()
    headers = [one.get("name") for one in schemes]
    if headers != [KEY_HEADER]:
        text = f"the API takes its key in {headers}; it is sent in {KEY_HEADER}"
        yield Difference("securitySchemes", Group.BREAKS, "AsyncUltravox", text)


def operations(document: Document) -> Iterator[Difference]:
    """Compare the operations with the table."""
    moved = moves(document)
    for operation in document.operations:
        if operation not in OPERATIONS and operation not in moved.values():
            text = f"no method for {operation}, which {_described(document, operation)}"
            yield Difference(operation, Group.MISSING, suggested_method(document, operation), text)
    for operation, name in OPERATIONS.items():
        if operation in moved and isinstance(name, str):
            module = methods()[name].function.__module__.removeprefix("ultravox_async.")
            text = f"{operation} is {moved[operation]} now: change the path in {module}"
            yield Difference(operation, Group.BREAKS, name, text)
        elif operation not in document.operations and isinstance(name, str):
            yield Difference(operation, Group.BREAKS, name, f"the API has no {operation}: deprecate or remove it")
        elif operation not in document.operations:
            yield Difference(operation, Group.MISSING, "tests.contract.operations", f"the API has no {operation}")


def _described(document: Document, operation: str) -> str:
    body, response = document.body_of(operation), document.response_of(operation)
    takes = [f"takes {annotation(document, body)}"] if body else []
    query = [f"filters by {', '.join(document.query_of(operation))}"] if document.query_of(operation) else []
    returns = f"returns {annotation(document, response)}" if response else "returns no JSON"
    return " and ".join([*takes, *query, returns])


def moves(document: Document) -> dict[str, str]:
    """Return the operations of the table that have another path, with what they are called now."""
    old = {_shape(one): one for one in _unique(OPERATIONS.keys() - document.operations.keys())}
    new = {_shape(one): one for one in _unique(document.operations.keys() - OPERATIONS.keys())}
    return {old[shape]: new[shape] for shape in old.keys() & new.keys()}


def _unique(operations: set[str]) -> list[str]:
    shapes = Counter(map(_shape, operations))
    return [one for one in operations if shapes[_shape(one)] == 1]


def _shape(operation: str) -> str:
    """Return what an operation keeps when its path changes: ``GET calls/{}`` of ``GET /api/v2/calls/{call_id}``."""
    verb, _, path = re.sub(r"{.+?}", "{}", operation).partition(" ")
    end = re.search(r"[^/{}]+(/{})*/?$", path)
    return f"{verb} {end[0] if end else path}"


@cache
def following_moves(document: Document) -> Document:
    """Return the document with the paths of the table for the operations that have moved."""
    names = {new: old for old, new in moves(document).items()}
    paths: dict[str, dict[str, Json]] = {}
    for operation, declared in document.operations.items():
        verb, _, path = names.get(operation, operation).partition(" ")
        paths.setdefault(path, {})[verb.lower()] = declared
    return Document({**document.content, "paths": paths})


def parameters(document: Document) -> Iterator[Difference]:
    """Compare the query parameters."""
    for operation, method, requests in sent(document):
        there = document.query_of(operation)
        here = frozenset[str]().union(*(one.query for one in requests))
        shape = full_name(method.fields_type) if method.fields_type else "a new TypedDict"
        required = document.required_in_query(operation)
        for name in there.keys() - here:
            field = request_field(document, name, there[name], is_required=name in required, in_query=True)
            group = Group.BREAKS if name in required else Group.MISSING
            yield Difference(f"{operation} ?{name}", group, method.name, f"lacks `{field}`, in {shape}")
        for name in here - there.keys():
            text = f"takes ?{name}, which the API does not know: remove it from {shape}"
            yield Difference(f"{operation} ?{name}", Group.BREAKS, method.name, text)


def forms(document: Document) -> Iterator[Difference]:
    """Compare the forms with a file, and the fields beside the file."""
    for operation in document.operations:
        form = document.form_of(operation)
        if form is not None and operation not in FORMS:
            yield Difference(operation, Group.MISSING, operation, "takes a form, too, for which there is no method")
    for operation, name in FORMS.items():
        declared = (document.form_of(operation) if operation in document.operations else None) or {}
        there = document.properties_of(declared)
        here = frozenset[str]().union(*(one.body or frozenset() for one in _sent_by_each()[name]))
        for field in there.keys() ^ here:
            text = f"lacks {field} in its form" if field in there else f"sends {field}, which is not in the form"
            yield Difference(f"{operation} form.{field}", Group.BREAKS, name, text)
        needed = {"file", *(key for key, one in methods()[name].fields.items() if one.required)}
        for field in needed ^ set(declared.get("required", ())):
            text = f"{field} is required either here or in the API, and not in both"
            yield Difference(f"{operation} form.{field}", Group.BREAKS, name, text)


@attrs.frozen
class _Sender:
    """What sends the fields of an object: a TypedDict or a class."""

    subject: str
    declared: Json
    fields: frozenset[str]


def _senders(document: Document) -> Iterator[_Sender]:
    for operation, method, requests in sent(document):
        subject = full_name(method.fields_type) if method.fields_type else method.name
        fields = frozenset[str]().union(*(one.body or frozenset() for one in requests))
        yield _Sender(subject, {"x-name": operation, **(document.body_of(operation) or {})}, fields)
    for name, schema in document.schemas.items():
        for cls in sent_classes_of(document, name):
            fields = frozenset(field.wire for field in fields_of(cls).values())
            yield _Sender(full_name(cls), {**schema, "x-name": name}, fields)


def not_sent(document: Document) -> Iterator[Difference]:
    """Look for properties that may be sent, and that nothing sends."""
    for one in _senders(document):
        required = one.declared.get("required", ())
        for name, declared in document.properties_of(one.declared).items():
            if not declared.get("readOnly") and name not in one.fields:
                field = request_field(document, name, declared, is_required=name in required)
                group = Group.BREAKS if name in required else Group.MISSING
                yield Difference(f"{owner_of(one.declared)}.{name}", group, one.subject, f"lacks `{field}`")


def sent_undeclared(document: Document) -> Iterator[Difference]:
    """Look for fields that are sent, and that the schema does not have or calls read-only."""
    for one in _senders(document):
        properties = document.properties_of(one.declared)
        for name in one.fields:
            if properties.get(name, {"readOnly": True}).get("readOnly"):
                text = f"sends {name}, which the API does not take: remove it"
                yield Difference(f"{owner_of(one.declared)}.{name}", Group.BREAKS, one.subject, text)


def results(document: Document) -> Iterator[Difference]:
    """Compare what responses are decoded into."""
    for operation, method, requests in sent(document):
        response = document.response_of(operation)
        types = result_types_of(document, response)
        if any(one.result_type not in types for one in requests):
            returned = annotation(document, response) if response else "no JSON"
            yield Difference(operation, Group.BREAKS, method.name, f"the API returns {returned}")


def schemas(document: Document) -> Iterator[Difference]:
    """Compare the schemas with the table."""
    for name in document.schemas.keys() - SCHEMAS.keys():
        kind = "alias" if "enum" in document.schemas[name] else "class"
        text = f"no {kind} for the schema {name}, used in {', '.join(_users(document, name)) or 'nothing'}"
        yield Difference(name, Group.MISSING, class_name(name), text)
    for name in SCHEMAS.keys() - document.schemas.keys():
        found = SCHEMAS[name]
        subject = "tests.contract.schemas" if isinstance(found, Missing) else f"types.{found[0]}"
        others = "" if isinstance(found, Missing) or not found[1:] else f"; likewise {', '.join(found[1:])}"
        yield Difference(name, Group.MISSING, subject, f"the API has no schema {name}{others}")


def _users(document: Document, schema: str) -> list[str]:
    """Return the properties and the operations that refer to a schema."""
    properties = {
        f"{owner}.{name}": declared
        for owner, one in document.schemas.items()
        for name, declared in one.get("properties", {}).items()
    }
    return [name for name, one in {**properties, **document.operations}.items() if _refers(one, schema)]


def _refers(declared: object, schema: str) -> bool:
    if isinstance(declared, dict):
        items = cast("Json", declared)
        return str(items.get("$ref", "")).endswith(f"/{schema}") or any(_refers(one, schema) for one in items.values())
    return isinstance(declared, list) and any(_refers(one, schema) for one in cast("list[object]", declared))


def requests_of_the_schemas(document: Document) -> Iterator[Difference]:
    """Compare the TypedDict of each method with the one that stands for the schema of its body."""
    for operation, method in implemented(document):
        name = (document.body_of(operation) or {}).get("x-name", "")
        found = SCHEMAS.get(name)
        if isinstance(found, tuple) and method.fields_type not in map(named, found):
            text = f"takes {full_name(method.fields_type) if method.fields_type else 'no fields'}, and not {found}"
            yield Difference(operation, Group.BREAKS, method.name, text)
