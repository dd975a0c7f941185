"""Agents: what calls can be started with, again and again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, TypedDict

import attrs
from annotated_types import Interval, MaxLen, MinLen

from ultravox_async.types._markers import ExactlyOne, InQuery, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.connections import Callbacks, DataConnectionConfig
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.messages import Message, MessageMedium, TimedMessage
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.shared.retention import CallRetentionPolicy
from ultravox_async.types.shared.speakers import FirstSpeakerSettings
from ultravox_async.types.shared.tools import SelectedTool, ToolOverrides
from ultravox_async.types.shared.vad import VadSettings
from ultravox_async.types.shared.voices import ExternalVoice


@attrs.define
class AgentBasic(WireObject):
    """An agent where another object refers to it (schema ``AgentBasic``)."""

    agent_id: str
    """The id of the agent."""

    name: str
    """Its name."""


@attrs.define
class AgentStatistics(WireObject):
    """What happened with an agent (schema ``AgentStatistics``)."""

    calls: int | None = None
    """The number of its calls."""


@attrs.define
class CallTemplate(WireObject):
    """The settings of the calls of an agent (schema ``ultravox.v1.CallTemplate``); all of them are optional.

    Texts may contain variables, such as ``{{customer_name}}``, for which the call has to bring values.
    """

    system_prompt: str | None = None
    """The prompt that instructs the model."""

    temperature: Annotated[float, Interval(ge=0, le=1)] | None = None
    """The temperature of the model, from 0 to 1."""

    model: str | None = None
    """The model that generates the agent's words."""

    voice: str | None = None
    """The id, or the unique name, of the agent's voice. Excludes `external_voice`."""

    external_voice: Annotated[ExternalVoice, ExactlyOne] | None = None
    """A voice that the account does not have; it needs a key of the account for the voice's provider."""

    voice_overrides: Annotated[ExternalVoice, ExactlyOne] | None = None
    """What is different from the settings of `voice`, for the same provider; nothing that changes the price."""

    language_hint: str | None = None
    """The BCP 47 code of the language to expect and to speak."""

    medium: Annotated[CallMedium, ExactlyOne] | None = None
    """How audio gets to the calls and back."""

    initial_output_medium: MessageMedium | None = None
    """Whether the agent speaks or writes in the beginning."""

    join_timeout: timedelta | None = None
    """How long a call waits for somebody to join."""

    max_duration: timedelta | None = None
    """How long a call may last."""

    time_exceeded_message: str | None = None
    """What the agent says before it hangs up because the call has lasted too long."""

    inactivity_messages: list[TimedMessage] | None = None
    """What the agent says while the user is silent; each duration begins where the one before it ended."""

    first_speaker_settings: Annotated[FirstSpeakerSettings, ExactlyOne] | None = None
    """Who speaks first, and how."""

    vad_settings: VadSettings | None = None
    """How the user's speech is detected."""

    recording_enabled: bool | None = None
    """Whether calls are recorded."""

    selected_tools: list[SelectedTool] | None = None
    """The tools that the agent has."""

    data_connection: DataConnectionConfig | None = None
    """A participant that exchanges data messages with the calls."""

    context_schema: dict[str, Any] | None = None
    """The JSON schema of the variables; the API makes one from the texts if this is omitted."""

    retention_policy: CallRetentionPolicy | None = None
    """How long the data of calls is kept after their end."""

    shared_secrets: Annotated[list[str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The secrets that sign the requests that calls make. Only sent: the API never returns them."""

    name: str | None = None
    """The name of the template."""

    created: datetime | None = None
    """When it was created, with a time zone."""

    updated: datetime | None = None
    """When it was last changed, with a time zone."""


@attrs.define
class Agent(WireObject):
    """An agent, as ``GET /api/agents/{agent_id}`` returns it (schema ``Agent``)."""

    agent_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    name: str | None = None
    """Its name."""

    published_revision_id: str | None = None
    """The revision that its calls use; None if there is none."""

    call_template: CallTemplate | None = None
    """The settings of its calls."""

    statistics: AgentStatistics | None = None
    """What happened with it."""


@attrs.define
class AgentDailyUsage(WireObject):
    """The use of an agent on one day (schema ``AgentDailyUsage``)."""

    date: date
    """The day."""

    billed_minutes: float | None = None
    """For how many minutes its calls are billed."""

    calls: int | None = None
    """The number of its calls."""


@attrs.define
class AgentUsage(WireObject):
    """The use of an agent (schema ``AgentUsage``)."""

    agent: AgentBasic
    """The agent."""

    usage: list[AgentDailyUsage] = attrs.field(factory=list[AgentDailyUsage])
    """Its use, by day."""


class NewAgent(TypedDict, total=False):
    """What `create` of an agent takes."""

    name: Annotated[str, MaxLen(64)]
    """Its name: letters, digits, hyphens and underscores."""

    call_template: CallTemplate
    """The settings of its calls."""


class AgentChanges(TypedDict, total=False):
    """What `update` of an agent takes: omitted fields keep their value, None clears."""

    name: Annotated[str, MaxLen(64)]
    """Its name: letters, digits, hyphens and underscores."""

    call_template: CallTemplate | None
    """The settings of its calls: all of them, because it takes the place of the old template."""


class AgentFilters(ListOptions, total=False):
    """What `list` of agents takes."""

    search: Annotated[str, MinLen(1), InQuery] | None
    """Only agents in which this text is found."""

    sort: Annotated[str, InQuery] | None
    """The field to sort by, behind a minus sign for descending order; for example ``-created``."""


class AgentCallSettings(TypedDict, total=False):
    """What is different in a call from the template of its agent; all of it is optional."""

    template_context: Mapping[str, Any]
    """The values of the variables in the template; the API gets the keys as they are."""

    initial_messages: Sequence[Message]
    """The conversation so far."""

    metadata: Mapping[str, str]
    """Your own data; keys must not begin with ``ultravox.``."""

    medium: Annotated[CallMedium, ExactlyOne]
    """How audio gets to the call and back."""

    join_timeout: timedelta
    """How long to wait for somebody to join."""

    max_duration: timedelta
    """How long the call may last."""

    recording_enabled: bool
    """Whether to record the call."""

    initial_output_medium: MessageMedium
    """Whether the agent speaks or writes in the beginning."""

    first_speaker_settings: Annotated[FirstSpeakerSettings, ExactlyOne]
    """Who speaks first, and how."""

    data_connection: DataConnectionConfig
    """A participant that exchanges data messages with the call."""

    callbacks: Callbacks
    """Who is told of the call's life."""

    voice: str
    """The id, or the unique name, of the agent's voice in this call."""

    voice_overrides: Annotated[ExternalVoice, ExactlyOne]
    """What is different from the settings of `voice`, which has to be given too."""

    tool_overrides: ToolOverrides
    """Which tools the agent has beside those of its template, or does not have."""

    retention_policy: CallRetentionPolicy
    """How long the call's data is kept after its end."""

    shared_secrets: Annotated[Sequence[str], Sensitive]
    """The secrets that sign the requests that the call makes, such as those for a data connection; never returned."""

    experimental_settings: Mapping[str, Any]
    """Any JSON object."""


class StartAgentCall(AgentCallSettings, total=False):
    """What `create_call` of an agent takes; all of it is optional."""

    throttle: Annotated[str, MinLen(1), InQuery]
    """The name or the id of a call throttle; a call beyond its limits is refused with a 429."""
