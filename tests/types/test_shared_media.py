import copy
import inspect
import pickle
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest
from pydantic import TypeAdapter

from tests.types.shared import secrets_of, sent
from ultravox_async import InvalidRequestError
from ultravox_async.types.shared.media import (
    CallMedium,
    DtmfHandling,
    DtmfUserTextMessage,
    EnabledDataMessages,
    ExotelMedium,
    PlivoMedium,
    PlivoOutgoingCall,
    SipIncoming,
    SipMedium,
    SipOutgoing,
    TelnyxMedium,
    TelnyxOutgoingCall,
    TwilioMedium,
    TwilioOutgoingCall,
    WebRtcMedium,
    WebSocketMedium,
)

OUTGOING = SipOutgoing("sip:bob@example.com", "sip:alice@example.com", "alice", "hunter2")


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (CallMedium.web_rtc, "web_rtc", WebRtcMedium()),
        (CallMedium.twilio, "twilio", TwilioMedium()),
        (CallMedium.telnyx, "telnyx", TelnyxMedium()),
        (CallMedium.plivo, "plivo", PlivoMedium()),
        (CallMedium.exotel, "exotel", ExotelMedium()),
        (CallMedium.sip, "sip", SipMedium()),
        (lambda: CallMedium.server_web_socket(input_sample_rate=8000), "server_web_socket", WebSocketMedium(8000)),
    ],
)
def test_each_medium_has_a_constructor_that_sets_it_alone(
    make: Callable[[], CallMedium], name: str, value: object
) -> None:
    medium = make()
    assert getattr(medium, name) == value
    assert medium == CallMedium(**{name: value})  # type: ignore[arg-type]  # one of seven names # pyright: ignore[reportArgumentType]
    assert sum(member is not None for member in attrs.astuple(medium, recurse=False)) == 1


@pytest.mark.parametrize(
    ("medium", "expected"),
    [
        (CallMedium.web_rtc(), {"webRtc": {}}),
        (CallMedium.twilio(), {"twilio": {}}),
        (CallMedium.telnyx(), {"telnyx": {}}),
        (CallMedium.plivo(), {"plivo": {}}),
        (CallMedium.exotel(), {"exotel": {}}),
        (CallMedium.sip(incoming=SipIncoming()), {"sip": {"incoming": {}}}),
    ],
)
def test_an_empty_medium_is_sent(medium: CallMedium, expected: object) -> None:
    assert sent(medium=medium) == {"medium": expected}


def test_a_web_socket_is_sent_with_its_durations_in_seconds() -> None:
    medium = CallMedium.server_web_socket(
        input_sample_rate=48000,
        client_buffer_size_ms=30000,
        data_messages=EnabledDataMessages(pong=False, user_started_speaking=True),
        media_idle_timeout=timedelta(seconds=30, milliseconds=500),
    )
    assert sent(medium=medium)["medium"] == {
        "serverWebSocket": {
            "inputSampleRate": 48000,
            "clientBufferSizeMs": 30000,
            "dataMessages": {"pong": False, "userStartedSpeaking": True},
            "mediaIdleTimeout": "30.5s",
        }
    }


@pytest.mark.parametrize(
    ("medium", "name"),
    [
        (CallMedium.twilio(outgoing=TwilioOutgoingCall("+1", "+2", {"status_callback": "u"})), "twilio"),
        (CallMedium.telnyx(outgoing=TelnyxOutgoingCall("+1", "+2", {"status_callback": "u"})), "telnyx"),
        (CallMedium.plivo(outgoing=PlivoOutgoingCall("+1", "+2", {"status_callback": "u"})), "plivo"),
    ],
)
def test_the_parameters_of_a_provider_are_sent_by_their_own_names(medium: CallMedium, name: str) -> None:
    outgoing = {"to": "+1", "from": "+2", "additionalParams": {"status_callback": "u"}}
    assert sent(medium=medium) == {"medium": {name: {"outgoing": outgoing}}}


def test_digits_are_ignored_or_become_text() -> None:
    assert DtmfHandling.ignored() == DtmfHandling(ignore=True)
    assert DtmfHandling.as_text() == DtmfHandling(user_text_message=DtmfUserTextMessage())
    medium = CallMedium.exotel(DtmfHandling.as_text("Pressed {digits}", urgency="URGENCY_SOON"))
    assert sent(medium=medium)["medium"]["exotel"] == {
        "dtmfHandling": {"userTextMessage": {"text": "Pressed {digits}", "urgency": "URGENCY_SOON"}}
    }


