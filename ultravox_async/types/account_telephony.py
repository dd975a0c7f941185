"""The deprecated configuration of all telephony providers together; `ultravox_async.types.telephony` replaces it."""

from typing import Annotated, TypedDict

import attrs
from annotated_types import MaxLen

from ultravox_async.types._markers import UUID, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.telephony import PlivoConfig, TelnyxConfig, TwilioConfig


@attrs.define
class AccountTelephonyConfig(WireObject):
    """The configurations of all providers (schema ``AccountTelephonyConfig``)."""

    twilio: TwilioConfig | None = None
    """The configuration of Twilio; None for none."""

    telnyx: TelnyxConfig | None = None
    """The configuration of Telnyx; None for none."""

    plivo: PlivoConfig | None = None
    """The configuration of Plivo; None for none."""


@attrs.define(kw_only=True)
class TelephonySettings(WireObject):
    """What the settings of all providers have in common."""

    call_creation_allowed_agent_ids: Annotated[list[Annotated[str, UUID]], MaxLen(100)] | None = None
    """The agents for which the provider may create calls, at most 100; not together with all agents."""

    call_creation_allow_all_agents: bool | None = None
    """Whether the provider may create calls for all agents."""

    request_context_mapping: dict[str, str] | None = None
    """Where in the context of a call the fields of the provider's request go: paths with dots, by paths with dots."""


@attrs.define(kw_only=True)
class PlivoSettings(TelephonySettings):
    """What is sent to configure Plivo (schema ``PlivoConfig``)."""

    auth_id: str
    """The Auth ID."""

    auth_token: Annotated[str, Sensitive] = attrs.field(repr=False)
    """The auth token."""


@attrs.define(kw_only=True)
class TelnyxSettings(TelephonySettings):
    """What is sent to configure Telnyx (schema ``TelnyxConfig``)."""

    account_sid: str
    """The Account SID."""

    api_key: Annotated[str, Sensitive] = attrs.field(repr=False)
    """The API key."""

    public_key: Annotated[str, Sensitive] = attrs.field(repr=False)
    """The public key."""

    application_sid: Annotated[str, MaxLen(40)]
    """The Application SID."""


@attrs.define(kw_only=True)
class TwilioSettings(TelephonySettings):
    """What is sent to configure Twilio (schema ``TwilioConfig``)."""

    account_sid: str
    """The Account SID."""

    auth_token: Annotated[str, Sensitive] = attrs.field(repr=False)
    """The auth token."""


class AccountTelephonyConfigChanges(TypedDict, total=False):
    """What `update` of the configuration of all providers takes: None removes that of a provider."""

    twilio: TwilioSettings | None
    """The configuration of Twilio."""

    telnyx: TelnyxSettings | None
    """The configuration of Telnyx."""

    plivo: PlivoSettings | None
    """The configuration of Plivo."""
