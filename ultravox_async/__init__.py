"""An asyncio-first Python SDK for the Ultravox REST API; begin with `AsyncUltravox`."""

from ultravox_async._bulk import BulkResult, Outcome, Sweep
from ultravox_async._pagination import Page, Pager
from ultravox_async._transport import Response
from ultravox_async._version import __version__
from ultravox_async.client import AsyncUltravox
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    ResponseTooLargeError,
    ServerError,
    UltravoxError,
)
from ultravox_async.settings import RateLimit, RetryPolicy, Timeout
from ultravox_async.types import (
    AgentAllowance,
    FallbackHandler,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AgentAllowance",
    "AsyncUltravox",
    "AuthenticationError",
    "BadRequestError",
    "BulkResult",
    "ConfigurationError",
    "ConflictError",
    "DecodeError",
    "FallbackHandler",
    "InvalidRequestError",
    "NotFoundError",
    "Outcome",
    "Page",
    "Pager",
    "PermissionDeniedError",
    "RateLimit",
    "RateLimitError",
    "RedirectError",
    "Response",
    "ResponseTooLargeError",
    "RetryPolicy",
    "ServerError",
    "SipConfig",
    "SipConfigChanges",
    "SipRegistration",
    "SipRegistrationChanges",
    "Sweep",
    "Timeout",
    "UltravoxError",
    "__version__",
]
