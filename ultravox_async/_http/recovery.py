"""What follows a failed attempt: what the scheduler learns from it, and whether and when the request is sent again.

`max_attempts` and `Timeout.total` limit what a request does by itself. Two things do not count, because the request
cannot help them: background work that is refused while the pace is being found, and background work that waits for the
end of an outage. Without this, a sweep would lose ids that nothing is wrong with.
"""

import random

import attrs

from ultravox_async._http.messages import Request
from ultravox_async._http.retry import is_failure_of_the_server, retry_delay
from ultravox_async._http.scheduler import Priority, RequestScheduler
from ultravox_async.errors import APIStatusError, RateLimitError, UltravoxError
from ultravox_async.settings import RetryPolicy

# Seconds. Most servers send a `Retry-After` of one second with a 429, whatever the rate is. An adaptive pace makes
# better use of the limit than stopping all requests for a second. A longer `Retry-After` means more than that the rate
# was too high.
_LONGEST_OF_ONE_REQUEST = 2.0
_INTERNAL_SERVER_ERROR = 500
_SERVICE_UNAVAILABLE = 503
# While other requests succeed, so many refusals of one background request do not count as attempts. Even if a quarter
# of all requests is refused, the chance of such a series is one in a million million.
_MOST_REFUSALS = 20
# A request that is refused more often than this in a row is refused for itself, and not because of the rate.
_TELLING_REFUSALS = 3


@attrs.frozen
class NextAttempt:
    """When a request is sent again."""

    delay: float
    """Seconds from now; 0.0 if the scheduler holds the request back instead."""

    attempt_counts: bool
    """Whether the failed attempt counts against `RetryPolicy.max_attempts`, and its time against `Timeout.total`."""

    delay_counts: bool
    """Whether the delay counts against `Timeout.total`."""

    def counted_seconds(self, taken: float) -> float:
        """Return what counts against `Timeout.total` of the failed attempt, which took so long, and of the delay."""
        return (taken if self.attempt_counts else 0.0) + (self.delay if self.delay_counts else 0.0)


class Recovery:
    """Decides about the attempts of one request.

    Args:
        scheduler: Learns from each failure, for all other requests.
        policy: Which failures are retried, and after how long.
        request: The request.
        priority: Whether it is a single call or background work.
    """

    __slots__ = (
        "_attempts",
        "_has_failed",
        "_is_background",
        "_longest",
        "_policy",
        "_refusals",
        "_request",
        "_scheduler",
    )

    def __init__(self, scheduler: RequestScheduler, policy: RetryPolicy, request: Request, priority: Priority) -> None:
        self._scheduler = scheduler
        self._policy = policy
        self._request = request
        self._is_background = priority is Priority.BACKGROUND
        self._longest = policy.max_cool_down if self._is_background else policy.max_delay
        self._attempts = 1
        self._refusals = 0
        self._has_failed = False

    def next_attempt(self, error: UltravoxError) -> NextAttempt | None:
        """Return when the next attempt is made, or None if there must not be one."""
        if isinstance(error, RateLimitError):
            following = self._after_refusal(error)
        elif is_failure_of_the_server(error):
            following = self._after_failure(error)
        else:
            # A 404, for example: the request failed, but the server works and accepts the pace.
            self._scheduler.note_success(self._request.operation)
            following = self._counted(error)
        if following is not None and following.attempt_counts:
            self._attempts += 1
        return following

    def _after_refusal(self, error: RateLimitError) -> NextAttempt | None:
        operation = self._request.operation
        if self._refusals < _TELLING_REFUSALS:
            is_paced = self._scheduler.note_refusal(operation)
        else:
            is_paced = self._scheduler.note_refusal_of_one_request(operation)
        if is_paced and (error.retry_after or 0.0) <= _LONGEST_OF_ONE_REQUEST:
            return self._after_paced_refusal(error)
        # This runs before the permit of the attempt is given back, which would admit the next request of the class.
        following = self._counted(error)
        seconds = (following.delay if following else 0.0) or error.retry_after or self._policy.base_delay
        self._scheduler.cool_down(operation, seconds, self._policy.max_cool_down)
        if self._is_background and self._attempts < self._policy.max_attempts:
            # It waits in the queue, like all others of its class, until the cool-down is over, however long that is.
            return NextAttempt(0.0, attempt_counts=True, delay_counts=False)
        return following

    def _after_failure(self, error: UltravoxError) -> NextAttempt | None:
        operation = self._request.operation
        status, asked = (error.status, error.retry_after) if isinstance(error, APIStatusError) else (None, None)
        asked = None if asked is None else min(asked, self._policy.max_cool_down)
        # A 500 is most often about the request, so that its attempts are one failure. The others are about the server.
        counts = status != _INTERNAL_SERVER_ERROR or not self._has_failed
        self._scheduler.note_failure(operation, str(error), asked, counts=counts)
        self._has_failed = True
        is_paced = (
            status == _SERVICE_UNAVAILABLE
            and self._refusals < _TELLING_REFUSALS
            and self._scheduler.note_unavailable(operation)
        )
        if is_paced and isinstance(error, APIStatusError):
            return self._after_paced_refusal(error)
        if not self._is_background:
            return self._counted(error)
        outage = self._scheduler.outage(operation)
        if outage is not None and outage <= self._policy.patience and self._uncounted(error) is not None:
            # It waits in the queue, and is sent as a probe or when the outage is over.
            return NextAttempt(0.0, attempt_counts=False, delay_counts=False)
        return self._counted(error)

    def _after_paced_refusal(self, error: APIStatusError) -> NextAttempt | None:
        self._refusals += 1
        if self._is_background and self._refusals <= _MOST_REFUSALS:
            return self._uncounted(error)
        return self._counted(error)

    def _counted(self, error: UltravoxError) -> NextAttempt | None:
        delay = self._delay_after(self._attempts, error)
        if delay is None:
            return None
        # Background work waits for as long as the server asks: `Timeout.total` is about the request's own time.
        is_announced = isinstance(error, APIStatusError) and error.retry_after is not None
        return NextAttempt(delay, attempt_counts=True, delay_counts=not (self._is_background and is_announced))

    def _uncounted(self, error: UltravoxError) -> NextAttempt | None:
        # As after a first attempt: where attempts do not count, the delay does not grow with them either.
        delay = self._delay_after(1, error)
        return None if delay is None else NextAttempt(delay, attempt_counts=False, delay_counts=False)

    def _delay_after(self, attempt: int, error: UltravoxError) -> float | None:
        return retry_delay(self._policy, self._request, attempt, error, random=random.random, longest=self._longest)
