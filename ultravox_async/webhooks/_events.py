"""What a webhook is told of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias, TypeVar, cast

import attrs

from ultravox_async._wire.payload import Secret
from ultravox_async.errors import DecodeError
from ultravox_async.types._object import WireObject
from ultravox_async.types.calls import Call
from ultravox_async.webhooks._signatures import (
    USUAL_TOLERANCE,
    Body,
    Freshness,
    Headers,
    Secrets,
    content_of,
    signed_object,
)

T = TypeVar("T", bound=WireObject)


@attrs.frozen
class _CallEvent(WireObject):
    call: Call
    """The call, as it was when this happened."""

    event: str = attrs.field(init=False)
    """What happened, as Ultravox calls it."""

    @property
    def idempotency_key(self) -> str:
        """What happened and to which call, for example ``call.ended:9b2f6e2a-…``: the same for every delivery of it."""
        return f"{self.event}:{self.call.call_id}"


@attrs.frozen
class CallStarted(_CallEvent):
    """A call was created."""

    event: Literal["call.started"] = attrs.field(default="call.started", init=False)
    """What happened, as Ultravox calls it."""


@attrs.frozen
class CallJoined(_CallEvent):
    """Somebody joined a call."""

    event: Literal["call.joined"] = attrs.field(default="call.joined", init=False)
    """What happened, as Ultravox calls it."""


@attrs.frozen
class CallEnded(_CallEvent):
    """A call ended, even if nobody joined it. Its messages do not change any more, but it may not be billed yet."""

    event: Literal["call.ended"] = attrs.field(default="call.ended", init=False)
    """What happened, as Ultravox calls it."""


@attrs.frozen
class CallBilled(_CallEvent):
    """It is known what a call costs."""

    event: Literal["call.billed"] = attrs.field(default="call.billed", init=False)
    """What happened, as Ultravox calls it."""


@attrs.frozen
class UnknownEvent:
    """Something that this version of the package does not know happened. Respond to it with a success."""

    event: str
    """What happened, as Ultravox calls it."""

    data: Mapping[str, Any] = attrs.field(repr=False)
    """All of the JSON object that was sent; it may contain secrets, such as the join URL of the call."""

    idempotency_key: str
    """What happened, with a digest of the body: nobody knows whether this can happen to a call more than once."""

    @property
    def call(self) -> Any:  # noqa: ANN401 - JSON
        """The call, as JSON; None if there is none."""
        return self.data.get("call")


Event: TypeAlias = CallStarted | CallJoined | CallEnded | CallBilled | UnknownEvent
"""What a webhook is told of."""

_CLASSES: Final[Mapping[object, type[CallStarted | CallJoined | CallEnded | CallBilled]]] = {
    "call.started": CallStarted,
    "call.joined": CallJoined,
    "call.ended": CallEnded,
    "call.billed": CallBilled,
}


def unwrap(
    body: Body,
    headers: Headers,
    secrets: Secrets,
    tolerance: timedelta = USUAL_TOLERANCE,
    now: datetime | None = None,
) -> Event:
    """Return the event in a request to a webhook, after it has proved that Ultravox sent it.

    Args:
        body: The body as it was received. A str is refused: JSON that was decoded and encoded again is not what was
            signed.
        headers: The headers, in any case: a dict, a multidict, Starlette's ``Headers``, or a list of pairs, of str or
            bytes. Use a form that keeps repeated headers, if there is a choice.
        secrets: The secret of the webhook, or several of them while they are rotated.
        tolerance: How old the request may be, and how far in the future according to clocks that differ. Ultravox
            suggests a minute; it is not known whether it signs repeated deliveries anew, and one that is refused is
            lost.
        now: The time, with a time zone; None for that of the system's clock.

    Raises:
        WebhookVerificationError: The request does not prove that Ultravox sent it, and when.
        DecodeError: Ultravox sent it, and its body is not what the API documents. Each delivery of it raises this. Log
            it, and respond with an error, such as 500: it is repeated for up to 8.5 hours, in which you can update the
            package. Or respond with a success, to do without the event.
        ConfigurationError: There is no secret, or one is empty or not a string. Or the tolerance is negative, or `now`
            has no time zone.
        TypeError: The body is not bytes, or the headers are of a type that cannot be read.
    """
    given = Secret(body), Secret(headers), Secret(secrets)
    del body, headers, secrets
    return _event_of(signed_object(*given, Freshness(tolerance, now)), given[0])


def _event_of(data: Secret, body: Secret) -> Event:
    name = _name_of(data.reveal())
    if not isinstance(name, str):
        raise DecodeError("a webhook", "event", "a string", "nothing" if name is None else type(name).__name__)
    if name in _CLASSES:
        return decoded(data, _CLASSES[name])
    digest = sha256(cast("bytes", content_of(body).reveal())).hexdigest()
    return UnknownEvent(name, cast("dict[str, Any]", data.reveal()), f"{name}:{digest}")


def _name_of(data: object) -> object:
    return cast("dict[str, object]", data).get("event")


def decoded(data: Secret, into: type[T]) -> T:
    """Return a JSON object as an `into`.

    Raises:
        DecodeError: It does not have the fields and types of that class.
    """
    found = _decoded(data, into)
    if isinstance(found, DecodeError):
        raise found
    return found


def _decoded(data: Secret, into: type[T]) -> T | DecodeError:
    # Returned and not raised: the frames that it comes from have the values in their variables.
    try:
        return into.from_dict(cast("dict[str, Any]", data.reveal()))
    except DecodeError as error:
        return error.with_traceback(None)
