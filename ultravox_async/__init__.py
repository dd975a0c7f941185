"""An asyncio-first Python SDK for the Ultravox REST API; begin with `AsyncUltravox`."""

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.outcome import BulkResult, Outcome
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._download import Download, DownloadStream
from ultravox_async._http.budget import LocalRateBudget
from ultravox_async._http.messages import Response
from ultravox_async._http.uploads import UploadSource
from ultravox_async._pagination import Page, Pager
from ultravox_async._version import __version__
from ultravox_async._watch import Added, Change, Changed, Interrupted, Removed, Resumed
from ultravox_async.client import AsyncUltravox
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    ServerError,
    TooEarlyError,
    UltravoxError,
    UnprocessableEntityError,
    WaitError,
    WaitTimeoutError,
    WebhookVerificationError,
)
from ultravox_async.observer import AttemptInfo, Observer, RequestInfo, RequestResult
from ultravox_async.settings import PriorityRateBudget, RateBudget, RateLimit, RequestPriority, RetryPolicy, Timeout
from ultravox_async.stats import Counts, Stats
from ultravox_async.types import (
    AgentAllowance,
    FallbackHandler,
    NewSipRegistration,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "Added",
    "AgentAllowance",
    "AsyncUltravox",
    "AttemptInfo",
    "AuthenticationError",
    "BadRequestError",
    "BulkResult",
    "Change",
    "Changed",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "Counts",
    "DecodeError",
    "Download",
    "DownloadStream",
    "FallbackHandler",
    "Ids",
    "Interrupted",
    "InvalidRequestError",
    "LocalRateBudget",
    "NewSipRegistration",
    "NotFoundError",
    "Observer",
    "Outcome",
    "Page",
    "Pager",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "PriorityRateBudget",
    "RateBudget",
    "RateLimit",
    "RateLimitError",
    "RedirectError",
    "Removed",
    "RequestInfo",
    "RequestPriority",
    "RequestResult",
    "Response",
    "ResponseTooLargeError",
    "Resumed",
    "RetryPolicy",
    "ServerError",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "Stats",
    "Sweep",
    "Timeout",
    "TooEarlyError",
    "UltravoxError",
    "UnprocessableEntityError",
    "UploadSource",
    "Via",
    "WaitError",
    "WaitTimeoutError",
    "WebhookVerificationError",
    "__version__",
]
