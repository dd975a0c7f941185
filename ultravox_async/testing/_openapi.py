"""Reads the tools that an OpenAPI document describes: one for each operation."""

import re
from collections.abc import Iterator
from typing import Any, cast

import orjson

from ultravox_async.testing._validation import Invalid
from ultravox_async.testing._wire import Json

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_LOCATIONS = ("query", "path", "header")
_NAME_LENGTH = 40
_NO_OPENAPI = "The file is not an OpenAPI document with operations, in JSON or YAML."
# A key of a YAML mapping, and a scalar if that follows on the same line.
_YAML_ENTRY = re.compile(
    r"(?P<indent> *)(?P<key>'[^']*'|\"[^\"]*\"|[^\s#'\"-][^#]*?):(?:\s+(?P<value>[^#\s][^#]*?))?\s*(?:#.*)?"
)


def tools_in(file: bytes) -> list[dict[str, Json]]:
    """The names and definitions of the tools that an OpenAPI document describes.

    A document in JSON is read completely. Of one in YAML, only mappings in block style and the scalars in them are
    read: that is enough for the operations and their descriptions, but lists are left out, and with them the
    parameters and the server.

    Raises:
        Invalid: it is not such a document, or has no operations.
    """
    try:
        document: Any = orjson.loads(file)
    except orjson.JSONDecodeError:
        document = _read_yaml(file.decode(errors="replace"))
    tools = list(_tools(_object(document)))
    if not tools:
        raise Invalid({"file": [_NO_OPENAPI]})
    return tools


def _tools(document: dict[str, Any]) -> Iterator[dict[str, Json]]:
    server = "".join(str(_object(one).get("url", "")) for one in _list(document.get("servers"))[:1])
    for path, operations in _object(document.get("paths")).items():
        for method, operation in _object(operations).items():
            if method in _METHODS and _object(operation):
                yield _tool(f"{server.rstrip('/')}{path}", method, _object(operation))


def _tool(url: str, method: str, operation: dict[str, Any]) -> dict[str, Json]:
    name = re.sub(r"[^a-zA-Z0-9_-]+", "_", str(operation.get("operationId") or f"{method}_{url}"))[:_NAME_LENGTH]
    description = str(operation.get("description") or operation.get("summary") or "")
    return {
        "name": name,
        "definition": {
            "modelToolName": name,
            "description": description,
            "dynamicParameters": list(_parameters(operation)),
            "http": {"baseUrlPattern": url, "httpMethod": method.upper()},
        },
    }


def _parameters(operation: dict[str, Any]) -> Iterator[Json]:
    for one in map(_object, _list(operation.get("parameters"))):
        if one.get("in") in _LOCATIONS:
            location = f"PARAMETER_LOCATION_{one['in'].upper()}"
            yield _parameter(str(one.get("name")), location, one.get("schema"), required=bool(one.get("required")))
    content = _object(_object(operation.get("requestBody")).get("content"))
    body = _object(_object(content.get("application/json")).get("schema"))
    required = _list(body.get("required"))
    for name, schema in _object(body.get("properties")).items():
        yield _parameter(name, "PARAMETER_LOCATION_BODY", schema, required=name in required)


def _parameter(name: str, location: str, schema: object, *, required: bool) -> Json:
    return {"name": name, "location": location, "schema": _object(schema), "required": required}


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _read_yaml(text: str) -> dict[str, Any]:
    document: dict[str, Any] = {}
    levels: list[tuple[int, dict[str, Any]]] = [(-1, document)]
    for line in text.splitlines():
        entry = _YAML_ENTRY.fullmatch(line)
        if entry is None:
            continue
        indent = len(entry["indent"])
        while levels[-1][0] >= indent:
            levels.pop()
        key, value = entry["key"].strip("'\""), entry["value"]
        nested: dict[str, Any] = {}
        levels[-1][1][key] = nested if value is None else value.strip("'\"")
        levels.append((indent, nested))
    return document
