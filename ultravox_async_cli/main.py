"""The entry point: `main`. It imports next to nothing, because until it runs, Ctrl-C shows a traceback."""

import signal
import sys

from ultravox_async_cli.ctrl_c import leave
from ultravox_async_cli.loading import load


def main() -> int:
    """Run the command of this process, and return its exit code; see `ExitCode`."""
    # A shell lets the jobs in its background ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    code: int = load("command_line").run(sys.argv[1:])
    return code
