import json
from pathlib import Path

import pytest

from benchmarks import results

from .test_smoke import run


def test_what_a_file_has_under_other_names_stays(tmp_path: Path) -> None:
    path = tmp_path / "new-folder" / "results.json"
    results.update(path, {"one": {"found": [1]}, "two": {"found": [2]}})
    results.update(path, {"two": {"found": [3]}})
    told = json.loads(path.read_text(encoding="utf-8"))
    assert {name: result["found"] for name, result in told.items()} == {"one": [1], "two": [3]}
    assert {"measured_at", "load", "python", "aiohttp"} == set(told["one"]["about"])


@pytest.mark.slow
async def test_a_storm_is_told_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "storm.json"
    code, _, complaints = await run("--scale", "0.01", "--json", str(path), module="benchmarks.storm")
    assert (code, complaints) == (0, "")
    told = json.loads(path.read_text(encoding="utf-8"))
    assert {name: side["found"][-1] for name, side in told.items()} == {
        "ultravox-async": 10,
        "aiohttp, no retries": 10,
        "aiohttp, 4 attempts": 10,
    }
