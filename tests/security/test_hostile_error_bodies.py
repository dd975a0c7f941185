import json
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import Say, Wire, answer, client_of, in_turn, shown
from ultravox_async import APIConnectionError, APIStatusError, RetryPolicy

ONCE = RetryPolicy(max_attempts=1)
STATUSES = st.sampled_from([400, 401, 403, 404, 409, 418, 422, 429, 451, 499, 500, 502, 503, 504, 599])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["detail", "message", "error", "username", "\x1b[2J"]) | TEXTS, inner, max_size=5
        )
    ),
    max_leaves=20,
)
BODIES = st.one_of(
    st.binary(max_size=600),
    JSON.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(TEXTS, st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-7", "cp1252"])).map(
        lambda given: given[0].encode(given[1], "replace")
    ),
    TEXTS.map(lambda text: f"<html><head><title>{text}</title></head><body>{text}</body>".encode()),
)
TYPES = st.sampled_from(["application/json", "text/html; charset=utf-16", "text/plain; charset=no-such", "x", ""])
MEGABYTES = 5_000_000
# Long enough for work that is done once for each byte or item to show, and still quick where that is so.
ENOUGH = 200_000


async def error_of(said: Say) -> APIStatusError:
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises(APIStatusError) as caught:
            await client.request("GET", "/api/anything")
    return caught.value


def is_presentable(error: APIStatusError) -> bool:
    texts = [str(error), error.detail or ""]
    texts += [message for messages in error.field_errors.values() for message in messages]
    return all(len(text) < 500 and text.isprintable() for text in texts) and "".join(error.field_errors).isprintable()


@settings(max_examples=300, deadline=None)
@given(status=STATUSES, body=BODIES, kind=TYPES)
async def test_an_error_body_of_any_shape_and_encoding_makes_a_short_printable_text(
    status: int, body: bytes, kind: str
) -> None:
    error = await error_of(answer(status, body=body, headers={"Content-Type": kind}))
    assert error.status == status
    assert is_presentable(error)


HUGE: dict[str, Callable[[int], bytes]] = {
    "zeros": bytes,
    "text": lambda size: b"x" * size,
    "HTML": lambda size: b"<" * size,
    "titles": lambda size: b"<title>" * (size // 7),
    "detail": lambda size: b'{"detail": "' + b"x" * size + b'"}',
    "control characters": lambda size: b'{"detail": "' + rb"\u001b" * (size // 6) + b'"}',
    "long name": lambda size: b'{"' + b"f" * size + b'": ["bad"]}',
    "fields": lambda size: b"{" + b",".join(b'"f%d":["bad"]' % number for number in range(size // 16)) + b"}",
    "messages": lambda size: b'{"username": [' + b'"bad",' * (size // 6) + b'"bad"]}',
    "numbers": lambda size: b"[" + b"1," * (size // 2) + b"1]",
    "empty objects": lambda size: b"[" + b"{}," * (size // 3) + b"1]",
    "open brackets": lambda size: b"[" * size,
}
DEEP: dict[str, Callable[[int], bytes]] = {
    "lists": lambda depth: b"[" * depth + b'"bad"' + b"]" * depth,
    "objects": lambda depth: b'{"a":' * depth + b'"bad"' + b"}" * depth,
    "detail": lambda depth: b'{"detail":' * depth + b'"bad"' + b"}" * depth,
}


@pytest.mark.parametrize("shape", HUGE)
async def test_an_error_body_of_five_megabytes_makes_a_short_printable_text(shape: str) -> None:
    assert is_presentable(await error_of(answer(500, body=HUGE[shape](MEGABYTES))))


@pytest.mark.parametrize("shape", HUGE)
def test_a_long_error_body_takes_no_more_steps_than_a_short_one(shape: str) -> None:
    # Steps and not seconds: the loop stands still while Python runs, and how long depends on the machine.
    steps = 0
    body = HUGE[shape](ENOUGH)

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        error = APIStatusError(500, "GET", "/api/anything", body=body)
    finally:
        sys.setprofile(None)
    assert is_presentable(error)
    assert steps < 10_000


@pytest.mark.parametrize("depth", [100, 900, 1000, 1023, 1024, 200_000])
@pytest.mark.parametrize("shape", DEEP)
async def test_an_error_body_of_any_depth_makes_a_short_printable_text(shape: str, depth: int) -> None:
    assert is_presentable(await error_of(answer(500, body=DEEP[shape](depth))))


async def test_an_error_body_beyond_the_limit_is_still_an_error_with_its_status() -> None:
    said = answer(403, body=b"x" * 2000)
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, max_response_bytes=1000) as client:
        with pytest.raises(APIStatusError, match="403"):
            await client.request("GET", "/api/anything")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-none", "gzip, gzip"])
async def test_an_error_body_with_a_wrong_content_encoding_is_an_error_of_this_package(coding: str) -> None:
    said = answer(500, body=b'{"detail": "plain"}', headers={"Content-Encoding": coding})
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url, retry=ONCE) as client:
        with pytest.raises((APIStatusError, APIConnectionError)):
            await client.request("GET", "/api/anything")


@pytest.mark.parametrize(
    "header",
    [
        *("Retry-After: Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Retry-After: " + "9" * 5000),
        *("Retry-After: Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "Retry-After: \u0663", "Retry-After: \xff"),
        *("X-Request-Id: " + "x" * 5000, "X-Request-Id: \x80\x81", "Location: http://[", "Content-Type: ;;;=="),
    ],
)
async def test_no_header_changes_the_class_of_a_status_error(header: str) -> None:
    name, _, value = header.partition(": ")
    error = await error_of(answer(429, body=b"{}", headers={name: value}))
    assert error.status == 429
    assert is_presentable(error)


async def test_a_response_that_ends_within_its_headers_is_not_shown() -> None:
    async with (
        Wire(in_turn(Say(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=s3cret\r\n", then="hang up"))) as wire,
        client_of(wire.base_url, retry=ONCE) as ultravox,
    ):
        with pytest.raises(APIConnectionError, match="in the middle of the headers") as caught:
            await ultravox.sip.get_config()
    assert "s3cret" not in shown(caught.value)
