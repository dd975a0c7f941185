"""One logical request in, one response out: attempts, pacing and retries, for all tasks of one event loop."""

import asyncio
import contextlib
import copy
from collections.abc import Coroutine
from typing import Any, TypeVar

import attrs
import orjson
from yarl import URL

from ultravox_async._http.attempt import Sender
from ultravox_async._http.coalescing import Coalescer, SharedCancelledError
from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.messages import Answer, Credentials, Request, RequestOptions, Response
from ultravox_async._http.pool import Pool, PoolSettings
from ultravox_async._http.pool_owner import PoolOwner
from ultravox_async._http.recovery import NextAttempt, Recovery
from ultravox_async._http.scheduler import (
    BudgetFailedError,
    CoolingDownError,
    OutageError,
    Priority,
    SchedulerClosedError,
    WaitLimits,
)
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import APIConnectionError, ClientClosedError, DecodeError, RateLimitError, UltravoxError
from ultravox_async.settings import RateBudget, RateLimit
from ultravox_async.stats import Stats

T = TypeVar("T")


class Transport:
    """Sends requests for one key to one origin, for all tasks of one event loop.

    Args:
        owner: Has the pool; views of a client share it.
        sender: Sends one attempt.
        coalescer: Shares identical reads that are in flight; None where each is sent.
        options: The deadlines, what is repeated, and whose turn it is.
    """

    def __init__(
        self, owner: PoolOwner, sender: Sender, coalescer: Coalescer[Answer] | None, options: RequestOptions
    ) -> None:
        self.origin = sender.base_url.origin()
        self.prefix = sender.base_url.raw_path.rstrip("/")
        self.options = options
        self._owner = owner
        self._sender = sender
        self._coalescer = coalescer

    def with_options(self, options: RequestOptions) -> "Transport":
        """Return a transport with the same pool, key and coalescer, and other options."""
        return Transport(self._owner, self._sender.with_timeout(options.timeout), self._coalescer, options)

    @property
    def interval(self) -> float:
        """The seconds between two requests at the present pace; 0.0 where there is none."""
        return self._owner.interval

    @property
    def stats(self) -> Stats:
        """What was met so far."""
        return self._owner.stats

    async def fetch(self, request: Request, into: type[T]) -> T:
        """Send a request and decode its answer into `into`.

        Raises:
            UltravoxError: As `send` does, and `DecodeError`.
        """
        return (await self.send(request)).decode(into)

    async def send(self, request: Request) -> Response:
        """Send a request as often as it takes, and return the successful answer.

        Raises:
            APIStatusError: The last answer was no success.
            APIConnectionError: There was no answer, or not in time.
            DecodeError: The answer is about something else than `request.identity`.
            ResponseTooLargeError: The answer is longer than `max_response_bytes`.
            ClientClosedError: The client is closed, or was closed meanwhile.
            UltravoxError: The client belongs to another event loop.
        """
        pool = self._owner.open()
        if self.prefix:  # so that errors show the path as it is sent
            request = attrs.evolve(request, path=self.prefix + request.path)
        if self._coalescer is None:
            outcome = await self._repeat(pool, request)
        else:
            outcome = await self._coalesced(self._coalescer, pool, request)
        if isinstance(outcome, Response):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # or this frame and the error hold each other, until the garbage collector comes by

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` in a task that `close` cancels."""
        return self._owner.spawn(work)

    async def pause(self, seconds: float) -> None:
        """Wait for some seconds, or until the client is closed.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
            UltravoxError: The client belongs to another event loop.
        """
        with contextlib.suppress(SchedulerClosedError):
            await self._owner.open().scheduler.pause(seconds)
        self.check_open()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._owner.closed

    async def close(self) -> None:
        """End what is running, and close the session if it is owned; closing again does nothing.

        Raises:
            UltravoxError: The session belongs to another event loop.
        """
        await self._owner.close()

    def redacted(self, text: str) -> str:
        """Return `text` without the key."""
        return self._owner.credentials.redactor().redact(text)

    def check_open(self) -> None:
        """Raise where nothing can be sent.

        Raises:
            ClientClosedError: The client is closed.
            UltravoxError: It belongs to another event loop.
        """
        self._owner.open()

    def _priority_of(self, request: Request) -> Priority:
        # The interactive one is 0: the options put single calls into the background, and move nothing forward.
        return request.priority or self.options.priority

    async def _coalesced(self, coalescer: Coalescer[Answer], pool: Pool, request: Request) -> Answer:
        if request.method == "GET":
            # Whoever shares a request shares its timeouts and its repetitions too.
            options = self.options
            priority = self._priority_of(request)
            key = request.path, request.query, request.headers, priority, options.timeout, options.retry
            try:
                outcome = await coalescer.share(key, lambda: self._repeat(pool, request))
            except SharedCancelledError:
                return _closed_meanwhile(request)
            # Each waiter raises an error of its own: a traceback grows where its error is raised.
            return outcome if isinstance(outcome, Response) else copy.copy(outcome)
        # A read that began before the write ended may have missed it, so nobody later may join it.
        coalescer.forget()
        try:
            return await self._repeat(pool, request)
        finally:
            coalescer.forget()

    async def _repeat(self, pool: Pool, request: Request) -> Answer:
        timeout, retry = self.options.timeout, self.options.retry
        priority = self._priority_of(request)
        limits = WaitLimits(cool_down=retry.max_delay, outage=retry.patience)
        recovery = Recovery(pool.scheduler, retry, request, priority)
        left = timeout.total
        outcome: Answer | None = None
        try:
            while True:
                await pool.scheduler.acquire(request.operation, priority, limits)
                started = pool.loop.time()
                attempt = pool.deadlines.start(asyncio.timeout(None), left, timeout.read)
                # After a lost connection, or an answer to another request, the pooled connections are suspect.
                attempt.fresh = isinstance(outcome, APIConnectionError | DecodeError)
                attempt.operation = request.operation
                outcome, following = await self._try(pool, request, attempt, recovery)
                if following is None:
                    return outcome
                if following.attempt_counts:
                    left -= pool.loop.time() - started
                if following.delay_counts:
                    left -= following.delay
                if left <= 0:
                    return outcome
                if following.delay > 0:
                    await pool.scheduler.pause(following.delay)
        except OutageError as error:
            return outcome or _outage(request, error.seconds)
        except (CoolingDownError, SchedulerClosedError, BudgetFailedError) as error:
            return _unsent(request, error)

    async def _try(
        self, pool: Pool, request: Request, attempt: Attempt, recovery: Recovery
    ) -> tuple[Answer, NextAttempt | None]:
        """Return what came of an attempt, and when the next one is made; None where there is none."""
        try:
            outcome = await self._sender.send(pool, request, attempt)
            if isinstance(outcome, Response):
                pool.scheduler.note_success(request.operation)
                return outcome, None
            if self._owner.closed:
                return _closed_meanwhile(request), None
            # What the server's failures and refusals say to others is said before the permit is given back, which lets
            # the next one go.
            return outcome, None if attempt.hopeless else recovery.next_attempt(outcome)
        finally:
            pool.deadlines.stop(attempt)
            if not attempt.sent and pool.connector is None and not attempt.refused:
                # The pool of a session that was handed in does not tell when it sends: it may have happened.
                attempt.sent = True
                pool.scheduler.mark_sent(request.operation)
            if attempt.sent:
                pool.scheduler.release(request.operation)
            else:
                pool.scheduler.cancel(request.operation)


def _unsent(request: Request, error: CoolingDownError | SchedulerClosedError | BudgetFailedError) -> UltravoxError:
    if isinstance(error, CoolingDownError):
        return _cooling_down(request, error.seconds)
    if isinstance(error, BudgetFailedError):
        return _budget_failed(request, error.__cause__)
    return _closed_meanwhile(request)


def _closed_meanwhile(request: Request) -> ClientClosedError:
    return ClientClosedError(f"{request.method} {request.path}: the AsyncUltravox was closed meanwhile")


def _budget_failed(request: Request, cause: BaseException | None) -> UltravoxError:
    # Its text may hold the password of wherever the budget is.
    error = UltravoxError(f"{request.method} {request.path}: not sent: the rate budget raised {type(cause).__name__}")
    error.__cause__ = cause
    return error


def _outage(request: Request, seconds: float) -> APIConnectionError:
    reason = f"not sent: no request has succeeded for {seconds:.1f} s"
    return APIConnectionError(request.method, request.path, reason, connected=False)


def _cooling_down(request: Request, seconds: float) -> RateLimitError:
    body = orjson.dumps({"detail": "not sent: the pause that an earlier 429 asked for is not over"})
    return RateLimitError(429, request.method, request.path, body=body, retry_after=seconds)


def make_transport(  # noqa: PLR0913 - the settings of a client, each of its own kind
    *,
    api_key: Secret,
    base_url: URL,
    pool: PoolSettings,
    options: RequestOptions,
    rate: RateLimit | RateBudget,
    max_response_bytes: int,
    coalesce_reads: bool,
) -> Transport:
    """Return the transport of a new client.

    Args:
        api_key: The key, sent to `base_url` and to nobody else.
        base_url: Scheme, host, port and path prefix.
        pool: How to make the pool.
        options: The deadlines, what is repeated, and whose turn it is.
        rate: The pace, or the budget that it comes from.
        max_response_bytes: The longest decoded body that is read.
        coalesce_reads: Whether identical reads in flight share one request.
    """
    credentials = Credentials(api_key)
    owner = PoolOwner(pool, credentials, rate)
    sender = Sender(credentials, base_url, options.timeout, max_response_bytes, owns_pool=pool.session is None)
    return Transport(owner, sender, Coalescer[Answer](owner.spawn) if coalesce_reads else None, options)
