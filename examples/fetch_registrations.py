"""Fetch many SIP registrations: ids are read lazily, outcomes come as they finish, and a failure stops nothing else.

It shows `list`, `get_many` with an asynchronous iterable of ids, counting requests with an `aiohttp.TraceConfig`, how
many were fetched by a GET for each or found in the listing (`--via list`), and how a command line tool handles errors,
Ctrl-C and `| head`. Run it against the emulator that it starts itself:

    python examples/fetch_registrations.py --count 1000 --concurrency 50

With ULTRAVOX_API_KEY in the environment it talks to the API instead (to ULTRAVOX_BASE_URL, if that is set too). With
--json, standard output has the registrations, one in each line, and all that is said about them is on standard error:

    python examples/fetch_registrations.py --json | jq -r .username

Exit code: 0 if all were found, 1 if some failed, 2 if it could not run at all or its output could not be written, 130
after Ctrl-C, 141 if nobody reads the output any more.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO, get_args

import aiohttp
import attrs

from ultravox_async import AsyncUltravox, Outcome, SipRegistration, UltravoxError, Via
from ultravox_async.testing import Emulator

LISTED_ERRORS = 5
REDRAW_INTERVAL = 0.1
ERASE_LINE = "\r\x1b[K"


@attrs.define
class Tally:
    """Counts what has happened so far."""

    wanted: int
    out: TextIO
    """Where to say what happens."""

    found: int = 0
    failed: int = 0
    first_errors: list[UltravoxError] = attrs.field(factory=list[UltravoxError])
    requests: int = 0
    throttled: int = 0
    listed: int = 0
    """How many were found in the listing of the account."""

    fetched: int = 0
    """How many were fetched by a GET for each."""

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
            f"429s     {self.throttled:8}\n"
            f"listing  {self.listed:8}\n"
            f"gets     {self.fetched:8}"
        )


@asynccontextmanager
async def connected(tally: Tally) -> AsyncGenerator[AsyncUltravox]:
    """Yield a client for the account in the environment, or for an emulated one."""
    if os.environ.get("ULTRAVOX_API_KEY"):
        async with AsyncUltravox(trace_configs=[tally.tracing()]) as ultravox:
            print("Fetching from the API, with the key in ULTRAVOX_API_KEY.", file=tally.out, flush=True)
            yield ultravox
        return
    async with (
        Emulator(registrations=tally.wanted) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, trace_configs=[tally.tracing()]) as ultravox,
    ):
        print("Fetching from the embedded emulator; set ULTRAVOX_API_KEY to use the API.", file=tally.out, flush=True)
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


async def fetch(tally: Tally, concurrency: int, via: Via, *, as_json: bool) -> None:
    """Fetch the registrations, and count their outcomes."""
    async with connected(tally) as ultravox, progress(tally):
        ids = listed_ids(ultravox, tally)
        try:
            async for outcome in ultravox.sip.registrations.get_many(ids, concurrency=concurrency, via=via):
                tally.add(outcome)
                if as_json and outcome.value is not None:
                    print(outcome.value.to_json())
        finally:
            tally.listed, tally.fetched = ultravox.stats.listed, ultravox.stats.fetched


def run(options: argparse.Namespace, tally: Tally) -> int:
    """Fetch, say what came of it, and return the exit code."""
    try:
        asyncio.run(fetch(tally, options.concurrency, options.via, as_json=options.json))
    except KeyboardInterrupt:
        print(f"Interrupted. So far:\n{tally.summary()}", file=tally.out)
        return 130
    except UltravoxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(tally.summary(), file=tally.out)
    return 1 if tally.failed else 0


def open_nowhere() -> TextIO:
    """Open what takes any output, and keeps nothing of it."""
    return Path(os.devnull).open("w", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch many SIP registrations.")
    parser.add_argument("--count", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--concurrency", type=int, default=50, help="how many at once (default: %(default)s)")
    parser.add_argument("--via", choices=get_args(Via), default="auto", help="how to fetch (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the registrations as lines of JSON")
    options = parser.parse_args(argv)
    if options.count < 1:
        parser.error("--count takes a whole number of at least 1")
    # What is closed, as after `>&-`, is None in Python.
    sys.stdout = sys.stdout or open_nowhere()
    sys.stderr = sys.stderr or open_nowhere()
    try:
        code = run(options, Tally(options.count, sys.stderr if options.json else sys.stdout))
        sys.stdout.flush()
    except KeyboardInterrupt:  # in the middle of the summary
        return 130
    except OSError as error:
        # Python flushes the output once more when it exits, which would fail again, and not silently.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 141
        with suppress(OSError):  # it may be standard error itself
            print(f"error: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
