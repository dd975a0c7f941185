"""Compares what is checked before a request is sent with a version of the schema."""

from collections.abc import Iterator, Mapping

from tests.contract.classes import Place, allows_none, places
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, Json
from tests.contract.writing import declaring
from ultravox_async._wire.rules import Rule
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID, Format

_FORMATS = {"ipv4-cidr": IPV4_CIDR, "uuid": UUID, "uri": HTTP_URL}


def _difference(place: Place, text: str, *, breaks: bool) -> Difference:
    items = "[]" * (len(place.path) - 1 - place.path.index(place.name)) if place.hint is None else ""
    subject = declaring(place.owner, place.name)
    return Difference(place.where, Group.BREAKS if breaks else Group.MISSING, subject, f"{place.name}{items}: {text}")


def limits(document: Document) -> Iterator[Difference]:
    """Compare the lowest and the highest numbers, and the numbers of characters and of items."""
    for place in places(document):
        here, there = _limits_here(place.rule), _limits_of(place.declared)
        if here != there:
            text = f"the API has {_shown(there)}; here is {_shown(here)}"
            yield _difference(place, text, breaks=_is_tighter(there, here))


def _limits_here(rule: Rule) -> Mapping[str, float | None]:
    limits = {"MinLen": rule.min_length or None, "MaxLen": rule.max_length, "Ge": rule.at_least, "Le": rule.at_most}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _limits_of(declared: Json) -> Mapping[str, float | None]:
    limits = {
        "MinLen": declared.get("minLength", declared.get("minItems")) or None,
        "MaxLen": declared.get("maxLength", declared.get("maxItems")),
        "Ge": declared.get("minimum"),
        "Le": declared.get("maximum"),
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def _shown(limits: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name}({limit})" for name, limit in limits.items()) or "no limit"


def _is_tighter(limits: Mapping[str, float | None], than: Mapping[str, float | None]) -> bool:
    def is_tighter(name: str, limit: float) -> bool:
        other = than.get(name)
        return other is None or (limit > other if name in {"MinLen", "Ge"} else limit < other)

    return any(limit is not None and is_tighter(name, limit) for name, limit in limits.items())


def formats(document: Document) -> Iterator[Difference]:
    """Compare the formats of strings."""
    for place in places(document):
        there = _FORMATS.get(place.declared.get("format", ""))
        if place.rule.kind is str and place.rule.format != there:
            text = f"the API takes {_described(there)}; here it is {_described(place.rule.format)}"
            yield _difference(place, text, breaks=there is not None)


def _described(format_: Format | None) -> str:
    return format_.description if format_ else "any text"


def nulls(document: Document) -> Iterator[Difference]:
    """Compare what may be null."""
    for place in places(document):
        # In a query and in a nested object, None is never sent: it stands for what is left out.
        if place.hint is None or len(place.path) > 1 or place.rule.in_query:
            continue
        here, there = allows_none(place.hint), place.declared.get("nullable", False)
        if here and not there:
            yield _difference(place, "may be None, and the API takes no null", breaks=True)
        if there and not here:
            yield _difference(place, "may be null in the API, and not be None here", breaks=False)


def needed(document: Document) -> Iterator[Difference]:
    """Look for fields that are required here, and not in the schema."""
    for place in _fields(document):
        if place.field.required and (place.is_change or not place.is_required):
            yield _difference(place, "required here, and optional in the API", breaks=False)


def optional(document: Document) -> Iterator[Difference]:
    """Look for fields that are optional here, and not in the schema."""
    for place in _fields(document):
        if place.is_required and not place.field.required and not place.is_change:
            yield _difference(place, "optional here, and required in the API", breaks=True)


def _fields(document: Document) -> list[Place]:
    return [place for place in places(document) if place.hint is not None]
