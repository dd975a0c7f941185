"""aioresponses, made to work with every aiohttp that this package works with. Needs the package aioresponses."""

import inspect
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse
from aioresponses import core

# aiohttp 3.14 requires an argument that aioresponses 0.7.9 does not pass.
_MISSING_ARGUMENTS: dict[str, Any] = {
    name: SimpleNamespace(output_size=0)
    for name in inspect.signature(ClientResponse).parameters
    if name == "stream_writer"
}


class aioresponses(core.aioresponses):  # noqa: N801 - takes the place of the class of that name
    """`aioresponses.aioresponses`, which fails with aiohttp 3.14 as it comes; used in the same way.

    As a context manager, or a decorator, it answers the requests of every aiohttp session with what it is told.
    """

    def start(self) -> None:
        """Answer from now on."""
        response_class = partial(ClientResponse, **_MISSING_ARGUMENTS)
        self._response_class = patch.object(core, "ClientResponse", response_class)
        self._response_class.start()
        super().start()

    def stop(self) -> None:
        """Let requests through again."""
        super().stop()
        self._response_class.stop()
