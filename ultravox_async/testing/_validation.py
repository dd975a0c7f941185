"""Checks of what a client sends, each error in the shape that Django REST framework gives it."""

import ipaddress
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

import orjson

from ultravox_async.testing._wire import Json

Check: TypeAlias = Callable[[Json], Json]
"""Gives back a value in the form in which it is kept, or raises Invalid."""


class Invalid(Exception):  # noqa: N818 - said by the thing that was sent, not a failure of the emulator
    """A value that the schema does not allow."""

    def __init__(self, errors: Json) -> None:
        """Keep `errors`: a list of sentences about one value, or a dict or list of such for a nested one."""
        super().__init__(errors)
        self.errors = errors


def json_object(body: bytes) -> dict[str, Json]:
    """The JSON object that `body` holds.

    Raises:
        Invalid: `body` is no JSON, or JSON of another kind.
    """
    try:
        content: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid({"detail": "The body is not JSON."}) from error
    if not isinstance(content, dict):
        raise Invalid({"detail": "The body has to be a JSON object."})
    return content


def text(value: Json) -> str:
    """Check a string of any length."""
    if value is None:
        raise Invalid(["This field may not be null."])
    if not isinstance(value, str):
        raise Invalid(["Not a valid string."])
    return value


def text_up_to(length: int) -> Check:
    """Check a string of at most `length` characters."""

    def check(value: Json) -> Json:
        checked = text(value)
        if len(checked) > length:
            raise Invalid([f"Ensure this field has no more than {length} characters."])
        return checked

    return check


def boolean(value: Json) -> Json:
    """Check a boolean."""
    if value is None:
        raise Invalid(["This field may not be null."])
    if not isinstance(value, bool):
        raise Invalid(["Must be a valid boolean."])
    return value


def ipv4_cidr(value: Json) -> Json:
    """Check a range of IPv4 addresses such as "192.0.2.0/24"."""
    checked = text(value)
    if not re.fullmatch(r"[0-9.]+/[0-9]+", checked):
        raise Invalid(["Not an IPv4 range in CIDR notation."])
    try:
        ipaddress.IPv4Network(checked, strict=False)
    except ValueError as error:
        raise Invalid(["Not an IPv4 range in CIDR notation."]) from error
    return checked


def uuid_text(value: Json) -> Json:
    """Check a UUID."""
    checked = text(value)
    try:
        return str(uuid.UUID(checked))
    except ValueError as error:
        raise Invalid(["Must be a valid UUID."]) from error


def http_url(value: Json) -> Json:
    """Check an absolute URL of http or https."""
    checked = text(value)
    try:
        parts = urlsplit(checked)
    except ValueError as error:
        raise Invalid(["Enter a valid URL."]) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(["Enter a valid URL."])
    return checked


def nullable(check: Check) -> Check:
    """Allow null besides what `check` allows."""

    def check_unless_null(value: Json) -> Json:
        return None if value is None else check(value)

    return check_unless_null


def list_of(check: Check, least: int = 0, most: int | None = None) -> Check:
    """Check a list of `least` to `most` items, each with `check`."""

    def check_list(value: Json) -> Json:
        if value is None:
            raise Invalid(["This field may not be null."])
        if not isinstance(value, list):
            raise Invalid(["Expected a list of items."])
        if len(value) < least:
            raise Invalid([f"Ensure this field has at least {least} elements."])
        if most is not None and len(value) > most:
            raise Invalid([f"Ensure this field has no more than {most} elements."])
        return _check_items(check, value)

    return check_list


def _check_items(check: Check, items: list[Json]) -> Json:
    checked: list[Json] = []
    errors: dict[str, Json] = {}
    for index, item in enumerate(items):
        try:
            checked.append(check(item))
        except Invalid as invalid:
            errors[str(index)] = invalid.errors
    if errors:
        raise Invalid(errors)
    return checked


def object_of(checks: Mapping[str, Check], required: Collection[str]) -> Callable[[Json], dict[str, Json]]:
    """Check a JSON object with `check_fields`."""

    def check_object(value: Json) -> dict[str, Json]:
        if value is None:
            raise Invalid(["This field may not be null."])
        if not isinstance(value, dict):
            raise Invalid(["Expected an object."])
        return check_fields(checks, required, value)

    return check_object


def check_fields(checks: Mapping[str, Check], required: Collection[str], content: dict[str, Json]) -> dict[str, Json]:
    """Check those fields of `content` that `checks` names; any other is dropped, as read-only and unknown fields are.

    Returns:
        What was sent and is known: a field that was left out is left out here too.

    Raises:
        Invalid: a field is wrong, or one of `required` is missing; its errors are a dict by field.
    """
    checked: dict[str, Json] = {}
    errors: dict[str, Json] = {}
    for name, check in checks.items():
        if name in content:
            try:
                checked[name] = check(content[name])
            except Invalid as invalid:
                errors[name] = invalid.errors
        elif name in required:
            errors[name] = ["This field is required."]
    if errors:
        raise Invalid(errors)
    return checked
