"""Type-checked by mypy and pyright, never run: what a type checker makes of `ultravox_async.webhooks`.

A line that has to be wrong carries an ignore, and an ignore that is not needed is an error in both checkers.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error

from typing import Any, Literal, assert_never, assert_type

import fastapi
from aiohttp import web
from redis.asyncio import Redis

from ultravox_async.redis import RedisReplayGuard
from ultravox_async.types import Call, IncomingSipCall
from ultravox_async.webhooks import (
    CallBilled,
    CallEnded,
    CallJoined,
    CallStarted,
    Claim,
    Event,
    MemoryReplayGuard,
    ReplayGuard,
    SipFallbackResponse,
    UnknownEvent,
    claimed,
    unwrap,
    unwrap_fallback,
    verify_data_connection,
)
from ultravox_async.webhooks.aiohttp import SipFallbackHandler


async def frameworks(mine: web.Request, other: fastapi.Request, secrets: list[str]) -> None:
    assert_type(unwrap(await mine.read(), mine.headers, secrets), Event)
    unwrap(await other.body(), other.headers, "secret")
    unwrap(b"", mine.raw_headers, "secret")
    unwrap(bytearray(), {b"name": b"value"}, ("secret",))
    unwrap("text", mine.headers, secrets)  # type: ignore[arg-type]
    unwrap(b"", mine.headers, None)  # type: ignore[arg-type]
    assert_type(unwrap_fallback(b"", {}, "secret"), IncomingSipCall)
    assert_type(verify_data_connection(mine.headers, "secret"), str)


def every_event_is_known(event: Event) -> None:
    assert_type(event.idempotency_key, str)
    match event:
        case CallStarted() | CallJoined() | CallBilled():
            assert_type(event.call, Call)
        case CallEnded(call):
            assert_type(call, Call)
            assert_type(event.event, Literal["call.ended"])
        case UnknownEvent():
            assert_type(event.call, Any)
        case _:
            assert_never(event)


async def claims(event: Event, redis: Redis) -> None:
    guards: list[ReplayGuard] = [MemoryReplayGuard(max_events=1000), RedisReplayGuard(redis, "name")]
    async with claimed(guards[0], event.idempotency_key) as claim:
        assert_type(claim, Claim)


def answers() -> None:
    assert_type(SipFallbackResponse.reject(code=486), SipFallbackResponse)
    SipFallbackResponse.start_agent_call(agent_id="a", template_context={"name": "Bob"})
    SipFallbackResponse.start_agent_call(template_context={})  # type: ignore[call-arg]
    SipFallbackResponse.start_call(system_prompt="Greet.")
    SipFallbackResponse.start_call(prior_call_id="c")  # type: ignore[call-arg]
    SipFallbackResponse.reject(status=486)  # type: ignore[call-arg]


async def decide(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
    return SipFallbackResponse.reject()


async def handlers(request: web.Request) -> None:
    handler = SipFallbackHandler(decide, "secret", otherwise=SipFallbackResponse.reject(code=480))
    assert_type(await handler.handle(request), web.Response)
