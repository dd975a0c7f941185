"""What goes over the wire for SIP: registrations, and the account's configuration."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

import attrs


@attrs.define
class SipRegistration:
    """One SIP registration, as ``GET /api/sip/registrations/{registration_id}`` returns it.

    Source of the facts: the schema ``SipRegistration`` of the API. Its password is write-only and never on this class.
    """

    registration_id: str
    """The id that the API gave it; the argument of `get`, `update` and `delete`."""

    created: datetime
    """When it was created, with a time zone."""

    username: str
    """The SIP username that it registers as, at most 60 characters."""

    proxy: str
    """The SIP server that it registers with, at most 100 characters."""

    outbound_proxy: str | None = None
    """The proxy through which the SIP server is reached, at most 100 characters; None for none."""

    auth_user: str | None = None
    """The username for authentication where it is not `username`, at most 60 characters; None for the same."""

    successful: bool | None = None
    """Whether the SIP server accepted it; None while that is not known, and from servers that do not say."""


class SipRegistrationChanges(TypedDict, total=False):
    """What `update` of a registration takes: what is omitted stays as it is, None clears."""

    username: str
    """The SIP username to register as, at most 60 characters."""

    password: str
    """The SIP password of the username."""

    proxy: str
    """The SIP server to register with, at most 100 characters."""

    outbound_proxy: str | None
    """The proxy through which to reach the SIP server, at most 100 characters; None for none."""

    auth_user: str | None
    """The username for authentication, at most 60 characters; None for the same as `username`."""


@attrs.define
class AgentAllowance:
    """An agent that incoming SIP calls may reach (schema ``AgentAllowance``)."""

    agent_id: str
    """The agent's id, a UUID."""

    to_user_pattern: str | None = None
    """A regular expression for the user part of the URI that is called, at most 200 characters.

    None where the agent is reached as ``agent_<agent_id>``.
    """


@attrs.define
class FallbackHandler:
    """A webhook that decides on incoming SIP calls which match no agent allowance (schema ``FallbackHandler``)."""

    url: str
    """The URL that receives a POST for each such call."""

    secrets: list[str] | None = attrs.field(default=None, repr=False)
    """The secrets that sign those requests, 1 to 10 of at most 120 characters each.

    None in a request has the API make one.
    """


@attrs.define
class SipConfig:
    """The account's SIP configuration, as ``GET /api/sip`` returns it (schema ``SipConfig``)."""

    domain: str
    """The domain for SIP invites to this account; read-only."""

    allowed_agents: list[AgentAllowance] = attrs.field(factory=list[AgentAllowance])
    """The agents that incoming calls may reach, at most 20."""

    allowed_cidr_ranges: list[str] = attrs.field(factory=list[str])
    """The IPv4 CIDR ranges from which incoming calls are accepted."""

    allow_all_agents: bool = False
    """Whether every agent may be reached as ``agent_<agent_id>``."""

    fallback_handler: FallbackHandler | None = None
    """The webhook for calls that match no allowance; None for none."""


class SipConfigChanges(TypedDict, total=False):
    """What `update_config` takes: what is omitted stays as it is."""

    allowed_cidr_ranges: Sequence[str]
    """The IPv4 CIDR ranges from which to accept incoming calls, for example ``203.0.113.0/24``."""

    allow_all_agents: bool
    """Whether every agent may be reached as ``agent_<agent_id>``."""

    allowed_agents: Sequence[AgentAllowance]
    """The agents that incoming calls may reach, at most 20."""

    fallback_handler: FallbackHandler | None
    """The webhook for calls that match no allowance; None removes it."""
