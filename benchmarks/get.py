"""CPU time per typed `get()`: compared with plain aiohttp, with more tasks, with httpx and with the core of openai."""

from collections import Counter
from functools import partial
from types import ModuleType
from typing import Any

from benchmarks.decode import pydantic_fields
from benchmarks.rounds import (
    KEY,
    PATH,
    UNBOUND,
    Effort,
    Fetch,
    Row,
    absent,
    by_hand,
    compared,
    cpu,
    installed,
    interleaved,
    serving,
)
from ultravox_async import AsyncUltravox, AttemptInfo, Observer, RateLimit, RequestInfo, RequestResult

_WHAT = "CPU per typed get(), 50 concurrent"
_TENTH = "at most 0.10"


class _Tally(Observer):
    """Counts as an exporter of metrics does, with all methods in use."""

    def __init__(self) -> None:
        self.requests = Counter[tuple[str, str, int | None]]()
        self.seconds = 0.0
        self.in_flight = 0

    def request_started(self, request: RequestInfo) -> None:  # noqa: ARG002 - as the base class has it
        self.in_flight += 1

    def attempt_ended(self, state: None, request: RequestInfo, attempt: AttemptInfo) -> None:  # noqa: ARG002 - the same
        self.seconds += attempt.seconds

    def request_ended(self, state: None, request: RequestInfo, result: RequestResult) -> None:  # noqa: ARG002 - the same
        self.in_flight -= 1
        self.requests[request.method, request.template, result.status] += 1


def client(base_url: str, *observers: Observer) -> AsyncUltravox:
    """Return a client with all features enabled; statistics always are, and nobody has enabled logging."""
    return AsyncUltravox(KEY, base_url=base_url, rate_limit=RateLimit(UNBOUND), observers=observers)


async def against_aiohttp(effort: Effort) -> list[Row]:
    """Compare with plain aiohttp, which returns dicts."""
    requests = effort.of(2_000, 100)
    with serving() as base_url:
        async with client(base_url) as ultravox, by_hand(base_url) as hand:
            sides = {
                "ours": partial(cpu, ultravox.sip.registrations.get, requests, 50),
                "hand": partial(cpu, hand, requests, 50),
            }
            times = await interleaved(sides, effort.rounds)
    return [compared(_WHAT, "aiohttp by hand", "at most 1.05, aim 0.95", times["ours"], times["hand"])]


async def observed(effort: Effort) -> list[Row]:
    """Compare a client that has an observer with plain aiohttp, and with a client that has none."""
    requests = effort.of(2_000, 100)
    with serving() as base_url:
        async with (
            client(base_url, _Tally()) as watched,
            client(base_url) as ultravox,
            by_hand(base_url) as hand,
        ):
            sides = {
                "watched": partial(cpu, watched.sip.registrations.get, requests, 50),
                "ours": partial(cpu, ultravox.sip.registrations.get, requests, 50),
                "hand": partial(cpu, hand, requests, 50),
            }
            times = await interleaved(sides, effort.rounds)
    what = f"{_WHAT}, with an observer"
    return [
        compared(what, "aiohttp by hand", "at most 1.10", times["watched"], times["hand"]),
        compared(what, "the same without an observer", "none, for scale", times["watched"], times["ours"]),
    ]


async def against_itself(effort: Effort) -> list[Row]:
    """Compare many tasks with 50 tasks, with the default pool size."""
    requests = effort.of(6_000, 200)
    with serving() as base_url:
        async with client(base_url) as ultravox:
            get = ultravox.sip.registrations.get
            sides = {str(tasks): partial(cpu, get, requests, tasks) for tasks in (50, 500, 2_000)}
            times = await interleaved(sides, effort.rounds)
    return [
        compared(f"CPU per typed get(), {tasks} concurrent", "itself at 50", "at most 1.15", times[tasks], times["50"])
        for tasks in ("500", "2000")
    ]


async def against_openai(effort: Effort) -> list[Row]:
    """Compare with the runtime of generated httpx SDKs, which returns pydantic models."""
    openai, pydantic = installed("openai"), installed("pydantic")
    if openai is None or pydantic is None:
        return [absent(_WHAT, "AsyncOpenAI.get(cast_to=Model)", _TENTH)]
    with serving() as base_url:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=base_url) as theirs:
            model = _model(openai, pydantic)

            async def get(registration_id: str) -> object:
                return await theirs.get(f"{PATH}/{registration_id}", cast_to=model)

            return [await _against(base_url, get, "AsyncOpenAI.get(cast_to=Model)", effort)]


async def against_httpx(effort: Effort) -> list[Row]:
    """Compare with plain httpx, which returns dicts."""
    httpx = installed("httpx")
    if httpx is None:
        return [absent(_WHAT, "httpx.AsyncClient", _TENTH)]
    with serving() as base_url:
        async with httpx.AsyncClient(headers={"X-API-Key": KEY}) as theirs:

            async def get(registration_id: str) -> object:
                response = await theirs.get(f"{base_url}{PATH}/{registration_id}")
                return response.raise_for_status().json()

            return [await _against(base_url, get, "httpx.AsyncClient", effort)]


async def _against(base_url: str, get: Fetch, name: str, effort: Effort) -> Row:
    # The peers take so much longer that fewer requests are enough.
    requests = effort.of(500, 50)
    async with client(base_url) as ultravox:
        sides = {
            "ours": partial(cpu, ultravox.sip.registrations.get, requests, 50),
            "peer": partial(cpu, get, requests, 50),
        }
        times = await interleaved(sides, effort.rounds)
    return compared(_WHAT, name, _TENTH, times["ours"], times["peer"])


def _model(openai: ModuleType, pydantic: ModuleType) -> Any:  # noqa: ANN401 - a class of a peer that may be absent
    return pydantic.create_model("Registration", __base__=openai.BaseModel, **pydantic_fields(pydantic))
