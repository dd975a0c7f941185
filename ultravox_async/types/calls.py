"""Calls: what the API tells of one, what starts one, and by what they are listed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias, TypedDict

import attrs
from annotated_types import Interval, MinLen

from ultravox_async.types._markers import UUID, ExactlyOne, InQuery, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.agents import AgentBasic
from ultravox_async.types.shared.call_filters import CallConditions
from ultravox_async.types.shared.connections import Callbacks, DataConnectionConfig
from ultravox_async.types.shared.end_reason import EndReason
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.messages import Message, MessageMedium, TimedMessage
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.shared.retention import CallRetentionPolicy
from ultravox_async.types.shared.speakers import FirstSpeaker, FirstSpeakerSettings
from ultravox_async.types.shared.tools import CallToolDefinition, SelectedTool
from ultravox_async.types.shared.vad import VadSettings
from ultravox_async.types.shared.voices import ExternalVoice

BillingStatus: TypeAlias = (
    Literal[
        "BILLING_STATUS_PENDING",
        "BILLING_STATUS_FREE_CONSOLE",
        "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION",
        "BILLING_STATUS_FREE_MINUTES",
        "BILLING_STATUS_FREE_SYSTEM_ERROR",
        "BILLING_STATUS_FREE_OTHER",
        "BILLING_STATUS_BILLED",
        "BILLING_STATUS_REFUNDED",
        "BILLING_STATUS_UNSPECIFIED",
    ]
    | str
)
"""Whether a call was billed, and if not, why. Open: the API may add values."""

RetentionPolicy: TypeAlias = Literal["retain", "auto_delete"] | str
"""How long the data of a call is kept, as the API tells it. Open: the API may add values."""

SipTerminationReason: TypeAlias = (
    Literal[
        "SIP_TERMINATION_NORMAL",
        "SIP_TERMINATION_INVALID_NUMBER",
        "SIP_TERMINATION_TIMEOUT",
        "SIP_TERMINATION_DESTINATION_UNAVAILABLE",
        "SIP_TERMINATION_BUSY",
        "SIP_TERMINATION_CANCELED",
        "SIP_TERMINATION_REJECTED",
        "SIP_TERMINATION_UNKNOWN",
    ]
    | str
)
"""How the SIP side of a call ended. Open: the API may add values."""

MessageMode: TypeAlias = Literal["last_stage", "in_call"] | str
"""Which messages of a call are listed. Open: the API may add values."""


@attrs.define
class CallSipDetails(WireObject):
    """What is known of the SIP side of a call (schema ``CallSipDetails``)."""

    billed_duration: timedelta | None = None
    """For how long SIP is billed; None while this is unknown."""

    termination_reason: SipTerminationReason | None = None
    """How it ended; None while it lasts."""


@attrs.define
class CallTool(WireObject):
    """A tool that the agent has in a call (schema ``CallTool``)."""

    call_tool_id: str
    """The id of the tool in this call."""

    name: str
    """The name under which the model knows it."""

    tool_id: str | None = None
    """The id of the tool of the account; None if it exists in this call only."""

    definition: CallToolDefinition | None = None
    """What the tool does."""


@attrs.define
class Call(WireObject):
    """A call, as ``GET /api/calls/{call_id}`` returns it (schema ``Call``)."""

    call_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    joined: datetime | None = None
    """When somebody joined it; None if nobody has yet."""

    ended: datetime | None = None
    """When it ended; None while it has not."""

    end_reason: EndReason | None = None
    """Why it ended; None while it has not."""

    join_url: Annotated[str, Sensitive] | None = attrs.field(default=None, repr=False)
    """Where a client joins it: a secret, for whoever has it can. None for calls that a client does not join."""

    client_version: str | None = None
    """The version of the client that joined it."""

    billed_duration: timedelta | None = None
    """For how long it is billed; None while this is unknown."""

    billed_side_input_tokens: int | None = None
    """The number of input tokens that are billed beside the conversation."""

    billed_side_output_tokens: int | None = None
    """The number of output tokens that are billed beside the conversation."""

    billing_status: BillingStatus | None = None
    """Whether it was billed, and if not, why."""

    agent: AgentBasic | None = None
    """The agent that it was started with; None for none."""

    agent_id: str | None = None
    """The id of that agent."""

    system_prompt: str | None = None
    """The prompt that instructs the model."""

    temperature: float | None = None
    """The temperature of the model, from 0 to 1."""

    model: str | None = None
    """The model that generates the agent's words."""

    voice: str | None = None
    """The id of the agent's voice."""

    external_voice: ExternalVoice | None = None
    """The agent's voice, if it is one that the account does not have."""

    voice_overrides: ExternalVoice | None = None
    """What is different from the settings of `voice`."""

    language_hint: str | None = None
    """The BCP 47 code of the language that is expected."""

    medium: CallMedium | None = None
    """How audio gets to the call and back."""

    join_timeout: timedelta | None = None
    """How long it waits for somebody to join."""

    max_duration: timedelta | None = None
    """How long it may last."""

    time_exceeded_message: str | None = None
    """What the agent says before it hangs up because the call has lasted too long."""

    inactivity_messages: list[TimedMessage] = attrs.field(factory=list[TimedMessage])
    """What the agent says while the user is silent; each duration begins where the one before it ended."""

    first_speaker: FirstSpeaker | None = None
    """Who speaks first. Deprecated by the API in favour of `first_speaker_settings`."""

    first_speaker_settings: FirstSpeakerSettings | None = None
    """Who speaks first, and how."""

    initial_output_medium: MessageMedium | None = None
    """Whether the agent speaks or writes in the beginning."""

    vad_settings: VadSettings | None = None
    """How the user's speech is detected."""

    recording_enabled: bool | None = None
    """Whether it is recorded."""

    transcript_optional: bool | None = None
    """Whether a transcript is optional. Deprecated by the API."""

    retention_policy: RetentionPolicy | None = None
    """How long its data is kept after its end."""

    short_summary: str | None = None
    """What it was about, in a few words; None while there is no summary."""

    summary: str | None = None
    """What it was about; None while there is no summary."""

    metadata: dict[str, str] = attrs.field(factory=dict[str, str])
    """Your own data, and what the API adds below keys that begin with ``ultravox.``."""

    initial_state: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The state that tools can read and write, at the beginning of the call."""

    request_context: Any = None
    """What came with the request that started it, such as the data of an incoming SIP call: any JSON value."""

    data_connection_config: DataConnectionConfig | None = None
    """The participant that exchanges data messages with it; called `data_connection` where a call is started."""

    callbacks: Callbacks | None = None
    """Who is told of its life."""

    sip_details: CallSipDetails | None = None
    """What is known of its SIP side; None if it has none."""

    experimental_settings: Any = None
    """Any JSON value."""


class CallSettings(TypedDict, total=False):
    """How a call is to be, wherever one is started without an agent; all of it is optional."""

    system_prompt: str
    """The prompt that instructs the model."""

    temperature: Annotated[float, Interval(ge=0, le=1)]
    """The temperature of the model, from 0 to 1; by default 0."""

    model: str
    """The model that generates the agent's words."""

    voice: str
    """The id, or the unique name, of the agent's voice. Excludes `external_voice`."""

    external_voice: Annotated[ExternalVoice, ExactlyOne]
    """A voice that the account does not have; it needs a key of the account for the voice's provider."""

    voice_overrides: Annotated[ExternalVoice, ExactlyOne]
    """What is different from the settings of `voice`, for the same provider; nothing that changes the price."""

    language_hint: str
    """The BCP 47 code of the language to expect and to speak."""

    initial_messages: Sequence[Message]
    """The conversation so far."""

    join_timeout: timedelta
    """How long to wait for somebody to join; by default 30 s."""

    max_duration: timedelta
    """How long the call may last; by default an hour."""

    time_exceeded_message: str
    """What the agent says before it hangs up because the call has lasted too long."""

    inactivity_messages: Sequence[TimedMessage]
    """What the agent says while the user is silent; each duration begins where the one before it ended."""

    selected_tools: Sequence[SelectedTool]
    """The tools that the agent has, in the first stage of the call."""

    medium: Annotated[CallMedium, ExactlyOne]
    """How audio gets to the call and back; by default WebRTC."""

    recording_enabled: bool
    """Whether to record the call."""

    first_speaker: FirstSpeaker
    """Who speaks first. Deprecated by the API in favour of `first_speaker_settings`, which it must agree with."""

    first_speaker_settings: Annotated[FirstSpeakerSettings, ExactlyOne]
    """Who speaks first, and how; by default the agent, with a greeting of its own."""

    initial_output_medium: MessageMedium
    """Whether the agent speaks or writes in the beginning; by default it speaks."""

    transcript_optional: bool
    """Whether a transcript is optional."""

    vad_settings: VadSettings
    """How the user's speech is detected."""

    metadata: Mapping[str, str]
    """Your own data; keys must not begin with ``ultravox.``."""

    initial_state: Mapping[str, Any]
    """The state that tools can read and write, at the beginning of the call."""

    data_connection: DataConnectionConfig
    """A participant that exchanges data messages with the call."""

    callbacks: Callbacks
    """Who is told of the call's life."""

    retention_policy: CallRetentionPolicy
    """How long the call's data is kept after its end; the account needs this feature."""

    shared_secrets: Annotated[Sequence[str], Sensitive]
    """The secrets that sign the requests that the call makes, such as those for a data connection; never returned."""

    experimental_settings: Mapping[str, Any]
    """Any JSON object."""


class StartCall(CallSettings, total=False):
    """What `create` of a call takes; all of it is optional."""

    prior_call_id: Annotated[str, UUID, InQuery]
    """A call to continue: its settings and its messages are those of the new one. Excludes `initial_messages`."""

    enable_greeting_prompt: Annotated[bool, InQuery]
    """Whether the model is asked to greet if no first message would make it speak; by default it is."""

    throttle: Annotated[str, MinLen(1), InQuery]
    """The name or the id of a call throttle; a call beyond its limits is refused with a 429."""


class CallFilters(CallConditions, ListOptions, total=False):
    """What `list` of calls takes."""

    sort: Annotated[str, InQuery] | None
    """The field to sort by, behind a minus sign for descending order; for example ``-created``."""


class MessageFilters(ListOptions, total=False):
    """What `messages` of a call takes."""

    mode: Annotated[MessageMode, MinLen(1), InQuery] | None
    """``"last_stage"``, the default, for all messages of the last stage, those that it began with included;
    ``"in_call"`` for the messages of all stages, without those that they began with."""
