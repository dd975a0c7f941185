"""The data messages that can be sent into a running call."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import attrs

from ultravox_async.types._object import WireObject

MessageUrgency: TypeAlias = Literal["immediate", "soon", "later"] | str
"""Whether a message interrupts, waits for a pause, or waits for the next turn. Open: the API may add values."""

MessagePlacement: TypeAlias = Literal["before", "previous_pause"] | str
"""Where a message goes in the conversation. Open: the API may add values."""


@attrs.define
class UserTextMessage(WireObject):
    """Text that the agent gets as if the user had written it."""

    text: str
    """The text."""

    urgency: MessageUrgency | None = None
    """Whether the agent is interrupted for it; None for the default of the API."""

    thread_id: str | None = None
    """The thread that gets it; None for the main one."""

    placement: MessagePlacement | None = None
    """Where it goes in the conversation; None for the default of the API."""

    type: str = attrs.field(default="user_text_message", init=False)
    """What kind of data message it is."""


@attrs.define
class ForcedToolCall(WireObject):
    """A call of a tool in a forced message."""

    id: str
    """An id of your choice; the result of the tool has it too."""

    name: str
    """The name of the tool."""

    arguments: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The arguments, by their names."""


@attrs.define
class ForcedAgentMessage(WireObject):
    """Words, or calls of tools, that the agent has to say and do next."""

    content: str | None = None
    """What the agent says; None if it only calls tools."""

    tool_calls: list[ForcedToolCall] | None = None
    """The tools that the agent calls; None for none."""

    known_tool_results: Any = None
    """The results of those tools that are known already, and are not called for them: any JSON value."""

    uninterruptible: bool | None = None
    """Whether the user cannot interrupt it; None for the default of the API."""

    urgency: MessageUrgency | None = None
    """``"immediate"`` or ``"soon"``; None for the default of the API."""

    thread_id: str | None = None
    """The thread in which it is said; None for the main one."""

    type: str = attrs.field(default="forced_agent_message", init=False)
    """What kind of data message it is."""


@attrs.define
class HangUp(WireObject):
    """Ends the call."""

    message: str | None = None
    """What the agent says before; None for nothing."""

    type: str = attrs.field(default="hang_up", init=False)
    """What kind of data message it is."""


DataMessage: TypeAlias = UserTextMessage | ForcedAgentMessage | HangUp | Mapping[str, object]
"""A data message; a mapping, with the names of the wire and its ``type``, for one that has no class here."""
