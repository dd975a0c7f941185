"""The options of the emulator on the command line.

They are no part of `ultravox_async.testing`, so that ``ultravox emulator --help`` does not import a server.
"""

import argparse

DEFAULT_API_KEY = "EMULATOR.not-a-key-of-anybody-anywhere-00"
"""The key that an emulator accepts by default. It has the form of a real key, and is recognizably not one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the emulator to a parser."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="where to listen; 0.0.0.0 for every address of the machine (default: %(default)s)",
    )
    parser.add_argument("--port", type=int, default=8787, help="0 for any free port (default: %(default)s)")
    parser.add_argument("--registrations", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument(
        "--calls",
        type=count,
        default=0,
        help="how many there are that have ended, with a recording and some messages (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the generated ids and passwords (default: %(default)s)")
    parser.add_argument("--api-key", default=DEFAULT_API_KEY, help="the key to accept (default: %(default)s)")
    parser.add_argument(
        "--requests-per-second",
        type=rate,
        default=200.0,
        help='more than these are answered with 429; 0 or "none" for no limit (default: %(default)s)',
    )
    for period in ("second", "minute"):
        parser.add_argument(
            f"--calls-per-{period}",
            type=rate,
            help=f"if more calls are created in a {period}, they are answered with 429 (default: no limit)",
        )


def rate(argument: str) -> float | None:
    """Read a number of requests in a period, None for no limit."""
    return None if argument == "none" else float(argument) or None


def count(argument: str) -> int:
    """Read a number of objects; raises ValueError if it is negative."""
    number = int(argument)
    if number < 0:
        message = f"a number cannot be negative: {argument}"
        raise ValueError(message)
    return number
