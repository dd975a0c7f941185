"""The objects that the API sends and takes: attrs classes and TypedDicts, one module for each tag of the API.

All of them can be imported from here. Those of tags other than SIP are loaded when they are first used (PEP 562), so
that a program pays for the tags that it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ultravox_async.types.sip import (
    AgentAllowance,
    FallbackHandler,
    NewSipRegistration,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

if TYPE_CHECKING:
    from ultravox_async.types.account_telephony import *
    from ultravox_async.types.accounts import *
    from ultravox_async.types.agents import *
    from ultravox_async.types.api_keys import *
    from ultravox_async.types.call_events import *
    from ultravox_async.types.call_stages import *
    from ultravox_async.types.call_throttles import *
    from ultravox_async.types.calls import *
    from ultravox_async.types.corpora import *
    from ultravox_async.types.data_messages import *
    from ultravox_async.types.deleted_calls import *
    from ultravox_async.types.models import *
    from ultravox_async.types.scheduled_batches import *
    from ultravox_async.types.shared.call_filters import *
    from ultravox_async.types.shared.connections import *
    from ultravox_async.types.shared.end_reason import *
    from ultravox_async.types.shared.media import *
    from ultravox_async.types.shared.messages import *
    from ultravox_async.types.shared.ownership import *
    from ultravox_async.types.shared.paging import *
    from ultravox_async.types.shared.retention import *
    from ultravox_async.types.shared.speakers import *
    from ultravox_async.types.shared.tool_security import *
    from ultravox_async.types.shared.tools import *
    from ultravox_async.types.shared.vad import *
    from ultravox_async.types.shared.voices import *
    from ultravox_async.types.telephony import *
    from ultravox_async.types.tools import *
    from ultravox_async.types.voices import *
    from ultravox_async.types.webhooks import *

__all__ = [
    "AgentAllowance",
    "FallbackHandler",
    "NewSipRegistration",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
]

_NAMES = {
    "account_telephony": (
        "AccountTelephonyConfig",
        "AccountTelephonyConfigChanges",
        "PlivoSettings",
        "TelephonySettings",
        "TelnyxSettings",
        "TwilioSettings",
    ),
    "accounts": (
        "Account",
        "AccountBillingInfo",
        "AccountTtsKeys",
        "BillingReason",
        "BillingUsage",
        "BillingUsageDay",
        "BucketSize",
        "CallStatistics",
        "CallUsage",
        "ConcurrencyBucket",
        "ConcurrencyPeriod",
        "ConcurrencyUsage",
        "DailyCallStatistics",
        "HourlyCallStatistics",
        "Invoice",
        "InvoiceStatus",
        "TtsKeyChanges",
        "UsagePeriod",
    ),
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
    "api_keys": ("ApiKey", "ApiKeyChanges", "ApiKeyReplacement", "CreatedApiKey", "NewApiKey"),
    "call_events": ("CallEvent", "EventFilters", "EventSeverity"),
    "call_stages": ("CallStage",),
    "call_throttles": ("CallThrottle", "CallThrottleChanges", "CallThrottleRule", "NewCallThrottle"),
    "calls": (
        "BillingStatus",
        "Call",
        "CallFilters",
        "CallSipDetails",
        "CallTool",
        "MessageFilters",
        "MessageMode",
        "RetentionPolicy",
        "SipTerminationReason",
        "StartCall",
    ),
    "corpora": (
        "AdvancedSpec",
        "Citation",
        "Corpus",
        "CorpusChanges",
        "CorpusDocument",
        "CorpusDocumentMetadata",
        "CorpusQuery",
        "CorpusQueryResult",
        "CorpusSource",
        "CorpusSourceChanges",
        "CorpusStats",
        "CorpusStatus",
        "CorpusUpload",
        "CrawlSpec",
        "DocumentDetails",
        "MimeTypeFilter",
        "MimeTypeSet",
        "NewCorpus",
        "NewCorpusSource",
        "NewCorpusUpload",
        "SourceStats",
        "SourceStatus",
        "UploadSpec",
    ),
    "data_messages": (
        "DataMessage",
        "ForcedAgentMessage",
        "ForcedToolCall",
        "HangUp",
        "MessagePlacement",
        "MessageUrgency",
        "UserTextMessage",
    ),
    "deleted_calls": ("CallTombstone", "DeletedCallFilters"),
    "models": ("ModelAlias",),
    "scheduled_batches": (
        "NewScheduledCall",
        "NewScheduledCallBatch",
        "ScheduledCall",
        "ScheduledCallBatch",
        "ScheduledCallBatchChanges",
        "ScheduledCallFilters",
        "ScheduledCallStatus",
    ),
    "shared.call_filters": ("CallConditions",),
    "shared.connections": ("Callback", "Callbacks", "ChannelMode", "DataConnectionAudioConfig", "DataConnectionConfig"),
    "shared.end_reason": ("EndReason",),
    "shared.media": (
        "CallMedium",
        "DtmfHandling",
        "DtmfUrgency",
        "DtmfUserTextMessage",
        "EnabledDataMessages",
        "ExotelMedium",
        "PlivoMedium",
        "PlivoOutgoingCall",
        "SipIncoming",
        "SipMedium",
        "SipOutgoing",
        "TelnyxMedium",
        "TelnyxOutgoingCall",
        "TwilioMedium",
        "TwilioOutgoingCall",
        "WebRtcMedium",
        "WebSocketMedium",
    ),
    "shared.messages": ("EndBehavior", "InCallTimespan", "Message", "MessageMedium", "MessageRole", "TimedMessage"),
    "shared.ownership": ("Ownership",),
    "shared.paging": ("ListOptions",),
    "shared.retention": ("CallRetentionPolicy",),
    "shared.speakers": (
        "AgentGreeting",
        "FallbackAgentGreeting",
        "FirstSpeaker",
        "FirstSpeakerSettings",
        "UserGreeting",
    ),
    "shared.tool_security": (
        "HeaderApiKeyRequirement",
        "HttpAuthRequirement",
        "QueryApiKeyRequirement",
        "SecurityOptions",
        "SecurityRequirement",
        "SecurityRequirements",
        "UltravoxCallTokenRequirement",
    ),
    "shared.tools": (
        "AgentReaction",
        "AutomaticParameter",
        "CallToolDefinition",
        "ClientCallToolDetails",
        "ClientToolDetails",
        "DataConnectionCallToolDetails",
        "DataConnectionToolDetails",
        "DynamicParameter",
        "HttpCallToolDetails",
        "HttpToolDetails",
        "KnownValue",
        "OneSelectedTool",
        "OneToolDefinition",
        "ParameterLocation",
        "SelectedTool",
        "SelectedToolOptions",
        "StaticParameter",
        "StaticToolResponse",
        "ToolDefinition",
        "ToolOverrides",
        "ToolRequirements",
    ),
    "shared.vad": ("VadSettings",),
    "shared.voices": (
        "CartesiaGenerationConfig",
        "CartesiaVoice",
        "ElevenLabsVoice",
        "ExternalVoice",
        "GenericVoice",
        "GoogleVoice",
        "InworldVoice",
        "JsonByteEncoding",
        "LmntVoice",
        "PronunciationDictionary",
        "RespeecherVoice",
    ),
    "telephony": (
        "CallCreation",
        "KeyPrefix",
        "NewPlivoConfig",
        "NewTelnyxConfig",
        "NewTwilioConfig",
        "PlivoConfig",
        "PlivoConfigChanges",
        "TelephonyConfig",
        "TelnyxConfig",
        "TelnyxConfigChanges",
        "TwilioConfig",
        "TwilioConfigChanges",
    ),
    "tools": ("NewTool", "Tool", "ToolFilters", "ToolHistory", "ToolSortOrder"),
    "voices": ("NewVoice", "Voice", "VoiceBillingStyle", "VoiceChanges", "VoiceFilters", "VoiceProvider"),
    "webhooks": (
        "NewWebhook",
        "Webhook",
        "WebhookChanges",
        "WebhookEvent",
        "WebhookFailure",
        "WebhookFilters",
        "WebhookStatus",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
