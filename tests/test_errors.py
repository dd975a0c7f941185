import copy
import json
import pickle
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    ServerError,
    TooEarlyError,
    UltravoxError,
    UnprocessableEntityError,
    WaitError,
    WaitTimeoutError,
    WebhookVerificationError,
)
from ultravox_async._wire.text import one_line
from ultravox_async.errors import class_for_status
from ultravox_async.redis import RedisUnavailableError

CLASS_BY_STATUS = {
    301: RedirectError,
    302: RedirectError,
    307: RedirectError,
    308: RedirectError,
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: APIStatusError,
    408: APIStatusError,
    409: ConflictError,
    422: UnprocessableEntityError,
    425: TooEarlyError,
    429: RateLimitError,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    599: ServerError,
    600: APIStatusError,
    103: APIStatusError,
}
ANSWER = {"X-Request-Id": "r-1", "Location": "https://elsewhere.example/", "Retry-After": "7"}
BODY = b'{"detail": "No", "username": ["Too long.", "Too odd."]}'
ERRORS: list[UltravoxError] = [
    UltravoxError("this AsyncUltravox has its connections in another event loop"),
    ClientClosedError("this AsyncUltravox is closed"),
    ConfigurationError("no API key"),
    InvalidRequestError("allowed_agents[2].agent_id", "takes a UUID"),
    APIConnectionError("GET", "/api/x", "refused", connected=False),
    APITimeoutError("GET", "/api/x", "silence for 30.0 s (Timeout.read)", connected=True),
    *(
        class_for_status(status)(status, "GET", "/api/x", headers=ANSWER, body=BODY, retry_after=7.0)
        for status in (418, 302, 400, 401, 402, 403, 404, 409, 422, 425, 429, 500)
    ),
    ResponseTooLargeError("GET", "/api/x", 1024),
    DecodeError("GET /api/x", "results[3].created", "a string", "5"),
    WaitError("call x to be joined", "it has ended"),
    WaitTimeoutError("call x to be joined", "nobody has joined it yet", 60.0),
    WebhookVerificationError("timestamp", "is older than the tolerance of 0:05:00"),
    RedisUnavailableError("not sent: Redis, which shares the rate, does not answer (ConnectionError)"),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["detail", "message"]), inner),
    max_leaves=30,
)
BODIES = st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode())


def pickled(protocol: int) -> Callable[[UltravoxError], UltravoxError]:
    def round_trip(error: UltravoxError) -> UltravoxError:
        return pickle.loads(pickle.dumps(error, protocol))  # type: ignore[no-any-return]  # noqa: S301 - its own bytes

    return round_trip


def descendants(cls: type[UltravoxError]) -> set[type[UltravoxError]]:
    return {cls}.union(*(descendants(child) for child in cls.__subclasses__()))


def refused(body: bytes) -> BadRequestError:
    return BadRequestError(400, "POST", "/api/x", body=body)


def test_each_class_of_the_tree_is_among_the_errors_of_these_tests() -> None:
    assert {type(error) for error in ERRORS} == descendants(UltravoxError)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "round_trip",
    [*(pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)), copy.copy, copy.deepcopy],
    ids=[*(f"pickle {protocol}" for protocol in range(pickle.HIGHEST_PROTOCOL + 1)), "copy", "deepcopy"],
)
def test_a_copy_of_an_error_has_all_that_the_error_has(
    error: UltravoxError, round_trip: Callable[[UltravoxError], UltravoxError]
) -> None:
    found = round_trip(error)
    assert found is not error
    assert type(found) is type(error)
    assert (str(found), repr(found), found.args, vars(found)) == (str(error), repr(error), error.args, vars(error))


def test_the_headers_of_an_unpickled_error_are_case_insensitive() -> None:
    error = NotFoundError(404, "GET", "/api/x", headers=ANSWER)
    found = pickled(pickle.HIGHEST_PROTOCOL)(error)
    assert isinstance(found, NotFoundError)
    assert found.headers["x-request-id"] == "r-1"


