from datetime import timedelta
from typing import Any

import pytest

from tests.webhooks.signing import CALL_ID, NOW, OTHER_SECRET, SECRET, TIMESTAMP, digest
from ultravox_async import ConfigurationError, WebhookVerificationError
from ultravox_async.webhooks import verify_data_connection

SIGNATURES = [digest(CALL_ID.encode(), TIMESTAMP, secret) for secret in (SECRET, OTHER_SECRET)]
HANDSHAKE = {
    "Upgrade": "websocket",
    "X-Ultravox-Call-ID": CALL_ID,
    "X-Ultravox-Signature-Timestamp": TIMESTAMP,
    "X-Ultravox-Signature": ", ".join(SIGNATURES),
}


def verified(headers: Any = HANDSHAKE, secrets: Any = SECRET, **settings: Any) -> str:  # noqa: ANN401 - the wrong types too
    given: dict[str, Any] = {"now": NOW, **settings}
    return verify_data_connection(headers, secrets, **given)


def refusal(**given: Any) -> WebhookVerificationError:  # noqa: ANN401 - the arguments of `verified`
    with pytest.raises(WebhookVerificationError) as caught:
        verified(**given)
    return caught.value


@pytest.mark.parametrize("secrets", [SECRET, OTHER_SECRET, ["a third one", OTHER_SECRET]])
def test_a_handshake_that_is_signed_has_the_id_of_its_call(secrets: object) -> None:
    assert verified(secrets=secrets) == CALL_ID


def test_the_headers_may_be_an_iterator() -> None:
    assert verified(iter(HANDSHAKE.items())) == CALL_ID


@pytest.mark.parametrize("name", [name for name in HANDSHAKE if name.startswith("X-")])
def test_each_of_its_headers_is_needed_once(name: str) -> None:
    missing = refusal(headers={other: value for other, value in HANDSHAKE.items() if other != name})
    repeated = refusal(headers=[*HANDSHAKE.items(), (name, HANDSHAKE[name])])
    assert (missing.problem, repeated.problem) == (f"{name} is missing", f"{name} is repeated")


@pytest.mark.parametrize("call_id", ["another-call", "", "\ud800"])
def test_the_id_of_another_call_is_refused(call_id: str) -> None:
    assert refusal(headers={**HANDSHAKE, "X-Ultravox-Call-ID": call_id}).check == "signature"


def test_another_secret_is_refused() -> None:
    assert refusal(secrets="a third one").check == "signature"


def test_an_old_handshake_is_refused() -> None:
    assert refusal(now=NOW + timedelta(minutes=6)).check == "timestamp"
    assert verified(now=NOW + timedelta(minutes=6), tolerance=timedelta(minutes=6)) == CALL_ID


def test_the_boundary_between_id_and_timestamp_cannot_be_moved() -> None:
    everything = CALL_ID + TIMESTAMP
    for at in range(len(everything) + 1):
        moved = {
            **HANDSHAKE,
            "X-Ultravox-Call-ID": everything[:at],
            "X-Ultravox-Signature-Timestamp": everything[at:],
        }
        if at != len(CALL_ID):
            assert refusal(headers=moved).check == "timestamp"


def test_an_empty_secret_is_refused_loudly() -> None:
    with pytest.raises(ConfigurationError):
        verified(secrets="")
