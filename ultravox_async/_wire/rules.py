"""Rules for values, read from the annotations of the TypedDicts and attrs classes in `ultravox_async.types`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
from annotated_types import Ge, Interval, Le, MaxLen, MinLen

from ultravox_async._wire.names import wire_name
from ultravox_async.types._markers import (
    Alternative,
    ExactlyOne,
    Format,
    InQuery,
    Marker,
    Sensitive,
    WireName,
)

_SCALARS: Final = frozenset({str, bool, int, float, datetime, date, time, timedelta})
_NUMBERS: Final = frozenset({int, float})
_SIZED: Final = frozenset({str, list, dict})
_KINDS: Final[Mapping[type, frozenset[type]]] = {
    MaxLen: _SIZED,
    MinLen: _SIZED,
    Ge: _NUMBERS,
    Le: _NUMBERS,
    Interval: _NUMBERS,
    Format: frozenset({str}),
}
"""The kinds of values for which a marker is checked; all kinds for markers that are not in here."""
_CONTAINERS: Final[Mapping[object, type]] = {list: list, Sequence: list, dict: dict, Mapping: dict}


@attrs.frozen
class Rule:
    """The rule for a value, as its annotation declares it."""

    kind: type
    """A scalar type, `list`, `dict`, the attrs class of an object, or `object` for any JSON value."""

    items: "Rule | None" = None
    """The rule for each item of a list, or for each value of a dict."""

    nullable: bool = False
    """Whether None is allowed."""

    min_length: int = 0
    """The minimum number of characters or items."""

    max_length: int | None = None
    """The maximum number of characters or items; None for no limit."""

    at_least: float | None = None
    """The lowest number; None for no limit."""

    at_most: float | None = None
    """The highest number; None for no limit."""

    format: Format | None = None
    """The format of a string."""

    known: frozenset[str] = frozenset()
    """The values of a string that the API lists; empty for no such list. It may get new ones."""

    sensitive: bool = False
    """Whether the value is a secret."""

    exactly_one: bool = False
    """Whether exactly one field of the object has to be set."""

    alternative: Alternative | None = None
    """Set if the value is that of one of several fields, of which only one can be set."""

    in_query: bool = False
    """Whether the value is a query parameter, and not part of the body."""

    wire_name: str | None = None
    """The name in JSON or in a query, if it is not the camelCase form of the Python name."""


@attrs.frozen
class Field:
    """A field of a TypedDict or of an attrs class."""

    wire: str
    """The name in JSON or in a query."""

    rule: Rule
    required: bool


@cache
def fields_of(shape: type) -> Mapping[str, Field]:
    """Return the fields of a TypedDict or of an attrs class, by their Python names.

    Raises:
        TypeError: A field has an annotation that is not supported.
    """
    rules = {name: _rule(hint) for name, hint in get_type_hints(shape, include_extras=True).items()}
    if is_typeddict(shape):
        required = cast("frozenset[str]", getattr(shape, "__required_keys__"))  # noqa: B009 - type checkers do not know it
        return {name: _field(name, rule, required=name in required) for name, rule in rules.items()}
    # In an attrs object, None stands for absent: `to_wire` omits it, so null is never sent.
    return {
        field.name: _field(
            field.name, attrs.evolve(rules[field.name], nullable=False), required=field.default is attrs.NOTHING
        )
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", shape))
    }


@attrs.frozen
class Choice:
    """The fields of a TypedDict or of an attrs class of which only one can be set."""

    names: tuple[str, ...]
    """Their Python names; empty if there are none."""

    required: bool
    """Whether one of them has to be set."""

    def refused_count(self, fields: Iterable[str]) -> int | None:
        """Return how many of them are among `fields`, if that is not allowed; otherwise None."""
        count = len({*self.names}.intersection(fields))
        return count if count > 1 or (count == 0 and self.required) else None


@cache
def choice_in(shape: type) -> Choice:
    """Return the fields of a TypedDict or of an attrs class that are marked as alternatives."""
    marked = {name: field.rule.alternative for name, field in fields_of(shape).items() if field.rule.alternative}
    return Choice(tuple(marked), any(alternative.required for alternative in marked.values()))


def _field(name: str, rule: Rule, *, required: bool) -> Field:
    return Field(rule.wire_name or wire_name(name), rule, required)


def _rule(annotation: Any) -> Rule:  # noqa: ANN401 - annotations have no type in common
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any or annotation is object:
        return Rule(object, nullable=True)
    if annotation in _SCALARS or attrs.has(annotation):
        return Rule(annotation)
    if origin in {Annotated, Required, NotRequired}:
        return _limited(_rule(arguments[0]), arguments[1:])
    if origin in _CONTAINERS:
        return Rule(_CONTAINERS[origin], items=_rule(arguments[-1]))
    if origin in {Union, UnionType}:
        return _rule_of_union(annotation)
    raise TypeError(f"no check is implemented for {annotation!r}")


def _rule_of_union(annotation: Any) -> Rule:  # noqa: ANN401 - as above
    members = [member for member in get_args(annotation) if member is not NoneType]
    known = frozenset[str]()
    if str in members:  # the literals beside it are the values that are known, and not the only ones
        known = frozenset(value for member in members if get_origin(member) is Literal for value in get_args(member))
        members = [member for member in members if get_origin(member) is not Literal]
    if len(members) != 1:
        raise TypeError(f"no check is implemented for {annotation!r}")
    rule = _rule(members[0])
    return attrs.evolve(rule, nullable=NoneType in get_args(annotation), known=known or rule.known)


def _limited(rule: Rule, markers: Iterable[object]) -> Rule:
    for marker in markers:
        read = _MARKERS.get(marker if isinstance(marker, Marker) else type(marker))
        is_exclusive = isinstance(marker, Interval) and (marker.gt, marker.lt) != (None, None)
        if read is None or is_exclusive or rule.kind not in _KINDS.get(type(marker), {rule.kind}):
            # A limit that is declared and not checked would be worse than none.
            raise TypeError(f"no check is implemented for {marker!r}")
        rule = attrs.evolve(rule, **read(marker))
    return rule


_MARKERS: Final[Mapping[object, Callable[[Any], dict[str, Any]]]] = {
    MaxLen: lambda limit: {"max_length": limit.max_length},
    MinLen: lambda limit: {"min_length": limit.min_length},
    Ge: lambda limit: {"at_least": limit.ge},
    Le: lambda limit: {"at_most": limit.le},
    Interval: lambda limit: {"at_least": limit.ge, "at_most": limit.le},
    Format: lambda format_: {"format": format_},
    WireName: lambda wire: {"wire_name": wire.name},
    Sensitive: lambda _: {"sensitive": True},
    ExactlyOne: lambda _: {"exactly_one": True},
    Alternative: lambda alternative: {"alternative": alternative},
    InQuery: lambda _: {"in_query": True},
}
"""What each marker says of a value."""
