"""`ultravox emulator`: an emulated account on this machine."""

import argparse

from ultravox_async.emulator_options import add_arguments
from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.loading import load
from ultravox_async_cli.terminal import Terminal


def _run(_: Terminal, options: argparse.Namespace) -> int:
    try:
        code: int = load("emulator_server").serve(options)
    except ValueError as error:
        raise CommandError(str(error)) from None
    return code


COMMAND = Command(
    "Serve an emulated account with registrations and calls, and print the variables that lead to it.",
    add_arguments,
    _run,
    ("ultravox emulator --port 8787 --registrations 1000 --calls 20",),
)
