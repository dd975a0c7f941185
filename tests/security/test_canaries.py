import asyncio
import dataclasses
import html
import json
import logging
import pickle
import socket
import ssl
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast
from urllib.parse import quote, quote_plus

import aiohttp
import attrs
import orjson
import pytest
import trustme

from tests.security.canaries import KEY, PASSWORD, client_of, texts_of, texts_of_object, traces
from tests.wire import HANG_UP, REGISTRATION, WAIT, Received, Say, Script, Wire, answer, in_turn
from ultravox_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncUltravox,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    DecodeError,
    FallbackHandler,
    InvalidRequestError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    ServerError,
    SipRegistration,
    Timeout,
)


@dataclasses.dataclass
class Token:
    """A class that orjson can encode itself."""

    api_key: str


Call: TypeAlias = Callable[[AsyncUltravox], Awaitable[object]]
Way: TypeAlias = Callable[[], Awaitable[object]]

FOUND = answer(200, REGISTRATION)
SHORT = Timeout(read=0.01, connect=0.01)


@attrs.frozen
class Told:
    """Everything that was logged or warned about."""

    logged: list[str]
    warned: pytest.WarningsRecorder

    def texts(self) -> list[str]:
        return [*self.logged, *(str(each.message) for each in self.warned)]


@pytest.fixture
def told(recwarn: pytest.WarningsRecorder) -> Iterator[Told]:
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{self.format(record)} {record.args!r} {vars(record)!r}")

    root, listener = logging.getLogger(), Listener(logging.DEBUG)
    named = [each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    levels = [(each, each.level) for each in (root, *named)]
    for each in (root, *named):
        each.setLevel(logging.DEBUG)
    root.addHandler(listener)
    yield Told(lines, recwarn)
    root.removeHandler(listener)
    for each, level in levels:
        each.setLevel(level)


@asynccontextmanager
async def debug_mode() -> AsyncGenerator[None]:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    # Then each step counts as slow, and is logged with its arguments.
    loop.slow_callback_duration = -1.0
    try:
        yield
    finally:
        loop.set_debug(False)


async def create(client: AsyncUltravox) -> object:
    return await client.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")


async def update(client: AsyncUltravox) -> object:
    return await client.sip.registrations.update("some-id", password=PASSWORD)


async def configure(client: AsyncUltravox) -> object:
    handler = FallbackHandler("https://example.com/", secrets=[PASSWORD])
    return await client.sip.update_config(fallback_handler=handler)


async def post(client: AsyncUltravox) -> object:
    return await client.request("POST", "/api/anything", json={"nested": [{"password": PASSWORD}]})


async def get(client: AsyncUltravox) -> object:
    return await client.sip.registrations.get("some-id")


CALLS: list[Call] = [create, update, configure, post, get]


def echo(status: int, write: Callable[[str], str]) -> Script:
    """Answer with the secrets of the request, in the body and in headers."""

    async def script(request: Received) -> Say:
        secrets = " ".join(write(each) for each in secrets_of(request))
        body = f'{{"detail": "not {secrets}", "password": ["{secrets}"]}}'.encode("utf-8", "surrogateescape")
        location = f"https://example.com/?{quote(secrets_of(request)[0])}"
        return answer(status, body=body, headers={"X-Echo": secrets, "X-Request-Id": secrets, "Location": location})

    return script


def secrets_of(request: Received) -> list[str]:
    return [request.headers["x-api-key"], *strings(json.loads(request.body or b"[]"))]


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if "canary" in value or "beginning" in value else []
    parts: list[object] = []
    if isinstance(value, dict):
        parts = list(cast("dict[str, object]", value).values())
    elif isinstance(value, list):
        parts = cast("list[object]", value)
    return [found for part in parts for found in strings(part)]


def in_unicode_escapes(text: str) -> str:
    return "".join(c if c.isascii() else f"\\u{ord(c):04X}" for c in json.dumps(text, ensure_ascii=False)[1:-1])


WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with capitals": in_unicode_escapes,
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL": quote,
    "URL segment": lambda text: quote(text, safe=""),
    "URL query": quote_plus,
    "URL in small letters": lambda text: quote(text, safe="").replace("%C3", "%c3").replace("%5C", "%5c"),
    "HTML": html.escape,
}


async def failed(way: Way, kind: type[BaseException]) -> BaseException:
    async with debug_mode():
        with pytest.raises(kind) as caught:
            await way()
    assert type(caught.value) is kind
    return caught.value


