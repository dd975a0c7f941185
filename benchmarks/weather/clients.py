"""Several clients of one key, each in a process and at 200/s, and the key's limit is 200/s."""

import functools
import itertools
import statistics
from collections.abc import Mapping, Sequence

from benchmarks.rounds import Effort
from benchmarks.weather.processes import Event, run_clients, serving
from benchmarks.weather.scenario import Measured, Scenario, percent, seconds
from benchmarks.weather.series import (
    accepted,
    by_client,
    counted,
    fair_after,
    fair_shares,
    last_windows,
    longest_silence,
    rates,
    refused_share,
    unfair_until,
)
from benchmarks.weather.sweeping import SweepJob, SweepResult

_LIMIT = 200
_OPTIONS = ("--limit", f"sliding:{_LIMIT}", "--retry-after", "1")


async def _together(effort: Effort, clients: int) -> Measured:
    lasts, settled = effort.of(30, 1), effort.of(5, 0)
    async with serving(*_OPTIONS) as server:
        jobs = [SweepJob(server.base_url(f"c{number}"), lasts) for number in range(clients)]
        results = await run_clients(jobs, SweepResult)
        requests = (await server.stop()).requests
    started = min(result.started for result in results)
    start, end = started + settled, started + lasts
    use = counted(accepted(requests), start, end) / (_LIMIT * (end - start))
    refused = refused_share(requests, start, end)
    shares = fair_shares(_accepted_by_client(requests), start, end)
    each = [*itertools.chain.from_iterable(shares.values())] or [0.0]
    deviation = statistics.mean(abs(share - 1.0) for share in each)
    lost = sum(sum(result.errors.values()) for result in results)
    return Measured(
        f"{percent(use)} used, {percent(refused)} refused; shares in 5 s from {min(each):.2f} to {max(each):.2f} of "
        f"fair, off by {deviation:.2f} on average; {lost} ids lost",
        {
            "use": use,
            "refused": refused,
            "fair_shares": {client: [round(share, 3) for share in of_client] for client, of_client in shares.items()},
            "lowest": min(each),
            "highest": max(each),
            "mean_deviation": deviation,
            "lost": lost,
        },
        rates(requests, started),
    )


async def _late(effort: Effort, others: int) -> Measured:
    lasts, late = effort.of(40, 1), 5.0
    async with serving(*_OPTIONS) as server:
        jobs = [SweepJob(server.base_url(f"c{number}"), lasts) for number in range(others)]
        joins = SweepJob(server.base_url(f"c{others}"), lasts - late)
        results = await run_clients([*jobs, joins], SweepResult, [0.0] * others + [late])
        requests = (await server.stop()).requests
    started, joined = results[0].started, results[-1].started
    end = started + lasts
    moments = _accepted_by_client(requests)
    own = moments.setdefault(f"c{others}", [])
    ends, shares = last_windows(moments, f"c{others}", joined, end)
    fair, unfair = fair_after(ends, shares), unfair_until(ends, shares)
    silent = sum(counted(own, joined + second, joined + second + 1.0) == 0 for second in range(int(end - joined)))
    longest = longest_silence(own, joined, end)
    return Measured(
        f"within 25 % of its fair share after {seconds(fair)}, and on average from there on; "
        f"the last 5 s that were not end after {unfair:.1f} s; "
        f"{silent} seconds without an answer, at most {longest:.1f} s in a row",
        {
            "fair_after": fair,
            "unfair_until": unfair,
            "seconds_without_answer": silent,
            "longest_silence": longest,
        },
        rates(requests, started),
    )


def _accepted_by_client(requests: Sequence[Event]) -> dict[str, list[float]]:
    return {client: accepted(of_client) for client, of_client in by_client(requests).items()}


SCENARIOS: Mapping[str, Scenario] = {
    **{
        f"clients/{clients}": Scenario(
            f"{clients} clients of one key, 200/s each, limit 200/s",
            "at least 90 % used; each within 25 % of its fair share",
            functools.partial(_together, clients=clients),
        )
        for clients in (2, 4, 8)
    },
    **{
        f"clients/late-{others}": Scenario(
            f"a client joins 5 s late, beside {others}",
            "within 25 % of its fair share after 20 s",
            functools.partial(_late, others=others),
        )
        for others in (1, 3, 7)
    },
}
