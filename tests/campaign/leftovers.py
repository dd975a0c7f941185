"""What a client still holds while nobody waits for it any more."""

# pyright: reportPrivateUsage=false
# What is left behind is by its nature where nobody looks: no public name leads to it.

import asyncio
import contextlib
import ctypes
import gc
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import aiohttp
import attrs

from ultravox_async import AsyncUltravox


def left_in(client: AsyncUltravox) -> dict[str, int]:
    """Count what the client holds of requests that are over; all of it has to be 0."""
    owner = client._transport._owner
    pool = owner._pool
    assert pool is not None, "the client was never used, and nothing could be left of that"
    connector, scheduler = pool.session.connector, pool.scheduler
    assert connector is not None, "the session is closed, and its connections cannot be counted any more"
    return {
        "tasks of the client": len(owner._tasks),
        "connections in use": len(connector._acquired),
        "requests that wait for a connection": sum(map(len, connector._waiters.values())),
        "pool places taken": owner._settings.size - int(scheduler._places.free),
        "pacing slots taken": scheduler._windows.general._pending,
        "requests queued at the scheduler": sum(map(len, scheduler._admission.queues.values())),
        "pauses before a repetition": len(scheduler._pauses),
        "attempts with a deadline": len(pool.deadlines),
    }


def waiting_for_the_scheduler(client: AsyncUltravox) -> int:
    """Count the requests that wait for a pacing slot or a pool place."""
    pool = client._transport._owner._pool
    return 0 if pool is None else sum(map(len, pool.scheduler._admission.queues.values()))


def pausing(client: AsyncUltravox) -> int:
    """Count the requests that wait for their next attempt."""
    pool = client._transport._owner._pool
    return 0 if pool is None else len(pool.scheduler._pauses)


def in_use(session: aiohttp.ClientSession) -> int:
    """Count the connections of a session that a request holds, and the requests that wait for one."""
    connector = session.connector
    assert connector is not None, "the session is closed, and its connections cannot be counted any more"
    return len(connector._acquired) + sum(map(len, connector._waiters.values()))


def transports_to(port: int) -> list[asyncio.WriteTransport]:
    """Return the loop's connections to a port of this machine; one that still has data to send is among them."""
    # Only the loop itself knows them all; one that has no such register fails here, and not in silence.
    register: Mapping[int, asyncio.WriteTransport] = getattr(asyncio.get_running_loop(), "_transports")  # noqa: B009 - no public name, nor a type
    # One that is closed stays in the register for as long as anything, an error for example, refers to it.
    return [
        each
        for each in register.values()
        if (each.get_extra_info("peername") or (None, None))[1] == port and each.get_extra_info("socket").fileno() >= 0
    ]


def unsent_bytes(port: int) -> int:
    """Count what the loop's connections to a port of this machine have not sent yet."""
    return sum(each.get_write_buffer_size() for each in transports_to(port))


def open_files() -> int:
    """Count the files and sockets that this process has open; 0 where the system does not tell."""
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208 - twice as quick as a Path


def other_tasks() -> set[asyncio.Task[object]]:
    """Return all tasks of the running loop but the one that asks."""
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def broken(counts: Mapping[str, int]) -> dict[str, int]:
    """Return those counts that are not 0."""
    return {name: count for name, count in counts.items() if count}


@attrs.frozen
class Memory:
    """What this process holds while nothing is going on."""

    resident: int
    """Bytes, as the system counts them: what the allocator keeps in reserve is in it. 0 where it does not tell."""

    blocks: int
    """Small blocks in use, as Python's own allocator counts them."""

    objects: Counter[str]
    """The objects that the garbage collector knows, by their kind."""

    @classmethod
    def now(cls) -> Self:
        """Measure it, without garbage."""
        gc.collect()
        with contextlib.suppress(AttributeError, OSError):  # only glibc can be asked to give back what is free
            ctypes.CDLL(None).malloc_trim(0)
        objects = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
        return cls(_resident(), sys.getallocatedblocks(), objects)


def _resident() -> int:
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
