import os
from pathlib import Path

import pytest

from .test_smoke import run

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["sweeps", "single", "killed", "restarted", "gone"])
async def test_a_scenario_runs_for_a_moment_and_loses_nothing(name: str) -> None:
    code, table, _ = await run("--seconds", "1.5", "--only", name, module="benchmarks.fleet")
    assert code == 0
    heading, rule, row = table.splitlines()
    assert heading.startswith("| scenario | shared by |")
    assert rule.startswith("| --- ")
    assert row.count(" | ") == heading.count(" | ")
    assert row.endswith(" | 0 |")


async def test_a_peer_that_is_absent_is_named_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text("raise ImportError\n")
    code, table, complaints = await run(
        *("--seconds", "1", "--only", "sweeps-limits"),
        module="benchmarks.fleet",
        PYTHONPATH=f"{tmp_path}{os.pathsep}{_ROOT}",
    )
    assert (code, complaints) == (0, "")
    assert table.count("peer is not installed") == 1