@pytest.mark.parametrize(
    ("medium", "place"),
    [
        (CallMedium(), "medium: takes a CallMedium with exactly one field, not with 0"),
        (CallMedium(twilio=TwilioMedium(), plivo=PlivoMedium()), "medium: .* not with 2"),
        (CallMedium.sip(), r"medium\.sip: takes a SipMedium with exactly one field, not with 0"),
        (CallMedium.sip(incoming=SipIncoming(), outgoing=OUTGOING), r"medium\.sip: .* not with 2"),
    ],
)
def test_none_or_two_of_the_members_are_refused(medium: CallMedium, place: str) -> None:
    with pytest.raises(InvalidRequestError, match=place):
        sent(medium=medium)


def test_an_error_has_the_names_by_which_members_are_read() -> None:
    wrong = SipOutgoing(to=3)  # type: ignore[arg-type]  # it is the point # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidRequestError, match=r"medium\.sip\.outgoing\.to: takes a string, not int"):
        sent(medium=CallMedium.sip(outgoing=wrong))


def test_a_negative_timeout_is_refused() -> None:
    medium = CallMedium.server_web_socket(input_sample_rate=8000, media_idle_timeout=timedelta(seconds=-1))
    with pytest.raises(InvalidRequestError, match="media_idle_timeout"):
        sent(medium=medium)


def test_a_member_can_be_set() -> None:
    medium = CallMedium.twilio()
    medium.twilio, medium.plivo = None, PlivoMedium()
    assert medium == CallMedium.plivo()


def test_a_repr_has_the_members_that_are_set() -> None:
    assert repr(CallMedium.exotel()) == "CallMedium(exotel=ExotelMedium(dtmf_handling=None))"
    assert repr(CallMedium(sip=SipMedium.incoming())) == "CallMedium(sip=SipMedium(incoming=SipIncoming()))"


def test_the_password_of_an_outgoing_call_is_hidden() -> None:
    medium = CallMedium(sip=SipMedium.outgoing("sip:bob@example.com", password="hunter2"))
    assert "hunter2" not in repr(medium)
    assert "hunter2" not in medium.to_json()
    assert "hunter2" in medium.to_json(sensitive=True)
    assert sent(medium=medium)["medium"]["sip"]["outgoing"]["password"] == "hunter2"
    assert secrets_of(medium=medium) == {"hunter2"}


def test_a_medium_is_decoded_with_any_number_of_members() -> None:
    assert CallMedium.from_dict({}) == CallMedium()
    decoded = CallMedium.from_dict(
        {
            "twilio": {},
            "plivo": None,
            "carrierPigeon": {"speed": 3},
            "sip": {"outgoing": {"to": "sip:bob@example.com", "from": None, "transport": "tls"}},
            "serverWebSocket": {"inputSampleRate": 8000, "mediaIdleTimeout": "30s"},
        }
    )
    assert decoded == CallMedium(
        twilio=TwilioMedium(),
        sip=SipMedium.outgoing("sip:bob@example.com"),
        server_web_socket=WebSocketMedium(8000, media_idle_timeout=timedelta(seconds=30)),
    )
    assert decoded.sip is not None
    assert decoded.sip.outgoing == SipOutgoing("sip:bob@example.com")


def test_an_unknown_urgency_survives() -> None:
    message = DtmfUserTextMessage.from_dict({"urgency": "URGENCY_WHENEVER"})
    assert message.urgency == "URGENCY_WHENEVER"


def test_a_medium_survives_being_written_and_read() -> None:
    medium = CallMedium.sip(outgoing=OUTGOING)
    assert CallMedium.from_dict(medium.to_dict(sensitive=True)) == medium


def test_a_constructor_shows_its_parameters() -> None:
    assert list(inspect.signature(CallMedium.exotel).parameters) == ["dtmf_handling"]


def test_a_medium_can_be_copied_compared_and_pickled() -> None:
    medium = CallMedium.sip(outgoing=OUTGOING)
    assert copy.deepcopy(medium) == pickle.loads(pickle.dumps(medium)) == medium  # noqa: S301 - made here
    assert attrs.evolve(medium, sip=None) == CallMedium() != medium


def test_a_medium_can_be_matched() -> None:
    match CallMedium.exotel():
        case CallMedium(exotel=ExotelMedium() as exotel):
            assert exotel == ExotelMedium()
        case _:
            pytest.fail("not matched")


def test_pydantic_takes_and_gives_a_medium() -> None:
    adapter = TypeAdapter(CallMedium)
    medium = adapter.validate_python({"serverWebSocket": {"inputSampleRate": 8000, "mediaIdleTimeout": "30s"}})
    assert medium == CallMedium.server_web_socket(input_sample_rate=8000, media_idle_timeout=timedelta(seconds=30))
    assert adapter.validate_json(adapter.dump_json(medium)) == medium
    assert "serverWebSocket" in adapter.json_schema()["properties"]
