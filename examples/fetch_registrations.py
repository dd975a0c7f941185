"""Fetch many SIP registrations: ids are read lazily, outcomes come as they finish, and a failure stops nothing else.

It shows `list`, `get_many` with an asynchronous iterable of ids, counting requests with an `aiohttp.TraceConfig`, and
how a command line tool handles errors and Ctrl-C. Run it against the emulator that it starts itself:

    python examples/fetch_registrations.py --count 1000 --concurrency 50

With ULTRAVOX_API_KEY in the environment it talks to the API instead (to ULTRAVOX_BASE_URL, if that is set too).

Exit code: 0 if all were found, 1 if some failed, 2 if it could not run at all, 130 after Ctrl-C.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
import attrs

from ultravox_async import AsyncUltravox, Outcome, SipRegistration, UltravoxError
from ultravox_async.testing import Emulator

LISTED_ERRORS = 5
REDRAW_INTERVAL = 0.1
ERASE_LINE = "\r\x1b[K"


@attrs.define
class Tally:
    """Counts what has happened so far."""

    wanted: int
    found: int = 0
    failed: int = 0
    first_errors: list[UltravoxError] = attrs.field(factory=list[UltravoxError])
    requests: int = 0
    throttled: int = 0
    started: float = attrs.field(factory=time.monotonic)

    def add(self, outcome: Outcome[SipRegistration]) -> None:
        """Count an outcome. Only the first few errors are kept, however large the sweep is."""
        if outcome.error is None:
            self.found += 1
            return
        self.failed += 1
        if len(self.first_errors) < LISTED_ERRORS:
            self.first_errors.append(outcome.error)

    def tracing(self) -> aiohttp.TraceConfig:
        """Return a TraceConfig that counts every attempt, including retries, which outcomes do not show."""

        async def count_request(*_: object) -> None:
            self.requests += 1

        async def count_throttled(
            _session: aiohttp.ClientSession, _context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
        ) -> None:
            self.throttled += end.response.status == HTTPStatus.TOO_MANY_REQUESTS

        tracing = aiohttp.TraceConfig()
        tracing.on_request_headers_sent.append(count_request)
        tracing.on_request_end.append(count_throttled)
        return tracing

    def line(self) -> str:
        """Return the progress of the sweep, on one line of a terminal."""
        seconds = time.monotonic() - self.started
        return f"fetched {self.found + self.failed} of {self.wanted}, {self.failed} failed, {seconds:.1f} s"

    def summary(self) -> str:
        """Return the text that is printed at the end."""
        errors = [f"  {error}\n" for error in self.first_errors]
        if self.failed > len(errors):
            errors.append(f"  and {self.failed - len(errors)} more\n")
        return (
            f"found    {self.found:8}\n"
            f"failed   {self.failed:8}\n{''.join(errors)}"
            f"seconds  {time.monotonic() - self.started:8.2f}\n"
            f"requests {self.requests:8}\n"
            f"429s     {self.throttled:8}"
        )


@asynccontextmanager
async def connected(tally: Tally) -> AsyncGenerator[AsyncUltravox]:
    """Yield a client for the account in the environment, or for an emulated one."""
    if os.environ.get("ULTRAVOX_API_KEY"):
        async with AsyncUltravox(trace_configs=[tally.tracing()]) as ultravox:
            print("Fetching from the API, with the key in ULTRAVOX_API_KEY.", flush=True)
            yield ultravox
        return
    async with (
        Emulator(registrations=tally.wanted) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, trace_configs=[tally.tracing()]) as ultravox,
    ):
        print("Fetching from the embedded emulator; set ULTRAVOX_API_KEY to use the API.", flush=True)
        yield ultravox


async def listed_ids(ultravox: AsyncUltravox, tally: Tally) -> AsyncIterator[str]:
    """Yield the first ids of the account. A page is fetched only when the sweep has used up the one before it."""
    left = tally.wanted
    async for page in ultravox.sip.registrations.list(page_size=min(left, 100)).pages():
        tally.wanted = min(tally.wanted, page.total or tally.wanted)
        for registration in page.results[:left]:
            yield registration.registration_id
        left -= len(page.results)
        if left <= 0:
            return


@asynccontextmanager
async def progress(tally: Tally) -> AsyncGenerator[None]:
    """Keep a line on the terminal up to date; do nothing if stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield
        return

    async def redraw() -> None:
        while True:
            print(end=ERASE_LINE + tally.line(), file=sys.stderr, flush=True)
            await asyncio.sleep(REDRAW_INTERVAL)

    # Redraw periodically and not at each outcome, so that the line is also updated during the pause after a 429.
    redrawing = asyncio.create_task(redraw())
    try:
        yield
    finally:
        redrawing.cancel()
        print(end=ERASE_LINE, file=sys.stderr, flush=True)


async def fetch(tally: Tally, concurrency: int) -> None:
    """Fetch the registrations, and count their outcomes."""
    async with connected(tally) as ultravox, progress(tally):
        async for outcome in ultravox.sip.registrations.get_many(listed_ids(ultravox, tally), concurrency=concurrency):
            tally.add(outcome)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch many SIP registrations.")
    parser.add_argument("--count", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=50, help="how many at once (default: %(default)s)")
    options = parser.parse_args(argv)
    if options.count < 1:
        parser.error("--count takes a whole number of at least 1")

    tally = Tally(options.count)
    try:
        asyncio.run(fetch(tally, options.concurrency))
    except KeyboardInterrupt:
        print(f"Interrupted. So far:\n{tally.summary()}")
        return 130
    except UltravoxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(tally.summary())
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
