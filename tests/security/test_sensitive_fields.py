"""Each operation that sends a secret, with each kind of failure."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias, get_args

import pytest

from tests.security.canaries import PASSWORD, client_of, texts_of, traces
from tests.security.test_canaries import closed_port, echo
from tests.wire import HANG_UP, REGISTRATION, WAIT, Say, Script, Wire, answer, in_turn
from ultravox_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncUltravox,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    DecodeError,
    FallbackHandler,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    ServerError,
    Timeout,
)
from ultravox_async._wire.rules import Rule, fields_of
from ultravox_async.resources.sip import Sip, SipRegistrations

Send: TypeAlias = Callable[..., Awaitable[object]]


async def create(client: AsyncUltravox, **more: Any) -> object:  # noqa: ANN401 - the wrong types too
    fields: dict[str, Any] = {"username": "alice", "password": PASSWORD, "proxy": "sip.example.com", **more}
    return await client.sip.registrations.create(**fields)


async def update(client: AsyncUltravox, **more: Any) -> object:  # noqa: ANN401 - the wrong types too
    fields: dict[str, Any] = {"password": PASSWORD, **more}
    return await client.sip.registrations.update("some-id", **fields)


async def update_config(client: AsyncUltravox, **more: Any) -> object:  # noqa: ANN401 - the wrong types too
    fields: dict[str, Any] = {"fallback_handler": FallbackHandler("https://example.com/", [PASSWORD]), **more}
    return await client.sip.update_config(**fields)


SENDS: list[Send] = [create, update, update_config]
# A field that exceeds its limit, and one that contains the secret in a wrong type.
BEYOND_ITS_LIMIT: dict[Send, dict[str, object]] = {
    create: {"username": "a" * 61},
    update: {"username": "a" * 61},
    update_config: {"allowed_cidr_ranges": ["a"]},
}
OF_THE_WRONG_TYPE: dict[Send, dict[str, object]] = {
    create: {"password": [PASSWORD.encode()]},
    update: {"password": {"password": PASSWORD}},
    update_config: {"fallback_handler": {"url": "https://example.com/", "secrets": [PASSWORD]}},
}
NO_UNICODE: dict[Send, dict[str, object]] = {
    create: {"password": f"{PASSWORD}\ud800"},
    update: {"password": f"{PASSWORD}\ud800"},
    update_config: {"fallback_handler": FallbackHandler("https://example.com/", [f"{PASSWORD}\ud800"])},
}


def is_sensitive(rule: Rule) -> bool:
    parts = [rule.items] if rule.items else []
    if rule.kind not in {str, bool, list}:
        parts += [field.rule for field in fields_of(rule.kind).values()]
    return rule.sensitive or any(map(is_sensitive, parts))


def operations_with_a_secret() -> Iterator[str]:
    for resource in (Sip, SipRegistrations):
        for name, method in inspect.getmembers(resource, inspect.iscoroutinefunction):
            for annotation in inspect.get_annotations(method).values():
                # Unpack[...] of a TypedDict
                shapes = [one for one in get_args(annotation) if hasattr(one, "__required_keys__")]
                if any(is_sensitive(field.rule) for shape in shapes for field in fields_of(shape).values()):
                    yield name


def test_each_operation_with_a_secret_is_tested() -> None:
    assert sorted(operations_with_a_secret()) == sorted(send.__name__ for send in SENDS)


async def failure(send: Send, script: Script, kind: type[BaseException], **settings: Any) -> BaseException:  # noqa: ANN401 - the settings of AsyncUltravox
    with pytest.raises(kind) as caught:
        async with Wire(script) as wire, client_of(wire.base_url, **settings) as client:
            await send(client)
    return caught.value


SHORT = Timeout(read=0.01, connect=0.01)
ANSWERS: list[tuple[Script, type[BaseException], dict[str, Any]]] = [
    (in_turn(HANG_UP), APIConnectionError, {}),
    (in_turn(Say(b"nonsense\r\n\r\n", "hang up")), APIConnectionError, {}),
    (in_turn(WAIT), APITimeoutError, {"timeout": SHORT}),
    (in_turn(answer(200, REGISTRATION)), ResponseTooLargeError, {"max_response_bytes": 1}),
    (in_turn(answer(200, body=b"nonsense")), DecodeError, {}),
    (in_turn(answer(429, headers={"Retry-After": "1000"})), RateLimitError, {}),
    (echo(200, str), DecodeError, {}),
    (echo(307, str), RedirectError, {}),
    (echo(400, str), BadRequestError, {}),
    (echo(401, str), AuthenticationError, {}),
    (echo(404, str), NotFoundError, {}),
    (echo(503, str), ServerError, {}),
]


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize(("script", "kind", "settings"), ANSWERS)
async def test_an_error_response_shows_no_secret(
    send: Send, script: Script, kind: type[BaseException], settings: dict[str, Any]
) -> None:
    assert traces(*texts_of(await failure(send, script, kind, **settings))) == []


@pytest.mark.parametrize("send", SENDS)
async def test_a_connection_that_is_refused_shows_no_secret(send: Send) -> None:
    async with client_of(closed_port()) as client:
        with pytest.raises(APIConnectionError) as caught:
            await send(client)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("send", SENDS)
async def test_a_cancelled_operation_shows_no_secret(send: Send) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.ensure_future(send(client))
        await wire.until_received(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("send", SENDS)
async def test_an_operation_whose_client_is_closed_shows_no_secret(send: Send) -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.ensure_future(send(client))
        await wire.until_received(1)
        await client.close()
        with pytest.raises(ClientClosedError) as caught:
            await task
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({send: {"misspelt": PASSWORD} for send in SENDS}, TypeError),
        (BEYOND_ITS_LIMIT, InvalidRequestError),
        (OF_THE_WRONG_TYPE, InvalidRequestError),
        (NO_UNICODE, InvalidRequestError),
    ],
)
async def test_a_request_that_is_not_sent_shows_no_secret(
    send: Send, fields: dict[Send, dict[str, object]], kind: type[BaseException]
) -> None:
    async with client_of(closed_port()) as client:
        with pytest.raises(kind) as caught:
            await send(client, **fields[send])
    assert traces(*texts_of(caught.value)) == []


async def test_a_missing_field_shows_no_secret() -> None:
    fields: Any = {"password": PASSWORD}
    async with client_of(closed_port()) as client:
        with pytest.raises(TypeError, match="missing required keyword arguments: 'username', 'proxy'") as caught:
            await client.sip.registrations.create(**fields)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("send", SENDS)
async def test_the_fields_of_an_operation_are_gone_before_anything_is_sent(send: Send) -> None:
    async with client_of(closed_port()) as client:
        with pytest.raises(APIConnectionError) as caught:
            await send(client)
    frames = [frame.frame for frame in inspect.getinnerframes(caught.tb) if frame.function == send.__name__]
    assert len(frames) == 2  # the one above, and the method
    assert [value for value in frames[1].f_locals.values() if isinstance(value, dict)] == [{}]
