"""Whether a request has a signature of Ultravox, and when it was signed.

The arguments are in `Secret`s and are looked at in functions that do not raise: no traceback with locals, as error
trackers send them, shows a secret, an expected signature, or the body, which has join URLs in it.
"""

import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, TypeAlias, cast

import attrs
import orjson

from ultravox_async._wire.payload import Secret
from ultravox_async.errors import ConfigurationError, DecodeError, WebhookVerificationError

Body: TypeAlias = bytes | bytearray | memoryview
"""The body of a request, as it was received."""

Headers: TypeAlias = (
    Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
)
"""The headers of a request: a dict, a multidict, Starlette's ``Headers``, or a list of pairs."""

Secrets: TypeAlias = str | Collection[str]
"""A secret, or several of them: while secrets are rotated, the old and the new one."""

USUAL_TOLERANCE: Final = timedelta(minutes=5)

_TIMESTAMP_HEADER: Final = "X-Ultravox-Webhook-Timestamp"
_SIGNATURE_HEADER: Final = "X-Ultravox-Webhook-Signature"

# One signature for each secret of a webhook has 64 characters. Comparing millions of them would take seconds.
_LONGEST_SIGNATURES: Final = 4096

# Only complete timestamps are accepted, because what is signed is the content followed by the timestamp, with nothing
# between them. If a timestamp without its first digits were accepted too, these could be moved into the content.
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2}(:?\d{2})?)?", re.ASCII)


@attrs.frozen
class Freshness:
    """Which timestamps are accepted."""

    tolerance: timedelta
    """How far a timestamp may be from `now`, in both directions."""

    now: datetime | None
    """The time, with a time zone; None for that of the system's clock."""

    def __attrs_post_init__(self) -> None:
        """Check both.

        Raises:
            ConfigurationError: The tolerance is negative or not a timedelta, or `now` has no time zone.
        """
        _check_clock(self.tolerance, self.now)

    def check(self, timestamp: str) -> None:
        """Check a timestamp.

        Raises:
            WebhookVerificationError: It is malformed, too old or in the future.
        """
        moment = _moment(timestamp)
        if moment is None:
            raise WebhookVerificationError("timestamp", "is not a complete ISO 8601 timestamp")
        age = (self.now or datetime.now(UTC)) - moment
        if age > self.tolerance:
            raise WebhookVerificationError("timestamp", f"is older than the tolerance of {self.tolerance}")
        if -age > self.tolerance:
            raise WebhookVerificationError("timestamp", f"is more than the tolerance of {self.tolerance} in the future")


def _check_clock(tolerance: object, now: object) -> None:
    if not isinstance(tolerance, timedelta) or tolerance < timedelta(0):
        raise ConfigurationError("tolerance takes a timedelta of zero or more")
    if now is not None and (not isinstance(now, datetime) or now.tzinfo is None):
        raise ConfigurationError("now takes a datetime with a time zone, or None")


def _moment(timestamp: str) -> datetime | None:
    if not _TIMESTAMP.fullmatch(timestamp):
        return None
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    # Without a zone, it is in UTC: the documentation does not say, and its own example compares it with local time.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def content_of(body: Secret) -> Secret:
    """Return a body as bytes that nobody can change.

    Raises:
        TypeError: It is not bytes.
    """
    content = _bytes_of(body.reveal())
    if content is None:
        kind = type(body.reveal()).__name__
        raise TypeError(f"body takes the bytes of the request as they were received, not {kind}")
    return Secret(content)


def _bytes_of(body: object) -> bytes | None:
    return bytes(cast("Body", body)) if isinstance(body, bytes | bytearray | memoryview) else None


def keys_of(secrets: Secret) -> Secret:
    """Return the keys that the secrets are.

    Raises:
        ConfigurationError: There is no secret, or one is empty or not a string.
    """
    keys = _encoded(secrets.reveal())
    if not keys:
        raise ConfigurationError(
            "secrets takes a secret, or a list of at least one; each is a string that is not empty"
        )
    return Secret(keys)


