"""Incoming SIP calls that match no agent, and what a fallback handler answers."""

from collections.abc import MutableMapping
from datetime import datetime, timedelta
from typing import Self, Unpack, cast

from ultravox_async._wire.payload import Body as RequestBody
from ultravox_async._wire.payload import Secret, payload_of_creation, take_secrets
from ultravox_async.types.calls import CallSettings
from ultravox_async.types.sip_fallback import FallbackAgentCall, IncomingSipCall, SipRejection
from ultravox_async.webhooks._events import decoded
from ultravox_async.webhooks._signatures import USUAL_TOLERANCE, Body, Freshness, Headers, Secrets, signed_object


def unwrap_fallback(
    body: Body,
    headers: Headers,
    secrets: Secrets,
    tolerance: timedelta = USUAL_TOLERANCE,
    now: datetime | None = None,
) -> IncomingSipCall:
    """Return the incoming call in a request to a SIP fallback handler, after it has proved that Ultravox sent it.

    The arguments and the errors are those of `unwrap`; the secrets are those of the `FallbackHandler`. Ultravox asks
    once: reject the call after a `DecodeError`, so that the caller hears something.
    """
    given = Secret(body), Secret(headers), Secret(secrets)
    del body, headers, secrets
    return decoded(signed_object(*given, Freshness(tolerance, now)), IncomingSipCall)


class SipFallbackResponse:
    """What a SIP fallback handler answers: start a call with an agent, start one without, or reject.

    Ultravox waits for it for five seconds. The limits of the fields are checked when it is made.
    """

    __slots__ = ("_json", "_kind")

    def __init__(self, kind: str, json: Secret) -> None:
        self._kind = kind
        self._json = json

    @classmethod
    def start_agent_call(cls, **call: Unpack[FallbackAgentCall]) -> Self:
        """Start a call with an agent.

        Args:
            **call: The fields of `FallbackAgentCall`: `agent_id`, and what is different from the agent's template. In
                `template_context`, what Ultravox takes from the SIP headers replaces values with the same name.

        Raises:
            InvalidRequestError: A field exceeds its limit.
            TypeError: A field does not exist, or `agent_id` is missing.
        """
        return cls._of("startAgentCall", FallbackAgentCall, call)

    @classmethod
    def start_call(cls, **call: Unpack[CallSettings]) -> Self:
        """Start a call without an agent.

        Args:
            **call: The fields of `CallSettings`. The medium is always an incoming SIP call.

        Raises:
            InvalidRequestError: A field exceeds its limit.
            TypeError: A field does not exist.
        """
        return cls._of("startCall", CallSettings, call)

    @classmethod
    def reject(cls, **rejection: Unpack[SipRejection]) -> Self:
        """Reject the call.

        Args:
            **rejection: The fields of `SipRejection`: `code`, the status of the SIP response from 400 to 699, by
                default 603, and `message`, which Ultravox logs.

        Raises:
            InvalidRequestError: The code is out of range, or a field has another type.
            TypeError: A field does not exist.
        """
        return cls._of("reject", SipRejection, rejection)

    @classmethod
    def _of(cls, kind: str, shape: type, fields: object) -> Self:
        # The same checks as for requests. The mapping is emptied: it is in the frame of the method that was called.
        taken = take_secrets(cast("MutableMapping[str, object]", fields))
        content = cast("RequestBody", payload_of_creation(shape, taken).body).content
        return cls(kind, Secret(f'{{"{kind}":{content.decode()}}}'))

    def to_json(self) -> str:
        """Return the JSON to respond with, together with status 200; it includes secrets, such as `shared_secrets`."""
        return str(self._json.reveal())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._kind}>"
