"""Faults to inject into the emulator: what can go wrong between a client and the API."""

import asyncio
import random
from collections.abc import Mapping
from typing import TypeAlias, get_args

import attrs
from aiohttp import web

from ultravox_async.testing._exchange import Exchange
from ultravox_async.testing._wire import Answer, RecordedRequest

# Arguments are checked here, because a fault that fails inside the server would look like a 500 of the API.
_is_whole_number = attrs.validators.instance_of(int)
_is_bytes = attrs.validators.instance_of(bytes)
_is_text = attrs.validators.instance_of(str)


def _is_pause(_: object, __: object, value: float) -> None:
    if not isinstance(value, int | float) or not value >= 0:  # pyright: ignore[reportUnnecessaryIsInstance] - tests are often untyped
        message = f"a delay takes a number of seconds, 0 or more, not {value!r}"
        raise ValueError(message)


@attrs.frozen
class Respond:
    """Send this answer instead of carrying out the operation."""

    status: int = attrs.field(validator=[_is_whole_number, attrs.validators.ge(200), attrs.validators.le(599)])
    """The HTTP status, 200 to 599."""

    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], validator=attrs.validators.deep_mapping(_is_text, _is_text)
    )
    """The headers, besides those that frame the message, such as Content-Length."""

    body: bytes = attrs.field(default=b"", validator=_is_bytes)
    """The whole body."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        return await exchange.reply(Answer(self.status, self.body, self.headers))


@attrs.frozen
class Delay:
    """Let the request wait, then carry it out and answer as usual."""

    seconds: float = attrs.field(validator=_is_pause)
    """How long it waits, in seconds."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        await asyncio.sleep(self.seconds)
        return await exchange.reply(exchange.apply())


@attrs.frozen
class DropConnection:
    """Close the connection without an answer instead of carrying out the operation."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        return exchange.close()


@attrs.frozen
class DropResponse:
    """Carry out the operation, then close the connection without an answer."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        exchange.apply()
        return exchange.close()


@attrs.frozen
class CutBody:
    """Carry out the operation, announce the whole answer, and close the connection after a part of its body.

    An answer without a body is dropped, as with `DropResponse`.
    """

    keep: int = attrs.field(default=10, validator=[_is_whole_number, attrs.validators.ge(0)])
    """How many bytes of the body are sent; always at least one fewer than there are."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        answer = exchange.apply()
        if answer.body:
            await exchange.reply_in_part(answer, min(self.keep, len(answer.body) - 1))
        return exchange.close()


@attrs.frozen
class Garbage:
    """Carry out the operation, then answer 200 with a body that is not what its Content-Type says."""

    body: bytes = attrs.field(default=b'{"registrationId": "\xff', validator=_is_bytes)
    """The whole body."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        exchange.apply()
        return await exchange.reply(Answer(200, self.body, {"Content-Type": "application/json"}))


@attrs.frozen
class Stall:
    """Carry out the operation, send half of the answer, and nothing more until the client or the emulator disconnects.

    If the answer has no body, nothing is sent, not even the status.
    """

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request in this way."""
        answer = exchange.apply()
        if answer.body:
            await exchange.reply_in_part(answer, len(answer.body) // 2)
        # This ends when aiohttp cancels the handler, because the client disconnects or the emulator stops.
        never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
        return await never


Fault: TypeAlias = Respond | Delay | DropConnection | DropResponse | CutBody | Garbage | Stall
"""Any of the faults."""


@attrs.define(eq=False)
class FaultRule:
    """An injected fault, and the requests that it happens to."""

    fault: Fault
    """What happens to them."""

    times: int | None
    """To how many requests it happens at most, None for no limit."""

    probability: float
    """To what share of the matching requests it happens, from 0 to 1."""

    method: str | None
    """The method of matching requests, None for any."""

    path: str | None
    """The beginning of the undecoded path of matching requests, None for any."""

    hits: int = 0
    """To how many requests it has happened."""

    def strikes(self, request: RecordedRequest, chance: random.Random) -> bool:
        """Decide whether the fault happens to this request, and count it if so."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.method is not None and self.method != request.method:
            return False
        if self.path is not None and not request.path.startswith(self.path):
            return False
        if chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


@attrs.define(eq=False)
class FaultInjection:
    """What can be made to fail: a server that asks, for each request, which fault happens to it."""

    _chance: random.Random = attrs.field(init=False, repr=False)
    _rules: list[FaultRule] = attrs.field(init=False, factory=list[FaultRule], repr=False)

    def inject(
        self,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float = 1.0,
        method: str | None = None,
        path: str | None = None,
    ) -> FaultRule:
        """Let a fault happen to requests from now on; of several that match a request, only the first one happens.

        Faults of an emulator happen to requests to the API only. Its storage is another server, to which downloads are
        redirected and uploads go: `Emulator.storage.inject` lets faults happen to those.

        Args:
            fault: What happens.
            times: To how many requests it happens at most, None for no limit.
            probability: To what share of the matching requests it happens, from 0 to 1.
            method: The method of matching requests, such as "GET", None for any.
            path: The beginning of the undecoded path of matching requests, such as "/api/sip", None for any.

        Returns:
            The rule, which counts its `hits`.

        Raises:
            TypeError: `fault` is not an instance of one of the faults.
            ValueError: `times` is less than 1, `probability` not within 0 and 1, or `path` does not begin with a slash.
        """
        if not isinstance(fault, get_args(Fault)):
            message = f"inject takes an instance of a fault, such as Respond(503), not {fault!r}"
            raise TypeError(message)
        if path is not None and (not path.startswith("/") or "{" in path):
            message = f"path is what the path of a request begins with, such as /api/sip, not {path}"
            raise ValueError(message)
        if times is not None and times < 1:
            message = f"times has to be at least 1, not {times}"
            raise ValueError(message)
        if not 0 <= probability <= 1:
            message = f"probability has to be within 0 and 1, not {probability}"
            raise ValueError(message)
        rule = FaultRule(fault, times, probability, None if method is None else method.upper(), path)
        self._rules.append(rule)
        return rule

    def clear_faults(self) -> None:
        """Stop all faults that were injected here."""
        self._rules.clear()

    async def _answer_or_fail(self, exchange: Exchange) -> web.StreamResponse:
        for rule in self._rules:
            if rule.strikes(exchange.recorded, self._chance):
                return await rule.fault.play(exchange)
        return await exchange.reply(exchange.apply())
