"""Decodes JSON into attrs classes, with cattrs.

Nothing is coerced: a decoded value has the declared types, or a `DecodeError` names the place where it does not. The
field names in JSON are the camelCase of the Python names. Fields that a class does not declare are ignored.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)

import attrs
import cattrs
import orjson
from cattrs.cols import (
    list_structure_factory,
    mapping_structure_factory,  # pyright: ignore[reportUnknownVariableType] - partly typed in cattrs
)
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_structure_fn_from_attrs,  # pyright: ignore[reportUnknownVariableType] - as above
    override,
)

from ultravox_async._wire.error_body import html_title
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async._wire.scalars import (
    SCALAR_HOOKS,
    Hook,
    MismatchError,
    decode_number,
    decode_text,
    decode_truth,
    decode_whole,
    or_enumeration,
)
from ultravox_async._wire.text import one_line
from ultravox_async.errors import DecodeError

T = TypeVar("T")


class Context(Protocol):
    """What an error needs to know about the response that is decoded."""

    @property
    def origin(self) -> str:
        """The request, for example ``GET /api/voices``."""
        ...

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters; empty if it is not known."""
        ...

    def redacted(self, text: str) -> str:
        """Return `text` without the secrets of the request."""
        ...


_NESTED_ERRORS = (cattrs.ClassValidationError, cattrs.IterableValidationError)
_SUPPORTED: frozenset[Any] = frozenset(
    {
        Annotated,
        Any,
        bool,
        date,
        datetime,
        dict,
        float,
        int,
        list,
        Literal,
        object,
        str,
        timedelta,
        NoneType,
        Union,
        UnionType,
    }
)
_AN_OBJECT = "an object"
_A_LIST = "a list"
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_GOT_LIMIT = 80
_LOOK_AT = 4096


class _UnsupportedError(TypeError):
    """A type that cannot be decoded into."""


def decode(body: bytes, into: type[T], context: Context) -> T:
    """Return the JSON document `body` as an `into`.

    Args:
        body: UTF-8 encoded JSON.
        into: An attrs class, a list, a dict or a scalar type.
        context: Where the body comes from, for the text of an error.

    Raises:
        DecodeError: `body` is not JSON, or does not have the types that `into` declares.
        TypeError: `into` is, or contains, a type that is not supported.
    """
    problem: Exception
    try:
        return _FAST.structure(orjson.loads(body), into)
    except orjson.JSONDecodeError as error:
        problem = _not_json(error, body, context, "JSON")
    except Exception as error:  # noqa: BLE001 - validators and converters of the caller's own class raise anything
        problem = _explained(error, orjson.loads(body), into, context)
    del body  # it may contain secrets, which a traceback with locals would show
    raise problem


def structure(data: object, into: type[T], context: Context) -> T:
    """Return a parsed JSON document, of dicts, lists and scalars, as an `into`: what `decode` does after parsing.

    Raises:
        DecodeError: `data` does not have the types that `into` declares.
        TypeError: `into` is, or contains, a type that is not supported.
    """
    try:
        return _FAST.structure(data, into)
    except Exception as error:  # noqa: BLE001 - as above
        problem = _explained(error, data, into, context)
    del data  # as above
    raise problem


def check_not_a_page(body: bytes, context: Context) -> None:
    """Raise an error if a web page came back, where the status alone says that something was carried out.

    Such a page is not from the API: a network that wants a login answers any request with one, and passes nothing on.

    Args:
        body: The body of a response that needs none; the API sends nothing, or JSON.
        context: Where it comes from, for the text of an error.

    Raises:
        DecodeError: `body` is a web page.
    """
    if not body or context.content_type.lower() not in _PAGES:
        return
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = _not_json(error, body, context, "nothing or JSON")
    else:
        return
    del body  # as above
    raise problem


def _not_json(error: orjson.JSONDecodeError, body: bytes, context: Context, expected: str) -> DecodeError:
    """Return the error, which shows nothing of the body: nobody knows where the secrets in it begin and end."""
    if not body:
        return DecodeError(context.origin, "", expected, "nothing")
    kind = one_line(context.redacted(context.content_type), _GOT_LIMIT)
    got = f"{len(body)} bytes of {kind or 'an unknown type'}"
    title = html_title(body)
    if title is not None:  # as gateways and proxies send it
        return DecodeError(context.origin, "", expected, f"{got}: {one_line(context.redacted(title), _GOT_LIMIT)}")
    return DecodeError(context.origin, "", expected, f"{got} ({one_line(error.msg, _GOT_LIMIT)} at {error.pos})")


