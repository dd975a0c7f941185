"""How a call is connected: the media, and the data messages that are sent over them."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

import attrs

from ultravox_async.types._markers import ExactlyOne, Sensitive
from ultravox_async.types._member import Member, OneOf
from ultravox_async.types._object import WireObject

DtmfUrgency: TypeAlias = Literal["URGENCY_UNSPECIFIED", "URGENCY_IMMEDIATE", "URGENCY_SOON", "URGENCY_LATER"] | str
"""How soon the agent reacts to digits. Open: the API may add values."""


@attrs.define
class EnabledDataMessages(WireObject):
    """The data messages that are sent (schema ``ultravox.v1.EnabledDataMessages``). None is the API's default."""

    pong: bool | None = None
    """Answers to a ping; enabled by default."""

    state: bool | None = None
    """Changes of the agent's state; enabled by default."""

    transcript: bool | None = None
    """What user and agent say; enabled by default."""

    client_tool_invocation: bool | None = None
    """Calls of tools that the client implements; enabled by default."""

    data_connection_tool_invocation: bool | None = None
    """Calls of tools that the data connection implements; enabled by default for data connections only."""

    playback_clear_buffer: bool | None = None
    """Requests to drop buffered audio; enabled by default for WebSockets only."""

    call_started: bool | None = None
    """The start of the call; enabled by default."""

    debug: bool | None = None
    """Debug information; disabled by default."""

    call_event: bool | None = None
    """Events of the call, as they are recorded; disabled by default."""

    tool_used: bool | None = None
    """Uses of tools; disabled by default."""

    user_started_speaking: bool | None = None
    """The beginning of the user's speech; disabled by default."""

    user_stopped_speaking: bool | None = None
    """The end of the user's speech; disabled by default."""

    invoking_tool: bool | None = None
    """The beginning of a tool call; disabled by default."""


@attrs.define
class DtmfUserTextMessage(WireObject):
    """How pressed digits become a text message (schema ``ultravox.v1.CallMedium_DtmfUserTextMessage``)."""

    text: str | None = None
    """The text, in which ``{digits}`` stands for the digits; by default nothing else."""

    urgency: DtmfUrgency | None = None
    """How soon the agent reacts; by default immediately."""


@attrs.define
class DtmfHandling(WireObject):
    """What happens to digits that the user presses (schema ``ultravox.v1.CallMedium_DtmfHandling``)."""

    ignore: bool | None = None
    """Whether they are ignored."""

    user_text_message: DtmfUserTextMessage | None = None
    """How they become a text message."""

    @classmethod
    def ignored(cls) -> Self:
        """Ignore the digits."""
        return cls(ignore=True)

    @classmethod
    def as_text(cls, text: str | None = None, *, urgency: DtmfUrgency | None = None) -> Self:
        """Send the digits as a text message.

        Args:
            text: The text, in which ``{digits}`` stands for the digits; None for the digits alone.
            urgency: How soon the agent reacts; None for immediately.
        """
        return cls(user_text_message=DtmfUserTextMessage(text, urgency))


@attrs.define
class WebRtcMedium(WireObject):
    """WebRTC, with a client SDK of Ultravox (schema ``ultravox.v1.CallMedium_WebRtcMedium``)."""

    data_messages: EnabledDataMessages | None = None
    """The messages that are sent; None for the API's default."""


@attrs.define
class TwilioOutgoingCall(WireObject):
    """A call that Ultravox places with Twilio (schema ``ultravox.v1.TwilioMedium_OutgoingRequestParams``)."""

    to: str | None = None
    """The phone number in E.164 format, or the SIP address, to call."""

    from_: str | None = None
    """The phone number or client identifier that is shown to the person called."""

    additional_params: dict[str, Any] | None = None
    """Further parameters of Twilio, by their names there."""


@attrs.define
class TelnyxOutgoingCall(WireObject):
    """A call that Ultravox places with Telnyx (schema ``ultravox.v1.TelnyxMedium_OutgoingRequestParams``)."""

    to: str | None = None
    """The phone number to call, in E.164 format."""

    from_: str | None = None
    """The phone number that calls."""

    additional_params: dict[str, Any] | None = None
    """Further parameters of Telnyx, by their names there."""


@attrs.define
class PlivoOutgoingCall(WireObject):
    """A call that Ultravox places with Plivo (schema ``ultravox.v1.PlivoMedium_OutgoingRequestParams``)."""

    to: str | None = None
    """The phone numbers or SIP URIs to call, with ``<`` between them."""

    from_: str | None = None
    """The phone number that calls, in E.164 format."""

    additional_params: dict[str, Any] | None = None
    """Further parameters of Plivo, by their names there."""


@attrs.define
class TwilioMedium(WireObject):
    """Twilio's media streams (schema ``ultravox.v1.CallMedium_TwilioMedium``)."""

    outgoing: TwilioOutgoingCall | None = None
    """The call that Ultravox places; None if you connect the call yourself."""

    dtmf_handling: DtmfHandling | None = None
    """What happens to digits that the user presses; None to send them as text immediately."""


@attrs.define
class TelnyxMedium(WireObject):
    """Telnyx's media streaming (schema ``ultravox.v1.CallMedium_TelnyxMedium``)."""

    outgoing: TelnyxOutgoingCall | None = None
    """The call that Ultravox places; None if you connect the call yourself."""

    dtmf_handling: DtmfHandling | None = None
    """What happens to digits that the user presses; None to send them as text immediately."""


