"""Sends logical requests: attempts, pacing and retries, for all tasks of one event loop."""

import asyncio
import contextlib
import copy
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeAlias, TypeVar

import attrs
from yarl import URL

from ultravox_async._http.attempt import Sender
from ultravox_async._http.coalescing import Coalescer, SharedCancelledError
from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.failures import closed_meanwhile, in_outage, not_sent
from ultravox_async._http.keyless import KeylessSender, keyless_settings
from ultravox_async._http.messages import Credentials, Request, RequestOptions, Response, Result
from ultravox_async._http.open_body import OpenBody
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.pool import Pool, PoolSettings
from ultravox_async._http.pool_owner import PoolOwner, close_pools
from ultravox_async._http.recovery import NextAttempt, Recovery
from ultravox_async._http.scheduler import (
    BudgetFailedError,
    CoolingDownError,
    OutageError,
    Priority,
    SchedulerClosedError,
    WaitLimits,
)
from ultravox_async._http.telemetry import RequestRecord, Telemetry
from ultravox_async._wire.converter import check_not_a_page
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import APIConnectionError, DecodeError, UltravoxError
from ultravox_async.observer import Observer
from ultravox_async.settings import RateBudget, RateLimit
from ultravox_async.stats import Stats

T = TypeVar("T")

_Send: TypeAlias = Callable[[Pool, Request, Attempt], Coroutine[Any, Any, T | UltravoxError]]
"""Makes one attempt."""

_ANY_WAIT: Final = WaitLimits(cool_down=math.inf, outage=math.inf)


