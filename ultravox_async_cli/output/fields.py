"""The names of the fields of results, as far as the type of a result says them."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, get_args, get_origin

import attrs

from ultravox_async_cli.names import camel_case


def fields_of(result: Any) -> Sequence[str]:  # noqa: ANN401 - an annotation
    """Return the names of the fields of a result, or of each of several, in their order.

    Args:
        result: What an operation returns.
    """
    if get_origin(result) is AsyncGenerator:
        return _fields_of_events(get_args(result)[0])
    shapes = [one for one in (result, *get_args(result)) if hasattr(one, "to_dict")]
    return [camel_case(field.name.rstrip("_")) for one in shapes for field in attrs.fields(one)]


def names_in(rows: Iterable[Mapping[str, Any]]) -> Sequence[str]:
    """Return the names of the fields that any of several rows has, in the order in which they come up."""
    return [*dict.fromkeys(name for row in rows for name in row)]


def _fields_of_events(kinds: Any) -> Sequence[str]:  # noqa: ANN401 - an annotation
    """Return the fields that any of the events of a watch has."""
    classes = [get_origin(kind) or kind for kind in get_args(kinds)]
    return [*dict.fromkeys(["event", *(field.name for one in classes for field in attrs.fields(one))])]
