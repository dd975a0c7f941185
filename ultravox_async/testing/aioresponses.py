"""An aioresponses that works with every aiohttp that this package supports. It needs the package aioresponses."""

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


class aioresponses(core.aioresponses):  # noqa: N801 - replaces the class of that name
    """`aioresponses.aioresponses` with a fix for aiohttp 3.14; it is used in the same way.

    As a context manager or a decorator, it answers the requests of every aiohttp session with canned responses.
    """

    def start(self) -> None:
        """Start to answer requests."""
        response_class = partial(ClientResponse, **_MISSING_ARGUMENTS)
        self._response_class = patch.object(core, "ClientResponse", response_class)
        self._response_class.start()
        super().start()

    def stop(self) -> None:
        """Stop answering requests; they reach the network again."""
        super().stop()
        self._response_class.stop()
