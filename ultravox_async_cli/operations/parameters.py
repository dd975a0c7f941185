"""The arguments and options of a command, from the signature of a method and the annotations of its TypedDict."""

import inspect
from collections.abc import AsyncIterable, Callable, Iterator, Mapping, Sequence
from os import PathLike
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

import attrs

from ultravox_async.annotations import Sensitive
from ultravox_async_cli.names import flag
from ultravox_async_cli.operations import docs

_NO_DEFAULT: Final = inspect.Parameter.empty


@attrs.frozen
class Parameter:
    """One argument or option."""

    name: str
    """Its name in Python."""

    kind: Any
    """Its type, without None and without markers."""

    help: str
    markers: tuple[object, ...] = ()
    """The markers of its annotation: limits, formats."""

    is_required: bool = False
    is_positional: bool = False
    is_nullable: bool = False
    """Whether None is something that can be sent, or is the default."""

    default: object = None

    @property
    def is_sensitive(self) -> bool:
        """Whether it is a secret."""
        return Sensitive in self.markers

    @property
    def items(self) -> Any:  # noqa: ANN401 - a type
        """The type of one of its values, without markers, if it takes several; None if it takes one."""
        if is_ids(self.kind):
            return str
        return _unwrapped(get_args(self.kind)[0])[0] if get_origin(self.kind) is Sequence else None

    @property
    def is_mapping(self) -> bool:
        """Whether it takes names with values."""
        return get_origin(self.kind) is Mapping

    @property
    def is_seconds(self) -> bool:
        """Whether it is a number of seconds, for which people may write a duration."""
        return self.kind is float and "second" in self.help.lower()

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that are known; empty if there are none."""
        literals = [self.kind, *get_args(self.kind), *get_args(self.items)]
        return tuple(str(value) for one in literals if get_origin(one) is Literal for value in get_args(one))

    @property
    def is_closed(self) -> bool:
        """Whether only the values that are known can be given."""
        return get_origin(self.kind) is Literal

    @property
    def flag(self) -> str:
        """The option."""
        return flag(self.name)


def parameters_of(function: Callable[..., Any]) -> Sequence[Parameter]:
    """Return the arguments and options for a method, in the order of its signature."""
    return list(_parameters_of(function))


def result_of(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - a type
    """Return the annotation of what a method returns."""
    return get_type_hints(function)["return"]


def is_ids(kind: object) -> bool:
    """Return whether a type is that of many ids."""
    return AsyncIterable in {get_origin(member) for member in get_args(kind)}


def is_file(kind: object) -> bool:
    """Return whether a type is that of a file to upload."""
    return PathLike in {get_origin(member) for member in get_args(kind)}


def _parameters_of(function: Callable[..., Any]) -> Iterator[Parameter]:
    hints = get_type_hints(function, include_extras=True)
    texts = docs.arguments_of(function)
    for name, declared in [*inspect.signature(function).parameters.items()][1:]:
        if declared.kind is inspect.Parameter.VAR_KEYWORD:
            (shape,) = get_args(hints[name])
            yield from _fields_of(shape)
            continue
        kind, markers, is_nullable = _unwrapped(hints[name])
        is_required = declared.default is _NO_DEFAULT
        yield Parameter(
            name,
            kind,
            texts.get(name, ""),
            markers,
            is_required=is_required,
            is_positional=declared.kind is not inspect.Parameter.KEYWORD_ONLY and (is_required or is_ids(kind)),
            is_nullable=is_nullable,
            default=None if is_required else declared.default,
        )


def _fields_of(shape: Any) -> Iterator[Parameter]:  # noqa: ANN401 - a TypedDict
    texts = docs.fields_of(shape)
    for name, hint in get_type_hints(shape, include_extras=True).items():
        kind, markers, is_nullable = _unwrapped(hint)
        is_required = name in shape.__required_keys__
        yield Parameter(name, kind, texts.get(name, ""), markers, is_required=is_required, is_nullable=is_nullable)


def _unwrapped(hint: Any) -> tuple[Any, tuple[object, ...], bool]:  # noqa: ANN401 - a type
    """Return a type, its markers, and whether it can be None."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Annotated, Required, NotRequired}:
        kind, markers, is_nullable = _unwrapped(arguments[0])
        return kind, (*markers, *arguments[1:]), is_nullable
    if origin in {Union, UnionType} and NoneType in arguments:
        others = [one for one in arguments if one is not NoneType]
        kind, markers, _ = _unwrapped(others[0]) if len(others) == 1 else (hint, (), True)
        return kind, markers, True
    return hint, (), False
