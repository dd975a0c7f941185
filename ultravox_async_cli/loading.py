"""The one place for imports that happen late.

``ultravox --help`` must not import aiohttp, and a command whose output goes into a pipe needs neither YAML nor a
progress bar, which may not be installed. Everything else in this package is imported where a reader looks for it.
"""

from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import a module of this package.

    Raises:
        ModuleNotFoundError: It needs something that is not installed.
    """
    return import_module(f"ultravox_async_cli.{name}")
