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
    from ultravox_async.types.corpora import (
        AdvancedSpec,
        Citation,
        Corpus,
        CorpusChanges,
        CorpusDocument,
        CorpusDocumentMetadata,
        CorpusQuery,
        CorpusQueryResult,
        CorpusSource,
        CorpusSourceChanges,
        CorpusStats,
        CorpusUpload,
        CrawlSpec,
        DocumentDetails,
        MimeTypeFilter,
        MimeTypeSet,
        NewCorpus,
        NewCorpusSource,
        NewCorpusUpload,
        SourceStats,
        UploadSpec,
    )
    from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges, WebhookFailure, WebhookFilters

__all__ = [
    "AdvancedSpec",
    "AgentAllowance",
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
    "CorpusUpload",
    "CrawlSpec",
    "DocumentDetails",
    "FallbackHandler",
    "MimeTypeFilter",
    "MimeTypeSet",
    "NewCorpus",
    "NewCorpusSource",
    "NewCorpusUpload",
    "NewWebhook",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "SourceStats",
    "UploadSpec",
    "Webhook",
    "WebhookChanges",
    "WebhookFailure",
    "WebhookFilters",
]

_MODULES = {
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
        "CorpusUpload",
        "CrawlSpec",
        "DocumentDetails",
        "MimeTypeFilter",
        "MimeTypeSet",
        "NewCorpus",
        "NewCorpusSource",
        "NewCorpusUpload",
        "SourceStats",
        "UploadSpec",
    ),
    "webhooks": ("NewWebhook", "Webhook", "WebhookChanges", "WebhookFailure", "WebhookFilters"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