def calling(script: Script, call: Call, **settings: Any) -> Way:  # noqa: ANN401 - the settings of AsyncUltravox
    async def way() -> None:
        async with Wire(script) as wire, client_of(wire.base_url, **settings) as client:
            await call(client)

    return way


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "kind"), [(400, BadRequestError), (307, RedirectError), (500, ServerError)])
async def test_a_response_that_echoes_the_secrets_exposes_them_nowhere(
    told: Told, call: Call, status: int, kind: type[BaseException]
) -> None:
    error = await failed(calling(echo(status, WRITINGS["JSON"]), call), kind)
    assert traces(*texts_of(error), *told.texts()) == []


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("call", [create, configure, post])
async def test_the_secrets_in_an_echo_are_redacted_however_they_are_escaped(
    told: Told, call: Call, writing: str
) -> None:
    error = await failed(calling(echo(400, WRITINGS[writing]), call), BadRequestError)
    assert traces(*texts_of(error), *told.texts()) == []


@pytest.mark.parametrize("name", ["apiKey", "password", "secret", "token", "authToken", "webhookSecret"])
@pytest.mark.parametrize("inside", [PASSWORD, [PASSWORD], {"value": PASSWORD}], ids=["text", "list", "object"])
async def test_a_secret_by_any_name_of_the_api_is_redacted_in_an_echo(name: str, inside: object) -> None:
    async def call(client: AsyncUltravox) -> None:
        await client.request("POST", "/api/anything", json={name: inside})

    error = await failed(calling(echo(400, WRITINGS["JSON"]), call), BadRequestError)
    assert traces(*texts_of(error)) == []


@pytest.mark.parametrize("name", ["authTokens", "sharedSecrets", "secrets"])
async def test_each_secret_of_a_list_is_redacted_in_an_echo(name: str) -> None:
    async def call(client: AsyncUltravox) -> None:
        await client.request("POST", "/api/anything", json={name: [PASSWORD]})

    error = await failed(calling(echo(400, WRITINGS["JSON"]), call), BadRequestError)
    assert traces(*texts_of(error)) == []


async def test_of_two_secrets_with_the_same_beginning_nothing_remains_of_the_longer() -> None:
    async def call(client: AsyncUltravox) -> None:
        secrets = ["beginning", "beginning-canaryend"]
        await client.sip.update_config(fallback_handler=FallbackHandler("https://example.com/", secrets=secrets))

    async def script(request: Received) -> Say:
        return answer(400, {"detail": strings(json.loads(request.body))})

    assert traces(*texts_of(await failed(calling(script, call), BadRequestError))) == []


