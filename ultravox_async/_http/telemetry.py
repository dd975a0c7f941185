"""What a client tells about its requests: it counts them, logs them, and calls observers."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import Any, Final

import attrs

from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.messages import Request, Response
from ultravox_async._http.retry import is_failure_of_the_server
from ultravox_async._http.scheduler import Priority
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    RateLimitError,
    UltravoxError,
)
from ultravox_async.observer import AttemptInfo, Observer, RequestInfo, RequestResult
from ultravox_async.stats import Counts

_log = logging.getLogger("ultravox_async")
# A program that has not configured logging would have the warnings on its standard error otherwise.
_log.addHandler(logging.NullHandler())
_LONG_WAIT: Final = 1.0
_LINE_INTERVAL: Final = 1.0
_CANCELLED: Final = "cancelled"


@attrs.define(eq=False)
class _Measurement:
    """A piece of work that is measured, and the client whose requests count."""

    client: "Telemetry"
    counts: Counts
    abandoned: bool = False


# What is measured in the current context.
_measured: ContextVar[tuple[_Measurement, ...]] = ContextVar("ultravox_async.measured", default=())


class _Digest:
    """Logs something that may happen thousands of times, once a second at most, with the number and the maximum.

    Args:
        level: The level of the records.
        one: The text if it has happened once, with places for the seconds, and for what happened.
        many: The text otherwise, with places for the number, for the maximum in seconds, and for what happened last.
    """

    def __init__(self, level: int, one: str, many: str) -> None:
        self._level = level
        self._one = one
        self._many = many
        self._count = 0
        self._longest = 0.0
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    def note(self, seconds: float, what: Callable[[], str]) -> None:
        """Note that it has happened."""
        if not _log.isEnabledFor(self._level):
            return
        self._count += 1
        self._longest = max(self._longest, seconds)
        self._last = what()
        if self._timer is None:
            self._say()

    def stop(self) -> None:
        """Log what was not logged yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._count:
            self._write()

    def _say(self) -> None:
        self._timer = None
        if self._count:
            self._write()
            self._timer = asyncio.get_running_loop().call_later(_LINE_INTERVAL, self._say)

    def _write(self) -> None:
        if self._count == 1:
            _log.log(self._level, self._one, self._longest, self._last)
        else:
            _log.log(self._level, self._many, self._count, self._longest, self._last)
        self._count, self._longest = 0, 0.0


class Telemetry:
    """Counts, logs and reports the requests of one client.

    Args:
        observers: They are called for each request.
        origin: Scheme, host and port of the base URL.
    """

    def __init__(self, observers: Sequence[Observer], origin: str) -> None:
        self.counts = Counts()
        self.observers = tuple(observers)
        self.origin = origin
        self.retries = _Digest(
            logging.INFO, "1 retry after %.1f s: %s", "%d retries, the longest after %.1f s; the last: %s"
        )
        self.waits = _Digest(
            logging.INFO,
            "1 wait for a turn, of %.1f s: %s",
            "%d waits for a turn, the longest of %.1f s; the last: %s",
        )
        self.given_up = _Digest(
            logging.WARNING,
            "1 request given up after %.1f s: %s",
            "%d requests given up, the longest after %.1f s; the last: %s",
        )

    def begin(self, request: Request, priority: Priority, now: float) -> "RequestRecord":
        """Note that a request was asked for."""
        return RequestRecord(self, request, priority, now)

    def all_counts(self) -> tuple[Counts, ...]:
        """Return what is counted in the current context: the client, and the pieces of work that are measured."""
        measured = _measured.get()
        if not measured:
            return (self.counts,)
        return (self.counts, *(each.counts for each in measured if each.client is self and not each.abandoned))

    def note_coalesced(self) -> None:
        """Note a request that shares the response of another one."""
        for counts in self.all_counts():
            counts.coalesced += 1

    def note_listed(self) -> None:
        """Note that a sweep has found an object in the listing."""
        for counts in self.all_counts():
            counts.listed += 1

    def note_fetched(self) -> None:
        """Note that a sweep has used a GET for an id."""
        for counts in self.all_counts():
            counts.fetched += 1

    @contextlib.contextmanager
    def measure(self) -> Generator[Counts, None, None]:
        """Count what is asked for within the context, and within the tasks that are created there."""
        measurement = _Measurement(self, Counts())
        token = _measured.set((*(each for each in _measured.get() if not each.abandoned), measurement))
        try:
            yield measurement.counts
        finally:
            measured = _measured.get()
            try:
                _measured.reset(token)
            except ValueError:
                # It is left in another context, as when a generator is closed by another task. The context where it was
                # entered cannot be changed from here.
                measurement.abandoned = True
            else:
                # What was entered meanwhile may not have ended yet.
                _measured.set(tuple(each for each in measured if each is not measurement))

    def stop(self) -> None:
        """Log what was not logged yet."""
        for digest in (self.retries, self.waits, self.given_up):
            digest.stop()


