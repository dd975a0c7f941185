"""The storage of an emulator: the other origin, to which the API redirects downloads and to which uploads go."""

import hashlib
import random
import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

import attrs
from aiohttp import web

from ultravox_async.testing._exchange import Exchange, read_body, record_of
from ultravox_async.testing._faults import CutBody, FaultInjection, FaultRule
from ultravox_async.testing._files import Content, FilePart, StoredFile, given, noise
from ultravox_async.testing._server import Server
from ultravox_async.testing._wire import Answer, RecordedRequest

_CREDENTIALS = ("X-API-Key", "Authorization", "Cookie")
_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})?|-(?P<count>[0-9]{1,18}))")


@attrs.define(eq=False)
class Storage(FaultInjection):
    """A server on a port of its own that has the files of an account, and starts and stops with its emulator.

    Its URLs are presigned: each of them allows one method for one file, without credentials (a URL for GET also allows
    HEAD). A request that does carry credentials, in X-API-Key, Authorization or Cookie, gets a 403: a client must not
    give them to another origin. Ranges, If-Range and entity tags work. Faults happen only to requests that are allowed.

    All of this may be used from any thread.
    """

    host: str
    """The host name or IP address to listen on."""

    seed: int
    """The seed of signatures, and of the choice of requests that a fault with a probability happens to."""

    record_limit: int
    """How many requests `requests` holds at most."""

    server: Server = attrs.field(init=False, repr=False)
    """The server, which the emulator starts and stops."""

    counts: Counter[int] = attrs.field(init=False, factory=Counter[int], repr=False)
    """How many answers were sent, by status."""

    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock, repr=False)
    _records: deque[RecordedRequest] = attrs.field(init=False, repr=False)
    _files: dict[str, StoredFile] = attrs.field(init=False, factory=dict[str, StoredFile], repr=False)
    _times_added: int = attrs.field(init=False, default=0, repr=False)
    _upload_types: dict[str, str] = attrs.field(init=False, factory=dict[str, str], repr=False)
    _times_expired: int = attrs.field(init=False, default=0, repr=False)

    def __attrs_post_init__(self) -> None:
        self._records = deque(maxlen=self.record_limit)
        self.server = Server("storage", self._respond, self.host, port=0)
        self._chance = random.Random(self.seed)  # noqa: S311 - has to be reproducible, is not for security

    @property
    def base_url(self) -> str:
        """The URL of the storage, such as "http://127.0.0.1:8788"; it is the same after each start.

        Raises:
            RuntimeError: the emulator was never started.
        """
        return self.server.base_url

    @property
    def requests(self) -> list[RecordedRequest]:
        """The newest requests to the storage, in the order in which they arrived."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Drop the recorded requests, and reset the counts."""
        with self._lock:
            self._records.clear()
            self.counts.clear()

    def add(self, name: str, content: bytes | int, content_type: str = "application/octet-stream") -> str:
        """Add a file, or change the one of that name, which gets another entity tag.

        Args:
            name: The name, such as "a/b.bin".
            content: The bytes, or how many: then they are random, and take up no memory however many they are.
            content_type: The media type.

        Returns:
            A URL to download it.
        """
        with self._lock:
            made = given(content) if isinstance(content, bytes) else noise(content, f"{name} {self._times_added}")
            self._add(name, made, content_type)
            return self._url("GET", name)

    def offer(self, name: str, make: Callable[[], Content], content_type: str) -> str:
        """Give a URL to download a file, which is made now unless there is one of that name."""
        with self._lock:
            if name not in self._files:
                self._add(name, make(), content_type)
            return self._url("GET", name)

    def expect(self, name: str, content_type: str) -> str:
        """Give a URL to upload a file of this media type."""
        with self._lock:
            self._upload_types[name] = content_type
            return self._url("PUT", name)

    def file(self, name: str) -> StoredFile:
        """The file of this name, as it is now.

        Raises:
            KeyError: there is none.
        """
        with self._lock:
            return self._files[name]

    def remove(self, name: str) -> None:
        """Remove a file; its URLs lead to a 404 then.

        Raises:
            KeyError: there is none.
        """
        with self._lock:
            del self._files[name]

    def expire_urls(self) -> None:
        """Let all URLs that were given out so far expire."""
        with self._lock:
            self._times_expired += 1

    def break_off(self, after: int, *, times: int = 1) -> FaultRule:
        """Close the connection of the next downloads after so many bytes of the body, always before its last byte.

        It is `inject(CutBody(after), times=times, method="GET")`, and `clear_faults` stops it.

        Args:
            after: After how many bytes of what is sent; for a range, they are counted from its beginning.
            times: To how many downloads it happens.

        Returns:
            The rule, which counts its `hits`.

        Raises:
            ValueError: `after` is negative, or `times` is less than 1.
        """
        if after < 0:
            message = f"a download breaks off after 0 bytes or more, not {after}"
            raise ValueError(message)
        return self.inject(CutBody(after), times=times, method="GET")

    def _add(self, name: str, content: Content, content_type: str) -> None:
        self._times_added += 1
        tag = hashlib.sha256(f"{name} {self._times_added}".encode()).hexdigest()[:32]
        self._files[name] = StoredFile(name, content_type, f'"{tag}"', content)

    def _url(self, method: str, name: str) -> str:
        return f"{self.base_url}/{quote(name)}?signature={self._signature(method, name)}"

    def _signature(self, method: str, name: str) -> str:
        signed = f"{self.seed} {self._times_expired} {method} {name}"
        return hashlib.sha256(signed.encode()).hexdigest()[:40]

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await read_body(request)
        recorded = record_of(request, body or b"")
        with self._lock:
            self._records.append(recorded)
            refusal = self._refusal(recorded)
        exchange = Exchange(request, recorded, lambda: self._carry_out(recorded, body), self.counts)
        return await (self._answer_or_fail(exchange) if refusal is None else exchange.reply(refusal))

    def _refusal(self, recorded: RecordedRequest) -> Answer | None:
        for header in _CREDENTIALS:
            if header in recorded.headers:
                reason = (
                    f"The request has the header {header}: credentials were given to an origin that is not the API."
                )
                return _error(403, "CredentialsNotAllowed", reason)
        method = "GET" if recorded.method == "HEAD" else recorded.method
        if method not in {"GET", "PUT"}:
            return _error(405, "MethodNotAllowed", "The method is not allowed.")
        if recorded.query.get("signature") != self._signature(method, _name_in(recorded.path)):
            return _error(403, "AccessDenied", "The signature does not match, or the URL has expired.")
        return None

    def _carry_out(self, recorded: RecordedRequest, body: bytes | None) -> Answer:
        name = _name_in(recorded.path)
        with self._lock:
            if recorded.method == "PUT":
                return self._take(name, recorded.headers.get("Content-Type"), body)
            if name not in self._files:
                return _error(404, "NoSuchKey", "There is no such file.")
            return _download(self._files[name], recorded)

    def _take(self, name: str, content_type: str | None, body: bytes | None) -> Answer:
        signed_type = self._upload_types[name]
        if content_type != signed_type:
            reason = f"The URL was signed for the Content-Type {signed_type}."
            return _error(403, "SignatureDoesNotMatch", reason)
        if body is None:
            return _error(400, "EntityTooLarge", "The upload is too large.")
        self._add(name, given(body), signed_type)
        return Answer(200, headers={"ETag": self._files[name].etag})