def _explained(error: Exception, data: object, into: type[object], context: Context) -> Exception:
    """Return the exception to raise after the fast converter failed.

    That one does not know where in the document it was. The explaining converter runs into the same error and does.
    """
    if isinstance(error, _UnsupportedError | cattrs.StructureHandlerNotFoundError):
        return TypeError(f"cannot decode into {into!r}: the type is not supported")
    try:
        _EXPLAINING.structure(data, into)
    except Exception as found:  # noqa: BLE001 - as above
        return _located(found, _Place(), context)
    msg = f"{into!r} decodes in one converter and not in the other"  # pragma: no cover - both have the same hooks
    raise AssertionError(msg)  # pragma: no cover


@attrs.frozen
class _Place:
    """Where in a document an error is."""

    path: str = ""
    """In the API's names."""

    is_secret: bool = False
    """Whether the value there, or one that contains it, is a secret, which an error does not show."""

    def field(self, owner: type[object], name: str) -> "_Place":
        """Return the place of a field of `owner`. If that does not declare its secrets, they are recognized by name."""
        wire = wire_name(name)
        declared: Callable[[], frozenset[str]] | None = getattr(owner, "__sensitive_fields__", None)
        is_secret = bool(SECRET_NAME.search(wire)) if declared is None else name in declared()
        return _Place(f"{self.path}.{wire}".lstrip("."), self.is_secret or is_secret)

    def item(self, index: object, context: Context) -> "_Place":
        """Return the place of an item of a list or of a dict, whose secrets are recognized by the name of the key."""
        if isinstance(index, int):
            return _Place(f"{self.path}[{index}]", self.is_secret)
        key = str(index)
        is_secret = self.is_secret or bool(SECRET_NAME.search(key))
        return _Place(f"{self.path}.{one_line(context.redacted(key), _GOT_LIMIT)}".lstrip("."), is_secret)


def _located(error: Exception, place: _Place, context: Context) -> DecodeError:
    """Turn the first leaf of a tree of cattrs errors into one error with its path in the document."""
    if isinstance(error, MismatchError):
        # What takes the place of an object or of a list may be a secret that belongs into it.
        is_hidden = place.is_secret or error.expected in {_AN_OBJECT, _A_LIST}
        got = type(error.got).__name__ if is_hidden else _short(error.got, context)
        return DecodeError(context.origin, place.path, error.expected, got)
    noted = error.group_exceptions()[0] if isinstance(error, _NESTED_ERRORS) else []
    if not noted:  # raised by a validator, a converter or an enum of the caller's own class
        cause = error.exceptions[0] if isinstance(error, _NESTED_ERRORS) else error
        return DecodeError(context.origin, place.path, "a value that its type accepts", type(cause).__name__)
    leaf, note = noted[0]
    if isinstance(note, cattrs.IterableValidationNote):
        return _located(leaf, place.item(note.index, context), context)
    inner = place.field(cast("cattrs.ClassValidationError", error).cl, note.name)
    if isinstance(leaf, KeyError):
        return DecodeError(context.origin, inner.path, "a value (the field is required)", "nothing")
    return _located(leaf, inner, context)


def _short(value: object, context: Context) -> str:
    if isinstance(value, dict):
        return f"an object with {len(cast('dict[object, object]', value))} fields"
    if isinstance(value, list):
        return f"a list of {len(cast('list[object]', value))} items"
    try:
        text = orjson.dumps(value)[:_LOOK_AT].decode("utf-8", "replace")
    except orjson.JSONEncodeError:  # possible in a dict that the caller passed, not in a parsed document
        return type(value).__name__
    # Redact far more than is shown: a secret that is cut in two first would not be found.
    return one_line(context.redacted(text), _GOT_LIMIT)


def _members(declared: Any) -> frozenset[object]:  # noqa: ANN401 - classes, and what typing makes of them
    """Return the members of a union, without the metadata of `Annotated`: limits are for requests, not responses."""
    origin = get_origin(declared)
    if origin is Annotated:
        return _members(get_args(declared)[0])
    if origin is Union or origin is UnionType:
        return frozenset[object]().union(*map(_members, get_args(declared)))
    return frozenset({declared})


def _is_string_literal(member: object) -> bool:
    return get_origin(member) is Literal and all(isinstance(value, str) for value in get_args(member))


