"""A bot that watches many SIP registrations at once and says which of them changes, until it is stopped.

It shows repeated calls of `get_many` in a long-lived service, `create` and `delete`, and a clean end after Ctrl-C or
SIGTERM. Run it against the emulator that it starts itself, where something happens after each sweep:

    python examples/watch_bot.py --interval 5 --count 50

With ULTRAVOX_API_KEY in the environment it watches the account of that key instead, and changes nothing in it.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from ultravox_async import AsyncUltravox, NotFoundError, SipRegistration, UltravoxError
from ultravox_async.testing import Emulator

STATES = {None: "unknown", True: "registered", False: "failed"}
NEWCOMERS = ("bot-1", "bot-2", "bot-3")

Pause = Callable[[], Awaitable[None]]


async def changes(ultravox: AsyncUltravox, ids: Iterable[str], pause: Pause) -> AsyncGenerator[str]:
    """Sweep over the ids, pause, and repeat; yield a line for each change between two sweeps.

    It ends when nothing is left to watch. An id that vanishes is no longer watched. All other errors of a sweep are
    reported on one line, so that an outage of the API does not fill the log with a thousand.
    """
    known: dict[str, SipRegistration | None] = dict.fromkeys(ids)
    while known:
        errors: list[UltravoxError] = []
        asked = len(known)
        async for outcome in ultravox.sip.registrations.get_many(list(known)):
            before, now = known[outcome.key], outcome.value
            if now is not None:
                known[outcome.key] = now
                if before is not None and before.successful != now.successful:
                    yield f"{name(now)}: {STATES[before.successful]} -> {STATES[now.successful]}"
            elif isinstance(outcome.error, NotFoundError):
                del known[outcome.key]
                yield f"{outcome.key if before is None else name(before)}: vanished"
            elif outcome.error is not None:
                errors.append(outcome.error)
        if errors:
            yield f"{len(errors)} of {asked} could not be read, the first because of: {errors[0]}"
        await pause()


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


async def incidents(emulator: Emulator, ultravox: AsyncUltravox) -> AsyncIterator[None]:
    """Change the emulated account, one step at a time."""
    emulator.refuse_proxy("sip-1.example.com")
    yield
    emulator.accept_proxy("sip-1.example.com")
    yield
    await ultravox.sip.registrations.delete(emulator.registration_ids[0])


@asynccontextmanager
async def connected(count: int, interval: float) -> AsyncGenerator[tuple[AsyncUltravox, Pause]]:
    """Yield a client for the account in the environment, or for an emulated one, and the pause between two sweeps."""
    if os.environ.get("ULTRAVOX_API_KEY"):
        async with AsyncUltravox() as ultravox:
            print(f"Watching the API every {interval:g} s; Ctrl-C ends it.", flush=True)
            yield ultravox, partial(asyncio.sleep, interval)
        return
    newcomers = NEWCOMERS[:count]
    # The listing reads each of them once, and the first sweep once more; after that, the emulator says whether they
    # registered.
    account = Emulator(registrations=count - len(newcomers), pending_reads=2)
    async with account as emulator, AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
        for username in newcomers:
            password = secrets.token_urlsafe()
            await ultravox.sip.registrations.create(username=username, password=password, proxy="sip.example.com")
        story = incidents(emulator, ultravox)

        async def pause() -> None:
            await asyncio.sleep(interval)
            await anext(story, None)

        print(f"Watching the embedded emulator every {interval:g} s; Ctrl-C ends it.", flush=True)
        yield ultravox, pause


async def watch(count: int, interval: float) -> int:
    """Print the changes until nothing is left to watch, and return the exit code."""
    try:
        async with connected(count, interval) as (ultravox, pause):
            ids = await listed_ids(ultravox, count)
            async with aclosing(changes(ultravox, ids, pause)) as lines:
                async for line in lines:
                    print(datetime.now(UTC).isoformat(timespec="seconds"), line, flush=True)
    except UltravoxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("Nothing is left to watch.")
    return 0


async def watch_until_told_to_stop(count: int, interval: float) -> int:
    """Watch until SIGINT or SIGTERM, which take effect at any moment, and return the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # on Windows, where Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(count, interval))
        watching.add_done_callback(lambda _: stop.set())
        await stop.wait()
        watching.cancel()
    if not watching.cancelled():
        return watching.result()
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
        return asyncio.run(watch_until_told_to_stop(options.count, options.interval))
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
