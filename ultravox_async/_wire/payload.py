"""Request bodies: checked against the annotations of their TypedDict, encoded, and the secrets in them known.

A password travels as a `Secret` from the first line of a method on, so that no repr, error or traceback with locals
shows it.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import chain
from typing import cast

import attrs
import orjson

from ultravox_async._wire.json_form import encode, to_wire
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async._wire.validation import Rule, fields_of, refusal
from ultravox_async.errors import InvalidRequestError


class Secret:
    """Keeps a value out of every repr."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def reveal(self) -> object:
        """Return the value."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


@attrs.frozen
class Body:
    """A JSON body, ready to be sent, with the secrets in it that an error must not show."""

    content: bytes = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)


def take_secrets(fields: MutableMapping[str, object]) -> dict[str, Secret]:
    """Take the fields over, each wrapped; the mapping is left empty, so that its frame shows nothing."""
    taken = {name: Secret(value) for name, value in fields.items()}
    fields.clear()
    return taken


def create_body(shape: type, fields: Mapping[str, Secret]) -> Body:
    """Return the body that creates something, without the optional fields that are None.

    Args:
        shape: The TypedDict that describes the body.
        fields: Its fields, by their Python names.

    Raises:
        TypeError: There is no such field, or one is missing.
        InvalidRequestError: A field breaks its limit.
    """
    _check_names(shape, fields)
    declared = fields_of(shape)
    given = {name: value for name, value in fields.items() if declared[name].required or value.reveal() is not None}
    return _body(shape, given)


def update_body(shape: type, fields: Mapping[str, Secret]) -> Body:
    """Return the body that changes something; a field that is None is sent as null.

    Args:
        shape: The TypedDict that describes the body.
        fields: Its fields, by their Python names.

    Raises:
        TypeError: There is no such field.
        InvalidRequestError: There is no change, or a field breaks its limit.
    """
    _check_names(shape, fields)
    if not fields:
        raise InvalidRequestError("changes", f"takes at least one of {', '.join(fields_of(shape))}")
    return _body(shape, fields)


def _check_names(shape: type, fields: Mapping[str, Secret]) -> None:
    declared = fields_of(shape)
    for name in fields:
        if name not in declared:
            raise TypeError(f"unexpected keyword argument {name!r}; there are {', '.join(declared)}")
    missing = [repr(name) for name, field in declared.items() if field.required and name not in fields]
    if missing:
        raise TypeError(f"missing required keyword arguments: {', '.join(missing)}")


def _body(shape: type, fields: Mapping[str, Secret]) -> Body:
    error = refusal(shape, {name: value.reveal() for name, value in fields.items()})
    if error is not None:
        raise error
    content = _json(Secret({wire_name(name): value.reveal() for name, value in fields.items()}))
    secrets = (_declared_texts(fields_of(shape)[name].rule, value.reveal()) for name, value in fields.items())
    return Body(content, tuple(chain.from_iterable(secrets)))


def json_body(value: Secret) -> Body:
    """Return any JSON value as a body; what is secret in it is guessed from the names of its fields.

    Raises:
        InvalidRequestError: JSON has no form for something in it.
    """
    content = _json(value)
    # Not in the value itself: JSON has forms for dataclasses, enumerations, UUIDs and more.
    return Body(content, tuple(_secret_texts(orjson.loads(content))))


def _json(value: Secret) -> bytes:
    content = _encoded(value)
    if content is None:
        raise InvalidRequestError("body", "holds something that JSON has no form for")
    return content


def _encoded(value: Secret) -> bytes | None:
    try:
        return encode(value.reveal())
    except TypeError:  # its text and its frames hold the value
        return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float):
        yield orjson.dumps(value).decode()
    for _, item in _items(value):
        yield from _texts(item)


def _declared_texts(rule: Rule, value: object) -> Iterator[str]:
    if value is None:
        return
    if rule.sensitive:
        yield from _texts(value)
    elif rule.items:
        for item in cast("Sequence[object]", value):
            yield from _declared_texts(rule.items, item)
    elif attrs.has(rule.kind):
        for name, field in fields_of(rule.kind).items():
            yield from _declared_texts(field.rule, getattr(value, name))


def _secret_texts(value: object) -> Iterator[str]:
    for name, item in _items(value):
        yield from _texts(item) if SECRET_NAME.search(str(name)) else _secret_texts(item)


def _items(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).items()
    if isinstance(value, list | tuple):
        return enumerate(cast("Sequence[object]", value))
    return to_wire(value).items() if attrs.has(type(value)) else ()
