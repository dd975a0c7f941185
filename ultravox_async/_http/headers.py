"""Headers that a caller adds to one request: checked, and shown nowhere."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, cast

import attrs

from ultravox_async._wire.payload import Secret
from ultravox_async._wire.redaction import SECRET_NAME
from ultravox_async.errors import InvalidRequestError

# RFC 9110, sections 5.6.2 and 5.5: a name is a token, and a value has no control characters but tabs.
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_UNUSABLE_IN_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
# The key goes with each request anyway; the others say where a request ends and what becomes of its connection, and a
# server that is told otherwise takes the rest of one request for the beginning of the next.
_SET_BY_THE_CLIENT: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
    }
)
_SECRET_BY_STANDARD: Final = frozenset({"authorization", "cookie"})


@attrs.frozen
class ExtraHeaders:
    """Headers of one request, beside those that the client sends with each."""

    fields: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """Names and values."""

    secrets: tuple[str, ...] = attrs.field(repr=False)
    """The values that an error must not show."""


def extra_headers(given: Secret) -> ExtraHeaders:
    """Return what a caller gave as headers.

    Raises:
        InvalidRequestError: It is no mapping of strings to strings, a name or a value cannot be sent, or the client
            sets a header itself. The text never holds a value.
    """
    problem = _problem(given)
    if problem is not None:
        raise InvalidRequestError("headers", problem)
    fields = tuple(_fields(given))
    return ExtraHeaders(fields, tuple(_secrets(fields)))


def _fields(given: Secret) -> Iterable[tuple[str, str]]:
    return cast("Mapping[str, str]", given.reveal()).items()


def _problem(given: Secret) -> str | None:
    """Return what is wrong, not raise it: a traceback with the locals of this function would show the values."""
    if not isinstance(given.reveal(), Mapping):
        return "takes a mapping of strings to strings"
    seen: set[str] = set()
    for name, value in _fields(given):
        problem = _problem_of_name(name, seen) or _problem_of_value(name, value)
        if problem is not None:
            return problem
        seen.add(name.lower())
    return None


def _problem_of_name(name: object, seen: set[str]) -> str | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "a name takes letters, digits and !#$%&'*+-.^_`|~ only"
    if name.lower() in _SET_BY_THE_CLIENT:
        return f"{name} is set by the client itself"
    return f"{name} is there twice" if name.lower() in seen else None


def _problem_of_value(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return f"the value of {name} takes a string, not {type(value).__name__}"
    if _UNUSABLE_IN_VALUE.search(value):
        return f"the value of {name} has a line break, a control character or a lone surrogate"
    return None


def _secrets(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in fields:
        if SECRET_NAME.search(name) or name.lower() in _SECRET_BY_STANDARD:
            yield value
            # The credentials behind a scheme, as in "Bearer …".
            yield value.partition(" ")[2].strip()
        if name.lower() == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
