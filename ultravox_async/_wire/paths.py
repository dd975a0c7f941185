"""Paths and queries of URLs: quoting, and refusing what could lead to another path than the intended one."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from typing import TypeAlias, cast
from urllib.parse import quote, unquote, urlencode

from ultravox_async._wire.durations import format_duration
from ultravox_async.errors import InvalidRequestError

# Almost all ids look like this, and need neither quoting nor further checks.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# The characters that RFC 3986 allows in a path, and "%" because a caller's path may be quoted already.
_PATH_SAFE = "/%-._~!$&'()*+,;=:@"


def segment(value: str, name: str) -> str:
    r"""Return `value` as exactly one quoted path segment that decodes to it.

    Raises:
        InvalidRequestError: `value` is not a string, is empty, ``.`` or ``..``, or contains ``/``, ``\``, a control
            character or a lone surrogate. Quoting does not make these safe: ``..`` consists of unreserved characters,
            and servers and URL libraries resolve it, strip line breaks and unquote ``%2F``.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - ids come from untyped places
        raise InvalidRequestError(name, f"takes a string, not {type(value).__name__}")
    if _PLAIN.fullmatch(value):
        return value
    if value in {"", ".", ".."}:
        raise InvalidRequestError(name, f"{value!r} is not a valid id")
    if any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in value):
        raise InvalidRequestError(name, "an id cannot contain a slash, a backslash or a control character")
    return quote(value, safe="")


def checked_path(path: str) -> str:
    """Return a caller's own path, quoted where it needs it.

    Raises:
        InvalidRequestError: `path` does not begin with exactly one ``/``, has a query or a fragment, has the segment
            ``.`` or ``..`` (quoted or not), or contains a backslash, a control character or a lone surrogate.
    """
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
        raise InvalidRequestError("path", "must begin with exactly one slash, as /api/voices does")
    if "?" in path or "#" in path:
        raise InvalidRequestError("path", "cannot have a query or a fragment; pass the query as params")
    if any(c == "\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in path + unquote(path)):
        raise InvalidRequestError("path", "cannot contain a backslash or a control character")
    if any(part in {".", ".."} for part in unquote(path).split("/")):
        raise InvalidRequestError("path", "cannot have . or .. as a segment")
    return quote(path, safe=_PATH_SAFE)


Scalar: TypeAlias = str | int | float | bool | date | time | timedelta
"""One value of a query parameter."""

Parameter: TypeAlias = Scalar | Sequence[Scalar] | Mapping[str, Scalar] | None
"""A query parameter.

None omits it, a sequence repeats it, and a mapping gives each of its items a parameter of its own: ``{"a": "b"}`` as
``metadata`` becomes ``metadata.a=b``. Booleans are sent as ``true`` and ``false``, dates and times as ISO 8601, and
durations as seconds with an ``s``.
"""


def encoded_query(params: Mapping[str, Parameter]) -> str:
    """Return a query, percent-encoded, without its question mark.

    Raises:
        InvalidRequestError: `params` is not a mapping of strings to parameters, or contains a lone surrogate.
    """
    try:
        pairs = [(name, _text(value)) for key, values in params.items() for name, value in _pairs(key, values)]
        return urlencode(pairs)
    except (AttributeError, TypeError, UnicodeEncodeError):
        pass
    raise InvalidRequestError(
        "params",
        "takes a mapping whose values are strings, numbers, booleans, dates, lists or mappings of these, or None",
    )


def _pairs(name: str, values: Parameter) -> Iterable[tuple[str, Scalar]]:
    if isinstance(values, Mapping):
        return ((f"{name}.{key}", value) for key, value in values.items())
    if isinstance(values, list | tuple):
        return ((name, value) for value in values)
    return () if values is None else ((name, cast("Scalar", values)),)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError
