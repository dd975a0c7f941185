"""Path segments: quoting, and refusal of what could climb out of its place in a URL."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast
from urllib.parse import quote, unquote, urlencode

from ultravox_async.errors import InvalidRequestError

# What ids look like; it needs no second look, and no quoting.
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# Unreserved and sub-delimiters that a path may hold, and "%" because a caller's path may be quoted already.
_PATH_SAFE = "/%-._~!$&'()*+,;=:@"


def segment(value: str, name: str) -> str:
    r"""Return `value` as exactly one quoted path segment that decodes to it.

    Raises:
        InvalidRequestError: `value` is no string, empty, ``.`` or ``..``, or holds ``/``, ``\``, a control character
            or a lone surrogate. Quoting does not save these: ``..`` is unreserved, and servers and URL libraries on
            the way resolve it, strip line breaks and unquote ``%2F``.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - ids come from untyped places
        raise InvalidRequestError(name, f"takes a string, not {type(value).__name__}")
    if _PLAIN.fullmatch(value):
        return value
    if value in {"", ".", ".."}:
        raise InvalidRequestError(name, f"{value!r} is no id")
    if any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in value):
        raise InvalidRequestError(name, "an id has no slash, backslash or control character")
    return quote(value, safe="")


def checked_path(path: str) -> str:
    """Return a caller's own path, quoted where it needs it.

    Raises:
        InvalidRequestError: `path` does not begin with exactly one ``/``, has a query or a fragment, climbs with ``.``
            or ``..`` (quoted or not), or holds a backslash, a control character or a lone surrogate.
    """
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
        raise InvalidRequestError("path", "begins with exactly one slash, such as /api/voices")
    if "?" in path or "#" in path:
        raise InvalidRequestError("path", "has no query and no fragment; queries go into params")
    if any(c == "\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in path + unquote(path)):
        raise InvalidRequestError("path", "has no backslash and no control character")
    if any(part in {".", ".."} for part in unquote(path).split("/")):
        raise InvalidRequestError("path", "has no . and no .. among its segments")
    return quote(path, safe=_PATH_SAFE)


Parameter: TypeAlias = str | int | float | bool | Sequence[str | int | float | bool] | None
"""A value of a query: None omits it, a sequence repeats it, and truth values are ``true`` and ``false``."""


def encoded_query(params: Mapping[str, Parameter]) -> str:
    """Return a query, percent-encoded, without its question mark.

    Raises:
        InvalidRequestError: `params` is no mapping of strings to parameters, or holds a lone surrogate.
    """
    try:
        pairs = [(name, _text(value)) for name, values in params.items() for value in _repeated(values)]
        return urlencode(pairs)
    except (AttributeError, TypeError, UnicodeEncodeError):
        pass
    raise InvalidRequestError("params", "takes strings, numbers, truth values, lists of them, and None to omit one")


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
