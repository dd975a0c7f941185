"""Paths and queries of URLs: quoting, and refusing what could lead to another path than the intended one."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast
from urllib.parse import quote, unquote, urlencode

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


Parameter: TypeAlias = str | int | float | bool | Sequence[str | int | float | bool] | None
"""A query parameter: None omits it, a sequence repeats it, and booleans are sent as ``true`` and ``false``."""


def encoded_query(params: Mapping[str, Parameter]) -> str:
    """Return a query, percent-encoded, without its question mark.

    Raises:
        InvalidRequestError: `params` is not a mapping of strings to parameters, or contains a lone surrogate.
    """
    try:
        pairs = [(name, _text(value)) for name, values in params.items() for value in _repeated(values)]
        return urlencode(pairs)
    except (AttributeError, TypeError, UnicodeEncodeError):
        pass
    raise InvalidRequestError(
        "params", "takes a mapping whose values are strings, numbers, booleans, lists of these, or None"
    )


def _repeated(values: Parameter) -> Sequence[str | int | float | bool]:
    if isinstance(values, list | tuple):
        return values
    return () if values is None else (cast("str | int | float | bool", values),)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError
