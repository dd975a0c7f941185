"""Responses that have no type."""

from ultravox_async import DecodeError, Response


def readable(result: object) -> object:
    """Return a result itself, or what is in a response: JSON, a text, or None if it is empty."""
    if not isinstance(result, Response):
        return result
    if not result.body:
        return None
    try:
        return result.json()
    except DecodeError:
        return result.body.decode("utf-8", "replace")
