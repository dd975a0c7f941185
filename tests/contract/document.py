"""The API's schema, which is kept beside the checkout and not in it."""

from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import pytest
import yaml

SCHEMA = Path(__file__).parents[2].parent / "shared" / "spec" / "openapi-2026-07-02.yaml"

needs_schema = pytest.mark.skipif(not SCHEMA.exists(), reason=f"there is no {SCHEMA.name} beside the checkout")

Json: TypeAlias = dict[str, Any]


@cache
def document() -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast("Json", yaml.load(SCHEMA.read_text("utf-8"), loader))  # noqa: S506 - both of them are safe


def schemas() -> dict[str, Json]:
    return cast("dict[str, Json]", document()["components"]["schemas"])


@cache
def operations() -> dict[str, Json]:
    """Return the operations by what they are called in the tables: ``GET /api/webhooks``."""
    paths = cast("dict[str, dict[str, Json]]", document()["paths"])
    return {f"{method.upper()} {path}": one for path, methods in paths.items() for method, one in methods.items()}


def query_of(operation: str) -> dict[str, Json]:
    parameters = operations()[operation].get("parameters", ())
    return {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}


def body_of(operation: str) -> Json | None:
    """Return the schema of the JSON body; None if there is none."""
    body = operations()[operation].get("requestBody", {}).get("content", {}).get("application/json", {})
    return resolved(body["schema"]) if "schema" in body else None


def response_of(operation: str) -> Json | None:
    """Return the schema of the JSON of a successful response; None if there is none."""
    responses = operations()[operation]["responses"]
    contents = [responses[status].get("content", {}) for status in ("200", "201") if status in responses]
    found = [content["application/json"]["schema"] for content in contents if "application/json" in content]
    return resolved(found[0]) if found else None


def resolved(declared: Json) -> Json:
    """Return a schema without references.

    What stands beside a reference is kept, and the name of the schema that was referred to is ``x-name``. The second
    schema of a ``oneOf`` is the one of null, which ``nullable`` says too.
    """
    beside = {key: value for key, value in declared.items() if key not in {"$ref", "allOf", "oneOf"}}
    for wrapped in (*declared.get("allOf", ()), *declared.get("oneOf", ()))[:1]:
        return {**resolved(wrapped), **beside}
    if "$ref" in declared:
        name = declared["$ref"].rsplit("/", 1)[1]
        return {**resolved(schemas()[name]), **beside, "x-name": name}
    return declared


def properties_of(declared: Json) -> dict[str, Json]:
    return {name: resolved(one) for name, one in declared.get("properties", {}).items()}


def owner_of(declared: Json) -> str:
    """Return what the tables call an object: the schemas for PATCH have the names of those that they patch."""
    return str(declared.get("x-name", "")).removeprefix("Patched")
