"""aioresponses, made to work with every aiohttp that this package works with."""

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import aioresponses.core
from aiohttp import ClientResponse

# aiohttp 3.14 requires an argument that aioresponses 0.7.9 does not pass, and earlier ones refuse it.
_MISSING_ARGUMENTS: dict[str, Any] = {
    name: SimpleNamespace(output_size=0)
    for name in inspect.signature(ClientResponse).parameters
    if name == "stream_writer"
}


@contextmanager
def started_aioresponses() -> Generator[aioresponses.aioresponses, None, None]:
    """Answer the requests of every aiohttp session with what the mock is told, while the context lasts."""
    response_class = partial(ClientResponse, **_MISSING_ARGUMENTS)
    with patch.object(aioresponses.core, "ClientResponse", response_class), aioresponses.aioresponses() as mock:
        yield mock
