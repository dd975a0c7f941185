"""Reads the body of an error response: JSON as from Django REST framework, HTML as from gateways, or plain text.

A leaf module: it imports nothing of the package but other leaves.
"""

import itertools
import re
from collections.abc import Iterator
from typing import cast

import orjson

from ultravox_async._wire.text import one_line

_MESSAGE_LIMIT = 480
_TEXT_LIMIT = 4096
_LEAVES_LIMIT = 100
_DEPTH_LIMIT = 20
_HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def read_error_body(body: bytes) -> tuple[str | None, dict[str, list[str]]]:
    """Return the message of an error response, on one line, and its messages by field, as Django REST sends them.

    Args:
        body: The beginning of the body, after decompression: JSON, HTML, plain text, or anything else.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _text_detail(body), {}
    return _json_detail(data)


def html_title(body: bytes) -> str | None:
    """Return the title of an HTML document; None if there is none, or if it is something else."""
    text = body[:_TEXT_LIMIT].decode("utf-8", "replace")
    title = _HTML_TITLE.search(text) if text.lstrip().startswith("<") else None
    return None if title is None else title.group(1)


def is_of_the_api(body: bytes) -> bool:
    """Return whether the body of an error response is of the API itself: gateways say nothing in a JSON `detail`."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(data, dict) and isinstance(cast("dict[str, object]", data).get("detail"), str)


def _json_detail(data: object) -> tuple[str | None, dict[str, list[str]]]:
    if isinstance(data, str):
        return one_line(data, _MESSAGE_LIMIT) or None, {}
    if not isinstance(data, dict):
        return None, _field_errors(data)
    fields = cast("dict[str, object]", data)
    for name in ("detail", "message", "error"):
        if isinstance(detail := fields.get(name), str):
            del fields[name]
            return one_line(detail, _MESSAGE_LIMIT) or None, _field_errors(fields)
    return None, _field_errors(fields)


def _text_detail(body: bytes) -> str | None:
    text = body[:_TEXT_LIMIT].decode("utf-8", "replace")
    if "<" in text:
        title = _HTML_TITLE.search(text)
        text = title.group(1) if title else re.sub(r"<[^>]*>", " ", text)
    return one_line(text, _MESSAGE_LIMIT) or None


def _field_errors(data: object) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for where, message in itertools.islice(_leaves(data, "", _DEPTH_LIMIT), _LEAVES_LIMIT):
        if message is not None:
            found.setdefault(where, []).append(message)
    return found


def _leaves(data: object, where: str, depth: int) -> Iterator[tuple[str, str | None]]:
    """Yield the place and the text of each string of an error body, and None as the text of any other leaf."""
    if isinstance(data, dict) and data and depth:
        for name, value in cast("dict[str, object]", data).items():
            yield from _leaves(value, f"{where}.{one_line(name, 100)}".lstrip("."), depth - 1)
    elif isinstance(data, list) and data and depth:
        for index, value in enumerate(cast("list[object]", data)):
            # The messages of one field are a list of strings; the items of any other list are numbered.
            yield from _leaves(value, where if isinstance(value, str) else f"{where}[{index}]", depth - 1)
    else:
        yield where, one_line(data, _MESSAGE_LIMIT) if isinstance(data, str) else None
