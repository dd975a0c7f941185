"""What comes in and what goes out, free of any socket."""

from collections.abc import Mapping
from typing import TypeAlias

import attrs
import orjson

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""Whatever a JSON text can hold."""

_NO_HEADERS: Mapping[str, str] = {}
_JSON: Mapping[str, str] = {"Content-Type": "application/json"}


@attrs.define(eq=False)
class RecordedRequest:
    """A request that the emulator got."""

    method: str
    """The method, in upper case."""

    path: str
    """The path as it was received, percent-encoding included, without the query."""

    query: Mapping[str, str]
    """The decoded query; of a name that was sent twice, indexing gives the first value."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers, found by name in any case."""

    body: bytes = attrs.field(repr=False)
    """The body as it was received, passwords included."""

    at: float
    """When the request was received, in seconds of the clock of the event loop that serves it.

    For asyncio's own event loops that clock is `time.monotonic`, the same one in every thread.
    """

    status: int | None = None
    """The status that was sent back, None while or if there was none."""


@attrs.frozen
class Answer:
    """What the emulator means to send back."""

    status: int
    """The HTTP status."""

    body: bytes = b""
    """The whole body."""

    headers: Mapping[str, str] = _NO_HEADERS
    """Headers besides those that belong to HTTP itself."""


def json_answer(status: int, content: Json) -> Answer:
    """An answer of this status whose body is `content` as JSON."""
    return Answer(status, orjson.dumps(content), _JSON)


def detail(status: int, sentence: str, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
    """An error of this status in the form that the API uses for errors that belong to no field."""
    return Answer(status, orjson.dumps({"detail": sentence}), {**_JSON, **headers})
