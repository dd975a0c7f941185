"""The base class of this package's types: converts them to plain data with the API's field names, and back.

They work in pydantic models and FastAPI endpoints, although pydantic is neither a dependency nor imported: it asks a
class for its schema, which is a plain dict.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Protocol, Self, cast, get_args, get_type_hints

import attrs

from ultravox_async._wire.converter import structure
from ultravox_async._wire.durations import format_duration
from ultravox_async._wire.json_form import encode
from ultravox_async._wire.names import wire_name
from ultravox_async.errors import DecodeError
from ultravox_async.types._markers import Sensitive


class _SchemaHandler(Protocol):
    """The handler that pydantic passes to a class that returns its own schema."""

    def generate_schema(self, source_type: Any, /) -> Any:  # noqa: ANN401 - any type, and a dict of pydantic's
        """Return pydantic's schema for a type."""
        ...


class WireObject:
    """An object that the API sends or takes.

    Every class of `ultravox_async.types` is one, so that it can be used with JSON, pydantic and FastAPI::

        json.dumps(registration.to_dict())
        orjson.dumps({"found": [registration]}, default=SipRegistration.to_dict)

        @app.get("/registrations")
        async def registrations() -> list[SipRegistration]: ...

    As the type of a FastAPI endpoint, or of a field of a pydantic model, it accepts an instance, or a dict as
    `from_dict` does, and is serialized to the JSON that `to_dict` returns; pydantic's ``model_dump()`` returns the same
    dict, with `datetime` objects. FastAPI parses the body of a request into it if the parameter is declared as
    ``config: Annotated[SipConfig, Body()]``.
    """

    # The subclasses are attrs classes with slots; without this, their instances would have a __dict__ all the same.
    __slots__ = ()

    def to_dict(self, *, sensitive: bool = False) -> dict[str, Any]:
        """Return dicts, lists and scalars that can be encoded as JSON, with the API's camelCase field names.

        A field that is None is included, as None: the API sends such fields as null. Timestamps become ISO 8601 strings
        with their UTC offset. The keys of maps are not changed, nor are values of types that this package does not
        know.

        Args:
            sensitive: Whether to include secrets. By default, their fields are omitted.

        Raises:
            TypeError: `self` is not an instance of such a class: json and orjson pass anything to their ``default``.
        """
        if not isinstance(self, WireObject):  # pyright: ignore[reportUnnecessaryIsInstance] - called through the class
            raise TypeError(f"{type(self).__name__} cannot be encoded as JSON")
        shown = [field for field in _fields(type(self)) if sensitive or not field.is_sensitive]
        return {field.wire: _plain(getattr(self, field.name), sensitive=sensitive) for field in shown}

    def to_json(self, *, sensitive: bool = False) -> str:
        """Return `to_dict` as JSON: a string, as `json.dumps` and pydantic's ``model_dump_json`` return one.

        Args:
            sensitive: Whether to include secrets.

        Raises:
            TypeError: Something in it cannot be encoded as JSON; that never happens to an object that was decoded.
        """
        return encode(self.to_dict(sensitive=sensitive)).decode()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return an instance from a dict as `to_dict` returns it, or as the API sends it.

        This is as strict as the decoding of responses: fields have the declared types, and nothing is coerced. Fields
        that the class does not declare are ignored.

        Raises:
            DecodeError: `data` does not have the fields and types of this class. That includes a dict that was made
                without secrets, if the class requires one of them.
        """
        return structure(data, cls, _Call(f"{cls.__name__}.from_dict"))

    @classmethod
    def __sensitive_fields__(cls) -> frozenset[str]:
        """Return the names of the fields whose values no error shows; the converter calls this."""
        return frozenset(field.name for field in _fields(cls) if field.is_sensitive)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: _SchemaHandler) -> dict[str, Any]:
        """Return a pydantic core schema, which says how to validate, serialize and document this class."""
        fields = _fields(cls)
        shown = [field for field in fields if not field.is_sensitive]
        taken = {field.wire: _schema_of(field, handler, required=field.is_required) for field in fields}
        given = {field.wire: _schema_of(field, handler, required=True) for field in shown}
        return {
            # The function never calls the validator of the schema that it wraps, which is there for the documentation.
            "type": "function-wrap",
            "function": {"type": "no-info", "function": cls._validated},
            "schema": {"type": "typed-dict", "cls": cls, "fields": taken},
            "serialization": {
                "type": "function-plain",
                "function": WireObject._shown_fields,
                "return_schema": {"type": "typed-dict", "cls": cls, "fields": given},
            },
            # The reference lets FastAPI document the class once, as a component of the OpenAPI document.
            "ref": f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        }

    @classmethod
    def _validated(cls, value: Any, _: object) -> Self:  # noqa: ANN401 - input of any type
        if isinstance(value, cls):
            return value
        try:
            # model_dump() returns dicts that contain datetime objects and instances.
            return cls.from_dict(_plain(value, sensitive=True))
        except DecodeError as error:
            problem = str(error)
        # pydantic turns a ValueError into a ValidationError, and lets other exceptions through. Raised out here, it has
        # no __context__ whose traceback would show the values.
        raise ValueError(problem)

    def _shown_fields(self) -> dict[str, Any]:
        # One level only: pydantic serializes the values by their types, the objects below with their own functions.
        shown = {field.wire: getattr(self, field.name) for field in _fields(type(self)) if not field.is_sensitive}
        return {
            name: format_duration(value) if isinstance(value, timedelta) else value for name, value in shown.items()
        }


@attrs.frozen
class _Call:
    """The context of a `DecodeError` about data that did not come in a response."""

    origin: str
    content_type: str = "application/json"

    def redacted(self, text: str) -> str:
        return text


@attrs.frozen
class _Field:
    name: str
    """In Python."""

    wire: str
    """In JSON."""

    declared: Any
    """Its type, with its metadata."""

    is_sensitive: bool
    """Whether it contains a secret."""

    is_required: bool
    """Whether it has no default."""


_known_fields: dict[type[WireObject], tuple[_Field, ...]] = {}


def _fields(cls: type[WireObject]) -> tuple[_Field, ...]:
    """Return the fields of a class, read on first use: only then can all annotations be resolved."""
    if cls not in _known_fields:
        declared = get_type_hints(cls, include_extras=True)
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
        _known_fields[cls] = tuple(_field(field, declared[field.name]) for field in fields)
    return _known_fields[cls]


def _field(field: "attrs.Attribute[Any]", declared: object) -> _Field:
    is_required = field.default is attrs.NOTHING
    return _Field(field.name, wire_name(field.name), declared, _is_sensitive(declared), is_required)


def _is_sensitive(declared: object) -> bool:
    """Return whether the marker is anywhere in a type; a list that contains secrets is a secret."""
    parts = get_args(declared)
    return any(part is Sensitive or _is_sensitive(part) for part in parts)


def _plain(value: Any, *, sensitive: bool) -> Any:  # noqa: ANN401 - JSON, before and after
    if isinstance(value, WireObject):
        return value.to_dict(sensitive=sensitive)
    if isinstance(value, date | timedelta):
        return _text_of(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: _plain(item, sensitive=sensitive) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item, sensitive=sensitive) for item in cast("list[Any]", value)]
    return value


def _text_of(value: date | timedelta) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    # As the API and pydantic write UTC. An offset may have seconds, too: +00:00:30.
    return re.sub(r"\+00:00$", "Z", value.isoformat())


def _schema_of(field: _Field, handler: _SchemaHandler, *, required: bool) -> dict[str, Any]:
    # pydantic has another form for durations than the API.
    declared = _TEXTS_OF_DURATIONS.get(field.declared, field.declared)
    return {"type": "typed-dict-field", "schema": handler.generate_schema(declared), "required": required}


_TEXTS_OF_DURATIONS: dict[Any, Any] = {timedelta: str, timedelta | None: str | None}
