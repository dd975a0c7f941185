"""The one place for imports that happen late.

``ultravox --help`` must not import aiohttp, and a command whose output goes into a pipe needs neither YAML nor a
progress bar. Everything else in this package is imported where a reader looks for it.
"""

from importlib import import_module
from types import ModuleType

from ultravox_async_cli.errors import CommandError, ExitCode


def load(name: str) -> ModuleType:
    """Import a module of this package.

    Raises:
        CommandError: Something that it needs is not installed.
    """
    try:
        return import_module(f"ultravox_async_cli.{name}")
    except ModuleNotFoundError as error:
        needed = f"this needs {error.name}: pip install 'ultravox-async[cli]'"
        raise CommandError(needed, ExitCode.FAILED) from None
