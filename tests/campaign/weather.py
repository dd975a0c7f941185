"""The network as it is: a fault that strikes a share of all requests, and keeps account of what was carried out."""

import random
from collections import Counter

import attrs
import orjson
from aiohttp import web

from ultravox_async.testing import CutBody, Delay, DropConnection, DropResponse, Fault, Garbage, Respond, Stall
from ultravox_async.testing._exchange import Exchange
from ultravox_async.testing._wire import Answer

_PAGE = b"<html><head><title>Bad gateway</title></head><body>nginx</body></html>"
_HTML = {"Content-Type": "text/html"}

# How often each of them strikes, compared with the others. Those that cost a whole Timeout.read are rare.
_FAULTS: dict[str, tuple[int, Fault]] = {
    "dropped before": (12, DropConnection()),
    "dropped after": (12, DropResponse()),
    "cut at once": (6, CutBody(1)),
    "cut later": (6, CutBody(60)),
    "delayed": (12, Delay(0.003)),
    "stalled": (1, Stall()),
    "garbage": (4, Garbage()),
    "408": (6, Respond(408)),
    "429": (3, Respond(429)),
    "429, retry after 0": (3, Respond(429, {"Retry-After": "0"}, b'{"detail": "slow down"}')),
    "429, retry after 5 ms": (3, Respond(429, {"Retry-After": "0.005"})),
    "503, retry after an hour": (1, Respond(503, {"Retry-After": "3600"})),
    "500": (6, Respond(500, {}, b'{"detail": "oops"}')),
    "502 with HTML": (6, Respond(502, _HTML, _PAGE)),
    "503": (6, Respond(503, {}, b"null")),
    "503, retry after 1 ms": (6, Respond(503, {"Retry-After": "0.001"}, b"[]")),
    "503, retry after nonsense": (3, Respond(503, {"Retry-After": "soon"}, b"\xff\xfe")),
    "504 with HTML": (6, Respond(504, _HTML, _PAGE * 100)),
}
# Nothing was carried out, and the status says that it was. To a request that changes something that is a lie which no
# client can see through, so it happens to reads only.
_FAULTS_OF_READS: dict[str, tuple[int, Fault]] = {
    "200 with HTML": (3, Respond(200, _HTML, _PAGE)),
    "200 with nothing": (3, Respond(200)),
    "200 with null": (2, Respond(200, {}, b"null")),
}


@attrs.frozen(eq=False)
class Weather(Delay):
    """Injected once, for all requests: lets a fault strike some of them, and notes which changes were carried out.

    A change is known by its marker: the field ``authUser`` of what is sent holds the number of its operation.
    """

    seconds: float = 0.0
    operations: int = attrs.field(kw_only=True)
    seed: int = attrs.field(kw_only=True)
    share: float = attrs.field(kw_only=True)
    applied: bytearray = attrs.field(
        init=False, repr=False, default=attrs.Factory(lambda self: bytearray(self.operations), takes_self=True)
    )
    struck: Counter[str] = attrs.field(init=False, factory=Counter[str])
    _chance: random.Random = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: random.Random(self.seed), takes_self=True),  # noqa: S311 - has to be repeatable, guards nothing
    )

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        carry_out = exchange.apply

        def noted() -> Answer:
            answer = carry_out()
            if exchange.recorded.body and answer.status in {200, 201}:
                self.applied[int(orjson.loads(exchange.recorded.body)["authUser"])] += 1
            return answer

        exchange.apply = noted
        if self._chance.random() >= self.share:
            return await exchange.reply(noted())
        faults = _FAULTS | _FAULTS_OF_READS if exchange.recorded.method == "GET" else _FAULTS
        (name,) = self._chance.choices(list(faults), [weight for weight, _ in faults.values()])
        self.struck[name] += 1
        return await faults[name][1].play(exchange)
