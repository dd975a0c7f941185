"""The cost of the command ``ultravox``: `python -m benchmarks.command_line` prints seconds of time and of CPU.

The emulator runs in a separate process, on 127.0.0.1 and without a rate limit, so that only the clients are measured.
The CPU time is that of the command and of its children, without the emulator.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.rounds import PATH, Row, compiled_in, line
from ultravox_async.testing import DEFAULT_API_KEY, Emulator

_HEADINGS = ("what", "against", "wall", "CPU", "target", "the other's wall and CPU")
_ULTRAVOX = (sys.executable, "-m", "ultravox_async_cli")


@attrs.frozen
class Cost:
    """What a command took."""

    wall: float
    """Seconds."""

    cpu: float
    """Seconds, with those of the processes that it started."""

    def __str__(self) -> str:
        return f"{self.wall:.2f} s wall, {self.cpu:.2f} s CPU"


def cost_of(command: Sequence[str], environment: Mapping[str, str], output: Path) -> Cost:
    """Run a command, and return what it took.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=file)  # noqa: S603 - from here
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} has ended with {process.returncode}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime)


def median(commands: Sequence[Cost]) -> Cost:
    """Return the medians."""
    return Cost(statistics.median(one.wall for one in commands), statistics.median(one.cpu for one in commands))


@contextmanager
def emulating(registrations: int) -> Generator[Mapping[str, str]]:
    """Run the emulator in a separate process, and yield the variables that lead to it."""
    options = ("--port", "0", "--registrations", str(registrations), "--requests-per-second", "none")
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with arguments from here
        [sys.executable, "-m", "ultravox_async.testing", *options], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            lines = [process.stdout.readline() for _ in range(2)] if process.stdout is not None else []
            base_url = lines[-1].strip().partition("=")[2]
            yield {"ULTRAVOX_API_KEY": DEFAULT_API_KEY, "ULTRAVOX_BASE_URL": base_url}
        finally:
            process.terminate()


def startup(rounds: int, folder: Path) -> list[Row]:
    """Compare the start of the command with the import of aiohttp, both of compiled files, as pip installs them."""
    compiled = compiled_in(str(folder / "compiled"))
    sides = {
        "--help": (*_ULTRAVOX, "--help"),
        "get --help": (*_ULTRAVOX, "sip", "registrations", "get", "--help"),
        "aiohttp": (sys.executable, "-c", "import aiohttp"),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(1 + rounds):
        for name, command in sides.items():
            costs[name].append(cost_of(command, compiled, folder / "output"))
    [top, other, aiohttp] = (median(one[1:]) for one in costs.values())  # the first round has compiled the files
    return [
        _row("ultravox --help", "nothing", top, "at most 0.35 s CPU", None),
        _row(
            "ultravox sip registrations get --help",
            "import aiohttp",
            other,
            "at most 0.35 s CPU more than that",
            aiohttp,
        ),
    ]


def bulk_get(count: int, folder: Path) -> list[Row]:
    """Compare `get` with many ids with the loop that people write in a shell.

    Raises:
        RuntimeError: One of them does not print all registrations.
    """
    ids = folder / "ids"
    ids.write_text("".join(f"{key}\n" for key in Emulator(registrations=count).registration_ids))
    get = (*_ULTRAVOX, "sip", "registrations", "get", f"@{ids}", "--output", "jsonl")
    curl = f'xargs -P 50 -I ID curl -sS -H "X-API-Key: $ULTRAVOX_API_KEY" "$ULTRAVOX_BASE_URL{PATH}/ID" < {ids}'
    commands = {"by listing": get, "by get": (*get, "--via", "get"), "curl": ("sh", "-c", curl)}
    costs: dict[str, Cost] = {}
    with emulating(count) as environment:
        for name, command in commands.items():
            costs[name] = cost_of(command, environment, folder / name)
            found = (folder / name).read_text().count("registrationId")
            if found != count:
                raise RuntimeError(f"{name}: {found} of {count}")
    loop = "xargs -P 50 curl"
    return [
        _row(f"ultravox … get, {count:,} ids", loop, costs["by listing"], "less", costs["curl"]),
        _row(f"ultravox … get --via get, {count:,} ids at 200/s", loop, costs["by get"], "less CPU", costs["curl"]),
    ]


def _row(what: str, against: str, ours: Cost, target: str, theirs: Cost | None) -> Row:
    return Row(what, against, f"{ours.wall:.2f} s", f"{ours.cpu:.2f} s", target, "" if theirs is None else str(theirs))


def _print(rows: Sequence[Row]) -> None:
    for row in rows:
        sys.stdout.write(line([row.what, row.against, row.result, row.spread, row.target, row.detail]))
    sys.stdout.flush()


def main() -> int:
    """Run and print all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.command_line", description=__doc__)
    parser.add_argument("--ids", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="how often a start is measured (default: %(default)s)")
    options = parser.parse_args()
    sys.stdout.write(line(_HEADINGS) + line(["---"] * len(_HEADINGS)))
    with tempfile.TemporaryDirectory() as folder:
        _print(startup(options.rounds, Path(folder)))
        _print(bulk_get(options.ids, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
