import inspect
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest

from ultravox_async import webhooks
from ultravox_async.webhooks import aiohttp

DESCRIBED: dict[str, Any] = {
    name: value
    for name, value in {**vars(webhooks), **vars(aiohttp)}.items()
    if getattr(value, "__module__", "").startswith(webhooks.__name__) and not name.startswith("_")
}


def test_all_is_sorted_and_complete() -> None:
    public = {name for name, value in vars(webhooks).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert webhooks.__all__ == sorted(public)


@pytest.mark.parametrize("name", DESCRIBED)
def test_each_class_and_function_has_a_docstring(name: str) -> None:
    assert (DESCRIBED[name].__doc__ or "").strip()


def test_there_are_classes_and_functions_to_look_at() -> None:
    assert {"unwrap", "CallEnded", "MemoryReplayGuard", "SipFallbackHandler"} <= set(DESCRIBED)
    assert any(inspect.isfunction(value) for value in DESCRIBED.values())


def test_importing_them_loads_no_web_framework() -> None:
    # The package itself loads aiohttp, whose server is a module of its own.
    code = "import sys, ultravox_async.webhooks; print({'aiohttp.web', 'fastapi', 'starlette'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - this interpreter
    assert done.stdout == "set()\n"


def test_importing_the_package_does_not_load_them() -> None:
    code = "import sys, ultravox_async; print('ultravox_async.webhooks' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - this interpreter
    assert done.stdout == "False\n"