def _leaf_hook(declared: Any) -> Hook | None:  # noqa: ANN401 - classes, and what typing makes of them
    members = _members(declared)
    if str in members:  # an open enum: the literals are the known values, and any other string is accepted too
        members = frozenset(member for member in members if not _is_string_literal(member))
    return SCALAR_HOOKS.get(members)


def _typed(kind: type, expected: str, inner: Hook) -> Hook:
    # cattrs accepts anything that has keys or can be iterated over, even a string for a list.
    def structure_typed(value: object, into: object) -> object:
        if type(value) is kind:
            return inner(value, into)
        raise MismatchError(expected, value)

    return structure_typed


def _flat_object(cls: Any, inner: Hook, converter: cattrs.Converter, overrides: dict[str, Any]) -> Hook:  # noqa: ANN401 - an attrs class
    """Return a faster hook for a class whose fields are all scalars, used if an object has all of them.

    The code that cattrs generates collects optional fields in a dict first, which adds half of the cost of the rest.
    `inner` is that code, for objects that lack a field. Classes with objects in them have no such hook: after a failure
    on one level, all levels below it would be decoded twice.
    """
    required = [field.evolve(default=attrs.NOTHING) for field in attrs.fields(cls)]
    complete = cast("Hook", make_dict_structure_fn_from_attrs(required, cls, converter, **overrides))
    count = len(required)

    def structure_flat(value: Any, into: object) -> object:  # noqa: ANN401 - JSON
        if type(value) is dict and len(value) >= count:  # pyright: ignore[reportUnknownArgumentType] - a dict of JSON
            try:
                return complete(value, into)
            except KeyError:  # it lacks a field, and has one that the class does not declare
                pass
        return inner(value, into)

    return structure_flat


def _generic(cls: Any) -> Any:  # noqa: ANN401 - classes, and what typing makes of them
    return get_origin(cls) or cls


def _is_unsupported(cls: Any) -> bool:  # noqa: ANN401 - classes, and what typing makes of them
    kind = _generic(cls)
    if kind in _SUPPORTED or attrs.has(kind):
        return False
    return not (isinstance(kind, type) and issubclass(kind, Enum))


def _refused(cls: Any) -> NoReturn:  # noqa: ANN401 - classes, and what typing makes of them
    # cattrs would coerce: bytes from a number, a tuple from a string.
    raise _UnsupportedError(repr(cls))


def _converter(*, detailed_validation: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed_validation)

    def structure_object(cls: Any) -> Hook:  # noqa: ANN401 - a class, generic or not
        attrs.resolve_types(_generic(cls))
        fields = attrs.fields(_generic(cls))
        overrides: dict[str, Any] = {
            field.name: override(rename=wire_name(field.name), struct_hook=_leaf_hook(field.type)) for field in fields
        }
        inner = make_dict_structure_fn(cls, converter, **overrides)
        hook = _typed(dict, _AN_OBJECT, inner)
        if detailed_validation or not all(_leaf_hook(field.type) for field in fields):
            return hook
        return _flat_object(_generic(cls), hook, converter, overrides)

    def structure_leaf(cls: Any) -> Hook:  # noqa: ANN401 - a scalar type, or a union with null
        return cast("Hook", _leaf_hook(cls))

    def structure_list(cls: Any) -> Hook:  # noqa: ANN401 - list, with or without a type
        return _typed(list, _A_LIST, list_structure_factory(cls, converter))

    def structure_dict(cls: Any) -> Hook:  # noqa: ANN401 - dict, with or without types
        return _typed(dict, _AN_OBJECT, mapping_structure_factory(cls, converter))

    converter.register_structure_hook_factory(lambda cls: attrs.has(_generic(cls)), structure_object)
    converter.register_structure_hook_factory(lambda cls: _generic(cls) is list, structure_list)
    converter.register_structure_hook_factory(lambda cls: _generic(cls) is dict, structure_dict)
    converter.register_structure_hook_factory(lambda cls: _leaf_hook(cls) is not None, structure_leaf)
    # cattrs looks these up by class, before it tries the predicates.
    converter.register_structure_hook(str, or_enumeration(str, decode_text))
    converter.register_structure_hook(bool, decode_truth)
    converter.register_structure_hook(int, or_enumeration(int, decode_whole))
    converter.register_structure_hook(float, decode_number)
    converter.register_structure_hook(bytes, lambda _, cls: _refused(cls))
    converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    converter.register_structure_hook_factory(_is_unsupported, _refused)
    return converter


_FAST = _converter(detailed_validation=False)
# Has the same hooks, and keeps track of the place in the document, which would cost too much for every document.
_EXPLAINING = _converter(detailed_validation=True)
