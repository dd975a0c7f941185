"""Measures what the figures of the site show, and draws them: `python -m docs.measure`.

It takes about five minutes, on a machine that has nothing else to do, and needs the extras ``bench`` and ``docs``.
"""

import subprocess
import sys
from typing import Final

from docs.draw_figures import RESULTS
from docs.draw_figures import main as draw

_MEASUREMENTS: Final = (
    ("benchmarks", "--only", "get", "--only", "openai", "--only", "httpx", "--json", "cpu.json"),
    ("benchmarks.storm", "--json", "storm.json"),
    ("benchmarks.fleet", "--only", "sweeps", "--only", "sweeps-limits", "--seconds", "60", "--json", "fleet.json"),
)


def main() -> None:
    """Measure and draw."""
    for module, *options, name in _MEASUREMENTS:
        subprocess.run(  # noqa: S603 - this interpreter, with arguments from here
            [sys.executable, "-m", module, *options, str(RESULTS / name)], check=True
        )
    draw()


if __name__ == "__main__":
    main()
