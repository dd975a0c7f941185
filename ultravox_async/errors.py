"""The exceptions that this package raises.

::

    UltravoxError
    ├── ConfigurationError            a setting of the client is invalid; nothing was sent
    ├── InvalidRequestError           an argument is invalid; nothing was sent (also a ValueError)
    ├── ClientClosedError             the client was closed, before the request or during it
    ├── APIConnectionError            no complete response was received
    │   └── APITimeoutError           ... in time (also a TimeoutError)
    ├── APIStatusError                the status of the response is not a success
    │   ├── RedirectError             3xx; redirects are not followed
    │   ├── BadRequestError           400
    │   ├── AuthenticationError       401
    │   ├── PaymentRequiredError      402
    │   ├── PermissionDeniedError     403
    │   ├── NotFoundError             404
    │   ├── ConflictError             409
    │   ├── UnprocessableEntityError  422
    │   ├── TooEarlyError             425
    │   ├── RateLimitError            429
    │   └── ServerError               5xx
    ├── WaitError                     what was waited for can no longer happen
    │   └── WaitTimeoutError          ... did not happen in time (also a TimeoutError)
    ├── ResponseTooLargeError         the response body is longer than `max_response_bytes`
    ├── DecodeError                   the response body, or that of a webhook, is not what the API documents
    └── WebhookVerificationError      a request does not prove that Ultravox sent it, and when

`ultravox_async.redis` has one more `UltravoxError`, `RedisUnavailableError`.

All of them can be pickled. None of them holds the API key, a password or an exception of aiohttp.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from multidict import CIMultiDict

from ultravox_async._wire.error_body import is_of_the_api, read_error_body
from ultravox_async._wire.text import one_line, without_user_information

_MESSAGE_LIMIT = 480
# Names under which a body says what is wrong with the request as a whole, such as "detail" or "errors[0].message". They
# would read like the name of a field.
_OF_NO_FIELD = re.compile(r"(detail|errors?|non_field_errors|nonFieldErrors)?(\[\d+\])*(\.(detail|message))?")
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)


def _restore(cls: "type[UltravoxError]", args: tuple[object, ...], state: dict[str, object]) -> "UltravoxError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class UltravoxError(Exception):
    """The base class of all errors. Raised itself if a client is used in a second event loop, for example."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.args, dict(vars(self)))


class ConfigurationError(UltravoxError):
    """A setting of the client is missing or invalid: no key, a malformed URL, a number out of range."""


class InvalidRequestError(UltravoxError, ValueError):
    """An argument is invalid. Nothing was sent, because the API would refuse the request."""

    field: str
    """The invalid argument, for example ``username`` or ``allowed_agents[2].agent_id``."""

    problem: str
    """What is wrong with it, including the limit that it exceeds."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ClientClosedError(UltravoxError):
    """The client was closed, before the request was made or while it was running."""


class APIConnectionError(UltravoxError):
    """No complete response was received: no connection, a lost connection, or a truncated body."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    reason: str
    """What went wrong, in a few words."""

    connected: bool
    """False if the connection was never made, so that the request certainly had no effect."""

    def __init__(self, method: str, path: str, reason: str, *, connected: bool) -> None:
        super().__init__(f"{method} {path}: {reason}")
        self.method = method
        self.path = path
        self.reason = reason
        self.connected = connected


class APITimeoutError(APIConnectionError, TimeoutError):
    """The response did not arrive within `Timeout.connect`, `Timeout.read` or `Timeout.total`."""

    # TimeoutError is an OSError, whose __str__ formats two or more arguments as an errno and its text.
    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.reason}"


class APIStatusError(UltravoxError):
    """The API, or a proxy in front of it, responded with a status that is not a success."""

    status: int
    """The HTTP status code."""

    detail: str | None
    """What the response body says is wrong, on one line; None if it has no readable message."""

    field_errors: dict[str, list[str]]
    """The messages by field (``allowedAgents[0].agentId``), as Django REST framework sends them with a 400."""

    headers: Mapping[str, str]
    """The headers of the response; names are case-insensitive."""

    body: bytes
    """The first 64 KiB of the body, after decompression; the key and the passwords of the request are redacted."""

    request_id: str | None
    """The ``X-Request-Id`` header of the response; None if there is none."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    retry_after: float | None
    """The seconds to wait that ``Retry-After`` asks for; None if there is no valid one."""

    def __init__(  # noqa: PLR0913 - a response has these parts
        self,
        status: int,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.method = method
        self.path = path
        self.headers = CIMultiDict(headers or {})
        self.body = body
        self.retry_after = retry_after
        self.request_id = self.headers.get("X-Request-Id")
        self.detail, self.field_errors = read_error_body(body)
        super().__init__(self._message())

    def _message(self) -> str:
        notes = "; ".join(self._notes())
        added = f" ({notes})" if notes else ""
        # If all of it is too long, the message of the API is cut, and not the notes.
        return one_line(self._what_was_said(), _MESSAGE_LIMIT - len(added)) + added

    def _notes(self) -> list[str]:
        # To the millisecond, and without an exponent, which ":g" would write for a long wait.
        return [] if self.retry_after is None else [f"Retry-After: {round(self.retry_after, 3):.15g} s"]

    def _what_was_said(self) -> str:
        said = self.detail or "; ".join(
            " ".join(messages if _OF_NO_FIELD.fullmatch(where) else [f"{where}:", *messages])
            for where, messages in self.field_errors.items()
        )
        what = f"{self.status} {_phrase(self.status)}".rstrip()
        head = f"{what}: {self.method} {self.path}"
        return f"{head}: {said}" if said else head


class RedirectError(APIStatusError):
    """3xx. Redirects are not followed: the key and the body of a request go to the base URL's origin only.

    A `Download` follows them without the key: three of them, over https. It raises this for any other.
    """

    @property
    def location(self) -> str | None:
        """The target of the redirect: the ``Location`` header as received, with a query that may be secret."""
        return self.headers.get("Location")

    def _message(self) -> str:
        head = f"{self.status} {_phrase(self.status)}: {self.method} {self.path}"
        return one_line(f"{head}: not followed to {_redirect_target(self.location)}", _MESSAGE_LIMIT)


class BadRequestError(APIStatusError):
    """400: the API refuses the request; see `field_errors`."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or revoked."""


