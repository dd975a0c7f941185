"""What is asked, with which credentials, and what is answered."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import attrs
from multidict import CIMultiDict

from ultravox_async._http.headers import ExtraHeaders
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.scheduler import Priority
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
"""What each request says beside the key."""


@attrs.define
class Request:
    """One logical request."""

    method: str
    """The HTTP method, in capitals."""

    path: str
    """The path, percent-encoded, without a query."""

    query: str = ""
    """The query, percent-encoded, without its question mark."""

    body: Body | None = None
    """The JSON body, if any."""

    headers: ExtraHeaders | None = None
    """Headers beside those of each request."""

    priority: Priority = Priority.INTERACTIVE
    """Whether it waits with single calls or behind them."""

    operation: OperationClass = OperationClass.GENERAL
    """The class of operations whose 429s concern it."""

    identity: tuple[str, str] | None = None
    """The field of the answer, by its name on the wire, that says what it is about, and what has to be in it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an error must not show of it."""
        in_body = self.body.secrets if self.body is not None else ()
        return (*in_body, *self.headers.secrets) if self.headers is not None else in_body


@attrs.frozen
class RequestOptions:
    """What a client, or a view of it, decides for each of its requests."""

    timeout: Timeout
    """The deadlines."""

    retry: RetryPolicy
    """What is repeated, and after how long."""

    priority: Priority = Priority.INTERACTIVE
    """The priority of single calls; sweeps and listings are background work anyway."""


class Credentials:
    """The API key, where no repr, no `vars` and no pickle shows it."""

    __slots__ = ("_key", "headers", "key_header")

    def __init__(self, api_key: Secret) -> None:
        self._key = str(api_key.reveal())
        self.key_header = CIMultiDict({KEY_HEADER: self._key})
        self.headers = CIMultiDict({**COMMON_HEADERS, KEY_HEADER: self._key})

    def __reduce__(self) -> NoReturn:
        msg = "what belongs to an AsyncUltravox holds the API key, and does not pickle"
        raise TypeError(msg)

    @property
    def digest(self) -> str:
        """What the key is known by where it must not be told."""
        return hashlib.blake2b(self._key.encode(), digest_size=16, person=b"ultravox-async").hexdigest()

    def redactor(self, secrets: Iterable[str] = ()) -> Redactor:
        """Return what takes the key, and other secrets, out of texts."""
        return Redactor((self._key, *secrets))


@attrs.define
class Response:
    """A successful answer, as `AsyncUltravox.request` returns it."""

    status: int
    """The HTTP status code, 200 to 299."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers; names are looked up without regard to case."""

    body: bytes = attrs.field(repr=False)
    """The decoded body."""

    _request: Request = attrs.field(repr=False, eq=False)
    _credentials: Credentials = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> str:
        """The request that it answers, for example ``GET /api/voices``."""
        return f"{self._request.method} {self._request.path}"

    def json(self) -> Any:  # noqa: ANN401 - what comes here is what the SDK has no type for
        """Return the body as dicts, lists and scalars; whole numbers of more than 64 bits become floats.

        Raises:
            DecodeError: The body is not valid JSON.
        """
        return self.decode(object)

    def decode(self, into: type[T]) -> T:
        """Return the body as an `into`: an attrs class, or a list, dict or scalar type, never coerced.

        The camelCase names of the wire become the Python names of the class.

        Raises:
            DecodeError: The body is not valid JSON, or has not the types that `into` declares.
        """
        return decode(self.body, into, self)

    def redacted(self, text: str) -> str:
        """Return `text` without the key and the secrets of the request."""
        return self._credentials.redactor(self._request.secrets).redact(text)


Answer: TypeAlias = Response | UltravoxError
"""What comes of a request. Errors travel as values below `Transport.send`, where frames hold the key."""
