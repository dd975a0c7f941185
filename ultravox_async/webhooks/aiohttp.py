"""A SIP fallback handler for aiohttp.web, which answers in time whatever happens in it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

from aiohttp import web

from ultravox_async._wire.payload import Secret
from ultravox_async.errors import ConfigurationError, DecodeError, WebhookVerificationError
from ultravox_async.types.sip_fallback import IncomingSipCall
from ultravox_async.webhooks._events import decoded
from ultravox_async.webhooks._signatures import USUAL_TOLERANCE, Freshness, Secrets, keys_of, signed_object
from ultravox_async.webhooks._sip_fallback import SipFallbackResponse

Decide: TypeAlias = Callable[[web.Request, IncomingSipCall], Awaitable[SipFallbackResponse]]
"""Decides about an incoming call."""

_log: Final = logging.getLogger("ultravox_async.webhooks")
_ULTRAVOX_WAITS: Final = 5.0


class SipFallbackHandler:
    """Answers the requests to a SIP fallback handler: its method `handle` is a handler of aiohttp.web.

    ::

        async def decide(request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
            return SipFallbackResponse.start_agent_call(agent_id=await agent_for(call.to_uri))

        handler = SipFallbackHandler(decide, secrets, otherwise=SipFallbackResponse.reject(code=480))
        app.router.add_post("/sip-fallback", handler.handle)

    Ultravox waits for five seconds, and asks once. If `decide` raises, or has not returned when the time is up, the
    answer is `otherwise`, and the log says why. A request without a valid signature gets a 401 without a body. If its
    body cannot be read, there is no signature to check: the answer is a 400 if it is not compressed as the headers say,
    and a 413 if it is larger than `client_max_size` of the application, by default a MiB. All of this needs an event
    loop that is free: nothing can be answered while `decide` blocks it.

    Args:
        decide: Decides about a call. When the time is up, it is cancelled and not waited for.
        secrets: The secret of the `FallbackHandler`, or several of them. They are read at each request: change the list
            to rotate them. If it becomes empty, each request raises `ConfigurationError`, and is answered with a 500.
        otherwise: The answer if there is no decision: as a rule, a rejection.
        deadline: How long a decision may take, in seconds from the beginning of the request; less than five.
        tolerance: How old a request may be; see `unwrap`.

    Raises:
        ConfigurationError: There is no secret, or one is empty or not a string, the deadline or the tolerance is
            out of range or of another type, or `otherwise` is no `SipFallbackResponse`.
    """

    def __init__(
        self,
        decide: Decide,
        secrets: Secrets,
        *,
        otherwise: SipFallbackResponse,
        deadline: float = 4.0,
        tolerance: timedelta = USUAL_TOLERANCE,
    ) -> None:
        self._secrets = Secret(secrets)
        del secrets
        keys_of(self._secrets)
        _check_deadline(deadline)
        if not isinstance(otherwise, SipFallbackResponse):  # pyright: ignore[reportUnnecessaryIsInstance] - a dict looks like an answer too
            raise ConfigurationError(f"otherwise takes a SipFallbackResponse, not {type(otherwise).__name__}")
        self._decide = decide
        self._otherwise = otherwise
        self._deadline = deadline
        self._freshness = Freshness(tolerance, None)
        # The event loop itself has only weak references to tasks.
        self._abandoned: set[asyncio.Task[SipFallbackResponse]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request."""
        latest = asyncio.get_running_loop().time() + self._deadline
        try:
            async with asyncio.timeout_at(latest):
                call = await self._call_in(request)
        except WebhookVerificationError as error:
            _log.warning("refused a request to the SIP fallback handler: %s", error)
            return web.Response(status=401)
        except TimeoutError:
            _log.warning("a request to the SIP fallback handler did not arrive within %g s", self._deadline)
            return web.Response(status=408)
        except web.RequestPayloadError:
            _log.warning("a request to the SIP fallback handler has a body that is not encoded as its headers say")
            return _unreadable(request)
        except DecodeError as error:
            _log.error("the SIP fallback handler got a call that it cannot read: %s", error)
            return _json(self._otherwise)
        return _json(await self._decision(request, call, latest))

    async def _call_in(self, request: web.Request) -> IncomingSipCall:
        body = Secret(await request.read())
        return decoded(signed_object(body, Secret(request.headers), self._secrets, self._freshness), IncomingSipCall)

    async def _decision(self, request: web.Request, call: IncomingSipCall, latest: float) -> SipFallbackResponse:
        task = asyncio.create_task(self._decided(request, call))
        try:
            await asyncio.wait({task}, timeout=latest - asyncio.get_running_loop().time())
            return self._result_of(task)
        finally:
            # It is not waited for, because nothing says that it ends when it is cancelled.
            if not task.done():
                self._abandoned.add(task)
                task.add_done_callback(self._ended_late)
                task.cancel()

    async def _decided(self, request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
        response = await self._decide(request, call)
        if not isinstance(response, SipFallbackResponse):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker forget to return
            raise TypeError(f"a decision is a SipFallbackResponse, not {type(response).__name__}")
        return response

    def _result_of(self, task: "asyncio.Task[SipFallbackResponse]") -> SipFallbackResponse:
        if not task.done():
            _log.error("the SIP fallback handler did not decide within %g s", self._deadline)
        elif task.cancelled():
            _log.error("the SIP fallback handler was cancelled from within")
        elif error := task.exception():
            _log.error("the SIP fallback handler failed", exc_info=error)
        else:
            return task.result()
        return self._otherwise

    def _ended_late(self, task: "asyncio.Task[SipFallbackResponse]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("the SIP fallback handler failed after its answer was sent", exc_info=error)


def _check_deadline(deadline: object) -> None:
    if isinstance(deadline, bool) or not isinstance(deadline, int | float) or not 0 < deadline < _ULTRAVOX_WAITS:
        raise ConfigurationError(f"deadline takes seconds above 0 and below {_ULTRAVOX_WAITS:g}, not {deadline!r}")


def _unreadable(request: web.Request) -> web.Response:
    # aiohttp would read the rest of the body after the response, get the same exception, and log its traceback.
    request.content.feed_eof()
    response = web.Response(status=400)
    response.force_close()
    return response


def _json(response: SipFallbackResponse) -> web.Response:
    return web.Response(text=response.to_json(), content_type="application/json")
