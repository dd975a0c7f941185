"""Type-checked by mypy and pyright, never run: what a user's type checker makes of the public names.

A line that has to be wrong carries an ignore, and an ignore that is not needed is an error in both checkers.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, assert_type

import aiohttp
import attrs

from ultravox_async import (
    Added,
    AgentAllowance,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncUltravox,
    BulkResult,
    Change,
    Changed,
    DecodeError,
    FallbackHandler,
    Ids,
    Interrupted,
    InvalidRequestError,
    LocalRateBudget,
    NotFoundError,
    Outcome,
    Page,
    Pager,
    RateBudget,
    RateLimit,
    RateLimitError,
    RedirectError,
    Removed,
    RequestPriority,
    Response,
    ResponseTooLargeError,
    Resumed,
    RetryPolicy,
    SipConfig,
    SipRegistration,
    Sweep,
    Timeout,
    UltravoxError,
    Via,
    __version__,
)
from ultravox_async.types import Corpus, CorpusQueryResult, CorpusSource, CrawlSpec


@attrs.define
class Voice:
    voice_id: str


async def clients(session: aiohttp.ClientSession, trace: aiohttp.TraceConfig) -> None:
    assert_type(AsyncUltravox(), AsyncUltravox)
    AsyncUltravox("key", base_url="https://api.example.com", session=session)
    AsyncUltravox(api_key="key", timeout=Timeout(connect=1), retry=RetryPolicy(max_attempts=1))
    AsyncUltravox(rate_limit=RateLimit(5), pool_size=5, max_response_bytes=5, trust_env=True, trace_configs=[trace])
    AsyncUltravox(rate_limit=RateLimit(None, calls_per_second=10, calls_per_minute=120), ssl=None, allow_http=True)
    RateLimit(200.0, adaptive=False, calls_per_hour=10)  # type: ignore[call-arg]  # there is no such limit
    AsyncUltravox("key", "https://api.example.com")  # type: ignore[call-arg]  # by name only
    AsyncUltravox(timeout=5)  # type: ignore[arg-type]  # seconds of what?
    async with AsyncUltravox() as ultravox:
        assert_type(ultravox, AsyncUltravox)
    assert_type(await ultravox.close(), None)
    version: str = __version__
    assert version


async def waiting(ultravox: AsyncUltravox, ids: AsyncIterator[str]) -> None:
    registrations = ultravox.sip.registrations
    assert_type(await registrations.wait_until_registered("x", timeout=5, interval=0.5), SipRegistration)
    async for change in registrations.watch():
        assert_type(change, Change[SipRegistration])
        match change:
            case Added(key, value):
                assert_type((key, value), tuple[str, SipRegistration])
            case Changed(_, old, value):
                assert_type((old, value), tuple[SipRegistration, SipRegistration])
            case Removed(_, last):
                assert_type(last, SipRegistration | None)
            case Interrupted(error):
                assert_type(error, UltravoxError)
            case Resumed(failed_rounds):
                assert_type(failed_rounds, int)
    registrations.watch(["x"], interval=5)
    registrations.watch(ids)
    registrations.watch(5)  # type: ignore[arg-type]  # no ids


async def corpora(ultravox: AsyncUltravox) -> None:
    corpus = await ultravox.corpora.create(name="Handbook")
    assert_type(corpus, Corpus)
    assert_type(await ultravox.corpora.query(corpus.corpus_id, query="x", max_results=5), list[CorpusQueryResult])
    source = await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CrawlSpec(["https://example.com"]))
    assert_type(source, CorpusSource)
    assert_type(ultravox.corpora.sources.list(corpus.corpus_id), Pager[CorpusSource])
    assert_type(ultravox.corpora.sources.get_many(corpus.corpus_id, ["x"]), Sweep[CorpusSource])
    await ultravox.corpora.create(title="Handbook")  # type: ignore[call-arg]  # there is no such field
    await ultravox.corpora.update(corpus.corpus_id, name=None)  # type: ignore[arg-type]  # it cannot be null


async def one(ultravox: AsyncUltravox) -> None:
    registration = await ultravox.sip.registrations.get("x")
    assert_type(registration, SipRegistration)
    assert_type(registration.registration_id, str)
    assert_type(registration.created, datetime)
    assert_type(registration.username, str)
    assert_type(registration.proxy, str)
    assert_type(registration.outbound_proxy, str | None)
    assert_type(registration.auth_user, str | None)
    assert_type(registration.successful, bool | None)
    registration.password  # type: ignore[attr-defined]  # noqa: B018 - it is never on the model
    ultravox.sip.registrations.get(5)  # type: ignore[arg-type, unused-coroutine]  # ids are strings


async def many(ultravox: AsyncUltravox, arriving: AsyncIterator[str]) -> None:
    sweep = ultravox.sip.registrations.get_many(["x"], concurrency=5)
    assert_type(sweep, Sweep[SipRegistration])
    assert_type(ultravox.sip.registrations.get_many(arriving), Sweep[SipRegistration])
    async for outcome in sweep:
        assert_type(outcome, Outcome[SipRegistration])
        assert_type(outcome.key, str)
        assert_type(outcome.value, SipRegistration | None)
        assert_type(outcome.error, UltravoxError | None)
        assert_type(outcome.unwrap(), SipRegistration)
    result = await sweep
    assert_type(result, BulkResult[SipRegistration])
    assert_type(await asyncio.create_task(sweep.collect()), BulkResult[SipRegistration])
    asyncio.create_task(sweep)  # type: ignore[arg-type]  # noqa: RUF006 - a task takes sweep.collect()
    assert_type(result.found, dict[str, SipRegistration])
    assert_type(result.failed, dict[str, UltravoxError])
    assert_type(result.raise_for_failures(), None)
    ultravox.sip.registrations.get_many([5])  # type: ignore[list-item]  # ids are strings


async def many_in_a_function_of_ones_own(ultravox: AsyncUltravox, ids: Ids, via: Via) -> None:
    assert_type(await ultravox.sip.registrations.get_many(ids, via=via), BulkResult[SipRegistration])
    await many_in_a_function_of_ones_own(ultravox, {"x"}, "list")
    await many_in_a_function_of_ones_own(ultravox, ["x"], "post")  # type: ignore[arg-type]  # no such way


async def listing(ultravox: AsyncUltravox) -> None:
    pager = ultravox.sip.registrations.list(page_size=100, cursor="x")
    assert_type(pager, Pager[SipRegistration])
    async for registration in pager:
        assert_type(registration, SipRegistration)
    async for page in pager.pages():
        assert_type(page, Page[SipRegistration])
        assert_type(page.results, list[SipRegistration])
        assert_type(page.next, str | None)
        assert_type(page.previous, str | None)
        assert_type(page.total, int | None)
        assert_type(page.next_cursor, str | None)
    assert_type([one.username async for one in pager], list[str])


async def writing(ultravox: AsyncUltravox) -> None:
    registrations = ultravox.sip.registrations
    made = await registrations.create(username="alice", password="secret", proxy="sip.example.com", auth_user=None)
    assert_type(made, SipRegistration)
    assert_type(await registrations.update("x", outbound_proxy=None, username="bob"), SipRegistration)
    assert_type(await registrations.delete("x"), None)
    await registrations.create(username="alice", proxy="x")  # type: ignore[call-arg]  # without a password
    await registrations.create(username="a", password="b", proxy="c", successful=True)  # type: ignore[call-arg]  # read-only
    await registrations.create(username=None, password="b", proxy="c")  # type: ignore[arg-type]  # it cannot be null
    await registrations.create("alice", "secret", "x")  # type: ignore[call-arg]  # by name only
    await registrations.update("x", user_name="bob")  # type: ignore[call-arg]  # misspelt
    await registrations.update("x", successful=True)  # type: ignore[call-arg]  # read-only
    await registrations.update("x", username=None)  # type: ignore[arg-type]  # it cannot be null


async def configuration(ultravox: AsyncUltravox) -> None:
    config = await ultravox.sip.get_config()
    assert_type(config, SipConfig)
    assert_type(config.domain, str)
    assert_type(config.allowed_agents, list[AgentAllowance])
    assert_type(config.allowed_cidr_ranges, list[str])
    assert_type(config.allow_all_agents, bool)
    assert_type(config.fallback_handler, FallbackHandler | None)
    updated = await ultravox.sip.update_config(
        allow_all_agents=True,
        allowed_cidr_ranges=("203.0.113.0/24",),
        allowed_agents=[AgentAllowance("x", to_user_pattern="^y$")],
        fallback_handler=FallbackHandler("https://example.com/", secrets=["secret"]),
    )
    assert_type(updated, SipConfig)
    await ultravox.sip.update_config(fallback_handler=None)
    await ultravox.sip.update_config(domain="x")  # type: ignore[call-arg]  # read-only


async def way_out(ultravox: AsyncUltravox) -> None:
    response = await ultravox.request("GET", "/api/voices", params={"pageSize": 5, "search": "x"}, json={"a": [1]})
    assert_type(response, Response)
    assert_type(response.status, int)
    assert_type(response.headers, Mapping[str, str])
    assert_type(response.body, bytes)
    assert_type(response.json(), Any)
    assert_type(response.decode(Voice), Voice)
    assert_type(response.decode(Page[Voice]), Page[Voice])
    assert_type(response.decode(list[str]), list[str])


def failures(error: UltravoxError) -> None:
    match error:
        case APITimeoutError():
            timeout: TimeoutError = error
            assert_type(timeout.filename, Any)
            assert_type(error.connected, bool)
        case APIConnectionError():
            assert_type((error.method, error.path, error.reason), tuple[str, str, str])
        case RateLimitError():
            assert_type(error.retry_after, float | None)
        case RedirectError():
            assert_type(error.location, str | None)
        case NotFoundError() | APIStatusError():
            assert_type(error.status, int)
            assert_type(error.detail, str | None)
            assert_type(error.field_errors, dict[str, list[str]])
            assert_type(error.headers, Mapping[str, str])
            assert_type(error.body, bytes)
            assert_type(error.request_id, str | None)
        case InvalidRequestError():
            value_error: ValueError = error
            assert_type(value_error.args, tuple[Any, ...])
            assert_type((error.field, error.problem), tuple[str, str])
        case ResponseTooLargeError():
            assert_type(error.limit, int)
        case DecodeError():
            assert_type((error.origin, error.path, error.expected, error.got), tuple[str, str, str, str])
        case _:
            assert_type(error, UltravoxError)


async def together(ultravox: AsyncUltravox, traceback: TracebackType) -> None:
    get = ultravox.sip.registrations.get
    assert_type(await asyncio.gather(get("x"), get("y")), tuple[SipRegistration, SipRegistration])
    assert_type(await ultravox.__aexit__(None, None, traceback), None)


async def views(ultravox: AsyncUltravox, priority: RequestPriority) -> None:
    view = ultravox.with_options(timeout=Timeout(read=5.0), retry=RetryPolicy(2), priority=priority)
    assert_type(view, AsyncUltravox)
    assert_type(await view.sip.registrations.get("x"), SipRegistration)
    ultravox.with_options(priority="background")
    ultravox.with_options(priority="urgent")  # type: ignore[arg-type]  # no such priority
    ultravox.with_options(timeout=5)  # type: ignore[arg-type]  # seconds of what?


async def extra_headers(ultravox: AsyncUltravox) -> None:
    await ultravox.request("GET", "/api/voices", headers={"X-Trace": "x"})
    await ultravox.request("GET", "/api/voices", headers={"X-Trace": 5})  # type: ignore[dict-item]  # values are strings


class BudgetElsewhere:
    """What a user writes to share a rate among processes."""

    rate_limit = RateLimit(200.0)

    async def acquire(self, key_digest: str, operation: str) -> None: ...

    def mark_sent(self, key_digest: str, operation: str) -> None: ...

    def cancel(self, key_digest: str, operation: str) -> None: ...

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None: ...

    def cooling_down(self, key_digest: str, operation: str) -> float:
        raise NotImplementedError


def budgets() -> None:
    budget: RateBudget = LocalRateBudget(RateLimit(200.0))
    AsyncUltravox(rate_limit=budget)
    AsyncUltravox(rate_limit=BudgetElsewhere())
    AsyncUltravox(rate_limit=200.0)  # type: ignore[arg-type]  # of what?
    LocalRateBudget(200.0)  # type: ignore[arg-type]  # the same