class PaymentRequiredError(APIStatusError):
    """402: the account does not have the credit or the plan for this."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: the resource does not exist, or belongs to another account."""


class ConflictError(APIStatusError):
    """409: the request conflicts with the current state of the resource."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed, but cannot be carried out."""


class TooEarlyError(APIStatusError):
    """425: what the request needs is not ready yet."""


class RateLimitError(APIStatusError):
    """429: too many requests; `retry_after` is the number of seconds to wait, if it is known."""


class ServerError(APIStatusError):
    """5xx: the API, or a proxy in front of it, failed.

    After a POST or PATCH it is unknown whether the request was carried out, and it was not sent again. The exception is
    the API's own 503 with a ``Retry-After``, which says that it was not; a gateway's 503 says nothing about it.
    """

    def _notes(self) -> list[str]:
        is_busy = self.status == HTTPStatus.SERVICE_UNAVAILABLE and self.retry_after is not None
        is_refused = is_busy and is_of_the_api(self.body)
        has_effect = self.method in {"POST", "PATCH"} and not is_refused
        return [*super()._notes(), *(["it is unknown whether the request was carried out"] if has_effect else [])]


class WaitError(UltravoxError):
    """What was waited for has not happened, and can no longer happen."""

    awaited: str
    """What was waited for."""

    seen: str
    """What is known instead."""

    def __init__(self, awaited: str, seen: str) -> None:
        super().__init__(f"waited for {awaited}, but {seen}")
        self.awaited = awaited
        self.seen = seen


class WaitTimeoutError(WaitError, TimeoutError):
    """What was waited for did not happen in time."""

    timeout: float
    """How long was waited, in seconds."""

    def __init__(self, awaited: str, seen: str, timeout: float) -> None:
        super().__init__(awaited, seen)
        self.timeout = timeout

    # As with APITimeoutError, OSError would format the arguments.
    def __str__(self) -> str:
        return f"waited {self.timeout:g} s for {self.awaited}, but {self.seen}"


class ResponseTooLargeError(UltravoxError):
    """The response body, after decompression, is longer than `max_response_bytes`. It was not read to its end."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    limit: int
    """The limit, in bytes."""

    def __init__(self, method: str, path: str, limit: int) -> None:
        super().__init__(f"{method} {path}: the response body is longer than {limit} bytes (max_response_bytes)")
        self.method = method
        self.path = path
        self.limit = limit


class DecodeError(UltravoxError):
    """The body of a response, or that of a webhook, is not what the API documents.

    Also a web page with a status that says success, to a request whose response needs no body, such as a deletion: a
    network that wants a login, or a proxy, has answered instead of the API.
    """

    origin: str
    """The request, for example ``GET /api/sip/registrations``."""

    path: str
    """The place in the body, with the API's field names: ``results[3].created``; empty for the body itself."""

    expected: str
    """What should have been there."""

    got: str
    """A short form of what was there."""

    def __init__(self, origin: str, path: str, expected: str, got: str) -> None:
        super().__init__(f"{origin}: {path or 'the body'}: expected {expected}, got {got}")
        self.origin = origin
        self.path = path
        self.expected = expected
        self.got = got


class WebhookVerificationError(UltravoxError):
    """A request that should come from Ultravox does not prove it. Do not act on it, and respond with 401 or 403."""

    check: str
    """The check that failed: ``"headers"``, ``"timestamp"`` or ``"signature"``."""

    problem: str
    """What is wrong, without what would have been right."""

    def __init__(self, check: str, problem: str) -> None:
        super().__init__(f"{check}: {problem}")
        self.check = check
        self.problem = problem


_CLASS_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    425: TooEarlyError,
    429: RateLimitError,
}
_CLASS_BY_HUNDRED: dict[int, type[APIStatusError]] = {3: RedirectError, 5: ServerError}


def class_for_status(status: int) -> type[APIStatusError]:
    """Return the exception class for an HTTP status."""
    return _CLASS_BY_STATUS.get(status) or _CLASS_BY_HUNDRED.get(status // 100, APIStatusError)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _redirect_target(location: str | None) -> str:
    # The query of a presigned URL grants access like a password; user information and a fragment may be secret too.
    if not location:
        return "nowhere"
    return without_user_information(_QUERY_OR_FRAGMENT.sub("", location)) or "the same path"
