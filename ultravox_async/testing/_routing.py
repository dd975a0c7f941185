"""Finds the operation that a request asks for, and turns the errors that it raises into answers."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import unquote

import attrs

from ultravox_async.testing._validation import Invalid
from ultravox_async.testing._wire import Answer, RecordedRequest, detail, json_answer


@attrs.frozen
class ApiRequest:
    """A request as operations see it."""

    url: str
    """The URL that it was sent to, without the query; links to other pages of a list begin with it."""

    ids: Mapping[str, str]
    """The decoded parameters of its path, by their names in the path template."""

    query: Mapping[str, str]
    """The decoded query."""

    headers: Mapping[str, str]
    """The headers; names are case-insensitive."""

    body: bytes
    """The whole body."""


Operation: TypeAlias = Callable[[ApiRequest], Answer]
"""Carries out a request; raises NotFound or Invalid to refuse it."""

Operations: TypeAlias = Mapping[str, Mapping[str, Operation]]
"""The operations of an API, by path template and by method.

A parameter of a path template, such as ``{call_id}``, stands for exactly one segment. If several templates match a
path, the first one is used.
"""


class NotFound(Exception):  # noqa: N818 - describes the request, not a failure of the emulator
    """A request names something that does not exist; the message is what to answer."""


class Router:
    """Hands each request to the operation that its path and its method name."""

    def __init__(self, operations: Operations) -> None:
        self._routes = [(_pattern(template), methods) for template, methods in operations.items()]

    def answer(self, request: RecordedRequest, origin: str) -> Answer:
        """Carry out a request that was sent to `origin`, such as "http://localhost:8787"."""
        for pattern, methods in self._routes:
            match = pattern.fullmatch(request.path)
            if match is not None:
                ids = {name: unquote(segment) for name, segment in match.groupdict().items()}
                api_request = ApiRequest(f"{origin}{request.path}", ids, request.query, request.headers, request.body)
                return _answer(methods, request.method, api_request)
        return detail(404, "Nothing is served at this path.")


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


def _answer(methods: Mapping[str, Operation], method: str, request: ApiRequest) -> Answer:
    operation = methods.get(method)
    if operation is None:
        return detail(405, f"Method {method} is not allowed at this path.", {"Allow": ", ".join(methods)})
    try:
        return operation(request)
    except NotFound as missing:
        return detail(404, str(missing))
    except Invalid as invalid:
        return json_answer(400, invalid.errors)
