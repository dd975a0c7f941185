"""A version of the API's schema; the one that the package is compared with is kept beside the checkout."""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias, cast

import attrs
import pytest
import yaml

SCHEMA = Path(__file__).parents[2].parent / "shared" / "spec" / "openapi-2026-07-02.yaml"

needs_schema = pytest.mark.skipif(not SCHEMA.exists(), reason=f"there is no {SCHEMA.name} beside the checkout")

Json: TypeAlias = dict[str, Any]


@attrs.frozen(eq=False)
class Document:
    """An OpenAPI document. Two of them are never equal, so that what is found out about one can be cached."""

    content: Json

    @cached_property
    def schemas(self) -> dict[str, Json]:
        return cast("dict[str, Json]", self.content["components"]["schemas"])

    @cached_property
    def operations(self) -> dict[str, Json]:
        """The operations by what they are called in the tables: ``GET /api/webhooks``."""
        paths = cast("dict[str, dict[str, Json]]", self.content["paths"])
        return {f"{method.upper()} {path}": one for path, methods in paths.items() for method, one in methods.items()}

    def query_of(self, operation: str) -> dict[str, Json]:
        return {one["name"]: one["schema"] for one in self._query_parameters(operation)}

    def required_in_query(self, operation: str) -> set[str]:
        return {one["name"] for one in self._query_parameters(operation) if one.get("required")}

    def _query_parameters(self, operation: str) -> list[Json]:
        return [one for one in self.operations[operation].get("parameters", ()) if one["in"] == "query"]

    def body_of(self, operation: str) -> Json | None:
        """Return the schema of the JSON body; None if there is none."""
        body = self.operations[operation].get("requestBody", {}).get("content", {}).get("application/json", {})
        return self.resolved(body["schema"]) if "schema" in body else None

    def form_of(self, operation: str) -> Json | None:
        """Return the schema of the form with a file; None if the operation takes none."""
        contents = self.operations[operation].get("requestBody", {}).get("content", {})
        return cast("Json | None", contents.get("multipart/form-data", {}).get("schema"))

    def response_of(self, operation: str) -> Json | None:
        """Return the schema of the JSON of a successful response; None if there is none."""
        responses = self.operations[operation]["responses"]
        contents = [responses[status].get("content", {}) for status in ("200", "201") if status in responses]
        found = [content["application/json"]["schema"] for content in contents if "application/json" in content]
        return self.resolved(found[0]) if found else None

    def resolved(self, declared: Json) -> Json:
        """Return a schema without references.

        What stands beside a reference is kept, and the name of the schema that was referred to is ``x-name``. The
        second schema of a ``oneOf`` is the one of null, which ``nullable`` says too.
        """
        beside = {key: value for key, value in declared.items() if key not in {"$ref", "allOf", "oneOf"}}
        for wrapped in (*declared.get("allOf", ()), *declared.get("oneOf", ()))[:1]:
            return {**self.resolved(wrapped), **beside}
        if "$ref" in declared:
            name = declared["$ref"].rsplit("/", 1)[1]
            return {**self.resolved(self.schemas[name]), **beside, "x-name": name}
        return declared

    def properties_of(self, declared: Json) -> dict[str, Json]:
        return {name: self.resolved(one) for name, one in declared.get("properties", {}).items()}

    def item_of(self, declared: Json) -> Json | None:
        """Return the schema of the items of a list or of the values of a map."""
        found = declared.get("items", declared.get("additionalProperties"))
        return self.resolved(cast("Json", found)) if found and isinstance(found, dict) else None

    def values_of(self, declared: Json) -> set[object]:
        """Return the values of an enumeration, or of one whose values are the items of a list."""
        return set(declared.get("enum") or (self.item_of(declared) or {}).get("enum", ()))


def read(path: Path) -> Document:
    """Read a document, in YAML or in JSON.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no OpenAPI document.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = path.read_text("utf-8")
    try:
        # JSON is almost YAML: an escaped character outside of the basic plane is an error there.
        parsed = json.loads(text) if text.startswith("{") else yaml.load(text, loader)  # noqa: S506 - both are safe
        content = cast("Json", parsed)
        _ = content["paths"], content["components"]["schemas"]
    except (json.JSONDecodeError, yaml.YAMLError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no OpenAPI document") from error
    return Document(content)


@cache
def the_document() -> Document:
    """Return the version that the package is made for."""
    return read(SCHEMA)


def owner_of(declared: Json) -> str:
    """Return what the tables call an object: the schemas for PATCH have the names of those that they patch."""
    return str(declared.get("x-name", "")).removeprefix("Patched")
