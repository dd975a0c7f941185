"""Checks requests against the annotations in `ultravox_async.types`.

`problems_in` yields what exceeds a limit, without the value, which may be secret. The client checks the Python objects
that it is given; the emulator checks the JSON that it receives, and has its own texts.
"""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NotRequired,
    Required,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.errors import InvalidRequestError
from ultravox_async.types._markers import Format, Sensitive


def check_count(name: str, value: object) -> None:
    """Check an argument that is a number of things.

    Raises:
        InvalidRequestError: `value` is not a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(name, f"takes a whole number of at least 1, not {value!r}")


@attrs.frozen
class Rule:
    """The rule for a value, as its annotation declares it."""

    kind: type
    """`str`, `bool`, `list`, or the attrs class of an object."""

    items: "Rule | None" = None
    """The rule for each item of a list."""

    nullable: bool = False
    """Whether None is allowed."""

    min_length: int = 0
    """The minimum number of characters or items."""

    max_length: int | None = None
    """The maximum number of characters or items; None for no limit."""

    format: Format | None = None
    """The format of a string."""

    sensitive: bool = False
    """Whether the value is a secret."""


@attrs.frozen
class Field:
    """A field of a TypedDict or of an attrs class."""

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
        return {name: Field(rule, name in required) for name, rule in rules.items()}
    # In an attrs object, None stands for absent: `to_wire` omits it, so null is never sent.
    return {
        field.name: Field(attrs.evolve(rules[field.name], nullable=False), field.default is attrs.NOTHING)
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", shape))
    }


def _rule(annotation: Any) -> Rule:  # noqa: ANN401 - annotations have no type in common
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in {str, bool} or attrs.has(annotation):
        return Rule(annotation)
    if origin is Annotated:
        return _limited(_rule(arguments[0]), arguments[1:])
    if origin in {Required, NotRequired}:
        return _rule(arguments[0])
    if origin in {list, Sequence}:
        return Rule(list, items=_rule(arguments[0]))
    if origin in {Union, UnionType} and len(arguments) == 2 and NoneType in arguments:  # noqa: PLR2004 - a type, or None
        return attrs.evolve(_rule(next(one for one in arguments if one is not NoneType)), nullable=True)
    raise TypeError(f"no check is implemented for {annotation!r}")


def _limited(rule: Rule, markers: Iterable[object]) -> Rule:
    for marker in markers:
        match marker:
            case MaxLen():
                rule = attrs.evolve(rule, max_length=marker.max_length)
            case MinLen():
                rule = attrs.evolve(rule, min_length=marker.min_length)
            case Format():
                rule = attrs.evolve(rule, format=marker)
            case _ if marker is Sensitive:
                rule = attrs.evolve(rule, sensitive=True)
            case _:
                # A limit that is declared and not checked would be worse than none.
                raise TypeError(f"no check is implemented for {marker!r}")
    return rule


class Broken(enum.Enum):
    """How a value violates its rule."""

    REQUIRED = enum.auto()
    """A field is missing."""

    KIND = enum.auto()
    """It has another type; `Problem.given` is the name of the type."""

    MIN_LENGTH = enum.auto()
    """It is too short; `Problem.given` is its length."""

    MAX_LENGTH = enum.auto()
    """It is too long; `Problem.given` is its length."""

    ENCODING = enum.auto()
    """It contains a lone surrogate."""

    FORMAT = enum.auto()
    """It does not have the format."""


@attrs.frozen
class Problem:
    """The problem with a value that violates its rule, without the value, which may be secret."""

    rule: Rule
    broken: Broken
    given: str | int = ""
    path: tuple[str | int, ...] = ()
    """The place of the value: the field names and item indices that lead to it."""

    def below(self, step: str | int) -> "Problem":
        """Return the same problem with one more step in front of its path."""
        return attrs.evolve(self, path=(step, *self.path))


Read: TypeAlias = Callable[[object, type], Mapping[str, object] | None]
"""Returns the fields of an object by their Python names, or None if a value is not an instance of the attrs class."""


def problems_in(shape: type, fields: Mapping[str, object], read: Read) -> Iterator[Problem]:
    """Yield the problems with the fields of a TypedDict or of an attrs class, at most one for each value.

    Args:
        shape: The TypedDict or attrs class.
        fields: The fields, by their Python names; unknown ones are ignored.
        read: How to read the objects among the values.
    """
    for name, field in fields_of(shape).items():
        if name in fields:
            yield from (problem.below(name) for problem in _problems(field.rule, fields[name], read))
        elif field.required:
            yield Problem(field.rule, Broken.REQUIRED, NoneType.__name__, (name,))


def _problems(rule: Rule, value: object, read: Read) -> Iterator[Problem]:
    if value is None and rule.nullable:
        return
    if attrs.has(rule.kind):
        fields = read(value, rule.kind)
        if fields is None:
            yield Problem(rule, Broken.KIND, type(value).__name__)
        else:
            yield from problems_in(rule.kind, fields, read)
    elif problem := _problem(rule, value):
        yield problem
    elif rule.items:
        for index, item in enumerate(cast("Sequence[object]", value)):
            yield from (problem.below(index) for problem in _problems(rule.items, item, read))


_ACCEPTED: Final[Mapping[type, type | tuple[type, ...]]] = {str: str, bool: bool, list: (list, tuple)}


def _problem(rule: Rule, value: object) -> Problem | None:
    """Return the problem with a value itself, not with the items or fields in it."""
    if not isinstance(value, _ACCEPTED[rule.kind]):
        return Problem(rule, Broken.KIND, type(value).__name__)
    length = 0 if isinstance(value, bool) else len(cast("Sized", value))
    if length < rule.min_length:
        return Problem(rule, Broken.MIN_LENGTH, length)
    if rule.max_length is not None and length > rule.max_length:
        return Problem(rule, Broken.MAX_LENGTH, length)
    if isinstance(value, str):
        if not _has_encoding(value):
            return Problem(rule, Broken.ENCODING)
        if rule.format and not rule.format.matches(value):
            return Problem(rule, Broken.FORMAT)
    return None


def _has_encoding(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refusal(shape: type, fields: Mapping[str, object]) -> InvalidRequestError | None:
    """Return an error about the first field that violates its rule.

    It is returned and not raised, because the values are in the frames below, and a traceback would show them.
    """
    problem = next(problems_in(shape, fields, _read_instance), None)
    return None if problem is None else InvalidRequestError(_place(problem.path), _sentence(problem))


def _read_instance(value: object, cls: type) -> Mapping[str, object] | None:
    if not isinstance(value, cls):
        return None
    found = {name: getattr(value, name) for name in fields_of(cls)}
    return {name: value for name, value in found.items() if value is not None}


def _place(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _sentence(problem: Problem) -> str:
    rule, given = problem.rule, problem.given
    unit = "characters" if rule.kind is str else "items"
    match problem.broken:
        case Broken.MIN_LENGTH:
            return f"takes {_range(rule)} {unit}, not {given}"
        case Broken.MAX_LENGTH:
            return f"takes at most {rule.max_length} {unit}, not {given}"
        case Broken.ENCODING:
            return "contains a lone surrogate, which cannot be encoded"
        case _ if rule.format:
            return f"takes {rule.format.description}"
        case _:
            return f"takes {_phrase(rule)}, not {given}"


def _range(rule: Rule) -> str:
    return f"at least {rule.min_length}" if rule.max_length is None else f"{rule.min_length} to {rule.max_length}"


def _phrase(rule: Rule) -> str:
    if rule.kind is str and rule.max_length is not None:
        return f"a string of at most {rule.max_length} characters"
    if attrs.has(rule.kind):
        return f"{'an' if rule.kind.__name__[0] in 'AEIOU' else 'a'} {rule.kind.__name__}"
    return {str: "a string", bool: "True or False", list: "a list"}[rule.kind]
