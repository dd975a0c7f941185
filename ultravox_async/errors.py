"""Everything that this package raises on purpose.

::

    UltravoxError
    ├── ConfigurationError            the client was set up wrongly; nothing was sent
    ├── InvalidRequestError           refused here, before anything was sent (also a ValueError)
    ├── ClientClosedError             the client was closed, before the request or while it ran
    ├── APIConnectionError            no complete answer came back
    │   └── APITimeoutError           ... in time (also a TimeoutError)
    ├── APIStatusError                an answer came, and its status is no success
    │   ├── RedirectError             3xx: redirects are not followed, the key stays with its host
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
    ├── ResponseTooLargeError         a body longer than `max_response_bytes`; it was not read to its end
    └── DecodeError                   the body is not what the API documents

All of them pickle and unpickle. None of them holds the API key, a password or an exception of aiohttp.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

from multidict import CIMultiDict

from ultravox_async._wire.error_body import read_error_body
from ultravox_async._wire.text import one_line, without_user_information

_MESSAGE_LIMIT = 480
_QUERY_OR_FRAGMENT = re.compile(r"[?#].*", re.DOTALL)


def _restore(cls: "type[UltravoxError]", args: tuple[object, ...], state: dict[str, object]) -> "UltravoxError":
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class UltravoxError(Exception):
    """The root of the tree. Raised itself where a client is used from a second event loop."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.args, dict(vars(self)))


class ConfigurationError(UltravoxError):
    """The client cannot work as it was set up: no key, a malformed URL, a setting out of range."""


class InvalidRequestError(UltravoxError, ValueError):
    """The request was refused before anything was sent, because the API could only refuse it."""

    field: str
    """The argument at fault, for example ``username`` or ``allowed_agents[2].agent_id``."""

    problem: str
    """What is wrong with it, with the limit that it breaks."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ClientClosedError(UltravoxError):
    """The client was closed: before the request was made, or while it was running."""


class APIConnectionError(UltravoxError):
    """No complete answer came back: no connection, a connection lost, or a body cut short."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    reason: str
    """What went wrong, in a few words."""

    connected: bool
    """False where the connection was never made, so that the request certainly had no effect."""

    def __init__(self, method: str, path: str, reason: str, *, connected: bool) -> None:
        super().__init__(f"{method} {path}: {reason}")
        self.method = method
        self.path = path
        self.reason = reason
        self.connected = connected


class APITimeoutError(APIConnectionError, TimeoutError):
    """The answer did not come within `Timeout.connect`, `Timeout.read` or `Timeout.total`."""

    # OSError, which TimeoutError is, would print its own idea of the arguments.
    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.reason}"


class APIStatusError(UltravoxError):
    """The API, or a proxy before it, answered with a status that is no success."""

    status: int
    """The HTTP status code."""

    detail: str | None
    """What the answer says is wrong, on one line; None where it says nothing readable."""

    field_errors: dict[str, list[str]]
    """Messages by wire path (``allowedAgents[0].agentId``), as a 400 of Django REST framework has them."""

    headers: Mapping[str, str]
    """The headers of the answer; names are looked up without regard to case."""

    body: bytes
    """The first 64 KiB of the decoded body, with the key and the passwords of the request taken out."""

    request_id: str | None
    """The ``X-Request-Id`` of the answer, where there is one."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    retry_after: float | None
    """Seconds that ``Retry-After`` asks to wait, where the answer has a usable one."""

    def __init__(  # noqa: PLR0913 - an answer has these parts
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
        said = self.detail or "; ".join(
            f"{where}: {' '.join(messages)}".removeprefix(": ") for where, messages in self.field_errors.items()
        )
        what = f"{self.status} {_phrase(self.status)}".rstrip()
        head = f"{what}: {self.method} {self.path}"
        return one_line(f"{head}: {said}" if said else head, _MESSAGE_LIMIT)


class RedirectError(APIStatusError):
    """A 3xx. It is not followed: the key, and the body of the request, go to the base URL's origin only."""

    @property
    def location(self) -> str | None:
        """Where the redirect pointed: its ``Location`` header as it came, with a query that may be secret."""
        return self.headers.get("Location")

    def _message(self) -> str:
        head = f"{self.status} {_phrase(self.status)}: {self.method} {self.path}"
        return one_line(f"{head}: not followed to {_redirect_target(self.location)}", _MESSAGE_LIMIT)


class BadRequestError(APIStatusError):
    """400: the API refuses the request; see `field_errors`."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or revoked."""


class PaymentRequiredError(APIStatusError):
    """402: the account lacks the credit or the plan for this."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing, or it is not this account's."""


class ConflictError(APIStatusError):
    """409: the request clashes with what is there."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed, and cannot be carried out as it stands."""


class TooEarlyError(APIStatusError):
    """425: what the request needs is not ready yet."""


class RateLimitError(APIStatusError):
    """429: too many requests; `retry_after` says for how long to wait, in seconds, where that is known."""

    def _message(self) -> str:
        # To the millisecond, and never in powers of ten.
        wait = "" if self.retry_after is None else f" (Retry-After: {round(self.retry_after, 3):.15g} s)"
        # The reason is what gets cut where both are too long for one text.
        return one_line(super()._message(), _MESSAGE_LIMIT - len(wait)) + wait


class ServerError(APIStatusError):
    """5xx: the API, or a proxy before it, failed."""


class ResponseTooLargeError(UltravoxError):
    """The decoded body of an answer is longer than the `max_response_bytes` of the client."""

    method: str
    """The HTTP method."""

    path: str
    """The path of the request, percent-encoded, without its query."""

    limit: int
    """The limit, in bytes."""

    def __init__(self, method: str, path: str, limit: int) -> None:
        super().__init__(f"{method} {path}: the body of the answer is longer than {limit} bytes (max_response_bytes)")
        self.method = method
        self.path = path
        self.limit = limit


class DecodeError(UltravoxError):
    """An answer of the API is not what its documentation promises."""

    origin: str
    """The request that was answered, for example ``GET /api/sip/registrations``."""

    path: str
    """Where in the body, in the names of the wire, for example ``results[3].created``; empty for the body itself."""

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
    """Return the class of the tree that stands for an HTTP status."""
    return _CLASS_BY_STATUS.get(status) or _CLASS_BY_HUNDRED.get(status // 100, APIStatusError)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _redirect_target(location: str | None) -> str:
    # The query of a presigned URL is as good as a password, and so may be what stands in the other two places.
    if not location:
        return "nowhere"
    return without_user_information(_QUERY_OR_FRAGMENT.sub("", location)) or "the same path"
