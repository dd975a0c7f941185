"""The emulator on its own: `python -m ultravox_async.testing --port 8787 --registrations 1000`."""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from ultravox_async.testing._emulator import DEFAULT_API_KEY, Emulator


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        argv: The arguments, None for those of the process.

    Returns:
        The exit code: 0 after Ctrl-C or SIGTERM, 1 when the port cannot be had.

    Raises:
        SystemExit: the arguments are wrong; its code is 2.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    # What asyncio does about Ctrl-C works on every system, so SIGTERM is made to do the same.
    previous_handler = signal.signal(signal.SIGTERM, _interrupt)
    try:
        emulator = Emulator(
            options.api_key,
            options.registrations,
            options.seed,
            requests_per_second=options.requests_per_second,
            host=options.host,
            port=options.port,
        )
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(emulator))
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        sys.stderr.write(f"cannot listen: {error}\n")
        return 1
    finally:
        signal.signal(signal.SIGTERM, previous_handler)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ultravox_async.testing",
        description="Serve an emulated Ultravox account with SIP registrations, for trials without a real one.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8787, help="0 for any free port (default: %(default)s)")
    parser.add_argument("--registrations", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides about what is made up (default: %(default)s)")
    parser.add_argument("--api-key", default=DEFAULT_API_KEY, help="the key to accept (default: %(default)s)")
    parser.add_argument(
        "--requests-per-second",
        type=rate,
        default=200.0,
        help='more than these are answered with 429; 0 or "none" for no limit (default: %(default)s)',
    )
    return parser


def rate(argument: str) -> float | None:
    """Read a number of requests per second, None for no limit."""
    return None if argument == "none" else float(argument) or None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


async def _serve(emulator: Emulator) -> None:
    async with emulator:
        sys.stdout.write(
            f"# {emulator.registrations} registrations are served; Ctrl-C ends it. For another shell:\n"
            f"export ULTRAVOX_BASE_URL={emulator.base_url}\n"
            f"export ULTRAVOX_API_KEY={shlex.quote(emulator.api_key)}\n"
        )
        sys.stdout.flush()
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await never


if __name__ == "__main__":
    sys.exit(main())
