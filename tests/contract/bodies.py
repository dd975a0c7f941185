"""Makes bodies of responses from the schema, with what they are decoded into.

The schema says which properties an object has, what they are and what may be null; the class says without which fields
nothing decodes, and what a field is that was left out. Write-only properties are no fields: they are unknown ones.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Any, get_type_hints

import attrs
from hypothesis import strategies as st

from tests.contract.classes import allows_none, classes_of, kinds_of, result_schema_of
from tests.contract.document import Json, the_document
from tests.contract.exceptions import KINDS
from tests.contract.schemas import PAGE, SCHEMAS
from ultravox_async import Page
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import Rule, fields_of

_MAX_DEPTH = 4
_SECOND = 10**9


@attrs.frozen(eq=False)
class Shape:
    """What may be at a place of a body."""

    kind: type
    """As that of a `Rule`; `Page` for a page."""

    schema: str = ""
    """The name of the schema of an object."""

    is_nullable: bool = False
    values: tuple[str, ...] = ()
    """The known values of an enumeration."""

    item: "Shape | None" = None
    """What is in a list or in a map."""

    @property
    def is_object(self) -> bool:
        return attrs.has(self.kind)


@attrs.frozen(eq=False)
class Member:
    """A field of an object."""

    wire: str
    shape: Shape
    is_required: bool
    """Whether nothing decodes without it."""

    absent: object
    """What it is when it was left out."""


@attrs.frozen
class Made:
    """A value on the wire, and what `to_dict` returns for it."""

    sent: Any
    shown: Any


@cache  # the caches below are by shape
def root_of(name: str) -> Shape:
    """Return the shape of a schema, or of a page of them."""
    return Shape(Page if SCHEMAS[name] is PAGE else classes_of(name)[0], name)


def into(root: Shape) -> Any:  # noqa: ANN401 - a class, or a page of it
    """Return what a body is decoded into."""
    if root.kind is not Page:
        return root.kind
    (found,) = classes_of(
        result_schema_of(the_document(), {"x-name": root.schema, **the_document().schemas[root.schema]})
    )[:1]
    return Page[found]  # type: ignore[valid-type]  # made at run time


@cache
def members_of(root: Shape) -> dict[str, Member]:
    """Return the fields of an object that the schema has, by their names on the wire."""
    attributes = {wire_name(one.name): one for one in attrs.fields(root.kind)}
    hints = get_type_hints(root.kind, include_extras=True)
    properties = the_document().properties_of(the_document().schemas[root.schema])
    rules = _rules_of(root)
    return {
        wire: Member(
            wire,
            _shape(declared, rules[wire], f"{root.schema}.{wire}", _may_be_null(declared, hints, attribute)),
            attribute.default is attrs.NOTHING,
            _default(attribute),
        )
        for wire, declared in properties.items()
        if (attribute := attributes.get(wire)) is not None
    }


def _may_be_null(declared: Json, hints: Mapping[str, Any], attribute: "attrs.Attribute[Any]") -> bool:
    return bool(declared.get("nullable")) or allows_none(hints[attribute.name])


def _default(attribute: "attrs.Attribute[Any]") -> object:
    default: Any = attribute.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]  # a class at run time # pyright: ignore[reportArgumentType]


def _rules_of(root: Shape) -> dict[str, Rule]:
    if root.kind is Page:  # whose results are of any type
        results = Rule(list, items=Rule(into(root).__args__[0]))
        return {"results": results, "next": Rule(str), "previous": Rule(str), "total": Rule(int)}
    return {field.wire: field.rule for field in fields_of(root.kind).values()}


def _shape(declared: Json, rule: Rule, where: str, is_nullable: bool) -> Shape:  # noqa: FBT001 - data
    kinds = [rule.kind] if where in KINDS else kinds_of(declared)
    item = the_document().item_of(declared) or {}
    return Shape(
        rule.kind if rule.kind in kinds else kinds[0],
        str(declared.get("x-name", "")),
        is_nullable,
        tuple(declared.get("enum", ())),
        _shape(item, rule.items, f"{where}[]", rule.items.nullable) if rule.items else None,
    )


def _texts() -> st.SearchStrategy[str]:
    # A lone surrogate is not UTF-8, and therefore in no body.
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(["null", "1", "0s", "false"])


# An error shows a key without control characters, and with single spaces.
_KEYS = st.text("aZ0é.-_[", max_size=3)
_WHOLE = st.integers(-(2**63), 2**64 - 1)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _WHOLE | _FLOATS | _texts(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_texts(), inner, max_size=2),
    max_leaves=3,
)


@st.composite
def _moments(draw: st.DrawFn) -> Made:
    """Return a timestamp with any offset, and with up to nine decimals, of which six are kept."""
    offset = draw(st.sampled_from([0, 0, 330, -210, 1439, -1439]) | st.integers(-1439, 1439))
    zone = UTC if offset == 0 else timezone(timedelta(minutes=offset))
    moment = draw(st.datetimes()).replace(tzinfo=zone)
    decimals = draw(st.integers(0, 9))
    kept = moment.replace(microsecond=int(f"{moment.microsecond:06d}"[:decimals].ljust(6, "0")))
    fraction = "." + f"{moment.microsecond:06d}789"[:decimals] if decimals else ""
    hours, minutes = divmod(abs(offset), 60)
    written_offset = (
        "Z" if offset == 0 and draw(st.booleans()) else f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    )
    shown = kept.isoformat().removesuffix("+00:00") + "Z" if offset == 0 else kept.isoformat()
    return Made(f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{written_offset}", shown)


@st.composite
def _durations(draw: st.DrawFn) -> Made:
    """Return a duration with up to nine decimals, of which six are kept, as `to_dict` does without zeros at the end."""
    seconds = draw(st.integers(0, 9) | st.integers(0, 10**12 - 1))
    decimals = draw(st.integers(0, 9))
    fraction = f"{draw(st.integers(0, _SECOND - 1)):09d}"[:decimals]
    kept = fraction[:6].rstrip("0")
    sign = draw(st.sampled_from(["", "", "-"]))
    shown_sign = sign if seconds or kept else ""
    return Made(
        f"{sign}{seconds}{'.' if fraction else ''}{fraction}s", f"{shown_sign}{seconds}{'.' if kept else ''}{kept}s"
    )


def _same(value: object) -> Made:
    return Made(value, value)


_SCALARS: dict[type, st.SearchStrategy[Made]] = {
    str: _texts().map(_same),
    bool: st.booleans().map(_same),
    int: _WHOLE.map(_same),
    float: (_WHOLE | _FLOATS).map(lambda number: Made(number, float(number))),
    datetime: _moments(),
    date: st.dates().map(lambda day: _same(day.isoformat())),
    timedelta: _durations(),
    object: _ANYTHING.map(_same),
}


@st.composite
def bodies(draw: st.DrawFn, shape: Shape, depth: int = 0) -> Made:
    """Return what the schema allows at a place; below a few objects, as little as that can be."""
    if shape.is_nullable and (depth >= _MAX_DEPTH or draw(st.integers(0, 7)) == 0):
        return _same(None)
    if shape.is_object:
        return draw(_objects(shape, depth))
    if shape.item is None:
        known = st.sampled_from(shape.values).map(_same) if shape.values else st.nothing()
        return draw(known | _SCALARS[shape.kind])
    items = bodies(shape.item, depth + 1)
    size = 0 if depth >= _MAX_DEPTH else draw(st.integers(0, 2))
    made = [draw(items) for _ in range(size)]
    if shape.kind is list:
        return Made([one.sent for one in made], [one.shown for one in made])
    keys = draw(st.lists(_KEYS, min_size=size, max_size=size, unique=True))
    return Made(*({key: getattr(one, side) for key, one in zip(keys, made, strict=True)} for side in ("sent", "shown")))


@st.composite
def _objects(draw: st.DrawFn, shape: Shape, depth: int) -> Made:
    sent: dict[str, object] = {}
    shown: dict[str, object] = {}
    share = draw(st.sampled_from([0, 1, 2, 4] if depth < _MAX_DEPTH else [0]))
    for wire, member in members_of(shape).items():
        if member.is_required or draw(st.integers(1, 4)) <= share:
            made = draw(bodies(member.shape, depth + 1))
            sent[wire], shown[wire] = made.sent, made.shown
        else:
            shown[wire] = member.absent
    for name in draw(st.lists(st.sampled_from(_unknown_to(shape)), max_size=2, unique=True)):
        sent[name] = draw(_ANYTHING)
    return Made(dict(draw(st.permutations(list(sent.items())))) if len(sent) < 5 else sent, shown)


@cache
def _unknown_to(shape: Shape) -> list[str]:
    """Return names that are no fields: new ones, write-only properties, and the names of the fields in Python."""
    names = {"novelty", "", "self", "__class__", *the_document().schemas[shape.schema]["properties"]}
    fields = [one.name for one in attrs.fields(shape.kind)]
    return sorted({*names, *fields} - members_of(shape).keys() - {wire_name(name) for name in fields})


@attrs.frozen
class Place:
    """A place in a body."""

    holder: Any
    """The object or the list that the value is in."""

    key: Any
    path: str
    """As a `DecodeError` tells it."""

    shape: Shape
    is_required: bool


def places(shape: Shape, holder: Any, key: Any, path: str, *, required: bool) -> Iterator[Place]:  # noqa: ANN401 - JSON
    """Return a place, and all those below it."""
    yield Place(holder, key, path, shape, required)
    value = holder[key]
    if value is None:
        return
    if shape.is_object:
        for wire, member in members_of(shape).items():
            if wire in value:
                below = f"{path}.{wire}".lstrip(".")
                yield from places(member.shape, value, wire, below, required=member.is_required)
    elif shape.item is not None:
        for at in range(len(value)) if shape.kind is list else value:
            below = f"{path}[{at}]" if shape.kind is list else f"{path}.{at}"
            yield from places(shape.item, value, at, below, required=False)
