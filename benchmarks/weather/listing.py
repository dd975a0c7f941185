"""What `via="auto"` makes of listings that are slow, hang, or are quick; and a key that is revoked."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.rounds import Effort
from benchmarks.weather.processes import run_clients, serving
from benchmarks.weather.scenario import Measured, Scenario
from benchmarks.weather.sweeping import SweepJob, SweepResult
from ultravox_async import Via

_CAP = 60.0
_VIAS: Sequence[Via] = ("auto", "get", "list")
_PAGES: Mapping[str, tuple[str, Sequence[str]]] = {
    "quick": ("20 ms a page", ["0.02"]),
    "1s": ("1 s a page", ["1"]),
    "3s": ("3 s a page", ["3"]),
    "late": ("the first page in 20 ms, then 20 s a page", ["0.02", "20"]),
    "hangs": ("no page ever comes", ["inf"]),
}


async def _swept(via: Via, account: int, count: int, page_delays: Sequence[str]) -> tuple[SweepResult, int]:
    options = ("--registrations", str(account), "--page-delays", *page_delays, "--delay", "0.03", "0.03")
    async with serving("--limit", "sliding:200", "--retry-after", "1", *options) as server:
        [result] = await run_clients([SweepJob(server.base_url(), _CAP, count, account, via)], SweepResult)
        return result, len((await server.stop()).requests)


async def _three_ways(effort: Effort, account: int, page_delays: Sequence[str]) -> Measured:
    count = effort.of(1000, 10)
    # They mostly wait, and none of them for another: each has a server of its own.
    told = await asyncio.gather(*(_swept(via, account, count, page_delays) for via in _VIAS))
    figures = {via: _figures(result, requests) for via, (result, requests) in zip(_VIAS, told, strict=True)}
    auto, best = figures["auto"]["seconds"], min(figures["get"]["seconds"], figures["list"]["seconds"])
    # What was cut off at the cap would have taken longer than this.
    ratio, sign = auto / best, ("" if figures["auto"]["finished"] else "over ")
    texts = [
        f"{via} {'' if of['finished'] else 'over '}{of['seconds']:.1f} s, {of['requests']:.0f} requests"
        for via, of in figures.items()
    ]
    first = figures["auto"]["first_outcome"]
    return Measured(
        f"{sign}{ratio:.2f} times the better way, {'no' if first is None else 'first'} outcome after "
        f"{_CAP if first is None else first:.1f} s; " + "; ".join(texts),
        {"ratio": ratio, "ways": figures},
    )


def _figures(result: SweepResult, requests: int) -> dict[str, Any]:
    first = result.first_outcome
    return {
        "seconds": result.ended - result.started,
        "first_outcome": None if first is None else first - result.started,
        "finished": result.finished,
        "requests": requests,
        "outcomes": result.outcomes,
        "lost": sum(result.errors.values()),
    }


async def _revoked(effort: Effort) -> Measured:
    count, after = effort.of(1000, 20), effort.of(500, 10)
    async with serving("--revoke-after", str(after)) as server:
        [result] = await run_clients([SweepJob(server.base_url(), _CAP, count)], SweepResult)
        requests = (await server.stop()).requests
    refused = sum(event.status == 401 for event in requests)  # noqa: PLR2004 - the status of a revoked key
    return Measured(
        f"{len(requests)} requests for {count} ids, {refused} of them after the key was revoked; "
        f"{result.distinct} of {count} ids have an outcome, {result.outcomes - result.distinct} have more than one; "
        f"errors: {result.errors}",
        {
            "requests": len(requests),
            "after_revocation": refused,
            "outcomes": result.outcomes,
            "distinct": result.distinct,
            "errors": result.errors,
        },
    )


SCENARIOS: Mapping[str, Scenario] = {
    **{
        f"listing/{name}-{account}": Scenario(
            f"1,000 ids of {account:,}, GETs take 30 ms, {does}",
            "at most 1.3 times the better way, first outcome within 2 s"
            + (", at most 1.2 times the listing's requests" if name == "quick" else ""),
            functools.partial(_three_ways, account=account, page_delays=delays),
        )
        for account in (1000, 10_000)
        for name, (does, delays) in _PAGES.items()
    },
    "revoked": Scenario(
        "in the middle of a sweep of 1,000 ids the key is revoked",
        "a handful of requests after that; each id has exactly one outcome",
        _revoked,
    ),
}
