"""A web service that serves the SIP registrations of an account: many clients share one `AsyncUltravox`.

It shows how to open and close the client in a cleanup context, deadlines for users who wait for a page, a middleware
that turns the errors of the SDK into responses, and metrics. It needs prometheus-client. Run it against the emulator
that it starts itself:

    python examples/service.py --host 127.0.0.1 --port 8080

With ULTRAVOX_API_KEY in the environment it talks to the API instead (to ULTRAVOX_BASE_URL, if that is set too).

    GET /registrations/{id}       one registration
    GET /registrations?ids=a,b,c  {"found": {id: registration}, "failed": {id: message}}
    GET /healthz                  whether the service runs, independent of the API
    GET /metrics                  what the client does, for Prometheus
"""

import argparse
import json
import math
import os
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest

from ultravox_async import (
    AsyncUltravox,
    AttemptInfo,
    ClientClosedError,
    InvalidRequestError,
    NotFoundError,
    Observer,
    RateLimitError,
    RequestInfo,
    RetryPolicy,
    Timeout,
    UltravoxError,
)
from ultravox_async.testing import Emulator

ULTRAVOX = web.AppKey("ultravox", AsyncUltravox)

_DRAIN = 10.0
"""For how many seconds requests that were sent may go on when the service stops."""


class Metrics(Observer):
    """Exports each attempt of the client to Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "template", "outcome")
        self._attempts = Histogram("ultravox_attempt_seconds", "Attempts.", labels, registry=self.registry)
        self._turns = Histogram("ultravox_turn_seconds", "Waits for a turn.", registry=self.registry)

    def attempt_ended(self, state: object, request: RequestInfo, attempt: AttemptInfo) -> None:
        """Count an attempt, and how long it took."""
        del state  # this observer has none
        outcome = str(attempt.status or attempt.error)
        self._attempts.labels(request.method, request.template, outcome).observe(attempt.seconds)
        self._turns.observe(attempt.turn_seconds)


METRICS = Metrics()

# Nobody waits two minutes for a page: a quick 503 that says when to retry is better.
connect = partial(AsyncUltravox, timeout=Timeout(total=10.0), retry=RetryPolicy(max_delay=2.0), observers=[METRICS])

routes = web.RouteTableDef()


@routes.get("/registrations/{id}")
async def get_one(request: web.Request) -> web.Response:
    """Return one registration."""
    return answer(await request.app[ULTRAVOX].sip.registrations.get(request.match_info["id"]))


@routes.get("/registrations")
async def get_several(request: web.Request) -> web.Response:
    """Return the outcome of each id; one that fails does not affect the others."""
    ids = [one for one in request.query.get("ids", "").split(",") if one]
    if not ids:
        return answer({"error": "name registrations: ?ids=a,b,c"}, status=400)
    result = await request.app[ULTRAVOX].sip.registrations.get_many(ids)
    return answer({"found": result.found, "failed": {key: str(error) for key, error in result.failed.items()}})


@routes.get("/healthz")
async def health(_request: web.Request) -> web.Response:
    """Respond without a request to the API: if that is down, restarting this service would not help."""
    return answer({"status": "ok"})


@routes.get("/metrics")
async def metrics(_request: web.Request) -> web.Response:
    """Return the metrics in the text format of Prometheus."""
    return web.Response(body=generate_latest(METRICS.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn the errors of the SDK into what they mean to a client of this service."""
    try:
        return await handler(request)
    except InvalidRequestError as error:
        return answer({"error": str(error)}, status=400)
    except NotFoundError as error:
        return answer({"error": str(error)}, status=404)
    except RateLimitError as error:
        headers = {"Retry-After": str(math.ceil(error.retry_after or 1.0))}
        return answer({"error": str(error)}, status=503, headers=headers)
    except ClientClosedError as error:
        return answer({"error": str(error)}, status=503)
    except UltravoxError as error:
        return answer({"error": str(error)}, status=502)


def answer(content: object, **more: Any) -> web.Response:  # noqa: ANN401 - the arguments of json_response
    """Return a JSON response; `content` may contain attrs classes and datetimes."""
    return web.json_response(content, dumps=partial(json.dumps, default=plain), **more)


def plain(value: Any) -> object:  # noqa: ANN401 - json.dumps passes any object that it cannot encode
    """Convert a datetime or an attrs class to something that can be encoded as JSON."""
    return value.isoformat() if isinstance(value, datetime) else attrs.asdict(value)


def make_app(client: Callable[[], AbstractAsyncContextManager[AsyncUltravox]] = connect) -> web.Application:
    """Create the service; `client` is called when it starts, in its event loop, and opens the client that it uses."""

    async def ultravox_for_life(app: web.Application) -> AsyncIterator[None]:
        async with client() as ultravox:
            app[ULTRAVOX] = ultravox
            yield

    async def drain(app: web.Application) -> None:
        # Not after the yield: a cleanup context ends after aiohttp has waited for the handlers.
        await app[ULTRAVOX].close(drain=_DRAIN)

    app = web.Application(middlewares=[explain_errors])
    app.add_routes(routes)
    app.cleanup_ctx.append(ultravox_for_life)
    app.on_shutdown.append(drain)
    return app


@asynccontextmanager
async def emulated_account(address: str) -> AsyncGenerator[AsyncUltravox]:
    """Yield a client for an emulated account, and print URLs to try with it."""
    async with (
        Emulator(registrations=100) as emulator,
        connect(emulator.api_key, base_url=emulator.base_url) as ultravox,
    ):
        first, second, third, *_ = emulator.registration_ids
        print("Answering from the embedded emulator; set ULTRAVOX_API_KEY to use the API. Try:")
        print(f"  curl '{address}/registrations/{first}'")
        print(f"  curl '{address}/registrations?ids={second},{third},nobody'")
        yield ultravox


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM, and return the exit code."""
    parser = argparse.ArgumentParser(description="Serve SIP registrations as JSON.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 for any free one (default: %(default)s)")
    options = parser.parse_args(argv)
    try:
        with socket.create_server((options.host, options.port)) as listener:
            address = f"http://{options.host}:{listener.getsockname()[1]}"
            emulated = not os.environ.get("ULTRAVOX_API_KEY")
            app = make_app(partial(emulated_account, address)) if emulated else make_app()
            # Without handler_cancellation, a client that hangs up leaves its sweep running.
            web.run_app(app, sock=listener, handler_cancellation=True, print=partial(print, flush=True))
    except (UltravoxError, OSError, OverflowError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