def test_notes_survive_pickling() -> None:
    error = UltravoxError("closed")
    error.add_note("while fetching r1")
    assert pickled(pickle.HIGHEST_PROTOCOL)(error).__notes__ == ["while fetching r1"]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_attribute_that_an_error_class_declares_is_set(error: UltravoxError) -> None:
    declared = {name for cls in type(error).__mro__ for name in vars(cls).get("__annotations__", {})}
    assert [name for name in sorted(declared) if not hasattr(error, name)] == []


@pytest.mark.parametrize(("status", "cls"), CLASS_BY_STATUS.items())
def test_each_status_has_its_class(status: int, cls: type[APIStatusError]) -> None:
    assert class_for_status(status) is cls


def test_an_error_reads_as_status_request_and_reason() -> None:
    error = NotFoundError(404, "GET", "/api/sip/registrations/abc", body=b'{"detail": "No such registration"}')
    assert str(error) == "404 Not Found: GET /api/sip/registrations/abc: No such registration"


def test_an_error_without_a_body_reads_as_status_and_request() -> None:
    assert str(NotFoundError(404, "GET", "/api/x")) == "404 Not Found: GET /api/x"


def test_a_status_without_a_name_stands_alone() -> None:
    assert str(ServerError(599, "GET", "/api/x")) == "599: GET /api/x"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_the_text_of_a_server_error_says_that_a_change_may_have_been_made(method: str) -> None:
    error = ServerError(503, method, "/api/x", body=b"<html>" + b"no server " * 100)
    assert str(error).endswith("(it is unknown whether the request was carried out)")
    assert len(str(error)) < 500


def test_the_text_of_a_server_error_leaves_no_doubt_of_a_read() -> None:
    assert "carried out" not in str(ServerError(503, "GET", "/api/x"))


def test_the_text_of_the_api_s_own_refusal_leaves_no_doubt() -> None:
    error = ServerError(503, "POST", "/api/calls", body=b'{"detail": "No capacity."}', retry_after=1.0)
    assert str(error) == "503 Service Unavailable: POST /api/calls: No capacity. (Retry-After: 1 s)"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
        b'{"message": "no healthy upstream"}',
        b'{"error": "no healthy upstream"}',
        b'["no healthy upstream"]',
        b"no healthy upstream",
        b"",
    ],
)
def test_the_text_of_a_gateway_s_503_says_that_a_call_may_have_been_created(body: bytes) -> None:
    error = ServerError(503, "POST", "/api/calls", body=body, retry_after=2.0)
    assert str(error).endswith(" (Retry-After: 2 s; it is unknown whether the request was carried out)")


def test_the_text_of_the_api_s_own_503_without_a_wait_does_not_say_that_nothing_happened() -> None:
    error = ServerError(503, "POST", "/api/calls", body=b'{"detail": "No capacity."}')
    assert str(error).endswith(": No capacity. (it is unknown whether the request was carried out)")


def test_a_server_error_says_how_long_it_is_asked_to_wait() -> None:
    error = ServerError(503, "GET", "/api/x", body=b'{"detail": "Maintenance."}', retry_after=60.0)
    assert str(error) == "503 Service Unavailable: GET /api/x: Maintenance. (Retry-After: 60 s)"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "Call throttle exceeded."}', "Call throttle exceeded."),
        (b'{"code": "throttled", "detail": "Call throttle exceeded."}', "Call throttle exceeded."),
        (b'{"error": "Too many calls."}', "Too many calls."),
        (b'["Too many calls."]', "Too many calls."),
        (b'["Too many calls.", "Wait."]', "Too many calls. Wait."),
        (b'{"detail": ["Too many calls."]}', "Too many calls."),
        (b'[{"detail": "Too many calls."}]', "Too many calls."),
        (b'{"errors": [{"message": "Too many calls."}]}', "Too many calls."),
        (b'{"error": {"message": "Too many calls.", "code": "busy"}}', "Too many calls.; error.code: busy"),
        (b'{"nonFieldErrors": ["Too many calls."]}', "Too many calls."),
        (b'{"throttle": ["Used up."]}', "throttle: Used up."),
    ],
)
def test_a_refused_call_reads_as_what_the_body_says_and_the_wait(body: bytes, said: str) -> None:
    error = RateLimitError(429, "POST", "/api/calls", body=body, retry_after=7.0)
    assert str(error) == f"429 Too Many Requests: POST /api/calls: {said} (Retry-After: 7 s)"


