"""What goes over the wire when a SIP fallback handler is asked what to do with an incoming call."""

from typing import Annotated, Required, TypedDict

import attrs
from annotated_types import Interval

from ultravox_async.types._markers import UUID, WireName
from ultravox_async.types._object import WireObject
from ultravox_async.types.agents import AgentCallSettings


@attrs.define
class IncomingSipCall(WireObject):
    """An incoming SIP call that matches no agent allowance of the account."""

    caller_id: str | None = None
    """Who calls: often a phone number."""

    from_display_name: str | None = None
    """The display name in ``From``, which the caller chooses."""

    from_uri: str | None = None
    """The SIP URI in ``From``."""

    to_uri: str | None = None
    """The SIP URI that is called."""

    sip_headers: dict[str, str] = attrs.field(factory=dict[str, str])
    """The headers of the INVITE, by their names as they came."""


class FallbackAgentCall(AgentCallSettings, total=False):
    """A call with an agent, as a SIP fallback handler starts it."""

    agent_id: Required[Annotated[str, UUID]]
    """The id of an agent of the same account."""


class SipRejection(TypedDict, total=False):
    """Why an incoming SIP call is rejected (schema ``ultravox.v1.SipRejection``); all of it is optional."""

    code: Annotated[int, Interval(ge=400, le=699), WireName("sipRejectCode")]
    """The status of the SIP response, from 400 to 699; by default 603, which is "Decline"."""

    message: str
    """A short explanation, which Ultravox logs."""
