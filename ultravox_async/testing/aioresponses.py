"""An aioresponses that works with every aiohttp that this package supports. It needs the package aioresponses."""

import asyncio
import inspect
import sys
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse, StreamReader
from aiohttp.client_proto import ResponseHandler
from aioresponses import core

# aiohttp 3.14 requires an argument that aioresponses 0.7.9 does not pass.
_MISSING_ARGUMENTS: dict[str, Any] = {
    name: SimpleNamespace(output_size=0)
    for name in inspect.signature(ClientResponse).parameters
    if name == "stream_writer"
}


# The whole body is put into the buffer of a response before anything is read. When a buffer is full, aiohttp 3.14
# pauses the parser of the connection, and these responses have none.
_NO_LIMIT = sys.maxsize


def _new_body(loop: asyncio.AbstractEventLoop) -> StreamReader:
    return StreamReader(ResponseHandler(loop), limit=_NO_LIMIT, loop=loop)


class aioresponses(core.aioresponses):  # noqa: N801 - replaces the class of that name
    """`aioresponses.aioresponses` with fixes for aiohttp 3.14; it is used in the same way.

    As a context manager or a decorator, it answers the requests of every aiohttp session with canned responses.
    """

    def start(self) -> None:
        """Start to answer requests."""
        response_class = partial(ClientResponse, **_MISSING_ARGUMENTS)
        self._patches = ExitStack()
        self._patches.enter_context(patch.object(core, "ClientResponse", response_class))
        self._patches.enter_context(patch.object(core, "stream_reader_factory", _new_body))
        super().start()

    def stop(self) -> None:
        """Stop answering requests; they reach the network again."""
        super().stop()
        self._patches.close()
