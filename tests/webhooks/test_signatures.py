"""Which signatures are accepted."""

import array
from collections.abc import Mapping

import pytest

from tests.webhooks.signing import (
    BODY,
    CALL_ID,
    OTHER_SECRET,
    SECRET,
    SIGNATURE_HEADER,
    SIGNED,
    TIMESTAMP,
    TIMESTAMP_HEADER,
    digest,
    refusal,
    signed,
    unwrapped,
)
from ultravox_async import ConfigurationError, DecodeError
from ultravox_async.webhooks import CallEnded


def test_a_request_that_is_signed_is_its_event() -> None:
    event = unwrapped()
    assert isinstance(event, CallEnded)
    assert event.call.call_id == CALL_ID


def test_the_signature_is_the_hmac_of_the_body_followed_by_the_timestamp() -> None:
    # Made with: printf '%s' '{"event":"x"}2026-07-02T10:00:00Z' | openssl dgst -sha256 -hmac wh-secret-0123456789
    signature = "9489d9c80e14dd8e3b1a25fcc0997614597dd543dc0d71bc98a7f62ccc410f78"
    headers = {TIMESTAMP_HEADER: TIMESTAMP, SIGNATURE_HEADER: signature}
    assert unwrapped(b'{"event":"x"}', headers).event == "x"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_body_is_bytes_of_any_kind(kind: type) -> None:
    assert isinstance(unwrapped(kind(BODY)), CallEnded)


def test_a_view_of_every_second_byte_is_what_these_bytes_are() -> None:
    spread = bytes(byte for each in BODY for byte in (each, 0))
    assert isinstance(unwrapped(memoryview(spread)[::2]), CallEnded)


@pytest.mark.parametrize("body", [BODY.decode(), None, {"event": "call.ended"}, array.array("b", BODY), [1]])
def test_a_body_that_is_not_bytes_is_a_type_error(body: object) -> None:
    with pytest.raises(TypeError, match="body takes the bytes of the request as they were received, not"):
        unwrapped(body)


@pytest.mark.parametrize("secrets", [[OTHER_SECRET, SECRET], (SECRET, OTHER_SECRET), {SECRET, OTHER_SECRET}])
def test_any_of_several_secrets_is_enough(secrets: object) -> None:
    assert isinstance(unwrapped(secrets=secrets), CallEnded)


def test_while_secrets_are_rotated_any_of_several_signatures_is_enough() -> None:
    headers = signed(BODY, secrets=[OTHER_SECRET, SECRET])
    assert isinstance(unwrapped(headers=headers), CallEnded)
    assert isinstance(unwrapped(headers=headers, secrets=[OTHER_SECRET]), CallEnded)


def test_as_many_signatures_as_63_secrets_make_are_read() -> None:
    others = [f"other-{number}" for number in range(62)]
    assert isinstance(unwrapped(headers=signed(BODY, secrets=[*others, SECRET])), CallEnded)


def test_more_signatures_than_that_are_refused_although_one_is_right() -> None:
    others = [f"other-{number}" for number in range(63)]
    assert "longer than 4096 characters" in str(refusal(headers=signed(BODY, secrets=[SECRET, *others])))


def test_signatures_may_be_separated_by_spaces_too() -> None:
    both = f" {digest(BODY, TIMESTAMP, OTHER_SECRET)} ,\t{digest(BODY, TIMESTAMP)} "
    assert isinstance(unwrapped(headers={**SIGNED, SIGNATURE_HEADER: both}), CallEnded)


def test_a_string_is_one_secret_and_not_its_characters() -> None:
    headers = signed(BODY, secrets=list(SECRET))
    assert refusal(headers=headers).check == "signature"


def test_a_secret_outside_ascii_is_its_utf_8() -> None:
    assert isinstance(unwrapped(headers=signed(BODY, secrets=["geheim-ü-☎"]), secrets="geheim-ü-☎"), CallEnded)


