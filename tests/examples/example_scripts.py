"""Runs the examples as users do, and loads them as modules."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from unittest import mock

from ultravox_async.testing import Emulator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PATIENCE = 20.0
"""The seconds that an example may run: many times what it needs, and less than the limit of a test."""


def loaded(name: str) -> ModuleType:
    """Import an example, and the modules beside it that it imports."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, "path", [str(EXAMPLES), *sys.path]):
        spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def running(
    name: str,
    *arguments: str,
    account: Emulator | None = None,
    stdout: int = asyncio.subprocess.PIPE,
    stderr: int = asyncio.subprocess.PIPE,
    **variables: str,
) -> AsyncGenerator[asyncio.subprocess.Process]:
    # A developer's own key must never reach an example that a test runs.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ULTRAVOX_")}
    environment |= {"PYTHONPATH": str(ROOT), **variables}
    if account is not None:
        environment |= {"ULTRAVOX_API_KEY": account.api_key, "ULTRAVOX_BASE_URL": account.base_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", str(EXAMPLES / f"{name}.py"), *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=environment,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def lines_of(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield line.decode().rstrip("\n")


async def line_with(text: str, process: asyncio.subprocess.Process) -> str:
    async for line in lines_of(process):
        if text in line:
            return line
    raise AssertionError(f"{text!r} was not printed")


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    stdout, stderr = await process.communicate()
    return process.returncode, (stdout or b"").decode(), (stderr or b"").decode()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that announces itself to nobody, in the same event loop."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.02)