def _encoded(secrets: object) -> list[bytes]:
    """Return the secrets as bytes; none if one of them cannot be used, which nobody would notice otherwise."""
    several = [secrets] if isinstance(secrets, str) else secrets
    # Not an iterator, from which the next request would get nothing any more.
    given = list(cast("Collection[object]", several)) if isinstance(several, Collection) else []
    keys = [each.encode("utf-8", "surrogatepass") for each in given if isinstance(each, str) and each.strip()]
    return keys if len(keys) == len(given) else []


def check_signature(content: Secret, timestamp: str, signature: str, keys: Secret, freshness: Freshness) -> None:
    """Check that `content` and the timestamp were signed with one of the keys, and not long ago.

    Raises:
        WebhookVerificationError: They were not.
    """
    if len(signature) > _LONGEST_SIGNATURES:
        raise WebhookVerificationError("signature", f"is longer than {_LONGEST_SIGNATURES} characters")
    freshness.check(timestamp)
    if not _is_signed(content, timestamp, signature, keys):
        raise WebhookVerificationError("signature", "none of the signatures was made with one of the secrets")


def _is_signed(content: Secret, timestamp: str, signature: str, keys: Secret) -> bool:
    # Compared as bytes, because compare_digest refuses strings that are not ASCII.
    given = [each.strip().encode("utf-8", "surrogatepass") for each in signature.split(",")]
    matches: list[bool] = []
    for key in cast("list[bytes]", keys.reveal()):
        mac = hmac.new(key, cast("bytes", content.reveal()), sha256)
        mac.update(timestamp.encode())
        expected = mac.hexdigest().encode()
        # All of them are compared: how long it takes does not tell which secret was used.
        matches += [hmac.compare_digest(each, expected) for each in given]
    return any(matches)


def read_headers(headers: Secret, *names: str) -> list[str]:
    """Return the values of the headers with these names, in whatever case they were sent.

    Raises:
        WebhookVerificationError: One is missing, or is there more than once.
        TypeError: The headers are of a type that cannot be read.
    """
    found = _values_of(headers.reveal(), names)
    if found is None:
        kind = type(headers.reveal()).__name__
        raise TypeError(f"headers takes a mapping or pairs, of str or of bytes, not a {kind} of something else")
    for name, values in zip(names, found, strict=True):
        if len(values) != 1:
            # If one were chosen, something in front of this program may have chosen the other one.
            raise WebhookVerificationError("headers", f"{name} is {'repeated' if values else 'missing'}")
    return [values[0] for values in found]


def _values_of(headers: object, names: Iterable[str]) -> list[list[str]] | None:
    found: dict[str, list[str]] = {name.lower(): [] for name in names}
    # The items of multidicts, and of the headers of the standard library, have those that are repeated too.
    items: object = getattr(headers, "items", None)
    try:
        for name, value in cast("Iterable[tuple[object, object]]", items() if callable(items) else headers):
            values = found.get(_text(name).lower())
            if values is not None:
                values.append(_text(value))
    except (TypeError, ValueError):
        return None
    return list(found.values())


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise TypeError


def signed_object(body: Secret, headers: Secret, secrets: Secret, freshness: Freshness) -> Secret:
    """Return the JSON object in the body of a request that is signed as webhooks are. The signature is checked first.

    Raises:
        WebhookVerificationError: The request does not prove that Ultravox sent it, and when.
        DecodeError: It does, and its body is not a JSON object.
        ConfigurationError: There is no secret, or one is empty or not a string.
        TypeError: The body is not bytes, or the headers are of a type that cannot be read.
    """
    content, keys = content_of(body), keys_of(secrets)
    timestamp, signature = read_headers(headers, _TIMESTAMP_HEADER, _SIGNATURE_HEADER)
    check_signature(content, timestamp, signature, keys, freshness)
    parsed = Secret(_parsed(content))
    if not isinstance(parsed.reveal(), dict):
        raise DecodeError("a signed request", "", "a JSON object", "something else")
    return parsed


def _parsed(content: Secret) -> object:
    try:
        return orjson.loads(cast("bytes", content.reveal()))
    except orjson.JSONDecodeError:
        return None
