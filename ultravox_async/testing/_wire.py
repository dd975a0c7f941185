"""Requests and answers as plain data."""

from collections.abc import Mapping
from typing import TypeAlias

import attrs
import orjson

from ultravox_async.testing._files import FilePart

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""Any value that JSON can represent."""

_NO_HEADERS: Mapping[str, str] = {}
_JSON: Mapping[str, str] = {"Content-Type": "application/json"}


@attrs.define(eq=False)
class RecordedRequest:
    """A request that the emulator received."""

    method: str
    """The method, in upper case."""

    path: str
    """The path as it was received, percent-encoding included, without the query."""

    query: Mapping[str, str]
    """The decoded query; for a name that was sent twice, indexing returns the first value."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers; names are case-insensitive."""

    body: bytes = attrs.field(repr=False)
    """The body as it was received, passwords included."""

    at: float
    """When the request was received, in seconds of the clock of the event loop that serves it.

    For asyncio's own event loops that clock is `time.monotonic`, the same one in every thread.
    """

    status: int | None = None
    """The status of the answer, None as long as none was sent."""


@attrs.frozen
class Answer:
    """A response before it is sent."""

    status: int
    """The HTTP status."""

    body: bytes | FilePart = b""
    """The whole body."""

    headers: Mapping[str, str] = _NO_HEADERS
    """The headers, besides those that frame the message, such as Content-Length."""


def json_answer(status: int, content: Json) -> Answer:
    """An answer of this status whose body is `content` as JSON."""
    return Answer(status, orjson.dumps(content), _JSON)


def redirect(url: str) -> Answer:
    """An answer that leads to another URL."""
    return Answer(302, headers={"Location": url})


def detail(status: int, sentence: str, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
    """An error of this status, in the form that the API uses for errors that do not concern a field."""
    return Answer(status, orjson.dumps({"detail": sentence}), {**_JSON, **headers})
