"""Starts the server and the clients, each in a process of its own, and collects what they tell at their end."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

import attrs
import cattrs

R = TypeVar("R")


@attrs.frozen
class Event:
    """A request, as a server saw it."""

    at: float
    """When it came, on the clock of `time.monotonic`."""

    client: str
    method: str
    status: int
    """What it was answered with; 0 for nothing."""

    username: str = ""
    """What a POST created."""


@attrs.frozen
class Log:
    """What a server saw."""

    requests: list[Event]
    outage: list[float]
    """When it began and ended."""


class Server:
    """A running server.

    Args:
        process: Its process.
        port: Where it listens.
    """

    def __init__(self, process: Process, port: int) -> None:
        self._process = process
        self.port = port

    def base_url(self, client: str = "c0") -> str:
        """Return the base URL for a client."""
        return f"http://127.0.0.1:{self.port}/{client}"

    async def stop(self) -> Log:
        """End the server, and return what it saw."""
        # Without any input, `communicate` would leave standard input open.
        printed, _ = await self._process.communicate(b"")
        told = json.loads(printed)
        return Log([Event(*request) for request in told["requests"]], told["outage"])


@asynccontextmanager
async def process(*command: str, stdout: int = PIPE) -> AsyncGenerator[Process]:
    """Run a program for as long as the context lasts."""
    running = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=stdout)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.communicate()


async def first_line(running: Process) -> str:
    """Return the first line that a process prints; it is empty where the process ends without one."""
    return "" if running.stdout is None else (await running.stdout.readline()).decode()


@asynccontextmanager
async def serving(*options: str) -> AsyncGenerator[Server]:
    """Run a server with this weather."""
    async with process(sys.executable, "-m", "benchmarks.weather.server", *options) as running:
        yield Server(running, int(await first_line(running)))


async def run_clients(jobs: Sequence[object], result_type: type[R], delays: Sequence[float] = ()) -> list[R]:
    """Run a client for each job, all at once or each after its delay, and return what they tell."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                process(
                    *(sys.executable, "-m", "benchmarks.weather.client"),
                    *(type(job).__name__, json.dumps(cattrs.unstructure(job))),
                )
            )
            for job in jobs
        ]
        # Imports take the processor for a while, and nobody is to begin before the last one is done with them.
        await asyncio.gather(*map(first_line, clients))
        told = await asyncio.gather(
            *(_result_of(client, delay) for client, delay in zip(clients, delays or [0.0] * len(jobs), strict=True))
        )
    return [cattrs.structure(result, result_type) for result in told]


async def _result_of(client: Process, delay: float) -> object:
    await asyncio.sleep(delay)
    if client.stdin is None or client.stdout is None:
        raise AssertionError
    # Standard input stays open: a client ends with it.
    client.stdin.write(b"begin\n")
    told = json.loads(await client.stdout.read())
    # To kill a process that is just ending would take its return code from those who wait for it.
    await client.wait()
    return told
