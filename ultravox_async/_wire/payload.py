"""Request bodies: sealed, checked against the limits of the schema, encoded.

A password travels as a `Secret` from the first line of a method on, so that no repr, error or traceback with locals
shows it.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import cast

import attrs

from ultravox_async._wire.json_form import encode, to_wire
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async._wire.validation import Rule
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


def create_body(fields: Mapping[str, Secret], rules: Mapping[str, Rule]) -> Body:
    """Return the body that creates something.

    Raises:
        InvalidRequestError: A field breaks its rule.
    """
    for name, value in fields.items():
        problem = rules[name](value.reveal())
        if problem is not None:
            raise InvalidRequestError(name + problem[0], problem[1])
    return json_body(Secret({wire_name(name): value.reveal() for name, value in fields.items()}))


def update_body(fields: Mapping[str, Secret], rules: Mapping[str, Rule]) -> Body:
    """Return the body that changes something.

    Raises:
        TypeError: There is no such field.
        InvalidRequestError: There is no change, or a field breaks its rule.
    """
    for name in fields:
        if name not in rules:
            msg = f"unexpected keyword argument {name!r}; there are {', '.join(rules)}"
            raise TypeError(msg)
    if not fields:
        raise InvalidRequestError("changes", f"takes at least one of {', '.join(rules)}")
    return create_body(fields, rules)


def json_body(value: Secret) -> Body:
    """Return any JSON value as a body.

    Raises:
        InvalidRequestError: JSON has no form for something in it.
    """
    content = _encoded(value)
    if content is None:
        raise InvalidRequestError("body", "holds something that JSON has no form for")
    return Body(content, tuple(_secret_texts(value.reveal())))


def _encoded(value: Secret) -> bytes | None:
    try:
        return encode(value.reveal())
    except TypeError:  # its text and its frames hold the value
        return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for _, item in _items(value):
        yield from _texts(item)


def _secret_texts(value: object) -> Iterator[str]:
    for name, item in _items(value):
        yield from _texts(item) if SECRET_NAME.search(str(name)) else _secret_texts(item)


def _items(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).items()
    if isinstance(value, list | tuple):
        return enumerate(cast("Sequence[object]", value))
    return to_wire(value).items() if attrs.has(type(value)) else ()
