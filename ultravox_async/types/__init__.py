"""What goes over the wire, as attrs classes; one module for each resource of the API."""

from ultravox_async.types.sip import (
    AgentAllowance,
    FallbackHandler,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

__all__ = [
    "AgentAllowance",
    "FallbackHandler",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
]
