"""Makes plain data of results, with their secrets masked."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, Protocol, cast

import attrs
from typing_extensions import TypeIs

from ultravox_async import UltravoxError

MASK: Final = "[hidden]"
"""What stands in the place of a secret."""

# Where nothing declares which values are secrets, as in JSON that has no type, it is guessed from their names.
_WORD: Final = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# This is searched for in the words of a name, so that `monkey` and `keyboard` are no keys. An `authUser` is no secret.
_SECRET: Final = re.compile(
    r"\b(?:(?:api|access|auth|private|secret)?key|[a-z]*(?:password|secret|token)|passwd|passphrase|passcode|pwd|pin"
    r"|credential|authorization|bearer|cookie|jwt|signature"
    r"|(?:billing|invoice|join|presigned) ?url|headers|auth query params)(?P<plural>s?)\b|\bo?auth$"
)


class WireObject(Protocol):
    """What the objects of the API have in common."""

    def to_dict(self, *, sensitive: bool = False) -> dict[str, Any]:
        """Return it as plain data."""
        ...


def is_wire_object(value: object) -> TypeIs[WireObject]:
    """Return whether something is an object of the API."""
    return hasattr(value, "to_dict")


def plain(value: object, *, show_secrets: bool) -> Any:  # noqa: ANN401 - JSON
    """Return a result as plain data, with the names of the API.

    Args:
        value: An object of the API, a change that a watch reports, or JSON.
        show_secrets: Whether secrets are part of it; otherwise, there is a mask in the place of each.
    """
    if is_wire_object(value):
        full = value.to_dict(sensitive=True)
        return full if show_secrets else _masked_by_name(value, _masked(full, value.to_dict()))
    if isinstance(value, list | tuple):
        return [plain(item, show_secrets=show_secrets) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Mapping[str, object]", value), show_secrets=show_secrets)
    if attrs.has(type(value)):
        return _plain_event(value, show_secrets=show_secrets)
    return _scalar(value)


def has_secret(value: object) -> bool:
    """Return whether a secret is set in an object of the API, or in JSON."""
    return bool(plain(value, show_secrets=False) != plain(value, show_secrets=True))


def _masked(full: object, shown: object) -> Any:  # noqa: ANN401 - JSON
    """Return plain data with a mask in the place of what is not shown."""
    if isinstance(full, list):
        pairs = zip(cast("list[object]", full), cast("list[object]", shown), strict=True)
        return [_masked(*pair) for pair in pairs]
    if not isinstance(full, dict):
        return full
    fields, known = cast("dict[str, object]", full), cast("dict[str, object]", shown)
    return {name: _masked(item, known[name]) if name in known else _mask(item) for name, item in fields.items()}


def _masked_by_name(value: object, data: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the plain data of a value with a mask in the place of what has the name of a secret and no type."""
    if _is_leaf(data):  # first of all, because most values are
        return data
    if isinstance(value, list | tuple):
        return [_masked_by_name(*pair) for pair in zip(cast("list[object]", value), data, strict=True)]
    if is_wire_object(value):
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(value)))
        pairs = zip(fields, data.items(), strict=True)
        return {name: _masked_by_name(getattr(value, field.name), item) for field, (name, item) in pairs}
    items = cast("Mapping[str, object]", value).items()
    return {name: MASK if _is_secret(name, item) else _masked_by_name(item, data[name]) for name, item in items}


def _is_leaf(data: object) -> bool:
    return not isinstance(data, dict | list)


def _mask(value: object) -> str | None:
    return None if value is None else MASK


def _plain_mapping(value: Mapping[str, object], *, show_secrets: bool) -> dict[str, Any]:
    return {
        name: MASK if not show_secrets and _is_secret(name, item) else plain(item, show_secrets=show_secrets)
        for name, item in value.items()
    }


def _is_secret(name: str, value: object) -> bool:
    """Return whether a value, whatever is in it, has the name of a secret, and can be one."""
    if value is None or isinstance(value, bool) or is_wire_object(value) or value in ("", [], {}):
        return False
    found = _SECRET.search(" ".join(_WORD.findall(name)).lower())
    # A number under a plural says how many there are, such as `inputTokens`.
    return found is not None and not (found["plural"] and isinstance(value, int | float))


def _plain_event(value: object, *, show_secrets: bool) -> dict[str, Any]:
    """Return what a watch reports: its kind, and its fields."""
    fields = [field.name for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(value)))]
    shown = {name: plain(getattr(value, name), show_secrets=show_secrets) for name in fields}
    return {"event": type(value).__name__.lower(), **shown}


def _scalar(value: object) -> object:
    if isinstance(value, UltravoxError | timedelta):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value
