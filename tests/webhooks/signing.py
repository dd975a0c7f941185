"""Requests as Ultravox signs them, made without the code that is tested."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ultravox_async import WebhookVerificationError
from ultravox_async.webhooks import Event, unwrap

SECRET = "wh-secret-0123456789"
OTHER_SECRET = "wh-secret-9876543210"
NOW = datetime(2026, 7, 2, 10, tzinfo=UTC)
TIMESTAMP = "2026-07-02T10:00:00Z"
CALL_ID = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
AGENT_ID = "0c7e9d3b-15f2-4a8e-8d61-6b2f3a4c5d6e"
CALL: Mapping[str, Any] = {"callId": CALL_ID, "created": "2026-07-02T09:59:00Z", "endReason": "hangup"}
INVITE: Mapping[str, Any] = {
    "callerId": "+4930123456",
    "fromDisplayName": "Alice",
    "fromUri": "sip:+4930123456@pbx.example.com",
    "toUri": "sip:sales@abc.sip.example.com",
    "sipHeaders": {"X-Tenant": "acme"},
}


def digest(content: bytes, timestamp: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), content + timestamp.encode(), hashlib.sha256).hexdigest()


def signed(body: bytes, timestamp: str = TIMESTAMP, secrets: Sequence[str] = (SECRET,)) -> dict[str, str]:
    """Return the headers that sign a body."""
    return {
        "X-Ultravox-Webhook-Timestamp": timestamp,
        "X-Ultravox-Webhook-Signature": ",".join(digest(body, timestamp, secret) for secret in secrets),
    }


def signed_now(body: bytes) -> dict[str, str]:
    return signed(body, datetime.now(UTC).isoformat())


def event_body(event: str = "call.ended", call: Mapping[str, Any] = CALL) -> bytes:
    return json.dumps({"event": event, "call": call}).encode()


BODY = event_body()

SIGNED = signed(BODY)
TIMESTAMP_HEADER, SIGNATURE_HEADER = SIGNED


def unwrapped(
    body: Any = BODY,  # noqa: ANN401 - the wrong types too
    headers: Any = SIGNED,  # noqa: ANN401 - as above
    secrets: Any = SECRET,  # noqa: ANN401 - as above
    **settings: Any,  # noqa: ANN401 - as above
) -> Event:
    given: dict[str, Any] = {"now": NOW, **settings}
    return unwrap(body, headers, secrets, **given)


def refusal(**given: Any) -> WebhookVerificationError:  # noqa: ANN401 - the arguments of `unwrapped`
    with pytest.raises(WebhookVerificationError) as caught:
        unwrapped(**given)
    return caught.value
