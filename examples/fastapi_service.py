"""A FastAPI service with one client for its lifetime: registrations, a webhook and a SIP fallback handler.

It shows typed responses, which FastAPI documents in OpenAPI, and how to verify what Ultravox sends. With FastAPI, the
extra `redis` and an ASGI server such as uvicorn installed, run it against the emulator that it starts itself:

    ULTRAVOX_WEBHOOK_SECRETS=demo-secret uvicorn --app-dir examples --factory fastapi_service:make_app

ULTRAVOX_WEBHOOK_SECRETS has the secrets of a webhook and of a fallback handler, with commas between them. With
ULTRAVOX_API_KEY in the environment too, the service talks to the API. With REDIS_URL, such as redis://127.0.0.1, each
event is handled once by several processes, such as those of `uvicorn --workers 4`.

    GET  /registrations/{id}  one registration
    GET  /registrations       up to a hundred of them
    POST /webhooks            the webhook, for all events
    POST /sip-fallback        the SIP fallback handler
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from types import FrameType
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from redis.asyncio import Redis

from ultravox_async import (
    AsyncUltravox,
    ClientClosedError,
    ConfigurationError,
    DecodeError,
    InvalidRequestError,
    NotFoundError,
    SipRegistration,
    Timeout,
    UltravoxError,
    WebhookVerificationError,
)
from ultravox_async.redis import RedisReplayGuard
from ultravox_async.testing import Emulator
from ultravox_async.types import IncomingSipCall
from ultravox_async.webhooks import (
    CallEnded,
    Claim,
    Event,
    MemoryReplayGuard,
    ReplayGuard,
    SipFallbackResponse,
    claimed,
    unwrap,
    unwrap_fallback,
)

log = logging.getLogger("uvicorn.error")
router = APIRouter()

# Ultravox waits for five seconds, in which the answer has to arrive.
DEADLINE = 4.0
# For how many seconds requests that were sent may go on when the service stops.
DRAIN = 10.0
NOBODY_THERE = SipFallbackResponse.reject(code=480, message="no decision")
deciding: set[asyncio.Task[SipFallbackResponse]] = set()


def ultravox_of(request: Request) -> AsyncUltravox:
    """Return the client that all requests share."""
    client: AsyncUltravox = request.app.state.ultravox
    return client


Ultravox = Annotated[AsyncUltravox, Depends(ultravox_of)]


@router.get("/registrations/{registration_id}")
async def get_one(registration_id: str, ultravox: Ultravox) -> SipRegistration:
    """Return one registration."""
    return await ultravox.sip.registrations.get(registration_id)


@router.get("/registrations")
async def get_several(ultravox: Ultravox) -> list[SipRegistration]:
    """Return the first page of the registrations."""
    async for page in ultravox.sip.registrations.list(page_size=100).pages():
        return page.results
    return []


@router.post("/webhooks", status_code=204)
async def receive(request: Request) -> Response:
    """Receive an event: a success means that it was handled, and anything else that it has to be repeated."""
    try:
        event = unwrap(await request.body(), request.headers, request.app.state.secrets)
    except DecodeError as error:  # it is signed: a newer version of the package may be able to read it
        log.error("cannot read an event: %s", error)  # noqa: TRY400 - the error says it all
        return Response(status_code=500)
    async with claimed(request.app.state.guard, event.idempotency_key) as claim:
        if claim is Claim.GRANTED:
            await handle(event)
    # Somebody else is handling it, and may fail: it should come again.
    return Response(status_code=503 if claim is Claim.PENDING else 204)


async def handle(event: Event) -> None:
    """Handle an event; if this raises, the event is delivered again."""
    if isinstance(event, CallEnded):
        log.info("call %s has ended: %s", event.call.call_id, event.call.end_reason)


@router.post("/sip-fallback")
async def answer(request: Request) -> Response:
    """Answer what to do with an incoming call, in time whatever happens."""
    body = await request.body()
    try:
        call = unwrap_fallback(body, request.headers, request.app.state.secrets)
        response = await decision(call)
    except WebhookVerificationError:
        raise
    except Exception:
        log.exception("no decision about a call")
        response = NOBODY_THERE
    return Response(response.to_json(), media_type="application/json")


async def decision(call: IncomingSipCall) -> SipFallbackResponse:
    """Return what was decided about an incoming call, or raise an error when the time is up."""
    # In its own task, which is cancelled and not waited for: nothing says that it ends when it is cancelled.
    task = asyncio.create_task(decide(call))
    # The event loop itself has only weak references to tasks.
    deciding.add(task)
    task.add_done_callback(deciding.discard)
    try:
        await asyncio.wait([task], timeout=DEADLINE)
        if task.done() and not task.cancelled():
            return task.result()
        raise TimeoutError
    finally:
        task.cancel()


async def decide(call: IncomingSipCall) -> SipFallbackResponse:
    """Decide about an incoming call; a real service looks up who is called."""
    if (call.to_uri or "").startswith("sip:sales@"):
        return SipFallbackResponse.start_call(system_prompt="You sell bicycles.")
    return SipFallbackResponse.reject(code=404, message="nobody has this number")


async def explain(status: int, _request: Request, error: Exception) -> Response:
    """Turn an error of the SDK into what it means to a client of this service."""
    return JSONResponse({"error": str(error)}, status)


async def refuse(_request: Request, error: Exception) -> Response:
    """Refuse a request that does not prove that Ultravox sent it, without saying why."""
    log.warning("refused a request: %s", error)
    return Response(status_code=401)


@asynccontextmanager
async def connect() -> AsyncGenerator[AsyncUltravox, None]:
    """Yield a client for the API, or for an emulated account if there is no key."""
    timeout = Timeout(total=10.0)
    if os.environ.get("ULTRAVOX_API_KEY"):
        async with AsyncUltravox(timeout=timeout) as ultravox:
            yield ultravox
    else:
        async with (
            Emulator(registrations=100) as emulator,
            AsyncUltravox(emulator.api_key, base_url=emulator.base_url, timeout=timeout) as ultravox,
        ):
            yield ultravox


@contextmanager
def set_by_sigterm(event: asyncio.Event) -> Generator[None, None, None]:
    """Let a SIGTERM set an event, before the server handles it."""
    handled_before = signal.getsignal(signal.SIGTERM)
    if not callable(handled_before):  # there is no server, as in a test
        yield
        return
    loop = asyncio.get_running_loop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)
        handled_before(number, frame)

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handled_before)


async def close_after(stopping: asyncio.Event, ultravox: AsyncUltravox) -> None:
    """Let requests that were sent finish, and end the others, once the service is told to stop."""
    await stopping.wait()
    await ultravox.close(drain=DRAIN)


@asynccontextmanager
async def remember() -> AsyncGenerator[ReplayGuard, None]:
    """Yield what remembers the events: a server that all processes share, or the memory of this one."""
    url = os.environ.get("REDIS_URL")
    if url:
        async with Redis.from_url(url) as redis:  # pyright: ignore[reportUnknownMemberType] - types of redis-py
            yield RedisReplayGuard(redis, "webhooks")
    else:
        yield MemoryReplayGuard()


def make_app(
    client: Callable[[], AbstractAsyncContextManager[AsyncUltravox]] = connect, secrets: Sequence[str] | None = None
) -> FastAPI:
    """Create the service; `client` is called when it starts, in its event loop, and opens the client that it uses.

    Raises:
        ConfigurationError: There is no secret.
    """
    given = os.environ.get("ULTRAVOX_WEBHOOK_SECRETS", "").split(",") if secrets is None else secrets
    if not given or not all(given):
        raise ConfigurationError("ULTRAVOX_WEBHOOK_SECRETS has no secret, or an empty one")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        stopping = asyncio.Event()
        async with client() as ultravox, remember() as guard, asyncio.TaskGroup() as tasks:
            app.state.ultravox = ultravox
            app.state.guard = guard
            # Not after the yield: uvicorn ends a lifespan after it has waited for the open requests.
            tasks.create_task(close_after(stopping, ultravox))
            with set_by_sigterm(stopping):
                yield
            stopping.set()

    app = FastAPI(lifespan=lifespan)
    app.state.secrets = given
    app.include_router(router)
    app.add_exception_handler(WebhookVerificationError, refuse)
    app.add_exception_handler(InvalidRequestError, partial(explain, 400))
    app.add_exception_handler(NotFoundError, partial(explain, 404))
    app.add_exception_handler(ClientClosedError, partial(explain, 503))
    app.add_exception_handler(UltravoxError, partial(explain, 502))
    return app
