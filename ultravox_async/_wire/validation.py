"""The limits of the schema: what the API would refuse is refused before it is sent."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast
from urllib.parse import urlsplit

from ultravox_async.errors import InvalidRequestError
from ultravox_async.types import AgentAllowance, FallbackHandler

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_CIDR = re.compile(r"[0-9.]+/[0-9]{1,2}", re.ASCII)
_MAX_SECRETS = 10

Problem: TypeAlias = tuple[str, str]
"""Where, below the field (``[2].agent_id``, or nothing), and what is wrong there."""

Rule: TypeAlias = Callable[[object], Problem | None]
"""Looks at a value and tells what the API would refuse in it; it never repeats the value, which may be secret."""


def check_count(name: str, value: object) -> None:
    """Check an argument that counts something.

    Raises:
        InvalidRequestError: `value` is no whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequestError(name, f"takes a whole number of at least 1, not {value!r}")


def text(limit: int) -> Rule:
    """Return the rule for a string of at most `limit` characters."""

    def rule(value: object) -> Problem | None:
        if not isinstance(value, str):
            return "", f"takes a string of at most {limit} characters, not {type(value).__name__}"
        if len(value) > limit:
            return "", f"takes at most {limit} characters, not {len(value)}"
        return _unicode(value)

    return rule


def secret_text(value: object) -> Problem | None:
    """Tell what is wrong with a password; the schema sets it no limit."""
    return _unicode(value) if isinstance(value, str) else ("", f"takes a string, not {type(value).__name__}")


def _unicode(value: str) -> Problem | None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return "", "holds a lone surrogate, which no encoding has a form for"
    return None


def boolean(value: object) -> Problem | None:
    """Tell what is wrong with a truth value."""
    return None if isinstance(value, bool) else ("", f"takes True or False, not {type(value).__name__}")


def nullable(rule: Rule) -> Rule:
    """Return `rule` with None allowed."""

    def or_none(value: object) -> Problem | None:
        return None if value is None else rule(value)

    return or_none


def sequence(rule: Rule, limit: int | None = None) -> Rule:
    """Return the rule for a list or tuple of at most `limit` items that each keep `rule`; None sets no limit."""

    def each(value: object) -> Problem | None:
        if not isinstance(value, list | tuple):
            return "", f"takes a list, not {type(value).__name__}"
        items = cast("Sequence[object]", value)
        if limit is not None and len(items) > limit:
            return "", f"takes at most {limit} items, not {len(items)}"
        found = ((index, rule(item)) for index, item in enumerate(items))
        return next((_below(f"[{index}]", problem) for index, problem in found if problem), None)

    return each


def _below(step: str, problem: Problem) -> Problem:
    return step + problem[0], problem[1]


def ipv4_cidr(value: object) -> Problem | None:
    """Tell what is wrong with an IPv4 CIDR range."""
    try:
        valid = isinstance(value, str) and _CIDR.fullmatch(value) and ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        valid = False
    return None if valid else ("", "takes an IPv4 CIDR range, such as 203.0.113.0/24")


def agent_allowance(value: object) -> Problem | None:
    """Tell what is wrong with an `AgentAllowance`."""
    if not isinstance(value, AgentAllowance):
        return "", f"takes an AgentAllowance, not {type(value).__name__}"
    if not (isinstance(value.agent_id, str) and _UUID.fullmatch(value.agent_id)):  # pyright: ignore[reportUnnecessaryIsInstance] - attrs checks no types
        return ".agent_id", "takes a UUID"
    problem = nullable(text(200))(value.to_user_pattern)
    return problem and _below(".to_user_pattern", problem)


def fallback_handler(value: object) -> Problem | None:
    """Tell what is wrong with a `FallbackHandler`."""
    if not isinstance(value, FallbackHandler):
        return "", f"takes a FallbackHandler, not {type(value).__name__}"
    if not _is_http_url(value.url):
        return ".url", "takes an absolute http or https URL"
    if problem := _unicode(value.url):
        return _below(".url", problem)
    if value.secrets is None:
        return None
    problem = sequence(text(120), _MAX_SECRETS)(value.secrets)
    if not problem and not value.secrets:
        problem = "", f"takes 1 to {_MAX_SECRETS} items, or None to have one made"
    return problem and _below(".secrets", problem)


def _is_http_url(value: object) -> bool:
    try:
        url = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return url is not None and url.scheme in {"http", "https"} and bool(url.hostname)
