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
    from ultravox_async.types.account_telephony import (
        AccountTelephonyConfig,
        AccountTelephonyConfigChanges,
        PlivoSettings,
        TelephonySettings,
        TelnyxSettings,
        TwilioSettings,
    )
    from ultravox_async.types.accounts import (
        Account,
        AccountBillingInfo,
        AccountTtsKeys,
        BillingUsage,
        BillingUsageDay,
        CallStatistics,
        CallUsage,
        ConcurrencyBucket,
        ConcurrencyPeriod,
        ConcurrencyUsage,
        DailyCallStatistics,
        HourlyCallStatistics,
        Invoice,
        TtsKeyChanges,
        UsagePeriod,
    )
    from ultravox_async.types.api_keys import ApiKey, ApiKeyChanges, ApiKeyReplacement, CreatedApiKey, NewApiKey
    from ultravox_async.types.call_throttles import CallThrottle, CallThrottleChanges, CallThrottleRule, NewCallThrottle
    from ultravox_async.types.deleted_calls import CallTombstone, DeletedCallFilters
    from ultravox_async.types.models import ModelAlias
    from ultravox_async.types.shared.call_filters import CallConditions
    from ultravox_async.types.telephony import (
        CallCreation,
        KeyPrefix,
        NewPlivoConfig,
        NewTelnyxConfig,
        NewTwilioConfig,
        PlivoConfig,
        PlivoConfigChanges,
        TelephonyConfig,
        TelnyxConfig,
        TelnyxConfigChanges,
        TwilioConfig,
        TwilioConfigChanges,
    )
    from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges, WebhookFailure, WebhookFilters

__all__ = [
    "Account",
    "AccountBillingInfo",
    "AccountTelephonyConfig",
    "AccountTelephonyConfigChanges",
    "AccountTtsKeys",
    "AgentAllowance",
    "ApiKey",
    "ApiKeyChanges",
    "ApiKeyReplacement",
    "BillingUsage",
    "BillingUsageDay",
    "CallConditions",
    "CallCreation",
    "CallStatistics",
    "CallThrottle",
    "CallThrottleChanges",
    "CallThrottleRule",
    "CallTombstone",
    "CallUsage",
    "ConcurrencyBucket",
    "ConcurrencyPeriod",
    "ConcurrencyUsage",
    "CreatedApiKey",
    "DailyCallStatistics",
    "DeletedCallFilters",
    "FallbackHandler",
    "HourlyCallStatistics",
    "Invoice",
    "KeyPrefix",
    "ModelAlias",
    "NewApiKey",
    "NewCallThrottle",
    "NewPlivoConfig",
    "NewTelnyxConfig",
    "NewTwilioConfig",
    "NewWebhook",
    "PlivoConfig",
    "PlivoConfigChanges",
    "PlivoSettings",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "TelephonyConfig",
    "TelephonySettings",
    "TelnyxConfig",
    "TelnyxConfigChanges",
    "TelnyxSettings",
    "TtsKeyChanges",
    "TwilioConfig",
    "TwilioConfigChanges",
    "TwilioSettings",
    "UsagePeriod",
    "Webhook",
    "WebhookChanges",
    "WebhookFailure",
    "WebhookFilters",
]

_MODULES = {
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
        "BillingUsage",
        "BillingUsageDay",
        "CallStatistics",
        "CallUsage",
        "ConcurrencyBucket",
        "ConcurrencyPeriod",
        "ConcurrencyUsage",
        "DailyCallStatistics",
        "HourlyCallStatistics",
        "Invoice",
        "TtsKeyChanges",
        "UsagePeriod",
    ),
    "api_keys": (
        "ApiKey",
        "ApiKeyChanges",
        "ApiKeyReplacement",
        "CreatedApiKey",
        "NewApiKey",
    ),
    "call_throttles": (
        "CallThrottle",
        "CallThrottleChanges",
        "CallThrottleRule",
        "NewCallThrottle",
    ),
    "deleted_calls": (
        "CallTombstone",
        "DeletedCallFilters",
    ),
    "models": ("ModelAlias",),
    "shared.call_filters": ("CallConditions",),
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
    "webhooks": ("NewWebhook", "Webhook", "WebhookChanges", "WebhookFailure", "WebhookFilters"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
