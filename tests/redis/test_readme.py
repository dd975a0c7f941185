import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from ultravox_async.testing import Emulator

_README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


async def test_the_example_of_many_processes_runs(
    redis: Redis, ultravox_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", _README, re.DOTALL) if "RedisRateBudget" in block)
    monkeypatch.setenv("ULTRAVOX_API_KEY", ultravox_emulator.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", ultravox_emulator.base_url)
    example: dict[str, Any] = {}
    exec(code, example)  # noqa: S102 - the code of this project's README
    await example["main"](redis)
    assert capsys.readouterr().out.startswith("SipConfig(")
