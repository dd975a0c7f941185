"""Encodes attrs classes as JSON. A leaf module: it imports nothing of the package but other leaves."""

from datetime import timedelta
from typing import cast

import attrs
import orjson

from ultravox_async._wire.durations import format_duration
from ultravox_async._wire.names import wire_name


def encode(value: object) -> bytes:
    """Return `value`, which may contain instances of attrs classes, as JSON.

    Raises:
        TypeError: Something in it cannot be encoded as JSON.
    """
    return orjson.dumps(value, default=_without_a_form_of_its_own)


def _without_a_form_of_its_own(value: object) -> object:
    # orjson itself knows datetimes, dates and times.
    return format_duration(value) if isinstance(value, timedelta) else to_wire(value)


def to_wire(value: object) -> dict[str, object]:
    """Return an instance of an attrs class as a JSON object with camelCase names, without the fields that are None.

    Raises:
        TypeError: `value` is not an instance of an attrs class.
    """
    if not attrs.has(type(value)):
        msg = f"{type(value).__name__} cannot be encoded as JSON"
        raise TypeError(msg)
    declared = attrs.fields(cast("type[attrs.AttrsInstance]", type(value)))
    fields = {wire_name(field.name): getattr(value, field.name) for field in declared}
    return {name: found for name, found in fields.items() if found is not None}
