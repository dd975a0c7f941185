"""Verifies and decodes what Ultravox sends to you, in any web framework.

In a webhook::

    event = webhooks.unwrap(body, headers, secrets)      # or raises WebhookVerificationError or DecodeError
    async with webhooks.claimed(guard, event.idempotency_key) as claim:
        if claim is Claim.GRANTED:
            match event:
                case CallEnded(call): ...
                case UnknownEvent(): ...                 # the API may add events

In a SIP fallback handler, `unwrap_fallback` returns the incoming call, and a `SipFallbackResponse` answers it;
`ultravox_async.webhooks.aiohttp` makes a handler for aiohttp.web of that, which answers in time. In the handshake of a
data connection, `verify_data_connection` returns the id of the call.
"""

from ultravox_async.webhooks._data_connections import verify_data_connection
from ultravox_async.webhooks._events import (
    CallBilled,
    CallEnded,
    CallJoined,
    CallStarted,
    Event,
    UnknownEvent,
    unwrap,
)
from ultravox_async.webhooks._replay import Claim, MemoryReplayGuard, ReplayGuard, claimed
from ultravox_async.webhooks._signatures import Body, Headers, Secrets
from ultravox_async.webhooks._sip_fallback import SipFallbackResponse, unwrap_fallback

__all__ = [
    "Body",
    "CallBilled",
    "CallEnded",
    "CallJoined",
    "CallStarted",
    "Claim",
    "Event",
    "Headers",
    "MemoryReplayGuard",
    "ReplayGuard",
    "Secrets",
    "SipFallbackResponse",
    "UnknownEvent",
    "claimed",
    "unwrap",
    "unwrap_fallback",
    "verify_data_connection",
]