@pytest.mark.parametrize(
    "secrets",
    [
        "",
        " \n",
        [],
        (),
        [""],
        [SECRET, ""],
        [SECRET, "  "],
        None,
        5,
        [None],
        [SECRET, None],
        b"bytes",
        [b"bytes"],
        iter([SECRET]),
    ],
)
def test_secrets_that_would_verify_nothing_are_refused_loudly(secrets: object) -> None:
    with pytest.raises(ConfigurationError, match="secrets takes a secret, or a list of at least one"):
        unwrapped(secrets=secrets)


def test_a_secret_that_cannot_be_encoded_is_not_another_one() -> None:
    assert refusal(secrets=f"{SECRET}\ud800").check == "signature"


def test_an_empty_secret_is_refused_even_if_the_request_is_signed_with_it() -> None:
    with pytest.raises(ConfigurationError):
        unwrapped(headers=signed(BODY, secrets=[""]), secrets="")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        ",",
        "0" * 64,
        digest(BODY, TIMESTAMP)[:-1],
        digest(BODY, TIMESTAMP) + "0",
        digest(BODY, TIMESTAMP).upper(),
        f"sha256={digest(BODY, TIMESTAMP)}",
        digest(BODY, TIMESTAMP, OTHER_SECRET),
        digest(BODY, ""),
        digest(b"", TIMESTAMP),
        "ünïcode",
        "\ud800",
    ],
)
def test_any_other_signature_is_refused(signature: str) -> None:
    assert refusal(headers={**SIGNED, SIGNATURE_HEADER: signature}).check == "signature"


def test_a_changed_body_is_refused() -> None:
    assert refusal(body=BODY.replace(b"hangup", b"hangUp")).check == "signature"


def test_a_changed_timestamp_is_refused() -> None:
    assert refusal(headers={**SIGNED, TIMESTAMP_HEADER: "2026-07-02T10:00:01Z"}).check == "signature"


def test_the_same_moment_in_other_words_is_refused() -> None:
    assert refusal(headers={**SIGNED, TIMESTAMP_HEADER: "2026-07-02T10:00:00+00:00"}).check == "signature"


def test_a_body_that_is_not_signed_is_never_parsed() -> None:
    assert refusal(body=b"not JSON").check == "signature"


def test_the_boundary_between_body_and_timestamp_cannot_be_moved() -> None:
    everything = BODY + TIMESTAMP.encode()
    signature = digest(BODY, TIMESTAMP)
    for at in range(len(everything) + 1):
        headers = {TIMESTAMP_HEADER: everything[at:].decode(), SIGNATURE_HEADER: signature}
        if at != len(BODY):
            assert refusal(body=everything[:at], headers=headers).check == "timestamp"


def test_a_body_that_ends_like_a_timestamp_moves_no_boundary_either() -> None:
    body = b'"2026-07-02T10:00:00.'
    signature = digest(body, TIMESTAMP)
    headers = {TIMESTAMP_HEADER: f"2026-07-02T10:00:00.{TIMESTAMP}", SIGNATURE_HEADER: signature}
    assert refusal(body=b'"', headers=headers).check == "timestamp"


@pytest.mark.parametrize("body", [b"", b"not JSON", b"\xff", b"[]", b"null", b'"text"', b"[" * 100_000])
def test_a_signed_body_that_is_no_json_object_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(DecodeError, match="the body: expected a JSON object"):
        unwrapped(body, signed(body))


@pytest.mark.parametrize(
    ("body", "got"), [(b"{}", "nothing"), (b'{"event": null}', "nothing"), (b'{"event": 5}', "int")]
)
def test_a_signed_body_without_the_name_of_an_event_is_a_decode_error(body: bytes, got: str) -> None:
    with pytest.raises(DecodeError, match=f"event: expected a string, got {got}"):
        unwrapped(body, signed(body))


def test_wrong_arguments_come_before_what_is_wrong_with_the_request() -> None:
    nothing: Mapping[str, str] = {}
    with pytest.raises(ConfigurationError):
        unwrapped(headers=nothing, secrets="")
