"""The key's real limit is 50/s, and the client is left at 200/s."""

import functools
from collections.abc import Mapping, Sequence

from benchmarks.rounds import Effort
from benchmarks.weather.processes import Event, run_clients, serving
from benchmarks.weather.proxies import nginx
from benchmarks.weather.scenario import Measured, Scenario, percent
from benchmarks.weather.series import accepted, counted, rates, refused_share
from benchmarks.weather.sweeping import SweepJob, SweepResult

_LIMIT = 50
_TARGET = "from the 5th second on at least 90 % of the limit used, at most 3 % refused; none lost"


async def _behind_server(effort: Effort, options: Sequence[str]) -> Measured:
    async with serving(*options) as server:
        [result] = await run_clients([SweepJob(server.base_url(), effort.of(30, 1))], SweepResult)
        log = await server.stop()
    return _measured(effort, result, log.requests)


async def _behind_nginx(effort: Effort, limit_req: str) -> Measured:
    async with serving() as server, nginx(server.port, limit_req) as gateway:
        [result] = await run_clients([SweepJob(gateway.base_url(), effort.of(30, 1))], SweepResult)
        requests = gateway.requests()
    return _measured(effort, result, requests)


def _measured(effort: Effort, result: SweepResult, requests: list[Event]) -> Measured:
    start, end = result.started + effort.of(5, 0), result.started + effort.of(30, 1)
    use = counted(accepted(requests), start, end) / (_LIMIT * (end - start))
    refused = refused_share(requests, start, end)
    lost = sum(result.errors.values()) + result.outcomes - result.distinct
    per_id = len(requests) / result.outcomes
    return Measured(
        f"{percent(use)} used, {percent(refused)} refused; {lost} of {result.outcomes} ids lost, "
        f"{per_id:.2f} requests an id{'' if result.finished else '; cut off, not over after 50 s'}",
        {
            "finished": result.finished,
            "use": use,
            "refused": refused,
            "ids": result.outcomes,
            "lost": lost,
            "errors": result.errors,
            "requests_per_id": per_id,
        },
        rates(requests, result.started),
    )


def _server(condition: str, *options: str) -> Scenario:
    return Scenario(
        f"limit 50/s, client at 200: {condition}", _TARGET, functools.partial(_behind_server, options=options)
    )


def _nginx(condition: str, limit_req: str) -> Scenario:
    return Scenario(
        f"limit 50/s, client at 200: {condition}", _TARGET, functools.partial(_behind_nginx, limit_req=limit_req)
    )


_SLIDING = ("--limit", f"sliding:{_LIMIT}")
_WAIT = ("--retry-after", "1")

SCENARIOS: Mapping[str, Scenario] = {
    "limit/429": _server("exact window, 429 with Retry-After: 1", *_SLIDING, *_WAIT),
    "limit/503": _server("exact window, 503 with Retry-After: 1", *_SLIDING, *_WAIT, "--refuse-with", "503"),
    "limit/503-bare": _server("exact window, 503 without Retry-After", *_SLIDING, "--refuse-with", "503"),
    "limit/bucket": _server("token bucket, burst 50, 429 with Retry-After: 1", "--limit", "bucket:50:50", *_WAIT),
    "limit/fixed": _server("whole seconds, 429 with Retry-After: 1", "--limit", "fixed:50", *_WAIT),
    "limit/nginx": _nginx("nginx, no burst, 429 with Retry-After: 1", "limit_req zone=key nodelay"),
    **{
        f"limit/nginx-{burst}": _nginx(
            f"nginx, burst={burst}, 429 with Retry-After: 1", f"limit_req zone=key burst={burst} nodelay"
        )
        for burst in (10, 20)
    },
}
