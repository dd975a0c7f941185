"""Calls each method of each resource, with generated arguments, and records what it would send."""

import inspect
import re
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Literal, TypeAlias, Unpack, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs, unquote

import attrs
import orjson
from yarl import URL

from tests.contract.exceptions import IDS, NOT_OPERATIONS
from ultravox_async import AsyncUltravox, Download, Pager
from ultravox_async._http.messages import Credentials, Request, Response
from ultravox_async._http.transport import Transport
from ultravox_async._http.uploads import FileBody, FormBody
from ultravox_async._wire.payload import Body, Secret
from ultravox_async._wire.rules import Field, Rule, choice_in, fields_of
from ultravox_async.resources._base import Resource
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, TOOL_NAME, UUID, Format

Path: TypeAlias = tuple[str, ...]
"""The place of a value in the fields of a method: names in Python, and ``[]`` for an item of a list or a dict."""

_SCALARS: Mapping[type, object] = {
    bool: True,
    datetime: datetime(2026, 7, 2, 10, tzinfo=UTC),
    date: date(2026, 7, 2),
    time: time(10, 30),
    timedelta: timedelta(seconds=90),
    object: {"any": ["thing"]},
}
_TEXTS: Mapping[Format, str] = {
    HTTP_URL: "https://example.com/",
    IPV4_CIDR: "203.0.113.0/24",
    TOOL_NAME: "a_tool",
    UUID: "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f",
}
_ANYTHING = orjson.dumps({"results": [], "voiceId": "v", "toolId": "t", "name": "n", "created": "2026-07-02T10:00:00Z"})
_NO_PLACE: Path = ("",)


def sample(rule: Rule, path: Path = _NO_PLACE, value: object = None) -> object:
    """Return a value that a rule allows, with `value` at the place of `path` in it."""
    if not path:
        return value
    if attrs.has(rule.kind):
        aliases = {field.name: field.alias for field in attrs.fields(rule.kind)}
        return rule.kind(**{aliases[name]: found for name, found in _sample_fields(rule, path, value).items()})
    if rule.items is not None:
        item = sample(rule.items, path[1:] if path[0] == "[]" else _NO_PLACE, value)
        return [item] * max(1, rule.min_length) if rule.kind is list else {"key": item}
    if rule.kind is str:
        return _TEXTS[rule.format] if rule.format else "x" * max(1, rule.min_length)
    if rule.kind in {int, float}:
        return 1 if rule.at_least is None else rule.kind(rule.at_least)
    return _SCALARS[rule.kind]


def _sample_fields(rule: Rule, path: Path, value: object) -> dict[str, object]:
    fields = fields_of(rule.kind)
    left_out = _left_out(tuple(fields) if rule.exactly_one else choice_in(rule.kind).names, path[0])
    return {name: _sample_field(name, field, path, value) for name, field in fields.items() if name not in left_out}


def _left_out(choice: Sequence[str], chosen: str) -> set[str]:
    """Return all names of a choice but that of `chosen`, or of the first one if that is none of them."""
    return set(choice) - ({chosen} & set(choice) or set(choice[:1]))


def _sample_field(name: str, field: Field, path: Path, value: object) -> object:
    return sample(field.rule, path[1:] if path[0] == name else _NO_PLACE, value)


