"""A process of the fleet: it does the job that its argument says, and prints what came of it.

It prints ``ready`` when it has imported everything, and begins when a line comes in.
"""

import asyncio
import importlib
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType

import attrs
import cattrs

from benchmarks.fleet.job import Job, Told
from benchmarks.server import ids


def _names_until(end: float) -> Iterator[str]:
    return itertools.takewhile(lambda _: time.monotonic() < end, ids(sys.maxsize))


async def _do(job: Job, peer: ModuleType) -> Told:
    cpu = time.process_time()
    told: Told = await peer.work(job, _names_until(time.monotonic() + job.seconds))
    return attrs.evolve(told, cpu=told.cpu - cpu)


def _end_with_standard_input() -> None:
    # Whatever happens to the process that started this one, this one does not outlive it.
    while os.read(0, 1):
        pass
    os._exit(1)  # pyright: ignore[reportPrivateUsage] - its name is no sign of being private


def main() -> None:
    """Do what the argument says."""
    job = cattrs.structure(json.loads(sys.argv[1]), Job)
    peer = importlib.import_module(f"benchmarks.fleet.{job.peer}")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    json.dump(cattrs.unstructure(asyncio.run(_do(job, peer))), sys.stdout)


if __name__ == "__main__":
    main()