class Transport:
    """Sends requests for one key to one origin, for all tasks of one event loop.

    Args:
        owner: Owns the pool; the views of a client share it.
        sender: Makes a single attempt.
        coalescer: Shares identical reads that are in flight; None if each of them is sent.
        options: The deadlines, the retry policy and the priority.
        storage: Sends requests to storage, without the key; None if this is the one that does.
    """

    def __init__(
        self,
        owner: PoolOwner,
        sender: Sender,
        coalescer: Coalescer[Result] | None,
        options: RequestOptions,
        storage: "Transport | None" = None,
    ) -> None:
        self.origin = sender.base_url.origin()
        self.prefix = sender.base_url.raw_path.rstrip("/")
        self.options = options
        self.storage = storage or self
        self.owners: tuple[PoolOwner, ...] = (owner,) if storage is None else (owner, *storage.owners)
        self._limits = WaitLimits(cool_down=options.retry.max_delay, outage=options.retry.patience)
        self.telemetry = owner.telemetry
        self._owner = owner
        self._sender = sender
        self._coalescer = coalescer

    def with_options(self, options: RequestOptions) -> "Transport":
        """Return a transport with the same pool, key and coalescer, and other options."""
        storage = None if self.storage is self else self.storage.with_options(options)
        sender = self._sender.with_timeout(options.timeout)
        return Transport(self._owner, sender, self._coalescer, options, storage)

    @property
    def interval(self) -> float:
        """The seconds between two requests at the current pace; 0.0 without one."""
        return self._owner.interval

    @property
    def stats(self) -> Stats:
        """The statistics of the client so far."""
        return self._owner.stats

    async def fetch(self, request: Request, into: type[T]) -> T:
        """Send a request and decode its response into `into`.

        Raises:
            UltravoxError: As `send` does, and `DecodeError`.
        """
        return (await self.send(request)).decode(into)

    async def perform(self, request: Request) -> None:
        """Send a request whose response needs no body: its status says that it was carried out.

        Raises:
            UltravoxError: As `send` does, and `DecodeError` if a web page came back, which is not from the API.
        """
        response = await self.send(request)
        check_not_a_page(response.body, response)

    async def send(self, request: Request) -> Response:
        """Send a request, with retries, and return the successful response.

        Raises:
            APIStatusError: The status of the last response is not a success.
            APIConnectionError: No complete response was received, or not in time.
            DecodeError: The response is about another object than `request.identity`.
            ResponseTooLargeError: The response is longer than `max_response_bytes`.
            ClientClosedError: The client is closed, or was closed during the request.
            UltravoxError: The client was used in another event loop.
        """
        pool = self._owner.open()
        if self.prefix:
            request = self._with_prefix(request)
        if self._coalescer is None:
            outcome = await self._repeat(pool, request, self._sender.send)
        else:
            outcome = await self._coalesced(self._coalescer, pool, request)
        if isinstance(outcome, Response):
            return outcome
        # The error is raised here and not below: the frames below contain the key, and would be in its traceback.
        try:
            raise outcome
        finally:
            # The error refers to this frame by its traceback. A reference back would be a cycle, which keeps everything
            # alive until the garbage collector runs.
            del outcome

    async def open(self, request: Request) -> OpenBody:
        """Send a request, with retries, and return its response when the headers have arrived; it may be a redirect.

        `Timeout.total` ends at the headers; from there on, only `Timeout.read` counts.

        Raises:
            UltravoxError: As `send` does.
        """
        outcome = await self._repeat(self._owner.open(), self._with_prefix(request), self._sender.open)
        if isinstance(outcome, OpenBody):
            return outcome
        try:
            raise outcome
        finally:
            del outcome

    async def begin_stream(self) -> Callable[[], None]:
        """Wait until a download or an upload may begin: they have a part of the pool only, because they take long.

        Returns:
            A function that has to be called, once, when it is over.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
            UltravoxError: The client was used in another event loop.
        """
        streams = self._owner.open().streams
        with contextlib.suppress(SchedulerClosedError):
            await streams.acquire(OperationClass.GENERAL, Priority.INTERACTIVE, _ANY_WAIT)
        self.check_open()
        streams.mark_sent(OperationClass.GENERAL)
        return lambda: streams.release(OperationClass.GENERAL)

    @contextlib.asynccontextmanager
    async def streaming(self) -> AsyncGenerator[None, None]:
        """Do the same for the context; the errors are the same, too."""
        end = await self.begin_stream()
        try:
            yield
        finally:
            end()

    def unless_draining(self) -> AbstractAsyncContextManager[None]:
        """End what is awaited in the context with `ClientClosedError` when `close` begins to drain."""
        return self._owner.unless_draining()

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

    async def close(self, drain: float = 0.0) -> None:
        """End all requests and tasks, and close the session if the client owns it; closing again does nothing.

        Args:
            drain: For how many seconds requests that were sent may go on.

        Raises:
            UltravoxError: The client was used in another event loop.
        """
        await close_pools(self.owners, drain)

    def redacted(self, text: str) -> str:
        """Return `text` without the key."""
        return self._owner.credentials.redactor().redact(text)

    def check_open(self) -> None:
        """Raise an error if nothing can be sent.

        Raises:
            ClientClosedError: The client is closed.
            UltravoxError: It was used in another event loop.
        """
        self._owner.open()

    def _with_prefix(self, request: Request) -> Request:
        # The path of the request has the prefix too, so that errors show the path as it is sent.
        if not self.prefix:
            return request
        return attrs.evolve(request, path=self.prefix + request.path, template=self.prefix + request.template)

    def _priority_of(self, request: Request) -> Priority:
        # INTERACTIVE is 0, so that the options can move single calls to the background, but never sweeps out of it.
        return request.priority or self.options.priority

    async def _coalesced(self, coalescer: Coalescer[Result], pool: Pool, request: Request) -> Result:
        if request.method == "GET":
            # Callers that share a request share its timeouts and its retries too, so these are part of the key.
            options = self.options
            priority = self._priority_of(request)
            key = request.path, request.query, request.headers, priority, options.timeout, options.retry
            if coalescer.has(key):
                self.telemetry.note_coalesced()
            try:
                outcome = await coalescer.share(key, lambda: self._repeat(pool, request, self._sender.send))
            except SharedCancelledError:
                return closed_meanwhile(request)
            # Raising an error extends its traceback. Each caller raises a copy, or they would see each other's frames.
            return outcome if isinstance(outcome, Response) else copy.copy(outcome)
        # A read that began before a write ended may not have seen it, so no later read may join it. That holds for
        # reads from before the write as well as for those that begin during it.
        coalescer.forget()
        try:
            return await self._repeat(pool, request, self._sender.send)
        finally:
            coalescer.forget()

    async def _repeat(self, pool: Pool, request: Request, send: "_Send[T]") -> T | UltravoxError:
        """Make attempts until one succeeds, or no other may follow, and tell about all of it."""
        clock = pool.loop.time
        record = self.telemetry.begin(request, self._priority_of(request), clock())
        try:
            outcome = await self._attempts(pool, request, send, record)
        except BaseException:
            record.end(None, clock())
            raise
        _tell(outcome, record.end, outcome, clock())
        return outcome

    async def _attempts(
        self, pool: Pool, request: Request, send: "_Send[T]", record: RequestRecord
    ) -> T | UltravoxError:
        timeout, retry = self.options.timeout, self.options.retry
        priority = self._priority_of(request)
        recovery = Recovery(pool.scheduler, retry, request, priority)
        left = timeout.total
        clock = pool.loop.time
        outcome: T | UltravoxError | None = None
        try:
            while True:
                queued = clock()
                await pool.scheduler.acquire(request.operation, priority, self._limits)
                started = clock()
                record.note_turn(started - queued)
                attempt = pool.deadlines.start(asyncio.timeout(None), left, timeout.read)
                # After a lost connection, or the response to another request, the pooled connections are suspect.
                attempt.fresh = isinstance(outcome, APIConnectionError | DecodeError)
                attempt.operation = request.operation
                attempt.note_piece = record.note_piece
                try:
                    result, following = await self._try(pool, request, attempt, recovery, send)
                except asyncio.CancelledError as error:
                    if attempt.sent:
                        record.note_attempt(attempt, error, clock() - started)
                    raise
                taken = clock() - started
                _tell(result, record.note_attempt, attempt, result, taken)
                if following is None or not isinstance(result, UltravoxError):
                    return result
                outcome = result
                record.note_retry(result, following.delay)
                left -= following.counted_seconds(taken)
                if left <= 0:
                    return result
                # During the pause the request has no permit, because it would keep others from sending.
                if following.delay > 0:
                    await pool.scheduler.pause(following.delay)
        except OutageError as error:
            # If there was an attempt, its failure says more than that there was no further one.
            return outcome or in_outage(request, error)
        except (CoolingDownError, SchedulerClosedError, BudgetFailedError) as error:
            return not_sent(request, error)

    async def _try(
        self, pool: Pool, request: Request, attempt: Attempt, recovery: Recovery, send: "_Send[T]"
    ) -> tuple[T | UltravoxError, NextAttempt | None]:
        """Return the result of an attempt, and when the next one is made, or None."""
        try:
            outcome = await send(pool, request, attempt)
            if not isinstance(outcome, UltravoxError):
                pool.scheduler.note_success(request.operation)
                return outcome, None
            if self._owner.ended:
                return closed_meanwhile(request), None
            # Here, before the permit is given back below: that admits the next request, which a cool-down, a lower pace
            # or an outage may have to hold back.
            following = None if attempt.permanent else recovery.next_attempt(outcome)
            return outcome, following if request.can_be_sent_again else None
        finally:
            pool.deadlines.stop(attempt)
            if not attempt.sent and pool.connector is None and not attempt.never_connected:
                # The pool of a caller's session does not report when it sends, so it has to be assumed.
                attempt.sent = True
                pool.scheduler.mark_sent(request.operation)
            # However the attempt ended, its permit is given back here, once.
            if attempt.keeps_permit:
                pass  # The response gives it back when its body is closed.
            elif attempt.sent:
                pool.scheduler.release(request.operation)
            else:
                pool.scheduler.cancel(request.operation)


