"""A bot that watches many SIP registrations at once and says which of them changes, until it is stopped.

It shows `watch` in a long-lived service, `create` and `delete`, and a clean end after Ctrl-C or SIGTERM. Run it against
the emulator that it starts itself, where something happens whenever the last thing that happened was seen:

    python examples/watch_bot.py --interval 5 --count 50

With ULTRAVOX_API_KEY in the environment it watches the account of that key instead, and changes nothing in it.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime

from ultravox_async import AsyncUltravox, Change, Changed, Interrupted, Removed, Resumed, SipRegistration, UltravoxError
from ultravox_async.testing import Emulator

STATES = {None: "unknown", True: "registered", False: "failed"}
NEWCOMERS = ("bot-1", "bot-2", "bot-3")


def line_about(change: Change[SipRegistration]) -> str | None:
    """Return what to say of a change; None if it is not worth a line."""
    match change:
        case Changed(_, old, now) if old.successful != now.successful:
            return f"{name(now)}: {STATES[old.successful]} -> {STATES[now.successful]}"
        case Removed(key, old):
            return f"{key if old is None else name(old)}: vanished"
        case Interrupted(error):
            return f"not all could be read, because of: {error}"
        case Resumed(failed_rounds):
            return f"all could be read again, after {failed_rounds} failed rounds"
        case _:
            return None


def name(registration: SipRegistration) -> str:
    """Return the name of a registration that people know."""
    return f"{registration.username}@{registration.proxy}"


async def listed_ids(ultravox: AsyncUltravox, count: int) -> list[str]:
    """Return the first ids of the account; a real bot has the ids that it watches in its own database."""
    ids: list[str] = []
    async for page in ultravox.sip.registrations.list(page_size=min(count, 100)).pages():
        ids += [one.registration_id for one in page.results]
        if len(ids) >= count:
            break
    return ids[:count]


async def react(line: str, emulator: Emulator, ultravox: AsyncUltravox) -> None:
    """Let the next thing happen in the emulated account, when a line says that the last one was seen."""
    if line.endswith("unknown -> registered"):
        emulator.refuse_proxy("sip-1.example.com")
    elif line.endswith("registered -> failed"):
        emulator.accept_proxy("sip-1.example.com")
    elif line.endswith("failed -> registered"):
        await ultravox.sip.registrations.delete(emulator.registration_ids[0])


@asynccontextmanager
async def connected(count: int) -> AsyncGenerator[tuple[AsyncUltravox, Emulator | None]]:
    """Yield a client for the account in the environment and None, or one for an emulated account and that."""
    if os.environ.get("ULTRAVOX_API_KEY"):
        async with AsyncUltravox() as ultravox:
            yield ultravox, None
        return
    newcomers = NEWCOMERS[:count]
    # The listing reads each of them once, and the first round once more; after that, the emulator says whether they
    # registered.
    account = Emulator(registrations=count - len(newcomers), pending_reads=2)
    async with account as emulator, AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
        for username in newcomers:
            password = secrets.token_urlsafe()
            await ultravox.sip.registrations.create(username=username, password=password, proxy="sip.example.com")
        yield ultravox, emulator


async def watch(count: int, interval: float) -> int:
    """Print the changes until nothing is left to watch, and return the exit code."""
    try:
        async with connected(count) as (ultravox, emulator):
            where = "API" if emulator is None else "embedded emulator"
            print(f"Watching the {where} every {interval:g} s; Ctrl-C ends it.", flush=True)
            ids = await listed_ids(ultravox, count)
            async with aclosing(ultravox.sip.registrations.watch(ids, interval=interval)) as changes:
                async for change in changes:
                    if line := line_about(change):
                        print(datetime.now(UTC).isoformat(timespec="seconds"), line, flush=True)
                        if emulator is not None:
                            await react(line, emulator, ultravox)
    except UltravoxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("Nothing is left to watch.")
    return 0


async def watch_until_told_to_stop(count: int, interval: float) -> int:
    """Watch until SIGINT or SIGTERM, which take effect at any moment, and return the exit code."""
    watching = asyncio.create_task(watch(count, interval))
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows, where Ctrl-C raises KeyboardInterrupt instead
            asyncio.get_running_loop().add_signal_handler(number, watching.cancel)
    try:
        return await watching
    except asyncio.CancelledError:
        print("Stopped.")
        return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description="Watch SIP registrations.")
    parser.add_argument("--count", type=int, default=50, help="how many (default: %(default)s)")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between sweeps (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.count < 1 or not options.interval > 0:
        parser.error("--count and --interval take numbers above 0")
    try:
        code = asyncio.run(watch_until_told_to_stop(options.count, options.interval))
        print(end="", flush=True)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        # Python flushes the output once more when it exits, which would fail again, and not silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # nobody reads it any more, as after `| head`
            return 141
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
