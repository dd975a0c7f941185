"""The messages of a conversation."""

from datetime import timedelta
from typing import Any, Literal, TypeAlias

import attrs

from ultravox_async.types._object import WireObject

MessageRole: TypeAlias = (
    Literal[
        "MESSAGE_ROLE_UNSPECIFIED",
        "MESSAGE_ROLE_USER",
        "MESSAGE_ROLE_AGENT",
        "MESSAGE_ROLE_TOOL_CALL",
        "MESSAGE_ROLE_TOOL_RESULT",
    ]
    | str
)
"""Who a message is from. Open: the API may add values."""

MessageMedium: TypeAlias = Literal["MESSAGE_MEDIUM_UNSPECIFIED", "MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT"] | str
"""Whether a message is spoken or written. Open: the API may add values."""

EndBehavior: TypeAlias = (
    Literal["END_BEHAVIOR_UNSPECIFIED", "END_BEHAVIOR_HANG_UP_SOFT", "END_BEHAVIOR_HANG_UP_STRICT"] | str
)
"""What the agent does after a message: hang up unless the user speaks, or in any case. Open: the API may add values."""


@attrs.define
class InCallTimespan(WireObject):
    """A part of a call (schema ``ultravox.v1.InCallTimespan``)."""

    start: timedelta | None = None
    """When it begins, from the start of the call."""

    end: timedelta | None = None
    """When it ends, from the start of the call."""


@attrs.define
class Message(WireObject):
    """A message of a conversation (schema ``ultravox.v1.Message``)."""

    role: MessageRole | None = None
    """Who it is from."""

    text: str | None = None
    """What was said; the arguments of a tool call, or its result."""

    invocation_id: str | None = None
    """The id that a tool call and its result have in common."""

    tool_name: str | None = None
    """The name of the tool that was called."""

    error_details: str | None = None
    """What went wrong in a tool call, in more detail than the model is told."""

    medium: MessageMedium | None = None
    """Whether it is spoken or written."""

    call_stage_message_index: int | None = None
    """The number of messages before it in its stage of the call."""

    call_stage_id: str | None = None
    """The stage of the call that it is in."""

    call_state: dict[str, Any] | None = None
    """The state of the call, if the message has changed it."""

    timespan: InCallTimespan | None = None
    """When it was said, by the audio of the user; None for the initial messages."""

    wall_clock_timespan: InCallTimespan | None = None
    """When it was said, by the clock, since the call was joined; None for the initial messages."""

    metadata: dict[str, Any] | None = None
    """Anything else that is known about it, by the keys of whoever added it."""


@attrs.define
class TimedMessage(WireObject):
    """A message that the agent says after some time (schema ``ultravox.v1.TimedMessage``)."""

    duration: timedelta | None = None
    """How long before it is said; since when depends on where it is used."""

    message: str | None = None
    """What is said."""

    end_behavior: EndBehavior | None = None
    """What the agent does after that."""