def test_the_message_of_a_field_named_message_names_the_field() -> None:
    assert str(refused(b'{"message": ["Too long."]}')) == "400 Bad Request: POST /api/x: message: Too long."


def test_an_error_keeps_the_parts_of_the_response() -> None:
    error = RateLimitError(429, "GET", "/api/x", headers=ANSWER, body=BODY, retry_after=7.0)
    assert (error.status, error.method, error.path) == (429, "GET", "/api/x")
    assert (error.body, error.retry_after, error.request_id) == (BODY, 7.0, "r-1")
    assert error.headers["retry-after"] == "7"


def test_a_response_without_a_request_id_has_none() -> None:
    assert NotFoundError(404, "GET", "/api/x").request_id is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"detail": "Not found."}', "Not found."),
        (b'{"message": "Not found."}', "Not found."),
        (b'{"error": "Not found."}', "Not found."),
        (b'"Not found."', "Not found."),
        (b"Not found.", "Not found."),
        (b'{"detail": "Not\\n\\u0000\\u202e found."}', "Not found."),
        (b"<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>", "502 Bad Gateway"),
        (b"<HTML><TITLE lang=en>\n502\n</TITLE>", "502"),
        (b"<p>Bad <b>gateway</b></p>", "Bad gateway"),
        (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
        (b'{"detail": "caf\xe9"}', '{"detail": "caf\N{REPLACEMENT CHARACTER}"}'),
        (b"", None),
        (b'""', None),
        (b'{"detail": " "}', None),
        (b"\x00\x01", None),
        (b"<title></title>", None),
        (b"null", None),
        (b"5", None),
        (b"[]", None),
        (b"{}", None),
        (b'{"detail": {"code": 5}}', None),
    ],
)
def test_the_detail_is_what_the_body_says(body: bytes, detail: str | None) -> None:
    error = refused(body)
    assert (error.detail, error.field_errors) == (detail, {})
    assert str(error) == "400 Bad Request: POST /api/x" + (f": {detail}" if detail else "")


@pytest.mark.parametrize(
    ("body", "field_errors"),
    [
        (b'{"username": ["Too long.", "Too odd."]}', {"username": ["Too long.", "Too odd."]}),
        (b'{"username": "Too long."}', {"username": ["Too long."]}),
        (b'{"a": ["x"], "b": ["y"]}', {"a": ["x"], "b": ["y"]}),
        (b'{"allowedAgents": [{}, {"agentId": ["No UUID."]}]}', {"allowedAgents[1].agentId": ["No UUID."]}),
        (b'{"a": {"b": {"c": ["deep"]}}}', {"a.b.c": ["deep"]}),
        (b'{"a": [["x"]]}', {"a[0]": ["x"]}),
        (b'["one", "two"]', {"": ["one", "two"]}),
        (b'{"detail": ["one"]}', {"detail": ["one"]}),
        (b'{"a": [1, null, true, "x"]}', {"a": ["x"]}),
        (b'{"a\\nb": ["c\\u0000d"]}', {"a b": ["c d"]}),
    ],
)
def test_field_errors_are_found_by_their_wire_path(body: bytes, field_errors: dict[str, list[str]]) -> None:
    error = refused(body)
    assert (error.detail, error.field_errors) == (None, field_errors)


def test_field_errors_beside_a_detail_are_kept() -> None:
    error = refused(b'{"detail": "Invalid.", "username": ["Too long."]}')
    assert (error.detail, error.field_errors) == ("Invalid.", {"username": ["Too long."]})
    assert str(error) == "400 Bad Request: POST /api/x: Invalid."


