"""A web service that Ultravox calls: it hears of the life of calls, and decides about incoming SIP calls.

It shows how to verify and answer requests, how to handle each event once although it may be delivered more than once,
and how to answer within five seconds whatever happens. Run it as it stands, and an emulated account calls it:

    python examples/webhooks.py --host 127.0.0.1 --port 8080

With ULTRAVOX_WEBHOOK_SECRETS in the environment, the secrets of a webhook and of a fallback handler with commas between
them, it waits for Ultravox instead:

    POST /webhooks      the webhook, for all events
    POST /sip-fallback  the SIP fallback handler
"""

import argparse
import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import partial

from aiohttp import web

from ultravox_async import AsyncUltravox, DecodeError, FallbackHandler, UltravoxError, WebhookVerificationError
from ultravox_async.testing import Emulator
from ultravox_async.types import IncomingSipCall
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
)
from ultravox_async.webhooks.aiohttp import SipFallbackHandler

SECRETS: web.AppKey[Sequence[str]] = web.AppKey("secrets")
GUARD: web.AppKey[ReplayGuard] = web.AppKey("guard")

# Who is called, and how the agent begins. A real service looks this up.
PROMPTS = {"sales": "You sell bicycles.", "service": "You repair bicycles."}
# If nothing can be decided in time, the caller hears that nobody is there at the moment.
NOBODY_THERE = SipFallbackResponse.reject(code=480, message="no decision")


async def receive(request: web.Request) -> web.Response:
    """Receive an event: a success means that it was handled, and anything else that it has to be repeated."""
    try:
        event = unwrap(await request.read(), request.headers, request.app[SECRETS])
    except WebhookVerificationError as error:
        say(f"refused a request: {error}")
        return web.Response(status=401)
    except web.RequestPayloadError:
        say("refused a request: its body is not compressed as its headers say")
        request.content.feed_eof()  # aiohttp would read the rest, and log a traceback
        response = web.Response(status=400)
        response.force_close()
        return response
    except DecodeError as error:  # it is signed: a newer version of the package may be able to read it
        say(f"cannot read an event: {error}")
        return web.Response(status=500)
    async with claimed(request.app[GUARD], event.idempotency_key) as claim:
        if claim is Claim.GRANTED:
            await handle(event)
    # Somebody else is handling it, and may fail: it should come again.
    return web.Response(status=503 if claim is Claim.PENDING else 204)


async def handle(event: Event) -> None:
    """Handle an event; if this raises, the event is delivered again."""
    match event:
        case CallStarted(call) | CallJoined(call):
            say(f"{event.event} {call.call_id}")
        case CallEnded(call):
            say(f"{event.event} {call.call_id}: {call.end_reason}, {call.short_summary}")
        case CallBilled(call):
            say(f"{event.event} {call.call_id}: {call.billed_duration}")
        case UnknownEvent():
            say(f"{event.event}, which is new")


async def decide(_request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
    """Decide about an incoming call."""
    called = (call.to_uri or "").removeprefix("sip:").partition("@")[0]
    say(f"{call.caller_id} calls {called}")
    if called not in PROMPTS:
        return SipFallbackResponse.reject(code=404, message=f"nobody is called {called}")
    return SipFallbackResponse.start_call(system_prompt=PROMPTS[called], metadata={"called": called})


def say(line: str) -> None:
    """Print a line at once, even into a pipe."""
    try:
        print(line, flush=True)
    except OSError:  # nobody reads it any more, or the disk is full: calls have to be answered all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_app(keys: Sequence[str]) -> web.Application:
    """Create the service.

    Raises:
        ConfigurationError: There is no secret, or one is empty.
    """
    fallback = SipFallbackHandler(decide, keys, otherwise=NOBODY_THERE)
    app = web.Application()
    app[SECRETS] = keys
    app[GUARD] = MemoryReplayGuard()
    app.router.add_post("/webhooks", receive)
    app.router.add_post("/sip-fallback", fallback.handle)
    return app


async def emulated_account(address: str, secret: str, _app: web.Application) -> AsyncIterator[None]:
    """Let an emulated account call this service, while it runs."""
    async with Emulator(registrations=0) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
            events = ["call.started", "call.joined", "call.ended", "call.billed"]
            await ultravox.webhooks.create(url=f"{address}/webhooks", events=events, secrets=[secret])
            handler = FallbackHandler(f"{address}/sip-fallback", [secret])
            await ultravox.sip.update_config(fallback_handler=handler)
        calls = asyncio.create_task(play(emulator))
        yield
        calls.cancel()
        with suppress(asyncio.CancelledError):
            await calls


async def play(emulator: Emulator) -> None:
    """Let somebody call a wrong number, and then one that exists."""
    for called in ("nobody", "sales"):
        outcome = await emulator.call_in(f"sip:{called}@example.com")
        say(f"and hears {outcome.status} {outcome.reason}".rstrip())
    for happen in (emulator.calls.join, emulator.calls.end, emulator.calls.bill):
        await emulator.webhooks.until_idle()
        happen(str(outcome.call_id))


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM, and return the exit code."""
    parser = argparse.ArgumentParser(description="Receive what Ultravox sends.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 for any free one (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        with socket.create_server((options.host, options.port)) as listener:
            given = os.environ.get("ULTRAVOX_WEBHOOK_SECRETS")
            keys = [secrets.token_hex(20)] if given is None else given.split(",")
            app = make_app(keys)
            if given is None:
                address = f"http://{options.host}:{listener.getsockname()[1]}"
                app.cleanup_ctx.append(partial(emulated_account, address, keys[0]))
            web.run_app(app, sock=listener, print=partial(print, flush=True))
    except (UltravoxError, OSError, OverflowError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
