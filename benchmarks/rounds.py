"""What all measurements need: a server in a separate process, rounds, and medians."""

import asyncio
import gc
import importlib
import itertools
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType

import aiohttp
import attrs

KEY = "BENCHMRK.0123456789abcdef0123456789abcdef"
PATH = "/api/sip/registrations"
UNBOUND = 1e6
"""Requests a second: a rate that is so high that the rate limiter works but never makes a request wait."""

Fetch = Callable[[str], Awaitable[object]]


@attrs.frozen
class Row:
    """One line of the table."""

    what: str
    """What is measured."""

    against: str
    """What it is compared with in the same rounds."""

    result: str
    """The median, with its unit."""

    spread: str
    """The minimum and the maximum of all rounds."""

    target: str
    """The target of the project."""

    detail: str = ""
    """The two medians from which the result is calculated."""

    medians: Sequence[float] = ()
    """The same as numbers, ours and the peer's; empty if the result is no ratio."""


@attrs.frozen
class Effort:
    """The number of rounds, and whether sizes are tiny."""

    rounds: int = 9
    quick: bool = False

    def of(self, usual: int, quick: int) -> int:
        """Return the usual size, or the tiny one of a smoke run."""
        return quick if self.quick else usual


QUICK = Effort(rounds=1, quick=True)


def line(cells: Sequence[str]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"


def installed(name: str) -> ModuleType | None:
    """Import a peer; return None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def absent(what: str, peer: str, target: str) -> Row:
    """Return the row of a comparison with a peer that is not installed."""
    return Row(what, peer, "peer is not installed", "", target, "pip install '.[bench]'")


def compared(what: str, peer: str, target: str, ours: Sequence[float], theirs: Sequence[float]) -> Row:
    """Return the row of a ratio: both sides in microseconds, round by round."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    medians = statistics.median(ours), statistics.median(theirs)
    detail = f"{medians[0]:.1f} µs to {medians[1]:.1f} µs"
    return Row(what, peer, f"{statistics.median(ratios):.2f}", spread_of(ratios), target, detail, medians)


def spread_of(values: Sequence[float]) -> str:
    """Return the minimum and the maximum as text."""
    return f"{min(values):.2f} to {max(values):.2f}"


@contextmanager
def serving(*options: str) -> Generator[str]:
    """Run the server in a separate process, and yield its base URL."""
    # The server runs until its standard input is closed, and so ends with this process, however this process ends.
    server = subprocess.Popen(  # noqa: S603 - this interpreter, with arguments from here
        [sys.executable, "-m", "benchmarks.server", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        port = server.stdout.readline() if server.stdout is not None else ""
        yield f"http://127.0.0.1:{int(port)}"


def compiled_in(folder: str) -> Mapping[str, str]:
    """Return the environment in which Python compiles what it imports once, as pip does when it installs a package."""
    return {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}


def measured(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> list[float]:
    """Run Python in a separate process, and return the numbers that it prints."""
    environment = dict(os.environ, **(environment or {}))
    printed = subprocess.run(  # noqa: S603 - this interpreter, with arguments from here
        [sys.executable, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout
    return [float(number) for number in printed.split()]


@asynccontextmanager
async def by_hand(base_url: str) -> AsyncGenerator[Fetch]:
    """Yield a function such as people write without an SDK."""
    headers = {"X-API-Key": KEY}
    async with aiohttp.ClientSession() as session:

        async def get(registration_id: str) -> object:
            async with session.get(f"{base_url}{PATH}/{registration_id}", headers=headers) as response:
                response.raise_for_status()
                return await response.json()

        yield get


async def cpu(fetch: Fetch, requests: int, concurrency: int) -> float:
    """Return the CPU time per request in microseconds, including that of the kernel for this process.

    Each id is new, as in a real sweep: aiohttp caches URLs.
    """
    ids = iter([str(uuid.uuid4()) for _ in range(requests)])

    async def work() -> None:
        for registration_id in ids:
            await fetch(registration_id)

    # Garbage of the other side must not be collected in the time of this one.
    gc.collect()
    started = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(work())
    return (time.process_time() - started) / requests * 1e6


async def interleaved(sides: Mapping[str, Callable[[], Awaitable[float]]], rounds: int) -> dict[str, list[float]]:
    """Measure the sides in turn, in alternating order; if there are several rounds, a warm-up round precedes them."""
    measurements: dict[str, list[float]] = {name: [] for name in sides}
    orders = itertools.cycle([list(sides), list(sides)[::-1]])
    warming_up = int(rounds > 1)
    for _ in range(warming_up + rounds):
        for name in next(orders):
            measurements[name].append(await sides[name]())
    return {name: values[warming_up:] for name, values in measurements.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that the given share of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
