"""Responses that have no type."""

import argparse

from ultravox_async import DecodeError, Response
from ultravox_async_cli.errors import CommandError, ExitCode


def readable(result: object, options: argparse.Namespace) -> object:
    """Return a result itself, or what is in a response: JSON, a text, or None if it is empty.

    Raises:
        CommandError: A response is JSON that cannot be read, so that nothing in it can be hidden.
    """
    if not isinstance(result, Response):
        return result
    if not result.body:
        return None
    try:
        return result.json()
    except DecodeError:
        text = result.body.decode("utf-8", "replace")
    if _is_meant_as_json(result.content_type, text) and not options.show_secrets:
        kind = result.content_type or "no type"
        raise CommandError(
            f"the response is JSON that cannot be read, and may contain secrets ({len(result.body):,} bytes, {kind}); "
            "--show-secrets prints it as it is",
            ExitCode.FAILED,
        )
    return text


def _is_meant_as_json(content_type: str, text: str) -> bool:
    return "json" in content_type.lower() or text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"'))
