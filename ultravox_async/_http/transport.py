"""One logical request in, one response out: attempts, pacing and retries, for all tasks of one event loop."""

import asyncio
import copy
import itertools
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import orjson
from yarl import URL

from ultravox_async._http.attempt import Sender
from ultravox_async._http.coalescing import Coalescer, SharedCancelledError
from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.messages import Answer, Credentials, Request, Response
from ultravox_async._http.pool import UNUSABLE_SESSION, Pool, PoolSettings, make_pool
from ultravox_async._http.retry import retry_delay
from ultravox_async._http.scheduler import CoolingDownError, Priority, SchedulerClosedError
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import (
    APIConnectionError,
    ClientClosedError,
    DecodeError,
    RateLimitError,
    UltravoxError,
)
from ultravox_async.settings import RateLimit, RetryPolicy, Timeout

T = TypeVar("T")


class Transport:
    """Sends requests for one key to one origin, for all tasks of one event loop.

    Args:
        api_key: The key, sent to `base_url` and to nobody else.
        base_url: Scheme, host, port and path prefix.
        pool: How to make the pool.
        timeout: The deadlines.
        retry: What is repeated.
        rate_limit: The pace.
        max_response_bytes: The longest decoded body that is read.
        coalesce_reads: Whether identical reads in flight share one request.
    """

    def __init__(  # noqa: PLR0913 - the settings of a client, each of its own kind
        self,
        *,
        api_key: Secret,
        base_url: URL,
        pool: PoolSettings,
        timeout: Timeout,
        retry: RetryPolicy,
        rate_limit: RateLimit,
        max_response_bytes: int,
        coalesce_reads: bool,
    ) -> None:
        self.origin = base_url.origin()
        rate = rate_limit.requests_per_second
        self.interval = 0.0 if rate is None else 1 / rate
        self._credentials = Credentials(api_key)
        self._pool_settings = pool
        self._timeout = timeout
        self._retry = retry
        self._rate_limit = rate_limit
        self._sender = Sender(self._credentials, base_url, timeout, max_response_bytes, owns_pool=pool.session is None)
        self._pool: Pool | None = None
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._coalescer = Coalescer[Answer](self.spawn) if coalesce_reads else None

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
        pool = self._pool
        if pool is None or self._closed or pool.session.closed or asyncio.get_running_loop() is not pool.loop:
            pool = self._ensure_open()
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
        # Not by the loop's own factory: an eager task would run before anybody knows of it.
        task = asyncio.Task(work, loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    async def close(self) -> None:
        """End what is running, and close the session if it is owned; closing again does nothing.

        Raises:
            UltravoxError: The session belongs to another event loop.
        """
        pool = self._pool
        if pool is not None:
            _check_loop(pool.loop)
        self._closed = True
        if pool is None:
            return
        try:
            pool.scheduler.close()
            # The current task is one of them where the ids of a sweep, or a function that listens to aiohttp's events,
            # close the client. It ends by itself, because there is nothing more that it could send.
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await pool.deadlines.end_others()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await pool.close()
            pool.deadlines.end_own()
        self._pool = None

    def redacted(self, text: str) -> str:
        """Return `text` without the key."""
        return self._credentials.redactor().redact(text)

    def check_open(self) -> None:
        """Raise where nothing can be sent.

        Raises:
            ClientClosedError: The client is closed.
            UltravoxError: It belongs to another event loop.
        """
        self._ensure_open()

    def _ensure_open(self) -> Pool:
        if self._closed:
            msg = "this AsyncUltravox is closed; make a new one, or close it later"
            raise ClientClosedError(msg)
        if self._pool is None:
            self._pool = make_pool(self._pool_settings, self._credentials, self._timeout, self._retry, self._rate_limit)
        _check_loop(self._pool.loop)
        if self._pool.session.closed:
            raise UltravoxError(UNUSABLE_SESSION)
        return self._pool

    async def _coalesced(self, coalescer: Coalescer[Answer], pool: Pool, request: Request) -> Answer:
        if request.method == "GET":
            key = request.path, request.query, request.priority
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
        left = self._timeout.total
        fresh = False
        try:
            for number in itertools.count(1):
                await pool.scheduler.acquire(request.operation, request.priority)
                started = pool.loop.time()
                attempt = pool.deadlines.start(asyncio.timeout(None), left)
                attempt.fresh = fresh
                outcome, delay = await self._try(pool, request, attempt, number)
                left -= pool.loop.time() - started
                if delay is None or delay >= left:
                    return outcome
                if delay > 0:
                    await pool.scheduler.pause(delay)
                    left -= delay
                fresh = isinstance(outcome, APIConnectionError | DecodeError)
        except CoolingDownError as error:
            return _cooling_down(request, error.seconds)
        except SchedulerClosedError:
            return _closed_meanwhile(request)
        raise AssertionError  # pragma: no cover - counting does not end

    async def _try(self, pool: Pool, request: Request, attempt: Attempt, number: int) -> tuple[Answer, float | None]:
        """Return what came of an attempt, and the seconds until the next one; None where there is none."""
        try:
            outcome = await self._sender.send(pool, request, attempt)
            if isinstance(outcome, Response):
                return outcome, None
            if self._closed:
                return _closed_meanwhile(request), None
            return outcome, None if attempt.hopeless else self._delay_after(pool, request, number, outcome)
        finally:
            pool.deadlines.stop(attempt)
            if attempt.sent:
                pool.scheduler.release(request.operation)
            else:
                pool.scheduler.cancel(request.operation)

    def _delay_after(self, pool: Pool, request: Request, number: int, error: UltravoxError) -> float | None:
        """Return the seconds to wait before the next attempt, or None where there must not be one.

        Of a 429 the others of its class are told here, before the permit is given back, which lets the next one go.
        """
        waits_long = request.priority is Priority.BACKGROUND
        longest = self._retry.max_cool_down if waits_long else self._retry.max_delay
        delay = retry_delay(self._retry, request, number, error, random=random.random, longest=longest)
        if not isinstance(error, RateLimitError):
            return delay
        pool.scheduler.cool_down(request.operation, delay or error.retry_after or self._retry.base_delay)
        # Background work waits for the end of the cool-down where all others of its class do, however long it is.
        return 0.0 if waits_long and number < self._retry.max_attempts else delay


def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
    if asyncio.get_running_loop() is not loop:
        msg = (
            "this AsyncUltravox has its connections in another event loop; "
            "make one in each loop, and close it in the loop where it was used"
        )
        raise UltravoxError(msg)


def _closed_meanwhile(request: Request) -> ClientClosedError:
    return ClientClosedError(f"{request.method} {request.path}: the AsyncUltravox was closed meanwhile")


def _cooling_down(request: Request, seconds: float) -> RateLimitError:
    body = orjson.dumps({"detail": "not sent: the pause that an earlier 429 asked for is not over"})
    return RateLimitError(429, request.method, request.path, body=body, retry_after=seconds)
