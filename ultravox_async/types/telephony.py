"""The account's configurations of telephony providers: the credentials, and who may create calls with them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen

from ultravox_async.types._markers import UUID, Sensitive
from ultravox_async.types._object import WireObject

_AgentIds: TypeAlias = Annotated[Sequence[Annotated[str, UUID]], MaxLen(100)]
_ApplicationSid: TypeAlias = Annotated[str, MaxLen(40)]
_Secret: TypeAlias = Annotated[str, Sensitive]


@attrs.define
class KeyPrefix(WireObject):
    """The beginning of a secret that is not shown (schema ``KeyPrefix``)."""

    prefix: str
    """The first characters."""


@attrs.define(kw_only=True)
class TelephonyConfig(WireObject):
    """What the configurations of all providers have in common."""

    call_creation_allowed_agent_ids: list[str] = attrs.field(factory=list[str])
    """The agents for which the provider may create calls."""

    call_creation_allow_all_agents: bool | None = None
    """Whether the provider may create calls for all agents."""

    request_context_mapping: dict[str, str] = attrs.field(factory=dict[str, str])
    """Where in the context of a call the fields of the provider's request go: paths with dots, by paths with dots."""


@attrs.define(kw_only=True)
class PlivoConfig(TelephonyConfig):
    """The configuration of Plivo, as ``GET /api/telephony_configs/plivo`` returns it (schema ``PlivoConfig``)."""

    auth_id: str
    """The Auth ID."""

    auth_token_prefix: KeyPrefix | None = None
    """The beginning of the auth token."""


@attrs.define(kw_only=True)
class TelnyxConfig(TelephonyConfig):
    """The configuration of Telnyx, as ``GET /api/telephony_configs/telnyx`` returns it (schema ``TelnyxConfig``)."""

    account_sid: str
    """The Account SID."""

    application_sid: str | None = None
    """The Application SID."""

    api_key_prefix: KeyPrefix | None = None
    """The beginning of the API key."""

    public_key_prefix: KeyPrefix | None = None
    """The beginning of the public key."""


@attrs.define(kw_only=True)
class TwilioConfig(TelephonyConfig):
    """The configuration of Twilio, as ``GET /api/telephony_configs/twilio`` returns it (schema ``TwilioConfig``)."""

    account_sid: str
    """The Account SID."""

    auth_token_prefix: KeyPrefix | None = None
    """The beginning of the auth token."""


class CallCreation(TypedDict, total=False):
    """For which agents a provider may create calls, and what it tells them."""

    call_creation_allowed_agent_ids: _AgentIds
    """The agents for which the provider may create calls, at most 100; not together with all agents."""

    call_creation_allow_all_agents: bool
    """Whether the provider may create calls for all agents."""

    request_context_mapping: Mapping[str, str]
    """Where in the context of a call the fields of the provider's request go: paths with dots, by paths with dots."""


class NewPlivoConfig(CallCreation):
    """What `create` of Plivo's configuration takes."""

    auth_id: str
    """The Auth ID."""

    auth_token: _Secret
    """The auth token; the API never returns it."""


class PlivoConfigChanges(CallCreation, total=False):
    """What `update` of Plivo's configuration takes: omitted fields keep their value."""

    auth_id: str
    """The Auth ID."""

    auth_token: _Secret
    """The auth token."""


class NewTelnyxConfig(CallCreation):
    """What `create` of Telnyx's configuration takes."""

    account_sid: str
    """The Account SID."""

    api_key: _Secret
    """The API key; the API never returns it."""

    public_key: _Secret
    """The public key; the API never returns it."""

    application_sid: _ApplicationSid
    """The Application SID. Its outbound voice profile has to allow the calls."""


class TelnyxConfigChanges(CallCreation, total=False):
    """What `update` of Telnyx's configuration takes: omitted fields keep their value."""

    account_sid: str
    """The Account SID."""

    api_key: _Secret
    """The API key."""

    public_key: _Secret
    """The public key."""

    application_sid: _ApplicationSid
    """The Application SID."""


class NewTwilioConfig(CallCreation):
    """What `create` of Twilio's configuration takes."""

    account_sid: str
    """The Account SID."""

    auth_token: _Secret
    """The auth token; the API never returns it."""


class TwilioConfigChanges(CallCreation, total=False):
    """What `update` of Twilio's configuration takes: omitted fields keep their value."""

    account_sid: str
    """The Account SID."""

    auth_token: _Secret
    """The auth token."""
