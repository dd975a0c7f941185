"""Who speaks first in a call."""

from datetime import timedelta
from typing import Literal, TypeAlias

import attrs

from ultravox_async.types._member import Member, OneOf
from ultravox_async.types._object import WireObject

FirstSpeaker: TypeAlias = Literal["FIRST_SPEAKER_UNSPECIFIED", "FIRST_SPEAKER_AGENT", "FIRST_SPEAKER_USER"] | str
"""Who speaks first; the API prefers `FirstSpeakerSettings`. Open: the API may add values."""


@attrs.define
class FallbackAgentGreeting(WireObject):
    """How the agent begins if the user does not (schema ``ultravox.v1.FallbackAgentGreeting``)."""

    delay: timedelta | None = None
    """How long the agent waits for the user."""

    text: str | None = None
    """What the agent says, word for word."""

    prompt: str | None = None
    """The prompt from which the agent generates what it says."""


@attrs.define
class UserGreeting(WireObject):
    """The user speaks first (schema ``ultravox.v1.FirstSpeakerSettings_UserGreeting``)."""

    fallback: FallbackAgentGreeting | None = None
    """What the agent does if the user says nothing; None to wait."""


@attrs.define
class AgentGreeting(WireObject):
    """The agent speaks first (schema ``ultravox.v1.FirstSpeakerSettings_AgentGreeting``)."""

    uninterruptible: bool | None = None
    """Whether the user cannot interrupt the greeting; by default the user can."""

    text: str | None = None
    """What the agent says, word for word."""

    prompt: str | None = None
    """The prompt from which the agent generates what it says."""

    delay: timedelta | None = None
    """How long the agent waits before it speaks."""


@attrs.define(repr=False)
class FirstSpeakerSettings(OneOf):
    """Who speaks first, and how (schema ``ultravox.v1.FirstSpeakerSettings``): exactly one member is set."""

    user_: UserGreeting | None = attrs.field(default=None, alias="user")
    agent_: AgentGreeting | None = attrs.field(default=None, alias="agent")

    user = Member(UserGreeting)
    """The user; ``FirstSpeakerSettings.user(...)`` takes the fields of `UserGreeting`."""

    agent = Member(AgentGreeting)
    """The agent; ``FirstSpeakerSettings.agent(...)`` takes the fields of `AgentGreeting`."""
