"""The objects that the API sends and takes: attrs classes and TypedDicts, one module for each tag of the API."""

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
