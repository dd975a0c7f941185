"""The objects that the API sends and takes: attrs classes and TypedDicts, one module for each tag of the API.

All of them can be imported from here. Those of tags other than SIP are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ultravox_async.types.sip import (
    AgentAllowance,
    FallbackHandler,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

if TYPE_CHECKING:
    from ultravox_async.types.agents import (
        Agent,
        AgentBasic,
        AgentChanges,
        AgentDailyUsage,
        AgentFilters,
        AgentStatistics,
        AgentUsage,
        CallTemplate,
        NewAgent,
        StartAgentCall,
    )
    from ultravox_async.types.call_events import CallEvent, EventFilters
    from ultravox_async.types.call_stages import CallStage
    from ultravox_async.types.calls import Call, CallFilters, CallSipDetails, CallTool, MessageFilters, StartCall
    from ultravox_async.types.data_messages import ForcedAgentMessage, ForcedToolCall, HangUp, UserTextMessage
    from ultravox_async.types.scheduled_batches import (
        NewScheduledCall,
        NewScheduledCallBatch,
        ScheduledCall,
        ScheduledCallBatch,
        ScheduledCallBatchChanges,
        ScheduledCallFilters,
    )
    from ultravox_async.types.shared.call_filters import CallConditions
    from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges, WebhookFailure, WebhookFilters

__all__ = [
    "Agent",
    "AgentAllowance",
    "AgentBasic",
    "AgentChanges",
    "AgentDailyUsage",
    "AgentFilters",
    "AgentStatistics",
    "AgentUsage",
    "Call",
    "CallConditions",
    "CallEvent",
    "CallFilters",
    "CallSipDetails",
    "CallStage",
    "CallTemplate",
    "CallTool",
    "EventFilters",
    "FallbackHandler",
    "ForcedAgentMessage",
    "ForcedToolCall",
    "HangUp",
    "MessageFilters",
    "NewAgent",
    "NewScheduledCall",
    "NewScheduledCallBatch",
    "NewWebhook",
    "ScheduledCall",
    "ScheduledCallBatch",
    "ScheduledCallBatchChanges",
    "ScheduledCallFilters",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "StartAgentCall",
    "StartCall",
    "UserTextMessage",
    "Webhook",
    "WebhookChanges",
    "WebhookFailure",
    "WebhookFilters",
]

_MODULES = {
    "agents": (
        "Agent",
        "AgentBasic",
        "AgentChanges",
        "AgentDailyUsage",
        "AgentFilters",
        "AgentStatistics",
        "AgentUsage",
        "CallTemplate",
        "NewAgent",
        "StartAgentCall",
    ),
    "call_events": ("CallEvent", "EventFilters"),
    "call_stages": ("CallStage",),
    "calls": ("Call", "CallFilters", "CallSipDetails", "CallTool", "MessageFilters", "StartCall"),
    "data_messages": ("ForcedAgentMessage", "ForcedToolCall", "HangUp", "UserTextMessage"),
    "scheduled_batches": (
        "NewScheduledCall",
        "NewScheduledCallBatch",
        "ScheduledCall",
        "ScheduledCallBatch",
        "ScheduledCallBatchChanges",
        "ScheduledCallFilters",
    ),
    "shared.call_filters": ("CallConditions",),
    "webhooks": ("NewWebhook", "Webhook", "WebhookChanges", "WebhookFailure", "WebhookFilters"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
