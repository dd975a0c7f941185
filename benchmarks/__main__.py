"""Runs all measurements and prints one table: `python -m benchmarks`."""

import argparse
import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import attrs

from benchmarks import decode, get, imports, memory, results, stalls, sweep, webhooks
from benchmarks.rounds import QUICK, Effort, Row, line

MEASUREMENTS: Mapping[str, Callable[[Effort], Awaitable[list[Row]]]] = {
    "get": get.against_aiohttp,
    "observer": get.observed,
    "concurrency": get.against_itself,
    "openai": get.against_openai,
    "httpx": get.against_httpx,
    "decode": decode.against_peers,
    "memory": memory.against_a_hundredth,
    "stalls": stalls.against_a_ticker,
    "import": imports.against_aiohttp,
    "interactive": sweep.beside_a_sweep,
    "sweep": sweep.by_id,
    "webhooks": webhooks.against_hand,
}
_HEADINGS = ("what", "against", "result", "rounds from … to", "target", "detail")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print each row as soon as it is complete."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=MEASUREMENTS, action="append", help="run only this measurement; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes and one round, to see that it runs")
    parser.add_argument("--rounds", type=int, default=9, help="how often both sides of a row are measured")
    parser.add_argument(
        "--loop", choices=("asyncio", "uvloop"), default="asyncio", help="the event loop implementation"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the rows, beside what it has already")
    options = parser.parse_args(argv)
    effort = QUICK if options.quick else Effort(rounds=options.rounds)
    loop_factory = importlib.import_module(options.loop).new_event_loop
    sys.stdout.write(line(_HEADINGS) + line(["---"] * len(_HEADINGS)))
    for name in options.only or MEASUREMENTS:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            rows = runner.run(_measured(name, effort))
        for row in rows:
            sys.stdout.write(line([row.what, row.against, row.result, row.spread, row.target, row.detail]))
            sys.stdout.flush()
        if options.json is not None:
            results.update(options.json, {f"{row.what}, {row.against}": attrs.asdict(row) for row in rows})
    return 0


async def _measured(name: str, effort: Effort) -> list[Row]:
    return await MEASUREMENTS[name](effort)


if __name__ == "__main__":
    sys.exit(main())
