"""What the API answers to one request, for `ultravox doctor`: the key, the clock, the limits."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    AsyncUltravox,
    AuthenticationError,
    DecodeError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RedirectError,
    RetryPolicy,
    Timeout,
    UltravoxError,
)
from ultravox_async_cli.doctor.diagnosis import Check
from ultravox_async_cli.settings import Credentials

_PATH: Final = "/api/accounts/me"
# Seconds. The timestamp of a webhook may be five minutes away from the present, unless a program says otherwise.
_SKEW_THAT_BREAKS: Final = 300.0
_SKEW_TO_WARN_OF: Final = 5.0
_REFUSALS: Final = (AuthenticationError, PaymentRequiredError, PermissionDeniedError)
_CAPTIVE: Final = "Something between you and the API answers instead of it: a login page, a proxy, or a wrong base URL."


@attrs.frozen
class Answer:
    """What came back."""

    error: UltravoxError | None
    headers: Mapping[str, str]
    seconds: float

    ahead: float | None
    """How many seconds the clock of this machine is ahead of the server's; None if the server does not say."""


async def ask(credentials: Credentials) -> Answer:
    """Send one request, once.

    Raises:
        ConfigurationError: The key or the URL cannot be used.
    """
    timeout, retry = Timeout(connect=5.0, read=10.0, total=15.0), RetryPolicy(max_attempts=1)
    async with AsyncUltravox(
        credentials.api_key, base_url=credentials.base_url, timeout=timeout, retry=retry
    ) as ultravox:
        began, started = datetime.now(UTC), time.monotonic()
        error: UltravoxError | None = None
        headers: Mapping[str, str] = {}
        try:
            response = await ultravox.request("GET", _PATH)
            headers = response.headers
            response.decode(dict[str, object])
        except UltravoxError as raised:
            error = raised
            headers = raised.headers if isinstance(raised, APIStatusError) else headers
        seconds = time.monotonic() - started
    return Answer(error, headers, seconds, _ahead(headers, began, seconds))


def _ahead(headers: Mapping[str, str], began: datetime, seconds: float) -> float | None:
    try:
        sent = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except (ValueError, OverflowError, OSError):  # it is no date, or none that the system knows
        return None
    # The answer was sent somewhere in the middle, and the header has whole seconds, rounded down.
    middle = began.timestamp() + seconds / 2
    return middle - (sent + 0.5)


def judged(answer: Answer) -> Iterator[Check]:
    """Yield what an answer says about the API, the key, the clock and the limits."""
    yield _api(answer)
    yield _accepted(answer)
    yield _clock(answer)
    yield _limits(answer)


def _api(answer: Answer) -> Check:
    error = answer.error
    if error is None:
        return Check("api", "ok", f"GET {_PATH} answered in {answer.seconds * 1e3:.0f} ms")
    if isinstance(error, RateLimitError):
        return Check(
            "api", "warn", str(error), "Others use the same key, or the account is at its limit. Wait, and try again."
        )
    if _is_foreign(answer):
        return Check("api", "fail", str(error), _CAPTIVE)
    if isinstance(error, _REFUSALS):
        return Check("api", "ok", f"GET {_PATH} answered {error.status} in {answer.seconds * 1e3:.0f} ms")
    if isinstance(error, APIConnectionError):
        return Check("api", "fail", str(error), "Look at the checks above, and try again.")
    return Check("api", "fail", str(error), "The API has a problem. Try again later.")


def _is_foreign(answer: Answer) -> bool:
    """Return whether the answer is not one of the API."""
    is_page = "html" in answer.headers.get("Content-Type", "").lower()
    return is_page or isinstance(answer.error, DecodeError | NotFoundError | RedirectError)


def _accepted(answer: Answer) -> Check:
    error = answer.error
    if error is None:
        return Check("key accepted", "ok", "the API accepts the key")
    if isinstance(error, _REFUSALS) and not _is_foreign(answer):
        if isinstance(error, AuthenticationError):
            remedy = "The key is wrong or revoked, or is one of another server. Create one in the Ultravox console."
            return Check("key accepted", "fail", str(error), remedy)
        return Check("key accepted", "warn", str(error), "The API knows the key, and refuses what it asks for.")
    return Check("key accepted", "skip", "the API did not say")


def _clock(answer: Answer) -> Check:
    if answer.ahead is None:
        return Check("clock", "skip", "there is no Date header to compare with")
    seconds = abs(answer.ahead)
    detail = f"{seconds:.1f} s {'ahead of' if answer.ahead > 0 else 'behind'} the server's"
    if seconds < _SKEW_TO_WARN_OF:
        return Check("clock", "ok", detail)
    remedy = "Set the clock by NTP. Webhooks are refused if their timestamps are five minutes away from the present."
    return Check("clock", "fail" if seconds >= _SKEW_THAT_BREAKS else "warn", detail, remedy)


def _limits(answer: Answer) -> Check:
    found = {name: text for name, text in answer.headers.items() if "ratelimit" in name.lower().replace("-", "")}
    if "Retry-After" in answer.headers:
        found["Retry-After"] = answer.headers["Retry-After"]
    shown = ", ".join(f"{name}: {text}" for name, text in found.items())
    return Check("rate limit", "ok", shown or "the API sends no headers about it")
