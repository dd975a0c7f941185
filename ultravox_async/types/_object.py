"""What the types of this package have in common: they leave it as plain data, in the names of the wire, and come back.

pydantic, and with it FastAPI, is asked for nothing and imported nowhere: what it wants to know of a class is a plain
dict, which it asks the class for.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, Self, cast, get_args, get_type_hints

import attrs

from ultravox_async._wire.converter import structure
from ultravox_async._wire.json_form import encode
from ultravox_async._wire.names import wire_name
from ultravox_async.errors import DecodeError
from ultravox_async.types._markers import Sensitive


class _SchemaHandler(Protocol):
    """What pydantic hands to a class that describes itself."""

    def generate_schema(self, source_type: Any, /) -> Any:  # noqa: ANN401 - any type, and a dict of pydantic's
        """Return pydantic's description of a type."""
        ...


class WireObject:
    """An object that goes over the wire.

    Every class of `ultravox_async.types` is one, so that JSON, pydantic and FastAPI take it::

        json.dumps(registration.to_dict())
        orjson.dumps({"found": [registration]}, default=SipRegistration.to_dict)

        @app.get("/registrations")
        async def registrations() -> list[SipRegistration]: ...

    As the type of a FastAPI endpoint, or of a field of a pydantic model, it takes an instance, or a dict as `from_dict`
    does, and becomes the JSON that `to_dict` shows; pydantic's ``model_dump()`` gives the same dict with its timestamps
    as they are. FastAPI reads a request's body into it where it is told to: ``config: Annotated[SipConfig, Body()]``.
    """

    # The attrs classes below define slots, which one class without them would undo.
    __slots__ = ()

    def to_dict(self, *, sensitive: bool = False) -> dict[str, Any]:
        """Return what JSON has a form for: dicts, lists and scalars, with the camelCase names of the wire.

        A field that is None is there, as None: the API shows such fields as null. Timestamps are ISO 8601 strings with
        their offset. The keys of maps stay as they are, and so do values of types that this package does not know.

        Args:
            sensitive: Whether secrets are in it too. Without them, which is the default, their fields are left out.
        """
        shown = [field for field in _fields(type(self)) if sensitive or not field.is_sensitive]
        return {field.wire: _plain(getattr(self, field.name), sensitive=sensitive) for field in shown}

    def to_json(self, *, sensitive: bool = False) -> str:
        """Return `to_dict` as JSON: a string, as `json.dumps` and pydantic's ``model_dump_json`` return one.

        Args:
            sensitive: Whether secrets are in it too.

        Raises:
            TypeError: JSON has no form for something in it; nothing that was decoded is like that.
        """
        return encode(self.to_dict(sensitive=sensitive)).decode()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the instance that `to_dict` made `data` of, or that the API would show like that.

        It is as strict as the decoding of answers: fields have the declared types, and nothing is coerced. Fields that
        the class does not know are ignored.

        Raises:
            DecodeError: `data` has not the shape of this class. So it is if it was made without secrets, and the class
                cannot do without one.
        """
        return structure(data, cls, _Call(f"{cls.__name__}.from_dict"))

    @classmethod
    def __sensitive_fields__(cls) -> frozenset[str]:
        """Return the names of the fields whose values no error shows; the converter asks for it."""
        return frozenset(field.name for field in _fields(cls) if field.is_sensitive)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: _SchemaHandler) -> dict[str, Any]:
        """Return what pydantic calls a core schema: how to validate, to serialize and to document this class."""
        fields = _fields(cls)
        shown = [field for field in fields if not field.is_sensitive]
        taken = {field.wire: _schema_of(field, handler, required=field.is_required) for field in fields}
        given = {field.wire: _schema_of(field, handler, required=True) for field in shown}
        return {
            # The function never asks the schema that it wraps; that is there for the documentation.
            "type": "function-wrap",
            "function": {"type": "no-info", "function": cls._validated},
            "schema": {"type": "typed-dict", "cls": cls, "fields": taken},
            "serialization": {
                "type": "function-plain",
                "function": WireObject._shown_fields,
                "return_schema": {"type": "typed-dict", "cls": cls, "fields": given},
            },
            # With a name for references, FastAPI documents the class once, as a component.
            "ref": f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        }

    @classmethod
    def _validated(cls, value: Any, _: object) -> Self:  # noqa: ANN401 - whatever somebody sent
        if isinstance(value, cls):
            return value
        try:
            # pydantic's own dicts have timestamps in them, and instances.
            return cls.from_dict(_plain(value, sensitive=True))
        except DecodeError as error:
            problem = str(error)
        # pydantic takes a ValueError for a refusal, and lets other errors through.
        raise ValueError(problem)

    def _shown_fields(self) -> dict[str, Any]:
        # One level only: pydantic serializes the values by their types, the objects below with their own functions.
        return {field.wire: getattr(self, field.name) for field in _fields(type(self)) if not field.is_sensitive}


@attrs.frozen
class _Call:
    """What a `DecodeError` says about data that is no answer."""

    origin: str

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
    """Whether it holds a secret."""

    is_required: bool
    """Whether an object without it is refused."""


_known_fields: dict[type[WireObject], tuple[_Field, ...]] = {}


def _fields(cls: type[WireObject]) -> tuple[_Field, ...]:
    """Return the fields of a class. They are read when they are needed first: now each annotation can be resolved."""
    if cls not in _known_fields:
        declared = get_type_hints(cls, include_extras=True)
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", cls))
        _known_fields[cls] = tuple(_field(field, declared[field.name]) for field in fields)
    return _known_fields[cls]


def _field(field: "attrs.Attribute[Any]", declared: object) -> _Field:
    is_required = field.default is attrs.NOTHING
    return _Field(field.name, wire_name(field.name), declared, _is_sensitive(declared), is_required)


def _is_sensitive(declared: object) -> bool:
    """Return whether the marker stands anywhere in a type; a list with secrets in it is a secret."""
    parts = get_args(declared)
    return any(part is Sensitive or _is_sensitive(part) for part in parts)


def _plain(value: Any, *, sensitive: bool) -> Any:  # noqa: ANN401 - JSON, before and after
    if isinstance(value, WireObject):
        return value.to_dict(sensitive=sensitive)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")  # as the API and pydantic write UTC
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: _plain(item, sensitive=sensitive) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item, sensitive=sensitive) for item in cast("list[Any]", value)]
    return value


def _schema_of(field: _Field, handler: _SchemaHandler, *, required: bool) -> dict[str, Any]:
    return {"type": "typed-dict-field", "schema": handler.generate_schema(field.declared), "required": required}
