"""Request bodies: checked against the annotations of their TypedDict, encoded as JSON, with a list of their secrets.

A password is wrapped in a `Secret` as soon as a method is called, so that no repr, error or traceback with locals shows
it.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from itertools import chain
from typing import ClassVar, cast

import attrs
import orjson

from ultravox_async._wire.json_form import encode, to_wire
from ultravox_async._wire.paths import Parameter, encoded_query
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async._wire.rules import Field, Rule, fields_of
from ultravox_async._wire.validation import refusal
from ultravox_async.errors import InvalidRequestError

# aiohttp warns about bytes above this length, because it writes them in one piece; a file object is written in chunks.
_SENT_IN_ONE_PIECE = 1024 * 1024


class Secret:
    """Wraps a value whose repr must not show it."""

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
    """A body, ready to be sent, and the secrets in it, which are redacted in errors."""

    content: bytes = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    content_type: str = "application/json"

    can_be_sent_again: ClassVar[bool] = True
    failure: ClassVar[None] = None

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.content)

    def data(self, note_progress: Callable[[], None]) -> bytes | io.BytesIO:  # noqa: ARG002 - files have progress
        """Return what aiohttp sends."""
        return self.content if len(self.content) <= _SENT_IN_ONE_PIECE else io.BytesIO(self.content)


@attrs.frozen
class Payload:
    """What the fields of an operation become."""

    query: str
    """Percent-encoded, without its question mark."""

    body: Body | None
    """None if all fields are query parameters."""


def take_secrets(fields: MutableMapping[str, object]) -> dict[str, Secret]:
    """Move the fields out of the mapping, each wrapped in a `Secret`.

    The mapping belongs to the frame of the caller's method. It is left empty, so that a traceback with locals shows
    nothing.
    """
    taken = {name: Secret(value) for name, value in fields.items()}
    fields.clear()
    return taken


def payload_of_creation(shape: type, fields: Mapping[str, Secret]) -> Payload:
    """Return the payload of a request that creates something, without the optional fields that are None.

    Args:
        shape: The TypedDict that describes the fields.
        fields: The fields, by their Python names.

    Raises:
        TypeError: A field does not exist, or a required one is missing.
        InvalidRequestError: A field exceeds its limit.
    """
    _check_names(shape, fields)
    declared = fields_of(shape)
    given = {name: value for name, value in fields.items() if declared[name].required or value.reveal() is not None}
    return _payload(shape, given)


def payload_of_change(shape: type, fields: Mapping[str, Secret]) -> Payload:
    """Return the payload of a request that changes something; a field that is None is sent as null.

    Args:
        shape: The TypedDict that describes the fields.
        fields: The fields, by their Python names.

    Raises:
        TypeError: A field does not exist.
        InvalidRequestError: There is no field, or one exceeds its limit.
    """
    _check_names(shape, fields)
    if not fields:
        raise InvalidRequestError("changes", f"takes at least one of {', '.join(fields_of(shape))}")
    return _payload(shape, fields)


def form_of_creation(shape: type, fields: Mapping[str, Secret]) -> dict[str, str]:
    """Return the fields of a form, by their names in it; all of them are strings.

    Args:
        shape: The TypedDict that describes the fields.
        fields: The fields, by their Python names.

    Raises:
        TypeError: A field does not exist, or a required one is missing.
        InvalidRequestError: A field exceeds its limit.
    """
    body = payload_of_creation(shape, fields).body
    return {} if body is None else orjson.loads(body.content)


def _check_names(shape: type, fields: Mapping[str, Secret]) -> None:
    declared = fields_of(shape)
    for name in fields:
        if name not in declared:
            raise TypeError(f"unexpected keyword argument {name!r}; the arguments are {', '.join(declared)}")
    missing = [repr(name) for name, field in declared.items() if field.required and name not in fields]
    if missing:
        raise TypeError(f"missing required keyword arguments: {', '.join(missing)}")


def _payload(shape: type, fields: Mapping[str, Secret]) -> Payload:
    error = refusal(shape, {name: value.reveal() for name, value in fields.items()})
    if error is not None:
        raise error
    declared = fields_of(shape)
    in_query = {declared[name].wire: value.reveal() for name, value in fields.items() if declared[name].rule.in_query}
    in_body = {name: value for name, value in fields.items() if not declared[name].rule.in_query}
    has_body = not all(field.rule.in_query for field in declared.values())
    query = encoded_query(cast("Mapping[str, Parameter]", in_query))
    return Payload(query, _body(declared, in_body) if has_body else None)


def _body(declared: Mapping[str, Field], fields: Mapping[str, Secret]) -> Body:
    content = _json(Secret({declared[name].wire: value.reveal() for name, value in fields.items()}))
    secrets = (_declared_texts(declared[name].rule, value.reveal()) for name, value in fields.items())
    return Body(content, tuple(chain.from_iterable(secrets)))


def json_body(value: Secret) -> Body:
    """Return any value as a JSON body; which parts are secret is guessed from the names of its fields.

    Raises:
        InvalidRequestError: Something in it cannot be encoded as JSON.
    """
    content = _json(value)
    # The secrets are looked for in the JSON, and not in the value: orjson also encodes dataclasses, enums and UUIDs.
    return Body(content, tuple(_secret_texts(orjson.loads(content))))


def form_body(value: Secret) -> Body:
    """Return fields as a form (``application/x-www-form-urlencoded``); the secret ones are guessed from their names.

    Raises:
        InvalidRequestError: They are not a mapping of strings to strings, or cannot be encoded.
    """
    try:
        content = encoded_query(cast("Mapping[str, Parameter]", value.reveal())).encode()
    except InvalidRequestError as error:
        raise InvalidRequestError("parameters", error.problem) from None
    return Body(content, tuple(_secret_texts(value.reveal())), "application/x-www-form-urlencoded")


def _json(value: Secret) -> bytes:
    content = _encoded(value)
    if content is None:
        raise InvalidRequestError("body", "contains something that cannot be encoded as JSON")
    return content


def _encoded(value: Secret) -> bytes | None:
    try:
        return encode(value.reveal())
    except TypeError:  # not chained or re-raised: its text and its frames contain the value
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
        for _, item in _items(value):
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
