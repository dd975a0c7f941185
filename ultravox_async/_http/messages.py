"""Requests, credentials and responses."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import attrs
from multidict import CIMultiDict
from yarl import URL

from ultravox_async._http.headers import ExtraHeaders
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.uploads import FileBody, FormBody
from ultravox_async._version import __version__
from ultravox_async._wire.converter import decode
from ultravox_async._wire.payload import Body, Secret
from ultravox_async._wire.redaction import Redactor
from ultravox_async.errors import UltravoxError
from ultravox_async.settings import RetryPolicy, Timeout

T = TypeVar("T")


KEY_HEADER: Final = "X-API-Key"
"""The header that holds the key."""

COMMON_HEADERS: Final[Mapping[str, str]] = {
    "Accept": "application/json",
    "User-Agent": f"ultravox-async/{__version__}",
}
"""The headers of each request, without the key."""


RequestBody: TypeAlias = Body | FileBody | FormBody
"""What a request can have as its body."""


@attrs.define
class Request:
    """One logical request."""

    method: str
    """The HTTP method, in capitals."""

    path: str
    """The path, percent-encoded, without a query."""

    template: str = ""
    """The path with the names of ids in braces, for logs and traces; the path itself if it has no ids."""

    query: str = ""
    """The query, percent-encoded, without its question mark."""

    body: RequestBody | None = None
    """The body, if any."""

    headers: ExtraHeaders | None = None
    """Headers in addition to those of each request."""

    priority: Priority = Priority.INTERACTIVE
    """Whether it waits like a single call or behind single calls."""

    operation: OperationClass = OperationClass.GENERAL
    """The class of operations that it belongs to, whose cool-downs and outages concern it."""

    identity: tuple[str, str] | None = None
    """The field of the response that identifies the object, by its name in JSON, and the value that it must have."""

    url: URL | None = attrs.field(default=None, repr=False)
    """Where it is sent, if that is not below the base URL: an address in storage, which is a secret."""

    def __attrs_post_init__(self) -> None:
        """Take the path for its template, if there is no other."""
        self.template = self.template or self.path

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values in it that are redacted in errors."""
        in_body = self.body.secrets if self.body is not None else ()
        in_headers = self.headers.secrets if self.headers is not None else ()
        in_url = self.url.query.values() if self.url is not None else ()
        return (*in_body, *in_headers, *in_url)

    @property
    def can_be_sent_again(self) -> bool:
        """Whether its body can be sent a second time."""
        return self.body is None or self.body.can_be_sent_again


@attrs.frozen
class RequestOptions:
    """The options of a client, or of a view of it, for all of its requests."""

    timeout: Timeout
    """The deadlines."""

    retry: RetryPolicy
    """Which failures are retried, and after how long."""

    priority: Priority = Priority.INTERACTIVE
    """The priority of single calls; sweeps and listings are always background work."""


class Credentials:
    """The API key, which is not shown by repr, `vars` or pickle.

    The class has `__slots__`, because `vars` would show the key otherwise, as error trackers do.
    """

    __slots__ = ("_key", "headers", "key_header")

    def __init__(self, api_key: Secret) -> None:
        self._key = str(api_key.reveal())
        self.key_header = CIMultiDict({KEY_HEADER: self._key})
        self.headers = CIMultiDict({**COMMON_HEADERS, KEY_HEADER: self._key})

    def __reduce__(self) -> NoReturn:
        msg = "the credentials of an AsyncUltravox cannot be pickled: they hold the API key"
        raise TypeError(msg)

    @property
    def digest(self) -> str:
        """A name for the key, for a rate budget, from which the key cannot be recovered."""
        return hashlib.blake2b(self._key.encode(), digest_size=16, person=b"ultravox-async").hexdigest()

    def redactor(self, secrets: Iterable[str] = ()) -> Redactor:
        """Return a redactor for the key and other secrets."""
        return Redactor((self._key, *secrets))


@attrs.define
class Response:
    """A successful response, as `AsyncUltravox.request` returns it."""

    status: int
    """The HTTP status code, 200 to 299."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers; their names are not case-sensitive."""

    body: bytes = attrs.field(repr=False)
    """The body, after decompression."""

    _request: Request = attrs.field(repr=False, eq=False)
    _credentials: Credentials = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> str:
        """The request, for example ``GET /api/voices``."""
        return f"{self._request.method} {self._request.path}"

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters; empty if the server did not say it."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip()

    def json(self) -> Any:  # noqa: ANN401 - used for responses that the SDK has no type for
        """Return the body as dicts, lists and scalars; integers of more than 64 bits become floats.

        Raises:
            DecodeError: The body is not valid JSON.
        """
        return self.decode(object)

    def decode(self, into: type[T]) -> T:
        """Return the body as an `into`: an attrs class, or a list, dict or scalar type; nothing is coerced.

        The camelCase names in JSON become the Python names of the class.

        Raises:
            DecodeError: The body is not valid JSON, or does not have the types that `into` declares.
        """
        return decode(self.body, into, self)

    def redacted(self, text: str) -> str:
        """Return `text` without the key and the secrets of the request."""
        return self._credentials.redactor(self._request.secrets).redact(text)


Result: TypeAlias = Response | UltravoxError
"""The result of a request. Below `Transport.send` errors are values, because the frames there contain the key."""
