"""Four processes share 200 requests a second: `python -m benchmarks.fleet --seconds 60`.

The server refuses what exceeds 200 in any second, wherever it starts, and takes 20 ms for each response. It, Valkey and
each worker are processes of their own.
"""

import argparse
import asyncio
import json
import signal
import statistics
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias, cast

import attrs
import cattrs
from redis.asyncio import Redis

from benchmarks import results
from benchmarks.fleet.job import Job, Told
from benchmarks.fleet.valkey import Valkey
from benchmarks.rounds import installed, line
from benchmarks.weather.processes import Log, Server, first_line, process, serving
from benchmarks.weather.scenario import percent
from benchmarks.weather.series import BUCKET, accepted, counted, rates

Rates: TypeAlias = Mapping[str, Mapping[str, Sequence[int]]]
"""For each client, what was accepted and refused in each step of time."""

_OURS, _BY_HAND = "ours", "by_hand"
_NAMES = {_OURS: "ultravox_async.redis", _BY_HAND: "limits"}
RATE = 200
_WORKERS = 4
_CALLS_PER_SECOND = 5.0
_HEADINGS = (
    *("scenario", "shared by", "requests", "429s", "rate used", "of it in the last third", "single calls, p95"),
    *("commands a request", "CPU a request", "CPU of Valkey", "lost"),
)
_DELAY = ("--delay", "0.02", "0.02", "--limit", f"sliding:{RATE}", "--retry-after", "1")


@attrs.frozen
class World:
    """What a scenario can do something to."""

    valkey: Valkey
    workers: Sequence[Process]
    seconds: float


async def _leave_alone(world: World) -> None:
    """Do nothing."""


async def _kill_a_worker(world: World) -> None:
    await asyncio.sleep(world.seconds / 2)
    world.workers[-1].send_signal(signal.SIGKILL)


async def _restart(world: World) -> None:
    await asyncio.sleep(world.seconds / 3)
    await world.valkey.kill()
    await asyncio.sleep(world.seconds / 15)
    await world.valkey.start()


async def _take_away(world: World) -> None:
    await asyncio.sleep(world.seconds / 3)
    await world.valkey.kill()


@attrs.frozen
class Scenario:
    """One row of the table."""

    what: str
    peer: str = _OURS
    single_calls: bool = False
    """Whether one of the workers makes single calls, and does not sweep."""

    event: Callable[[World], Coroutine[Any, Any, None]] = _leave_alone


SCENARIOS: Mapping[str, Scenario] = {
    "sweeps": Scenario("four sweep"),
    "sweeps-limits": Scenario("four sweep", _BY_HAND),
    "single": Scenario("three sweep, one makes 5 single calls a second", single_calls=True),
    "single-limits": Scenario("three sweep, one makes 5 single calls a second", _BY_HAND, single_calls=True),
    "killed": Scenario("four sweep, one is killed after half of the time", event=_kill_a_worker),
    "restarted": Scenario("four sweep, Valkey is killed after a third, and restarted", event=_restart),
    "gone": Scenario("four sweep, Valkey is killed after a third", event=_take_away),
}


@attrs.frozen
class _Counted:
    """What Valkey counted."""

    commands: int
    cpu: float


async def _count(valkey: Valkey) -> _Counted | None:
    if not valkey.running:
        return None
    async with Redis(port=valkey.port) as redis:
        # The types of redis-py are incomplete here.
        info = cast("Callable[[str], Awaitable[dict[str, Any]]]", getattr(redis, "info"))  # noqa: B009
        commands, cpu = await info("commandstats"), await info("cpu")
    # The commands within a script are counted too, but nobody waits for them on a network.
    asked = sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "script|load"))
    return _Counted(asked, cpu["used_cpu_user"] + cpu["used_cpu_sys"])


async def _told(worker: Process) -> Told | None:
    if worker.stdin is None or worker.stdout is None:
        raise AssertionError
    # Standard input stays open: a worker ends with it.
    worker.stdin.write(b"begin\n")
    printed = await worker.stdout.read()
    await worker.wait()
    return cattrs.structure(json.loads(printed), Told) if printed else None


def _jobs(scenario: Scenario, server: Server, valkey: Valkey, seconds: float) -> list[Job]:
    return [
        Job(
            scenario.peer,
            server.base_url(f"c{number}"),
            valkey.port,
            float(RATE),
            seconds,
            _CALLS_PER_SECOND if scenario.single_calls and number == 0 else 0.0,
        )
        for number in range(_WORKERS)
    ]


async def measured(scenario: Scenario, seconds: float) -> tuple[Sequence[str], Rates]:
    """Measure a scenario, and return the cells of its row, and what was accepted and refused over time."""
    if scenario.peer == _BY_HAND and installed("limits") is None:
        return [scenario.what, _NAMES[scenario.peer], "peer is not installed", *[""] * (len(_HEADINGS) - 3)], {}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(*_DELAY))
        valkey = await stack.enter_async_context(Valkey())
        workers = [
            await stack.enter_async_context(
                process(sys.executable, "-m", "benchmarks.fleet.worker", json.dumps(cattrs.unstructure(job)))
            )
            for job in _jobs(scenario, server, valkey, seconds)
        ]
        await asyncio.gather(*map(first_line, workers))
        before = await _count(valkey)
        event = asyncio.create_task(scenario.event(World(valkey, workers, seconds)))
        told = await asyncio.gather(*map(_told, workers))
        await event
        after = await _count(valkey)
        log = await server.stop()
    cells = _cells([each for each in told if each], log, before, after, seconds)
    started = min(event.at for event in log.requests)
    return [scenario.what, _NAMES[scenario.peer], *cells], rates(log.requests, started)


def _cells(
    told: Sequence[Told], log: Log, before: _Counted | None, after: _Counted | None, seconds: float
) -> Sequence[str]:
    moments = accepted(log.requests)
    begin, third = moments[0], seconds / 3
    requests = sum(each.requests for each in told)
    waits = [wait for each in told for wait in each.waits]
    errors = sum(sum(each.errors.values()) for each in told)
    counts = after is not None and before is not None and after.commands >= before.commands
    return [
        f"{len(log.requests)}",
        f"{sum(event.status == 429 for event in log.requests)}",  # noqa: PLR2004 - Too Many Requests
        percent(counted(moments, begin, begin + seconds) / (RATE * seconds)),
        percent(counted(moments, begin + 2 * third, begin + seconds) / (RATE * third)),
        f"{statistics.quantiles(waits, n=20)[-1] * 1000:.0f} ms" if len(waits) > 1 else "",
        f"{(after.commands - before.commands) / len(moments):.2f}" if counts and after and before else "",
        f"{sum(each.cpu for each in told) / requests * 1e6:.0f} µs",
        f"{(after.cpu - before.cpu) / len(moments) * 1e6:.0f} µs" if counts and after and before else "",
        f"{errors}",
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print each row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="may be repeated")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each scenario lasts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the rates, beside what it has")
    options = parser.parse_args(argv)
    sys.stdout.write(line(_HEADINGS) + line(["---"] * len(_HEADINGS)))
    for name in options.only or SCENARIOS:
        cells, over_time = asyncio.run(measured(SCENARIOS[name], options.seconds))
        sys.stdout.write(line(cells))
        sys.stdout.flush()
        if options.json is not None:
            results.update(options.json, {name: {"step": BUCKET, "limit": RATE, "rates": over_time}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
