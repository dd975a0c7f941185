import asyncio
import os
import sys
from pathlib import Path

import pytest

from benchmarks.command_line import bulk_get

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[2]
_PATIENCE = 25.0

_NAMES = (
    *("concurrency", "decode", "get", "httpx", "import", "interactive", "memory", "observer", "openai", "stalls"),
    *("sweep", "webhooks"),
)


async def run(*arguments: str, module: str = "benchmarks", **environment: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            stdout, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return process.returncode, stdout.decode(), stderr.decode()


@pytest.mark.parametrize("name", _NAMES)
async def test_a_measurement_runs_with_tiny_sizes_and_prints_its_rows(name: str) -> None:
    code, table, complaints = await run("--quick", "--only", name)
    assert (code, complaints) == (0, "")
    heading, rule, *rows = table.splitlines()
    assert heading.startswith("| what ")
    assert rule.startswith("| --- ")
    assert rows
    assert all(row.count(" | ") == heading.count(" | ") for row in rows)


async def test_the_names_tested_are_all_that_there_are() -> None:
    code, text, _ = await run("--help")
    assert code == 0
    assert sorted("".join(text.split()).split("--only{", 1)[1].split("}", 1)[0].split(",")) == list(_NAMES)


@pytest.mark.parametrize(("name", "rows"), [("decode", 2), ("openai", 1), ("httpx", 1)])
async def test_a_peer_that_is_absent_is_named_in_the_table(tmp_path: Path, name: str, rows: int) -> None:
    for peer in ("httpx", "msgspec", "openai", "pydantic"):
        (tmp_path / f"{peer}.py").write_text("raise ImportError\n")
    code, table, complaints = await run("--quick", "--only", name, PYTHONPATH=f"{tmp_path}{os.pathsep}{_ROOT}")
    assert (code, complaints) == (0, "")
    assert table.count("peer is not installed") == rows


async def test_a_storm_runs_with_tiny_sizes_and_loses_nothing() -> None:
    code, text, complaints = await run("--scale", "0.01", module="benchmarks.storm")
    assert (code, complaints) == (0, "")
    assert text.count("10 found, 10 requests") == 2
    assert "200 results" in text


def test_the_command_line_and_a_loop_in_the_shell_get_the_same_ids(tmp_path: Path) -> None:
    assert [row.against for row in bulk_get(2, tmp_path)] == ["xargs -P 50 curl"] * 2