def test_a_detail_goes_before_a_message_and_a_message_before_an_error() -> None:
    assert refused(b'{"error": "c", "message": "b", "detail": "a"}').detail == "a"
    assert refused(b'{"error": "c", "message": "b"}').detail == "b"


def test_field_errors_are_the_reason_where_there_is_no_detail() -> None:
    error = refused(b'{"username": ["Too long.", "Too odd."], "proxy": ["Empty."]}')
    assert str(error) == "400 Bad Request: POST /api/x: username: Too long. Too odd.; proxy: Empty."


def test_only_the_first_hundred_messages_of_many_are_kept() -> None:
    body = json.dumps({f"field{number}": ["bad", "worse"] for number in range(1000)}).encode()
    assert refused(body).field_errors == {f"field{number}": ["bad", "worse"] for number in range(50)}


@pytest.mark.parametrize("depth", [100, 400, 1000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_deeply_nested_body_makes_an_error_like_any_other(depth: int, opening: bytes, closing: bytes) -> None:
    error = refused(opening * depth + b'"x"' + closing * depth)
    assert str(error).startswith("400 Bad Request: POST /api/x")
    assert len(str(error)) < 500


@settings(deadline=None)
@given(st.sampled_from(sorted(CLASS_BY_STATUS)), BODIES)
@example(400, json.dumps({"a" * 5000: ["b" * 5000] * 50}).encode())
@example(500, b"<title>" + b"a" * 10_000)
@example(500, b"\x1b[31m" * 5000)
@example(500, "\u202e\u2028\x85\ufeff".encode() * 300)
def test_the_text_of_a_status_error_is_one_short_printable_line(status: int, body: bytes) -> None:
    error = class_for_status(status)(status, "GET", "/api/x", body=body)
    for text in (str(error), error.detail or "", *chain.from_iterable(error.field_errors.values())):
        assert len(text) < 500
        assert text.isprintable()
    assert all(where.isprintable() for where in error.field_errors)


@settings(deadline=None)
@given(st.text(st.characters(codec=None)))
def test_the_text_of_a_redirect_is_one_short_printable_line(location: str) -> None:
    error = RedirectError(302, "GET", "/api/x", headers={"location": location * 50})
    assert error.location == location * 50
    assert str(error).startswith("302 Found: GET /api/x: not followed to")
    assert len(str(error)) < 500
    assert str(error).isprintable()


def test_a_redirect_error_has_the_location() -> None:
    error = RedirectError(302, "GET", "/api/x", headers=ANSWER)
    assert error.location == "https://elsewhere.example/"
    assert str(error) == "302 Found: GET /api/x: not followed to https://elsewhere.example/"


def test_a_redirect_that_points_nowhere_has_no_location() -> None:
    error = RedirectError(300, "GET", "/api/x")
    assert error.location is None
    assert str(error) == "300 Multiple Choices: GET /api/x: not followed to nowhere"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://storage.example/a.wav?X-Amz-Signature=hidden", "https://storage.example/a.wav"),
        ("https://storage.example/a.wav#token=hidden", "https://storage.example/a.wav"),
        ("https://storage.example/a.wav?a=hidden#b?c=hidden", "https://storage.example/a.wav"),
        ("https://storage.example?sig=hidden", "https://storage.example"),
        ("https://alice:hidden@storage.example/a.wav", "https://storage.example/a.wav"),
        ("https://alice@hidden@storage.example/a.wav", "https://storage.example/a.wav"),
        ("//alice:hidden@storage.example/a.wav", "//storage.example/a.wav"),
        ("\\\\alice:hidden@storage.example\\a.wav", "\\\\storage.example\\a.wav"),
        ("https:alice:hidden@storage.example/a.wav", "storage.example/a.wav"),
        ("https://storage.example/@alice/a.wav", "https://storage.example/@alice/a.wav"),
        ("/api/files?sig=hidden", "/api/files"),
        ("http://[::1?sig=hidden", "http://[::1"),
        ("?sig=hidden", "the same path"),
        ("#hidden", "the same path"),
    ],
)
def test_a_redirect_shows_its_location_without_what_may_be_secret(location: str, shown: str) -> None:
    error = RedirectError(302, "GET", "/api/x", headers={"Location": location})
    assert str(error) == f"302 Found: GET /api/x: not followed to {shown}"
    assert "hidden" not in repr(error)
    assert error.args == (str(error),)
    assert error.location == location


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (61.0, "61 s"),
        (0.25, "0.25 s"),
        (1.23456789, "1.235 s"),
        (29.999999999, "30 s"),
        (0.0, "0 s"),
        (999_999_999_999.0, "999999999999 s"),
    ],
)
def test_a_rate_limit_error_says_how_long_it_is_asked_to_wait(seconds: float, shown: str) -> None:
    error = RateLimitError(429, "GET", "/api/x", body=b'{"detail": "slow down"}', retry_after=seconds)
    assert str(error) == f"429 Too Many Requests: GET /api/x: slow down (Retry-After: {shown})"


