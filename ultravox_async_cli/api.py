"""`ultravox api`: any request, for what the API has and this package does not."""

import argparse
from typing import Final
from urllib.parse import parse_qs

from ultravox_async import Response
from ultravox_async_cli import event_loop
from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.operations.parsers import OpenChoices, add_output, add_profile
from ultravox_async_cli.operations.responses import readable
from ultravox_async_cli.operations.values import json_of
from ultravox_async_cli.output.masking import has_secret
from ultravox_async_cli.output.printing import show
from ultravox_async_cli.settings import open_client
from ultravox_async_cli.terminal import Terminal

_METHODS: Final = ("GET", "POST", "PATCH", "PUT", "DELETE")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", choices=OpenChoices(_METHODS), help=", ".join(_METHODS))
    parser.add_argument("path", metavar="PATH", help="for example /api/voices")
    parser.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help="repeat it for several")
    parser.add_argument("--json", metavar="JSON", help="the body: JSON, or @FILE")
    add_output(parser)
    add_profile(parser)


def _run(terminal: Terminal, options: argparse.Namespace) -> int:
    query: dict[str, list[str]] = {}
    for pair in options.query:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError("--query takes NAME=VALUE")  # what was given may be a secret
        query.setdefault(name, []).append(value)
    if has_secret(query) or has_secret(parse_qs(options.path.partition("?")[2])):
        raise CommandError("the query contains a secret, which is not taken from the command line")
    if "?" in options.path:
        raise CommandError("the path takes no query: use --query NAME=VALUE")
    try:
        body = None if options.json is None else json_of(options.json, terminal)
    except ValueError as error:
        raise CommandError(f"--json {error}") from None
    show(terminal, options, readable(event_loop.run(_send(terminal, options, query, body)), options))
    return ExitCode.OK


async def _send(terminal: Terminal, options: argparse.Namespace, query: dict[str, list[str]], body: object) -> Response:
    async with open_client(terminal, options) as ultravox:
        return await ultravox.request(options.method, options.path, params=query, json=body)


COMMAND = Command(
    "Send any request to the API, with the retries and the pacing of all commands.",
    _add_arguments,
    _run,
    (
        "ultravox api GET /api/voices --query pageSize=10 --fields results.0.name",
        """ultravox api PATCH /api/sip --json '{"allowAllAgents": true}'""",
    ),
)
