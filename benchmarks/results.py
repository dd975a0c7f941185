"""The files that measurements write for the figures of the documentation."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.weather.scenario import load


def update(path: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write results to a file, one line for each; what the file has under other names stays."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    about = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": load(),
        "python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
    }
    told |= {name: {**result, "about": about} for name, result in results.items()}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(result)}" for name, result in told.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
