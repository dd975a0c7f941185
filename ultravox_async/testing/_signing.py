"""Signs requests as the API does; written without the package's own code that verifies them."""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime


def webhook_headers(body: bytes, secrets: Sequence[str], at: datetime | None = None) -> dict[str, str]:
    """The headers with which Ultravox signs a request to a webhook or to a SIP fallback handler.

    Args:
        body: The body of the request.
        secrets: The secrets of the webhook; there is a signature for each.
        at: When it is signed; None for now.
    """
    timestamp, signatures = _signed(body, secrets, at)
    return {"X-Ultravox-Webhook-Timestamp": timestamp, "X-Ultravox-Webhook-Signature": signatures}


def data_connection_headers(call_id: str, secrets: Sequence[str], at: datetime | None = None) -> dict[str, str]:
    """The headers with which Ultravox signs the handshake of a data connection.

    Args:
        call_id: The id of the call.
        secrets: The shared secrets of the call; there is a signature for each.
        at: When it is signed; None for now.
    """
    timestamp, signatures = _signed(call_id.encode(), secrets, at)
    return {
        "X-Ultravox-Call-ID": call_id,
        "X-Ultravox-Signature-Timestamp": timestamp,
        "X-Ultravox-Signature": signatures,
    }


def _signed(content: bytes, secrets: Sequence[str], at: datetime | None) -> tuple[str, str]:
    timestamp = (at or datetime.now(UTC)).isoformat()
    signed = content + timestamp.encode()
    return timestamp, ",".join(hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets)