def test_a_rate_limit_error_without_a_reason_says_how_long_too() -> None:
    assert str(RateLimitError(429, "GET", "/api/x", retry_after=61.0)) == (
        "429 Too Many Requests: GET /api/x (Retry-After: 61 s)"
    )


def test_a_rate_limit_error_without_retry_after_names_no_wait() -> None:
    assert str(RateLimitError(429, "GET", "/api/x")) == "429 Too Many Requests: GET /api/x"


def test_a_long_reason_does_not_cut_off_how_long_to_wait() -> None:
    error = RateLimitError(429, "GET", "/api/x", body=b"x" * 5000, retry_after=999_999_999_999.123)
    assert str(error).endswith("x\N{HORIZONTAL ELLIPSIS} (Retry-After: 999999999999.123 s)")
    assert len(str(error)) < 500


def test_a_timeout_is_a_timeout_error_and_a_connection_error() -> None:
    error = APITimeoutError("GET", "/api/x", "silence", connected=True)
    assert isinstance(error, TimeoutError)
    assert isinstance(error, APIConnectionError)
    assert str(error) == "GET /api/x: silence"


def test_a_connection_error_says_whether_there_was_a_connection() -> None:
    error = APIConnectionError("GET", "/api/x", "refused", connected=False)
    assert (str(error), error.method, error.path) == ("GET /api/x: refused", "GET", "/api/x")
    assert (error.reason, error.connected) == ("refused", False)


def test_an_invalid_request_is_a_value_error_and_names_its_field() -> None:
    error = InvalidRequestError("username", "takes at most 60 characters, not 61")
    assert isinstance(error, ValueError)
    assert (error.field, error.problem) == ("username", "takes at most 60 characters, not 61")
    assert str(error) == "username: takes at most 60 characters, not 61"


def test_the_error_about_a_body_that_is_too_large_names_the_limit() -> None:
    error = ResponseTooLargeError("GET", "/api/x", 1024)
    assert (error.method, error.path, error.limit) == ("GET", "/api/x", 1024)
    assert str(error) == "GET /api/x: the response body is longer than 1024 bytes (max_response_bytes)"


def test_a_decode_error_names_the_place() -> None:
    error = DecodeError("GET /api/x", "results[3].created", "a string", "5")
    assert (error.origin, error.path, error.expected, error.got) == (
        "GET /api/x",
        "results[3].created",
        "a string",
        "5",
    )
    assert str(error) == "GET /api/x: results[3].created: expected a string, got 5"


def test_a_decode_error_without_a_path_is_about_the_body() -> None:
    assert str(DecodeError("GET /api/x", "", "JSON", "nothing")) == "GET /api/x: the body: expected JSON, got nothing"


@settings(deadline=None)
@given(st.text(st.characters(codec=None)), st.integers(1, 50))
def test_printable_text_is_one_line_within_its_limit(text: str, limit: int) -> None:
    shown = one_line(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert shown == shown.strip()


def test_a_cut_is_marked() -> None:
    assert one_line("abcdef", 4) == "abc…"
    assert one_line("abcd", 4) == "abcd"
