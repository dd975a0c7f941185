"""A client of the weather, in a process of its own: it does the job that its arguments say, and prints what came of it.

It uses the public names of the package only, and default settings but for the base URL. It prints ``ready`` when it
has imported everything, and begins when a line comes in.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import cattrs

from benchmarks.weather import posting, sweeping

JOBS: Mapping[str, tuple[type[Any], Callable[[Any], Awaitable[Any]]]] = {
    "SweepJob": (sweeping.SweepJob, sweeping.sweep),
    "RaceJob": (posting.RaceJob, posting.race),
    "IdleJob": (posting.IdleJob, posting.idle_between),
    "CrowdJob": (posting.CrowdJob, posting.crowd),
}
"""What each name of a job stands for: its fields, and what does it."""


def _end_with_standard_input() -> None:
    # Whatever happens to the process that started this one, this one does not outlive it. `sys.stdin` has a lock,
    # which a thread that waits inside would hold when the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(1)  # pyright: ignore[reportPrivateUsage] - its name is no sign of being private


async def _done(work: Awaitable[Any]) -> object:
    return await work


def main() -> None:
    """Do what the argument says."""
    fields, work = JOBS[sys.argv[1]]
    job = cattrs.structure(json.loads(sys.argv[2]), fields)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    json.dump(cattrs.unstructure(asyncio.run(_done(work(job)))), sys.stdout)


if __name__ == "__main__":
    main()
