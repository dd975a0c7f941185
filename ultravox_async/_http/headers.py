"""Headers that a caller adds to one request: checked here, and redacted in errors."""

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
# The key is sent with each request anyway. The others determine where a request ends and whether its connection is kept
# open. If they contradicted what aiohttp sends, a server could take the end of one request for the beginning of the
# next one (request smuggling).
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
    """Additional headers of one request."""

    fields: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """Names and values."""

    secrets: tuple[str, ...] = attrs.field(repr=False)
    """The values that are redacted in errors."""


def extra_headers(given: Secret) -> ExtraHeaders:
    """Return the headers that a caller passed.

    Raises:
        InvalidRequestError: `given` is not a mapping of strings to strings, a name or a value cannot be sent, or a
            header is one that the client sets itself. The text never contains a value.
    """
    problem = _problem(given)
    if problem is not None:
        raise InvalidRequestError("headers", problem)
    fields = tuple(_fields(given))
    return ExtraHeaders(fields, tuple(_secrets(fields)))


def _fields(given: Secret) -> Iterable[tuple[str, str]]:
    return cast("Mapping[str, str]", given.reveal()).items()


def _problem(given: Secret) -> str | None:
    """Return the problem and do not raise it: a traceback with the locals of this function would show the values."""
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
        return "a name can only contain letters, digits and !#$%&'*+-.^_`|~"
    if name.lower() in _SET_BY_THE_CLIENT:
        return f"{name} is set by the client itself"
    return f"{name} is given twice" if name.lower() in seen else None


def _problem_of_value(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return f"the value of {name} must be a string, not {type(value).__name__}"
    if _UNUSABLE_IN_VALUE.search(value):
        return f"the value of {name} contains a line break, a control character or a lone surrogate"
    return None


def _secrets(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in fields:
        if SECRET_NAME.search(name) or name.lower() in _SECRET_BY_STANDARD:
            yield value
            # The credentials without their scheme, as in "Bearer …": a server may echo them alone.
            yield value.partition(" ")[2].strip()
        if name.lower() == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
