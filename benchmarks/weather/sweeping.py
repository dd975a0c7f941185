"""What a client process does when it sweeps, and what it tells of it."""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from types import SimpleNamespace

import aiohttp
import attrs

from benchmarks.rounds import KEY
from benchmarks.server import ids
from ultravox_async import AsyncUltravox, UltravoxError, Via


@attrs.frozen
class SweepJob:
    """A sweep to make."""

    base_url: str
    """Where to, with the name of the client as the first segment of the path."""

    seconds: float
    """How long ids are taken from the iterable, or the whole sweep may last where there is a `count`."""

    count: int | None = None
    """How many ids; None for as many as the seconds hold."""

    account: int | None = None
    """The number of registrations that the ids are a sample of; None for the first `count` ids."""

    via: Via = "get"
    traced: bool = False
    """Whether the moments of all attempts are told, those too that find no server."""


@attrs.frozen
class SweepResult:
    """What came of a sweep; moments are those of `time.monotonic`."""

    started: float
    ended: float
    first_outcome: float | None
    finished: bool
    """Whether it ended before its time was up."""

    outcomes: int
    distinct: int
    errors: dict[str, int]
    attempts: list[float]


def kind_of(error: UltravoxError) -> str:
    """Return the class of an error, and its status if it has one."""
    status = getattr(error, "status", None)
    return type(error).__name__ if status is None else f"{type(error).__name__} {status}"


def _ids_of(job: SweepJob) -> Iterable[str]:
    if job.account is not None:
        return random.Random(0).sample([*ids(job.account)], job.count or job.account)  # noqa: S311 - the same each time
    if job.count is not None:
        return [*ids(job.count)]
    return _ids_until(time.monotonic() + job.seconds)


def _ids_until(end: float) -> Iterator[str]:
    for name in ids(sys.maxsize):
        if time.monotonic() >= end:
            return
        yield name


def _trace(attempts: list[float]) -> aiohttp.TraceConfig:
    async def note(_: aiohttp.ClientSession, __: SimpleNamespace, ___: aiohttp.TraceRequestStartParams) -> None:
        attempts.append(time.monotonic())

    config = aiohttp.TraceConfig()
    config.on_request_start.append(note)
    return config


async def sweep(job: SweepJob) -> SweepResult:
    """Sweep, and count the outcomes."""
    attempts: list[float] = []
    keys: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    first = None
    finished = True
    trace_configs = [_trace(attempts)] if job.traced else []
    async with AsyncUltravox(KEY, base_url=job.base_url, trace_configs=trace_configs) as ultravox:
        started = time.monotonic()
        try:
            # Where the ids themselves end with time, the last ones have a while to finish.
            async with asyncio.timeout(job.seconds + (20.0 if job.count is None else 0.0)):
                async for outcome in ultravox.sip.registrations.get_many(_ids_of(job), via=job.via):
                    first = first or time.monotonic()
                    keys[outcome.key] += 1
                    if outcome.error is not None:
                        errors[kind_of(outcome.error)] += 1
        except TimeoutError:
            finished = False
        ended = time.monotonic()
    return SweepResult(started, ended, first, finished, keys.total(), len(keys), dict(errors), attempts)