@attrs.frozen
class Method:
    """A method of a resource."""

    name: str
    """From the client on: ``webhooks.create``."""

    function: Callable[..., Any]
    fields_type: type | None
    """The TypedDict of its keyword arguments; None if it has none."""

    @property
    def fields(self) -> Mapping[str, Field]:
        return fields_of(self.fields_type) if self.fields_type else {}

    def all_fields(self, path: Path = _NO_PLACE, value: object = None) -> dict[str, object]:
        """Return a value for each field, with `value` at the place of `path`; for one field only of alternatives."""
        left_out = _left_out(self.alternatives, path[0])
        return {
            name: _sample_field(name, field, path, value) for name, field in self.fields.items() if name not in left_out
        }

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The fields of which only one can be set."""
        return tuple(name for name, field in self.fields.items() if field.rule.alternative)

    def each_alternative(self) -> list[dict[str, object]]:
        """Return a value for each field, once with each of the alternatives."""
        fields = self.fields
        return [self.all_fields((name,), sample(fields[name].rule)) for name in self.alternatives] or [
            self.all_fields()
        ]

    def other_arguments(self) -> dict[str, object]:
        """Return the ids, which are the names in braces that stand in the path, and what is no field."""
        hints = get_type_hints(self.function)
        parameters = inspect.signature(self.function).parameters.values()
        names = [one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD]
        return {name: _argument(name, hints[name]) for name in names}


def _argument(name: str, hint: object) -> object:
    literals = [value for part in (hint, *get_args(hint)) if get_origin(part) is Literal for value in get_args(part)]
    if literals:
        return literals[0]
    if any(get_origin(part) is Mapping for part in get_args(hint)):
        return {"type": "some_type"}  # a body: a data message, or the parameters of a tool
    if hint is int:
        return 0
    if bytes in get_args(hint):
        return b"content"  # a file
    return f"{{{name}}}"


@cache
def all_functions() -> dict[str, Callable[..., Any]]:
    """Return the methods of all resources."""
    return dict(_functions(_client(_Recorder()), ""))


@cache
def methods() -> dict[str, Method]:
    """Return the methods that are operations of the API."""
    return {
        name: Method(name, function, _fields_type(function))
        for name, function in all_functions().items()
        if name not in NOT_OPERATIONS and name.rpartition(".")[2] not in NOT_OPERATIONS
    }


def _functions(owner: object, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in dir(owner):
        value = None if name.startswith("_") else getattr(owner, name, None)
        if isinstance(value, Resource):
            yield from _functions(value, f"{prefix}{name}.")
        elif inspect.ismethod(value) and isinstance(owner, Resource):
            yield f"{prefix}{name}", value


def _fields_type(function: Callable[..., Any]) -> type | None:
    for hint in get_type_hints(function, include_extras=True).values():
        if get_origin(hint) is Unpack:
            return cast("type", get_args(hint)[0])
    return None


class _Recorder:
    """Stands where the transport is, and sends nothing."""

    origin = URL("http://127.0.0.1")

    def __init__(self) -> None:
        self.storage = self
        self.requests: list[Request] = []
        self.result_types: list[object] = []

    async def fetch(self, request: Request, into: object) -> object:
        self.requests.append(request)
        self.result_types.append(into)
        return None

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        # A page for listings, and an object that any class is decoded from.
        return Response(200, {}, _ANYTHING, request, Credentials(Secret("key")))

    async def perform(self, request: Request) -> None:
        self.requests.append(request)

    @asynccontextmanager
    async def streaming(self) -> AsyncGenerator[None, None]:
        yield


def _client(recorder: _Recorder) -> AsyncUltravox:
    client = AsyncUltravox("key")
    client._send_through(cast("Transport", recorder))  # pyright: ignore[reportPrivateUsage] - as views are made
    return client


@attrs.frozen
class Sent:
    """What a method sends, and what it makes of the response."""

    operation: str
    """As the tables call it."""

    query: frozenset[str]
    body: frozenset[str] | None
    """The names of the fields of the body; None if there is no body."""

    result_type: object
    """What the response is decoded into; None if it is not."""


async def sent_by(name: str, fields: Mapping[str, object]) -> list[Sent]:
    """Call a method with these fields, and return what it sends."""
    recorder = _Recorder()
    owner: Any = _client(recorder)
    *parents, last = name.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        result = getattr(owner, last)(**methods()[name].other_arguments(), **fields)
    result_type = await _completed(result, recorder)
    return [
        _sent(request, recorder.result_types[0] if recorder.result_types else result_type)
        for request in recorder.requests
    ]


async def _completed(result: Pager[object] | Download | Awaitable[object], recorder: _Recorder) -> object:
    if isinstance(result, Download):
        recorder.requests.append(result._request)  # pyright: ignore[reportPrivateUsage] - not public
        return None
    if isinstance(result, Pager):
        assert [one async for one in result] == []
        return result._page_type  # pyright: ignore[reportPrivateUsage] - not public
    await result
    return None


def _sent(request: Request, result_type: object) -> Sent:
    pairs = [pair.split("=")[0] for pair in request.query.split("&")] if request.query else []
    body = _fields_of(request.body)
    # A mapping in a query has a parameter for each of its keys: metadata.key.
    return Sent(_operation(request), frozenset(unquote(name).removesuffix(".key") for name in pairs), body, result_type)


def _fields_of(body: Body | FileBody | FormBody | None) -> frozenset[str] | None:
    if isinstance(body, FormBody):
        return frozenset({*body.fields, "file"})
    if isinstance(body, Body) and body.content_type == "application/json":
        return frozenset(orjson.loads(body.content))
    return frozenset(parse_qs(body.content.decode())) if isinstance(body, Body) else None


def _operation(request: Request) -> str:
    def named_as_in_the_schema(match: re.Match[str]) -> str:
        return f"{{{IDS.get(match[1], (match[1],))[0]}}}"

    return f"{request.method} {re.sub(r'{(.+?)}', named_as_in_the_schema, request.template)}"


async def sent_by_each() -> dict[str, list[Sent]]:
    """Call each method with all of its fields, and return what each sends."""
    return {
        name: [one for fields in method.each_alternative() for one in await sent_by(name, fields)]
        for name, method in methods().items()
    }
