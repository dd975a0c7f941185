"""The handshake of a data connection, for which Ultravox connects to a WebSocket of yours."""

from datetime import datetime, timedelta
from typing import Final

from ultravox_async._wire.payload import Secret
from ultravox_async.webhooks._signatures import (
    USUAL_TOLERANCE,
    Freshness,
    Headers,
    Secrets,
    check_signature,
    keys_of,
    read_headers,
)

_CALL_ID_HEADER: Final = "X-Ultravox-Call-ID"
_TIMESTAMP_HEADER: Final = "X-Ultravox-Signature-Timestamp"
_SIGNATURE_HEADER: Final = "X-Ultravox-Signature"


def verify_data_connection(
    headers: Headers, secrets: Secrets, tolerance: timedelta = USUAL_TOLERANCE, now: datetime | None = None
) -> str:
    """Return the id of the call that a data connection is for, after its handshake has proved who connects.

    Args:
        headers: The headers of the handshake, as for `unwrap`.
        secrets: The `shared_secrets` of the call, or one of them.
        tolerance: How old the handshake may be, and how far in the future.
        now: The time, with a time zone; None for that of the system's clock.

    Raises:
        WebhookVerificationError: The handshake does not prove that it comes from Ultravox, and when.
        ConfigurationError: As with `unwrap`.
        TypeError: The headers are of a type that cannot be read.
    """
    given, wrapped = Secret(headers), Secret(secrets)
    del headers, secrets
    keys = keys_of(wrapped)
    call_id, timestamp, signature = read_headers(given, _CALL_ID_HEADER, _TIMESTAMP_HEADER, _SIGNATURE_HEADER)
    content = Secret(call_id.encode("utf-8", "surrogatepass"))
    check_signature(content, timestamp, signature, keys, Freshness(tolerance, now))
    return call_id