class RequestRecord:
    """What is told about one request."""

    __slots__ = (
        "_attempts",
        "_began_at",
        "_counts",
        "_info",
        "_request",
        "_states",
        "_telemetry",
        "_turn_seconds",
    )

    def __init__(self, telemetry: Telemetry, request: Request, priority: Priority, now: float) -> None:
        self._telemetry = telemetry
        self._request = request
        self._began_at = now
        self._attempts = 0
        self._turn_seconds = 0.0
        self._counts = telemetry.all_counts()
        for counts in self._counts:
            counts.requests += 1
        self._info: RequestInfo | None = None
        self._states: list[Any] = []
        if telemetry.observers:
            self._info = _info_of(request, priority, telemetry.origin)
            self._states = [_call(one.request_started, self._info) for one in telemetry.observers]

    def note_turn(self, seconds: float) -> None:
        """Note that it has its turn, after so many seconds."""
        self._turn_seconds = seconds
        for counts in self._counts:
            counts.turn_seconds += seconds
        if seconds > _LONG_WAIT:
            self._telemetry.waits.note(seconds, self._name)

    def note_attempt(self, attempt: Attempt, outcome: object, seconds: float) -> None:
        """Note an attempt that is over, and its result, its error, or the `CancelledError` that ended it."""
        self._attempts += 1
        is_refusal = isinstance(outcome, RateLimitError)
        received = len(outcome.body) if isinstance(outcome, Response) else 0
        for counts in self._counts:
            counts.attempts += 1
            counts.refusals += is_refusal
            counts.connection_seconds += attempt.connection_seconds
            counts.bytes_received += received
        if self._request.body is not None and attempt.sent:
            size = self._request.body.size or 0
            for counts in self._counts:
                counts.bytes_sent += size
        if _log.isEnabledFor(logging.DEBUG):
            connection = {True: "reused", False: "new", None: "unknown"}[attempt.connection_reused]
            text = "%s: %s after %.0f ms (attempt %d, %s connection)"
            _log.debug(text, self._name(), _result_of(outcome), 1000 * seconds, self._attempts, connection)
        if self._info is not None:
            self._report_attempt(self._info, attempt, outcome, seconds)

    def _report_attempt(self, request: RequestInfo, attempt: Attempt, outcome: object, seconds: float) -> None:
        info = AttemptInfo(
            number=self._attempts,
            status=_status_of(outcome),
            error=_error_of(outcome),
            seconds=seconds,
            turn_seconds=self._turn_seconds,
            connection_seconds=attempt.connection_seconds,
            connection_reused=attempt.connection_reused,
        )
        for observer, state in zip(self._telemetry.observers, self._states, strict=True):
            _call(observer.attempt_ended, state, request, info)

    def note_retry(self, error: UltravoxError, delay: float) -> None:
        """Note that there will be another attempt, after so many seconds."""
        reason = _reason_of(error)
        for counts in self._counts:
            counts.retries[reason] = counts.retries.get(reason, 0) + 1
        self._telemetry.retries.note(delay, lambda: f"{self._name()}: {_result_of(error)}")

    def note_piece(self, size: int) -> None:
        """Note that a piece of a body has arrived, which is read by the caller."""
        for counts in self._counts:
            counts.bytes_received += size

    def end(self, outcome: object, now: float) -> None:
        """Note the end of the request: with its result or error, or None if its task was cancelled."""
        seconds = now - self._began_at
        if isinstance(outcome, RateLimitError) or (
            isinstance(outcome, UltravoxError) and is_failure_of_the_server(outcome)
        ):
            what = f"{_result_of(outcome)}, {self._attempts} {'attempt' if self._attempts == 1 else 'attempts'}"
            self._telemetry.given_up.note(seconds, lambda: f"{self._name()}: {what}")
        if self._info is not None:
            result = RequestResult(
                status=_status_of(outcome),
                error=outcome if isinstance(outcome, UltravoxError) else None,
                cancelled=outcome is None,
                attempts=self._attempts,
                seconds=seconds,
            )
            for observer, state in zip(self._telemetry.observers, self._states, strict=True):
                _call(observer.request_ended, state, self._info, result)

    def _name(self) -> str:
        return f"{self._request.method} {self._request.template}"


def _info_of(request: Request, priority: Priority, origin: str) -> RequestInfo:
    url = request.path if request.url is not None else origin + request.path
    return RequestInfo(request.method, request.template, url, priority.name.lower())


def _call(method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 - the state belongs to the observer
    try:
        return method(*arguments)
    # An observer awaits nothing, so that its CancelledError, for example from a future, is not about this task.
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, the request goes on
        # Without the traceback: its frames have the request.
        _log.error("%s raised %s", method.__qualname__, type(error).__name__)
        return None


def _status_of(outcome: object) -> int | None:
    # A response, the body of one, or an error with a status.
    status = getattr(outcome, "status", None)
    return status if isinstance(status, int) else None


def _error_of(outcome: object) -> str | None:
    if isinstance(outcome, asyncio.CancelledError):
        return _CANCELLED
    return type(outcome).__name__ if isinstance(outcome, UltravoxError) else None


def _result_of(outcome: object) -> str:
    if isinstance(outcome, asyncio.CancelledError):
        return _CANCELLED
    status = _status_of(outcome)
    if status is not None:
        return str(status)
    return outcome.reason if isinstance(outcome, APIConnectionError) else type(outcome).__name__


def _reason_of(error: UltravoxError) -> str:
    if isinstance(error, APIStatusError):
        return str(error.status)
    if isinstance(error, APITimeoutError):
        return "timeout"
    return "connection" if isinstance(error, APIConnectionError) else "wrong response"