@attrs.define
class PlivoMedium(WireObject):
    """Plivo's audio streams (schema ``ultravox.v1.CallMedium_PlivoMedium``)."""

    outgoing: PlivoOutgoingCall | None = None
    """The call that Ultravox places; None if you connect the call yourself."""

    dtmf_handling: DtmfHandling | None = None
    """What happens to digits that the user presses; None to send them as text immediately."""


@attrs.define
class ExotelMedium(WireObject):
    """Exotel's Voicebot (schema ``ultravox.v1.CallMedium_ExotelMedium``)."""

    dtmf_handling: DtmfHandling | None = None
    """What happens to digits that the user presses; None to send them as text immediately."""


@attrs.define
class WebSocketMedium(WireObject):
    """A WebSocket over which your server exchanges audio (schema ``ultravox.v1.CallMedium_WebSocketMedium``)."""

    input_sample_rate: int | None = None
    """The sample rate of the user's audio, in hertz; the API requires it."""

    output_sample_rate: int | None = None
    """The sample rate of the agent's audio, in hertz; by default that of the user's."""

    client_buffer_size_ms: int | None = None
    """How far ahead of its playback audio is sent, in milliseconds; 60 by default."""

    data_messages: EnabledDataMessages | None = None
    """The messages that are sent; None for the API's default."""

    media_idle_timeout: timedelta | None = None
    """How long the user's audio may be missing before the call ends, 10 seconds or more; None for no limit."""


@attrs.define
class SipIncoming(WireObject):
    """A SIP call that comes in (schema ``ultravox.v1.SipMedium_SipIncoming``). It has no fields."""


@attrs.define
class SipOutgoing(WireObject):
    """A SIP call that Ultravox places (schema ``ultravox.v1.SipMedium_SipOutgoing``)."""

    to: str | None = None
    """The SIP URI to call."""

    from_: str | None = None
    """The SIP URI that calls."""

    username: str | None = None
    """The SIP username for authentication."""

    password: Annotated[str, Sensitive] | None = attrs.field(default=None, repr=False)
    """The SIP password of the username."""


@attrs.define(repr=False)
class SipMedium(OneOf):
    """SIP (schema ``ultravox.v1.CallMedium_SipMedium``): exactly one member is set."""

    incoming_: SipIncoming | None = attrs.field(default=None, alias="incoming")
    outgoing_: SipOutgoing | None = attrs.field(default=None, alias="outgoing")

    incoming = Member(SipIncoming)
    """A call that comes in; ``SipMedium.incoming()``."""

    outgoing = Member(SipOutgoing)
    """A call that Ultravox places; ``SipMedium.outgoing(...)`` takes the fields of `SipOutgoing`."""


def _web_socket_medium(
    *,
    input_sample_rate: int,
    output_sample_rate: int | None = None,
    client_buffer_size_ms: int | None = None,
    data_messages: EnabledDataMessages | None = None,
    media_idle_timeout: timedelta | None = None,
) -> WebSocketMedium:
    """Return a `WebSocketMedium`, with the one field that the API requires."""
    return WebSocketMedium(
        input_sample_rate, output_sample_rate, client_buffer_size_ms, data_messages, media_idle_timeout
    )


@attrs.define(repr=False)
class CallMedium(OneOf):
    """How a call is connected (schema ``ultravox.v1.CallMedium``): exactly one member is set."""

    web_rtc_: WebRtcMedium | None = attrs.field(default=None, alias="web_rtc")
    twilio_: TwilioMedium | None = attrs.field(default=None, alias="twilio")
    server_web_socket_: WebSocketMedium | None = attrs.field(default=None, alias="server_web_socket")
    telnyx_: TelnyxMedium | None = attrs.field(default=None, alias="telnyx")
    plivo_: PlivoMedium | None = attrs.field(default=None, alias="plivo")
    exotel_: ExotelMedium | None = attrs.field(default=None, alias="exotel")
    sip_: Annotated[SipMedium, ExactlyOne] | None = attrs.field(default=None, alias="sip")

    web_rtc = Member(WebRtcMedium)
    """WebRTC, the API's default; ``CallMedium.web_rtc(...)`` takes the fields of `WebRtcMedium`."""

    twilio = Member(TwilioMedium)
    """Twilio; ``CallMedium.twilio(...)`` takes the fields of `TwilioMedium`."""

    server_web_socket = Member(_web_socket_medium)
    """A WebSocket; ``CallMedium.server_web_socket(input_sample_rate=48000, ...)`` takes those of `WebSocketMedium`."""

    telnyx = Member(TelnyxMedium)
    """Telnyx; ``CallMedium.telnyx(...)`` takes the fields of `TelnyxMedium`."""

    plivo = Member(PlivoMedium)
    """Plivo; ``CallMedium.plivo(...)`` takes the fields of `PlivoMedium`."""

    exotel = Member(ExotelMedium)
    """Exotel; ``CallMedium.exotel(...)`` takes the fields of `ExotelMedium`."""

    sip = Member(SipMedium)
    """SIP; ``CallMedium.sip(outgoing=SipOutgoing(...))`` takes the fields of `SipMedium`."""