@pytest.mark.parametrize("writing", ["plain", "JSON", "JSON of UTF-8", "URL segment"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("before", [0, 30, 55, 75])
async def test_an_undecodable_success_that_echoes_the_secrets_exposes_them_nowhere(
    told: Told, call: Call, writing: str, before: int
) -> None:
    # Wherever the text of the error is cut: half a secret must not be left at its end.
    async def script(request: Received) -> Say:
        echoed = " ".join(WRITINGS[writing](each) for each in reversed(secrets_of(request)))
        return answer(200, body=b"x" * before + echoed.encode())

    async def decode(client: AsyncUltravox) -> None:
        found: Any = await call(client)
        found.json()  # only what request() returns comes this far

    error = await failed(calling(script, decode), DecodeError)
    assert traces(*texts_of(error), *told.texts()) == []


@pytest.mark.parametrize("call", [create, update, get])
async def test_a_field_of_the_wrong_type_that_echoes_the_secrets_exposes_them_nowhere(call: Call) -> None:
    async def script(request: Received) -> Say:
        return answer(200, {**REGISTRATION, "created": " ".join(secrets_of(request))})

    assert traces(*texts_of(await failed(calling(script, call), DecodeError))) == []


async def create_key(client: AsyncUltravox) -> None:
    await client.api_keys.create(name="x")


async def get_config(client: AsyncUltravox) -> None:
    await client.sip.get_config()


async def parse_json(client: AsyncUltravox) -> None:
    (await client.request("GET", "/api/webhooks")).json()


@pytest.mark.parametrize("call", [create_key, get_config, parse_json])
@pytest.mark.parametrize("body", [f'{{"apiKey": "{PASSWORD}', f'{{"secrets": ["{PASSWORD}"], "url": x}}', PASSWORD])
async def test_a_body_that_is_not_json_shows_nothing_of_a_secret_that_only_the_server_knows(
    told: Told, call: Call, body: str
) -> None:
    error = await failed(calling(in_turn(answer(200, body=body.encode())), call), DecodeError)
    assert traces(*texts_of(error), *told.texts()) == []


async def test_a_next_link_that_echoes_the_key_exposes_it_nowhere() -> None:
    async def script(request: Received) -> Say:
        return answer(200, {"results": [], "next": f"https://example.com/?key={request.headers['x-api-key']}"})

    async def call(client: AsyncUltravox) -> None:
        [each async for each in client.sip.registrations.list()]

    assert traces(*texts_of(await failed(calling(script, call), DecodeError))) == []


@pytest.mark.parametrize("before", [0, 100, 150, 170])
@pytest.mark.parametrize(
    "template", ["HTTP/1.1 {} OK", "HTTP/1.1 200 OK\r\nX Bad {}", "{}", "HTTP/1.1 200 OK\r\n{}: \0"]
)
async def test_a_response_that_is_not_http_and_echoes_the_secrets_exposes_them_nowhere(
    told: Told, template: str, before: int
) -> None:
    async def script(request: Received) -> Say:
        echoed = "-" * before + " ".join(reversed(secrets_of(request)))
        return Say(template.format(echoed).encode() + b"\r\n\r\n", "hang up")

    error = await failed(calling(script, create), APIConnectionError)
    assert traces(*texts_of(error), *told.texts()) == []


async def test_a_header_name_that_echoes_the_key_exposes_it_nowhere() -> None:
    async def script(request: Received) -> Say:
        return answer(400, headers={f"X-{request.headers['x-api-key']}": "1"})

    assert traces(*texts_of(await failed(calling(script, create), BadRequestError))) == []


def closed_port() -> str:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{holder.getsockname()[1]}"


async def refused() -> None:
    async with client_of(closed_port()) as client:
        await create(client)


async def untrusted() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it also takes pyOpenSSL, which is absent
    async with Wire(in_turn(FOUND), context) as wire, client_of(wire.base_url) as client:
        await create(client)


async def cancelled() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.ensure_future(create(client))
        await wire.until_received(1)
        task.cancel()
        await task


async def closed_meanwhile() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.ensure_future(create(client))
        await wire.until_received(1)
        await client.close()
        await task


async def used_after_close() -> None:
    client = client_of("http://127.0.0.1:1")
    await client.close()
    await create(client)


async def the_callers_timeout() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client, asyncio.timeout(0.01):
        await create(client)


async def failures_of_many() -> None:
    async with Wire(echo(400, str)) as wire, client_of(wire.base_url) as client:
        (await client.sip.registrations.get_many(["some-id", "another-id", "bad/id"])).raise_for_failures()


async def misspelt_beside_a_password() -> None:
    async with client_of(closed_port()) as client:
        changes: Any = {"password": PASSWORD, "usrname": "x"}
        await client.sip.registrations.update("some-id", **changes)


async def misspelt_password() -> None:
    async with client_of(closed_port()) as client:
        changes: Any = {"pasword": PASSWORD}
        await client.sip.registrations.update("some-id", **changes)


async def secrets_in_a_plain_dict() -> None:
    handler: Any = {"url": "https://example.com/", "secrets": [PASSWORD]}
    async with client_of(closed_port()) as client:
        await client.sip.update_config(fallback_handler=handler)


async def secret_beyond_its_limit() -> None:
    async with client_of(closed_port()) as client:
        handler = FallbackHandler("https://example.com/", secrets=[PASSWORD * 10])
        await client.sip.update_config(fallback_handler=handler)


async def username_beyond_its_limit() -> None:
    async with client_of(closed_port()) as client:
        await client.sip.registrations.create(username="a" * 61, password=PASSWORD, proxy="sip.example.com")


async def bytes_for_a_password() -> None:
    password: Any = PASSWORD.encode()
    async with client_of(closed_port()) as client:
        await client.sip.registrations.create(username="alice", password=password, proxy="sip.example.com")


async def half_a_surrogate_pair() -> None:
    async with client_of(closed_port()) as client:
        await client.sip.registrations.create(username="alice", password=f"{PASSWORD}\ud800", proxy="sip.example.com")


async def half_a_surrogate_pair_in_an_update() -> None:
    async with client_of(closed_port()) as client:
        await client.sip.registrations.update("some-id", password=f"{PASSWORD}\ud800")


async def bad_id_beside_a_password() -> None:
    async with client_of(closed_port()) as client:
        await client.sip.registrations.update("..", password=PASSWORD)


async def no_json() -> None:
    async with client_of(closed_port()) as client:
        await client.request("POST", "/api/anything", json={"password": PASSWORD, "when": object()})


async def no_text_in_json() -> None:
    async with client_of(closed_port()) as client:
        await client.request("POST", "/api/anything", json={"password": f"{PASSWORD}\ud800"})


async def endless_json() -> None:
    endless: dict[str, object] = {"password": PASSWORD}
    endless["again"] = endless
    async with client_of(closed_port()) as client:
        await client.request("POST", "/api/anything", json=endless)


async def bad_path_beside_a_password() -> None:
    async with client_of(closed_port()) as client:
        await client.request("POST", "/api/../x", json={"password": PASSWORD})


async def bad_method_beside_a_password() -> None:
    async with client_of(closed_port()) as client:
        await client.request("BREW", "/api/x", json={"password": PASSWORD})


async def unusable_key() -> None:
    AsyncUltravox(f"{KEY}\n")


async def unusable_setting_beside_a_key() -> None:
    AsyncUltravox(KEY, pool_size=0)


async def user_information() -> None:
    AsyncUltravox(KEY, base_url=f"https://user:{quote(PASSWORD, safe='')}@example.com")


async def key_for_user() -> None:
    AsyncUltravox(KEY, base_url=f"https://{KEY}@example.com")


async def key_in_the_query_of_the_base_url() -> None:
    AsyncUltravox(KEY, base_url=f"http://example.com/?key={KEY}")


async def class_for_trace_config() -> None:
    classes: Any = [aiohttp.TraceConfig]
    async with client_of(closed_port(), trace_configs=classes) as client:
        await get(client)


async def look_alike_for_session() -> None:
    look_alike: Any = object()
    async with client_of(closed_port(), session=look_alike) as client:
        await get(client)


class TheEnd(BaseException):
    """Neither an error nor a cancellation."""


async def ended_by_a_hook() -> None:
    async def fail(*_: object) -> None:
        raise TheEnd

    events = aiohttp.TraceConfig()
    events.on_request_headers_sent.append(fail)
    async with Wire(in_turn(FOUND)) as wire, client_of(wire.base_url, trace_configs=[events]) as client:
        await create(client)


WAYS: list[tuple[Way, type[BaseException]]] = [
    (refused, APIConnectionError),
    (untrusted, APIConnectionError),
    (cancelled, asyncio.CancelledError),
    (closed_meanwhile, ClientClosedError),
    (used_after_close, ClientClosedError),
    (the_callers_timeout, TimeoutError),
    (failures_of_many, ExceptionGroup),
    (misspelt_beside_a_password, TypeError),
    (misspelt_password, TypeError),
    (secrets_in_a_plain_dict, InvalidRequestError),
    (secret_beyond_its_limit, InvalidRequestError),
    (username_beyond_its_limit, InvalidRequestError),
    (bytes_for_a_password, InvalidRequestError),
    (half_a_surrogate_pair, InvalidRequestError),
    (half_a_surrogate_pair_in_an_update, InvalidRequestError),
    (bad_id_beside_a_password, InvalidRequestError),
    (no_json, InvalidRequestError),
    (no_text_in_json, InvalidRequestError),
    (endless_json, InvalidRequestError),
    (bad_path_beside_a_password, InvalidRequestError),
    (bad_method_beside_a_password, InvalidRequestError),
    (class_for_trace_config, ConfigurationError),
    (look_alike_for_session, ConfigurationError),
    (ended_by_a_hook, TheEnd),
    (unusable_key, ConfigurationError),
    (unusable_setting_beside_a_key, ConfigurationError),
    (user_information, ConfigurationError),
    (key_for_user, ConfigurationError),
    (key_in_the_query_of_the_base_url, ConfigurationError),
    (calling(in_turn(WAIT), create, timeout=SHORT), APITimeoutError),
    (calling(in_turn(Say(b"HTTP/1.1 200 OK\r\n", "wait")), create, timeout=SHORT), APITimeoutError),
    (calling(in_turn(HANG_UP), create), APIConnectionError),
    (calling(in_turn(answer(401)), create), AuthenticationError),
    (calling(in_turn(answer(429, headers={"Retry-After": "1000"})), create), RateLimitError),
    (calling(in_turn(FOUND), create, max_response_bytes=1), ResponseTooLargeError),
]


def name_of(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("way", "kind"), WAYS, ids=name_of)
async def test_no_failure_exposes_the_secrets_anywhere(told: Told, way: Way, kind: type[BaseException]) -> None:
    error = await failed(way, kind)
    assert traces(*texts_of(error), *told.texts()) == []


async def test_the_outcomes_of_many_requests_show_no_secret() -> None:
    async with Wire(echo(400, str)) as wire, client_of(wire.base_url) as client:
        outcomes = [each async for each in client.sip.registrations.get_many(["some-id", "bad/id"])]
        result = await client.sip.registrations.get_many(["some-id"])
    errors = [each.error for each in outcomes if each.error is not None] + list(result.failed.values())
    assert len(errors) == 3
    assert traces(*(text for error in errors for text in texts_of(error))) == []
    assert traces(*texts_of_object(outcomes), *texts_of_object(result)) == []


async def test_a_success_shows_no_secret_in_objects_and_logs(told: Told) -> None:
    async with debug_mode(), Wire(in_turn(FOUND)) as wire, client_of(wire.base_url) as client:
        made = await client.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")
        response = await client.request("POST", "/api/anything", json={"password": PASSWORD})
        shown = [client, client.sip, client.sip.registrations, client.sip.registrations.list(), made, response]
        sweep = client.sip.registrations.get_many(["some-id"])
        shown += [sweep, await sweep]
        assert isinstance(made, SipRegistration)
        assert len(wire.received) == 3
        assert traces(*(text for each in shown for text in texts_of_object(each))) == []
    assert "asyncio" in " ".join(told.logged)
    assert traces(*told.texts()) == []


async def test_the_secrets_of_a_fallback_handler_are_not_shown_by_its_repr() -> None:
    config = {"domain": "d", "fallbackHandler": {"url": "https://example.com/", "secrets": [PASSWORD]}}
    async with Wire(in_turn(answer(200, config))) as wire, client_of(wire.base_url) as client:
        found = await client.sip.get_config()
    assert found.fallback_handler is not None
    assert found.fallback_handler.secrets == [PASSWORD]
    assert traces(repr(found), str(found)) == []


@pytest.mark.parametrize("name", ["user", "user:password", ":password", "user:"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_base_url_with_user_information_is_refused(scheme: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match="user information"):
        AsyncUltravox("a-key", base_url=f"{scheme}://{name}@127.0.0.1")


def test_a_base_url_of_the_environment_with_user_information_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ULTRAVOX_BASE_URL", "https://user:password@127.0.0.1")
    with pytest.raises(ConfigurationError, match="user information"):
        AsyncUltravox("a-key")


def leak_in(error: Exception, **attributes: object) -> Exception:
    vars(error).update(attributes)
    return error


def leak_in_the_context() -> Exception:
    error = KeyError()
    error.__context__ = ValueError(PASSWORD)
    error.__suppress_context__ = True
    return error


def leak_in_locals() -> Exception:
    # A frame of another file, like that of a library.
    library = compile("def f(secret):\n    return {}[0]\nf(given)", "library.py", "exec")
    with pytest.raises(KeyError) as caught:
        exec(library, {"given": PASSWORD})  # noqa: S102 - the source stands above
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        ValueError(PASSWORD),
        ValueError({"deep": [PASSWORD.encode()]}),
        leak_in(ValueError(), headers={"X-API-Key": KEY}),
        leak_in(ValueError(), response=FallbackHandler("", secrets=[PASSWORD])),
        leak_in(ValueError(), name=quote_plus(PASSWORD)),
        ExceptionGroup("several", [ValueError(KEY)]),
        leak_in_the_context(),
        leak_in_locals(),
    ],
)
def test_the_search_finds_a_secret_wherever_it_is(error: Exception) -> None:
    assert traces(*texts_of(error))


def test_the_search_finds_a_secret_that_is_logged(told: Told) -> None:
    logging.getLogger("aiohttp.client").debug("sending %s", {"X-API-Key": KEY})
    assert traces(*told.texts())


async def test_nothing_that_belongs_to_a_client_pickles_the_key() -> None:
    async with client_of("http://127.0.0.1:9") as client:
        for each in (client, client.sip, client.sip.registrations, client.sip.registrations.list()):
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(each)


@pytest.mark.parametrize("secret", [uuid.UUID(int=2**127), 123456789, Token(f"{PASSWORD}-token")])
async def test_a_secret_of_any_type_that_can_be_encoded_as_json_is_redacted_in_an_echo(secret: object) -> None:
    async def echo_body(request: Received) -> Say:
        return answer(400, body=request.body)

    shown: object = json.loads(orjson.dumps(secret, default=vars))
    trace = cast("dict[str, str]", shown)["api_key"] if isinstance(shown, dict) else shown
    async with Wire(echo_body) as wire, client_of(wire.base_url) as client:
        body = {"credentials": secret} if isinstance(secret, Token) else {"api_key": secret}
        with pytest.raises(BadRequestError) as caught:
            await client.request("POST", "/api/anything", json=body)
    assert str(trace) not in "".join(texts_of(caught.value))