def _download(file: StoredFile, recorded: RecordedRequest) -> Answer:
    headers = {"Content-Type": file.content_type, "ETag": file.etag, "Accept-Ranges": "bytes"}
    part = _part(file, recorded)
    if part is None:
        return Answer(200, FilePart(file.content, range(file.size)), headers)
    if part:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{file.size}"
        return Answer(206, FilePart(file.content, part), headers)
    return _error(416, "InvalidRange", "The file ends before the range.", {"Content-Range": f"bytes */{file.size}"})


def _part(file: StoredFile, recorded: RecordedRequest) -> range | None:
    """The bytes that a request asks for, empty if the file does not have them, and None if it asks for all."""
    match = _RANGE.fullmatch(recorded.headers.get("Range", ""))
    # A range that is not understood is ignored, as HTTP requires it.
    if match is None or recorded.headers.get("If-Range", file.etag) != file.etag:
        return None
    if match["count"] is not None:
        return range(max(0, file.size - int(match["count"])), file.size)
    last = file.size if match["last"] is None else int(match["last"]) + 1
    return None if last <= int(match["first"]) and match["last"] else range(int(match["first"]), min(last, file.size))


def _name_in(path: str) -> str:
    return unquote(path).removeprefix("/")


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Answer(status, body.encode(), {"Content-Type": "application/xml", **(headers or {})})
