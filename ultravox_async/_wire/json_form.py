"""Instances of attrs classes as JSON. A leaf: of the package it imports other leaves only."""

from typing import cast

import attrs
import orjson

from ultravox_async._wire.names import wire_name


def encode(value: object) -> bytes:
    """Return `value`, which may hold instances of attrs classes, as JSON.

    Raises:
        TypeError: JSON has no form for something in it.
    """
    return orjson.dumps(value, default=to_wire)


def to_wire(value: object) -> dict[str, object]:
    """Return an instance of an attrs class as an object of the wire, without the fields that are None.

    Raises:
        TypeError: `value` is something else.
    """
    if not attrs.has(type(value)):
        msg = f"JSON has no form for {type(value).__name__}"
        raise TypeError(msg)
    declared = attrs.fields(cast("type[attrs.AttrsInstance]", type(value)))
    fields = {wire_name(field.name): getattr(value, field.name) for field in declared}
    return {name: found for name, found in fields.items() if found is not None}
