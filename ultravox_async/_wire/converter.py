"""The one cattrs converter: bytes to attrs classes, and back.

It coerces nothing: a decoded value has the declared types, or `DecodeError` says where it has not. The names of the
wire are the camelCase of the Python names. Fields that the classes do not know are ignored.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Protocol, TypeVar, Union, cast, get_args, get_origin

import attrs
import cattrs
import orjson
from cattrs.cols import (
    list_structure_factory,
    mapping_structure_factory,  # pyright: ignore[reportUnknownVariableType] - partly typed in cattrs
)
from cattrs.gen import make_dict_structure_fn, override

from ultravox_async._wire.names import wire_name
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async._wire.text import one_line
from ultravox_async.errors import DecodeError

T = TypeVar("T")


class Context(Protocol):
    """What an error says of the answer that it is about."""

    @property
    def origin(self) -> str:
        """The request that was answered, for example ``GET /api/voices``."""
        ...

    def redacted(self, text: str) -> str:
        """Return `text` without the secrets of the request."""
        ...


_NESTED_ERRORS = (cattrs.ClassValidationError, cattrs.IterableValidationError)
_SUPPORTED: frozenset[Any] = frozenset(
    {Any, bool, datetime, dict, float, int, list, Literal, object, str, NoneType, Union, UnionType}
)
_PLAIN: frozenset[Any] = frozenset({bool, int, str})
_GOT_LIMIT = 80
_LOOK_AT = 4096


class _UnsupportedError(TypeError):
    """A type that nothing is decoded into."""


class _MismatchError(ValueError):
    """A value that is not of the type that its field declares."""

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(expected)
        self.expected = expected
        self.got = got


def decode(body: bytes, into: type[T], context: Context) -> T:
    """Return the JSON document `body` as an `into`.

    Args:
        body: UTF-8 encoded JSON.
        into: An attrs class, a list, a dict or a scalar type.
        context: Where the body comes from, for the text of an error.

    Raises:
        DecodeError: `body` is no JSON, or not of the shape that `into` declares.
        TypeError: `into` is, or has in it, a type that nothing is decoded into.
    """
    problem: Exception
    try:
        return _FAST.structure(orjson.loads(body), into)
    except (_UnsupportedError, cattrs.StructureHandlerNotFoundError):
        problem = TypeError(f"nothing is decoded into {into!r}")
    except Exception:  # noqa: BLE001 - validators and converters of the caller's own class raise anything
        problem = _problem(body, into, context)
    del body  # it may hold secrets, which a traceback with locals would show
    raise problem


def _problem(body: bytes, into: type[object], context: Context) -> DecodeError:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = one_line(error.msg, _GOT_LIMIT)
        return DecodeError(
            context.origin, "", "JSON", f"{_short_text(body, context)} ({reason})" if body else "nothing"
        )
    try:
        _EXPLAINING.structure(data, into)
    except Exception as error:  # noqa: BLE001 - as above
        return _located(error, "", context)
    msg = f"{into!r} decodes in one converter and not in the other"  # pragma: no cover - both have the same hooks
    raise AssertionError(msg)  # pragma: no cover


def _located(error: Exception, path: str, context: Context) -> DecodeError:
    """Turn the first leaf of a tree of cattrs errors into one error with the path of the wire."""
    if isinstance(error, _MismatchError):
        got = type(error.got).__name__ if SECRET_NAME.search(path) else _short(error.got, context)
        return DecodeError(context.origin, path, error.expected, got)
    noted = error.group_exceptions()[0] if isinstance(error, _NESTED_ERRORS) else []
    if not noted:  # what a validator, a converter or an enumeration of the caller's own has raised
        cause = error.exceptions[0] if isinstance(error, _NESTED_ERRORS) else error
        return DecodeError(context.origin, path, "a value that its type accepts", type(cause).__name__)
    leaf, note = noted[0]
    if isinstance(note, cattrs.IterableValidationNote):
        name = one_line(context.redacted(str(note.index)), _GOT_LIMIT)
        step = f"[{name}]" if isinstance(note.index, int) else f".{name}"
        return _located(leaf, f"{path}{step}".lstrip("."), context)
    inner = f"{path}.{wire_name(note.name)}".lstrip(".")
    if isinstance(leaf, KeyError):
        return DecodeError(context.origin, inner, "a value (the field is required)", "nothing")
    return _located(leaf, inner, context)


def _short(value: object, context: Context) -> str:
    if isinstance(value, dict):
        return f"an object of {len(cast('dict[str, object]', value))} fields"
    if isinstance(value, list):
        return f"a list of {len(cast('list[object]', value))}"
    return _short_text(orjson.dumps(value), context)


def _short_text(body: bytes, context: Context) -> str:
    # Far more than is shown, so that no secret is cut in two before it is looked for.
    return one_line(context.redacted(body[:_LOOK_AT].decode("utf-8", "replace")), _GOT_LIMIT)


def _exactly(kind: type, expected: str) -> Callable[[object, type], object]:
    def structure(value: object, cls: type) -> object:
        if type(value) is kind:
            return value if cls is kind else cls(value)  # an enumeration of strings, say
        raise _MismatchError(expected, value)

    return structure


def _number(value: object, _: type) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    expected = "a number"
    raise _MismatchError(expected, value)


def _moment(value: object, _: object, parse: Callable[[str], datetime] = datetime.fromisoformat) -> datetime:
    if type(value) is str:
        try:
            moment = parse(value)
        except ValueError:
            pass
        else:
            if moment.tzinfo is not None:
                return moment
    expected = "an ISO 8601 timestamp with a time zone"
    raise _MismatchError(expected, value)


def _typed(kind: type, expected: str, inner: Callable[[Any, Any], object]) -> Callable[[object, object], object]:
    # cattrs reads whatever has keys, or can be iterated over, and a string can.
    def structure(value: object, into: object) -> object:
        if type(value) is kind:
            return inner(value, into)
        raise _MismatchError(expected, value)

    return structure


def _compiled(cls: Any, hook_for: Callable[[Any], Callable[[Any, Any], object]]) -> Callable[[object, object], object]:  # noqa: ANN401 - an attrs class
    """Return a structure hook for an attrs class that looks at plain fields without a call for each of them.

    Calls are most of the cost of a registration: this halves it. attrs and cattrs make their code in the same way.
    """
    names: dict[str, Any] = {"cls": cls, "Mismatch": _MismatchError, "MISSING": attrs.NOTHING}
    lines = ["def structure(o, _):", " if type(o) is not dict: raise Mismatch('', o)"]
    values = [f"v{number}" for number, _ in enumerate(attrs.fields(cls))]
    for value, field in zip(values, attrs.fields(cls), strict=True):
        lines += _field_lines(value, field, names, hook_for)
    lines.append(f" return cls({', '.join(values)})")
    exec("\n".join(lines), names)  # noqa: S102 - made of the names of a class, not of what came over the wire
    return cast("Callable[[object, object], object]", names["structure"])


def _field_lines(
    value: str,
    field: "attrs.Attribute[Any]",
    names: dict[str, Any],
    hook_for: Callable[[Any], Callable[[Any, Any], object]],
) -> list[str]:
    name = wire_name(field.name)
    declared: Any = field.type
    kinds: set[Any] = set(get_args(declared)) if isinstance(declared, UnionType) else {declared}
    plain = kinds - {NoneType}
    if len(plain) == 1 and plain <= _PLAIN:
        or_null = f" and {value} is not None" if NoneType in kinds else ""
        check = f"if type({value}) is not {plain.pop().__name__}{or_null}: raise Mismatch('', {value})"
    else:
        names[f"{value}_hook"], names[f"{value}_type"] = hook_for(declared), declared
        check = f"{value} = {value}_hook({value}, {value}_type)"
    if field.default is attrs.NOTHING:
        return [f" {value} = o[{name!r}]", f" {check}"]
    factory = getattr(field.default, "factory", None)
    names[f"{value}_default"] = factory or field.default
    default = f"{value}_default()" if factory else f"{value}_default"
    return [
        f" {value} = o.get({name!r}, MISSING)",
        f" if {value} is MISSING: {value} = {default}",
        " else:",
        f"  {check}",
    ]


def _generic(cls: Any) -> Any:  # noqa: ANN401 - classes, and what typing makes of them
    return get_origin(cls) or cls


def _is_unsupported(cls: Any) -> bool:  # noqa: ANN401 - classes, and what typing makes of them
    kind = _generic(cls)
    if kind in _SUPPORTED or attrs.has(kind):
        return False
    return not (isinstance(kind, type) and issubclass(kind, Enum))


def _refused(cls: Any) -> NoReturn:  # noqa: ANN401 - classes, and what typing makes of them
    # cattrs would make do: bytes from a number, a tuple from a string.
    raise _UnsupportedError(repr(cls))


def _is_simple(cls: Any) -> bool:  # noqa: ANN401 - classes, and what typing makes of them
    return get_origin(cls) is None and all(
        field.init and not field.kw_only and field.converter is None and not getattr(field.default, "takes_self", False)
        for field in attrs.fields(cls)
    )


def _converter(*, detailed_validation: bool) -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=detailed_validation)

    def structure_object(cls: Any) -> Callable[[object, object], object]:  # noqa: ANN401 - a class, generic or not
        attrs.resolve_types(_generic(cls))
        names: dict[str, Any] = {
            field.name: override(rename=wire_name(field.name)) for field in attrs.fields(_generic(cls))
        }
        if not detailed_validation and _is_simple(cls):
            return _compiled(cls, converter.get_structure_hook)
        return _typed(dict, "an object", make_dict_structure_fn(cls, converter, **names))

    def structure_list(cls: Any) -> Callable[[object, object], object]:  # noqa: ANN401 - list, with or without a type
        return _typed(list, "a list", list_structure_factory(cls, converter))

    def structure_dict(cls: Any) -> Callable[[object, object], object]:  # noqa: ANN401 - dict, with or without types
        return _typed(dict, "an object", mapping_structure_factory(cls, converter))

    converter.register_structure_hook_factory(lambda cls: attrs.has(_generic(cls)), structure_object)
    converter.register_structure_hook_factory(lambda cls: _generic(cls) is list, structure_list)
    converter.register_structure_hook_factory(lambda cls: _generic(cls) is dict, structure_dict)
    converter.register_structure_hook(str, _exactly(str, "a string"))
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(int, _exactly(int, "a whole number"))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(datetime, _moment)
    converter.register_structure_hook(bytes, lambda _, cls: _refused(cls))
    converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)
    converter.register_structure_hook_factory(_is_unsupported, _refused)
    return converter


_FAST = _converter(detailed_validation=False)
# The same hooks; it remembers where in the document it is, which costs too much to do for every document.
_EXPLAINING = _converter(detailed_validation=True)