def _tell(outcome: object, tell: Callable[..., None], *arguments: object) -> None:
    """Tell the observers about an outcome. If one raises `KeyboardInterrupt`, for example, nobody gets the outcome."""
    try:
        tell(*arguments)
    except BaseException:
        if isinstance(outcome, OpenBody):
            outcome.close()  # It has a permit, which would be lost.
        raise


def make_transport(  # noqa: PLR0913 - the settings of a client
    *,
    api_key: Secret,
    base_url: URL,
    pool: PoolSettings,
    options: RequestOptions,
    rate: RateLimit | RateBudget,
    max_response_bytes: int,
    coalesce_reads: bool,
    observers: Sequence[Observer],
) -> Transport:
    """Return the transport of a new client.

    Args:
        api_key: The key, which is sent to `base_url` only.
        base_url: Scheme, host, port and path prefix.
        pool: How to create the pool.
        options: The deadlines, the retry policy and the priority.
        rate: The rate limit, or the budget that the slots come from.
        max_response_bytes: The maximum size of a body, after decompression.
        coalesce_reads: Whether identical reads in flight share one request.
        observers: They are called for each request.
    """
    credentials = Credentials(api_key)
    timeout = options.timeout
    telemetry = Telemetry(observers, str(base_url.origin()))
    owner = PoolOwner(pool, credentials, rate, telemetry)
    sender = Sender(credentials, base_url, timeout, max_response_bytes, owns_pool=pool.session is None)
    keyless = KeylessSender(credentials, base_url.origin(), timeout, max_response_bytes, owns_pool=True)
    storage_owner = PoolOwner(keyless_settings(pool), credentials, RateLimit(None), telemetry)
    storage = Transport(storage_owner, keyless, None, options)
    return Transport(owner, sender, Coalescer[Result](owner.spawn) if coalesce_reads else None, options, storage)
