"""The stages of a call: each has a prompt, a voice and tools of its own."""

from datetime import datetime
from typing import Any

import attrs

from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.messages import TimedMessage
from ultravox_async.types.shared.voices import ExternalVoice


@attrs.define
class CallStage(WireObject):
    """A stage of a call, as ``GET /api/calls/{call_id}/stages/{call_stage_id}`` returns it (schema ``CallStage``)."""

    call_id: str
    """The call."""

    call_stage_id: str
    """The id that the API assigned."""

    created: datetime
    """When the stage began, with a time zone."""

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

    initial_state: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The state that tools can read and write, at the beginning of the stage."""

    inactivity_messages: list[TimedMessage] = attrs.field(factory=list[TimedMessage])
    """What the agent says while the user is silent; each duration begins where the one before it ended."""

    time_exceeded_message: str | None = None
    """What the agent says before it hangs up because the call has lasted too long."""

    initial_token_count: int | None = None
    """The number of tokens in the first prompt."""

    latest_token_count: int | None = None
    """The number of tokens in the latest prompt."""

    error_count: int | None = None
    """The number of errors in the stage."""

    experimental_settings: Any = None
    """Any JSON value."""
