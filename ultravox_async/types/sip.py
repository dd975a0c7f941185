"""The types of SIP: registrations, and the account's configuration."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NotRequired, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID, Sensitive
from ultravox_async.types._object import WireObject

_Username: TypeAlias = Annotated[str, MaxLen(60)]
_Server: TypeAlias = Annotated[str, MaxLen(100)]
_Password: TypeAlias = Annotated[str, Sensitive]


@attrs.define
class SipRegistration(WireObject):
    """One SIP registration, as ``GET /api/sip/registrations/{registration_id}`` returns it.

    Its fields are those of the API's schema ``SipRegistration``, except for the password, which is write-only.
    """

    registration_id: str
    """The id, assigned by the API; the argument of `get`, `update` and `delete`."""

    created: datetime
    """When it was created; timezone-aware."""

    username: str
    """The SIP username that it registers as."""

    proxy: str
    """The SIP server that it registers with."""

    outbound_proxy: str | None = None
    """The proxy through which the SIP server is reached; None for none."""

    auth_user: str | None = None
    """The username for authentication; None if it is `username`."""

    successful: bool | None = None
    """Whether the SIP server accepted the registration; None while this is unknown, or if the API does not send it."""


class NewSipRegistration(TypedDict):
    """The fields of a registration to `create`."""

    username: _Username
    """The SIP username to register as."""

    password: _Password
    """The SIP password of the username; the API never returns it."""

    proxy: _Server
    """The SIP server to register with."""

    outbound_proxy: NotRequired[_Server | None]
    """The proxy through which to reach the SIP server; None for none."""

    auth_user: NotRequired[_Username | None]
    """The username for authentication; None for the same as `username`."""


class SipRegistrationChanges(TypedDict, total=False):
    """The fields of a registration to `update`: omitted fields are not changed, None clears a field."""

    username: _Username
    """The SIP username to register as."""

    password: _Password
    """The SIP password of the username."""

    proxy: _Server
    """The SIP server to register with."""

    outbound_proxy: _Server | None
    """The proxy through which to reach the SIP server; None for none."""

    auth_user: _Username | None
    """The username for authentication; None for the same as `username`."""


@attrs.define
class AgentAllowance(WireObject):
    """An agent that incoming SIP calls may reach (schema ``AgentAllowance``)."""

    agent_id: Annotated[str, UUID]
    """The agent's id, a UUID."""

    to_user_pattern: Annotated[str, MaxLen(200)] | None = None
    """A regular expression for the user part of the SIP URI that is called.

    None if the agent is reached as ``agent_<agent_id>``.
    """


@attrs.define
class FallbackHandler(WireObject):
    """A webhook that decides about incoming SIP calls that match no agent allowance (schema ``FallbackHandler``)."""

    url: Annotated[str, HTTP_URL]
    """The URL that receives a POST for each such call."""

    secrets: Annotated[list[Annotated[str, MaxLen(120)]], MinLen(1), MaxLen(10), Sensitive] | None = attrs.field(
        default=None, repr=False
    )
    """The secrets with which those requests are signed; with None in a request, the API generates one."""


@attrs.define
class SipConfig(WireObject):
    """The account's SIP configuration, as ``GET /api/sip`` returns it (schema ``SipConfig``)."""

    domain: str
    """The domain for SIP invites to this account; read-only."""

    allowed_agents: list[AgentAllowance] = attrs.field(factory=list[AgentAllowance])
    """The agents that incoming calls may reach."""

    allowed_cidr_ranges: list[str] = attrs.field(factory=list[str])
    """The IPv4 CIDR ranges from which incoming calls are accepted."""

    allow_all_agents: bool = False
    """Whether every agent may be reached as ``agent_<agent_id>``."""

    fallback_handler: FallbackHandler | None = None
    """The webhook for calls that match no agent allowance; None for none."""


class SipConfigChanges(TypedDict, total=False):
    """The fields that `update_config` takes: omitted fields are not changed."""

    allowed_cidr_ranges: Sequence[Annotated[str, IPV4_CIDR]]
    """The IPv4 CIDR ranges from which to accept incoming calls, for example ``203.0.113.0/24``."""

    allow_all_agents: bool
    """Whether every agent may be reached as ``agent_<agent_id>``."""

    allowed_agents: Annotated[Sequence[AgentAllowance], MaxLen(20)]
    """The agents that incoming calls may reach."""

    fallback_handler: FallbackHandler | None
    """The webhook for calls that match no agent allowance; None removes it."""
