"""The engine in weather that nobody announced: `python -m benchmarks.weather`."""

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.rounds import QUICK, Effort, line
from benchmarks.weather import clients, connections, limit, listing, outage
from benchmarks.weather.scenario import MissingProgramError, Scenario, load
from benchmarks.weather.series import BUCKET

SCENARIOS: Mapping[str, Scenario] = {
    **limit.SCENARIOS,
    **clients.SCENARIOS,
    **outage.SCENARIOS,
    **listing.SCENARIOS,
    **connections.SCENARIOS,
}
_HEADINGS = ("scenario", "condition", "measured", "to reach")


def chosen(names: Sequence[str]) -> Iterator[str]:
    """Return the scenarios of these names; the part before a slash names all that begin with it."""
    for name in SCENARIOS:
        if not names or name in names or name.partition("/")[0] in names:
            yield name


async def measured(name: str, effort: Effort) -> tuple[str, dict[str, Any]]:
    """Measure a scenario, and return its text in the table, and what is written to the file."""
    scenario = SCENARIOS[name]
    before = load()
    try:
        result = await scenario.measure(effort)
    except MissingProgramError as error:
        return f"{error}", {"condition": scenario.condition, "missing": f"{error}"}
    return result.text, {
        "condition": scenario.condition,
        "measured": result.text,
        "target": scenario.target,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": [before, load()],
        "figures": result.figures,
        "rates": result.rates,
    }


def compact(told: Mapping[str, Any]) -> str:
    """Return JSON on one line, whose numbers have no more digits than can be trusted."""
    rounded = json.loads(json.dumps(told), parse_float=lambda digits: round(float(digits), 4))
    return json.dumps(rounded, separators=(",", ":"))


def told_before(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the scenarios that a file has already, so that one of them can be measured again."""
    return json.loads(path.read_text())["scenarios"] if path is not None and path.exists() else {}


def write(path: Path, scenarios: Mapping[str, Mapping[str, Any]]) -> None:
    """Write everything that was measured so far: a line for each scenario."""
    about = {"bucket_seconds": BUCKET, "python": platform.python_version(), "aiohttp": aiohttp.__version__}
    lines = ",\n".join(f"{json.dumps(name)}: {compact(told)}" for name, told in scenarios.items())
    path.write_text(f'{{"about": {json.dumps(about)},\n"scenarios": {{\n{lines}\n}}}}\n')


def main() -> int:
    """Measure, and print each row as soon as it is known."""
    groups = sorted({name.partition("/")[0] for name in SCENARIOS})
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weather", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], choices=[*groups, *SCENARIOS], metavar="NAME", help="may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios, and measure nothing")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="where to write all that was measured; what it has of other scenarios stays",
    )
    options = parser.parse_args()
    if options.list:
        sys.stdout.write("\n".join(SCENARIOS) + "\n")
        return 0
    effort = QUICK if options.quick else Effort()
    told = told_before(options.json)
    sys.stdout.write(line(_HEADINGS) + line(["---"] * len(_HEADINGS)))
    for name in chosen(options.only):
        text, told[name] = asyncio.run(measured(name, effort))
        sys.stdout.write(line([name, SCENARIOS[name].condition, text, SCENARIOS[name].target]))
        sys.stdout.flush()
        if options.json is not None:
            write(options.json, told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
