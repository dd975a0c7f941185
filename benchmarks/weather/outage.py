"""The server is away in the middle of a sweep."""

import functools
from collections.abc import Mapping

from benchmarks.rounds import Effort
from benchmarks.weather.processes import run_clients, serving
from benchmarks.weather.scenario import Measured, Scenario, seconds
from benchmarks.weather.series import accepted, buckets, most_in_a_second, rates, seconds_until_rate
from benchmarks.weather.sweeping import SweepJob, SweepResult

_RATE = 200
_KINDS = {"refused": "refuses connections", "503": "answers 503", "silent": "never answers"}


async def _away(effort: Effort, kind: str, lasts: float) -> Measured:
    count = effort.of(3000, 30)
    begins, lasts = (0.05, 0.1) if effort.quick else (3.0, lasts)
    options = ("--away", kind, "--away-after", str(begins), "--away-for", str(lasts))
    async with serving("--limit", f"sliding:{_RATE}", "--retry-after", "1", *options) as server:
        job = SweepJob(server.base_url(), seconds=180.0, count=count, traced=True)
        [result] = await run_clients([job], SweepResult)
        log = await server.stop()
    began, ended = log.outage
    lost = sum(result.errors.values()) + count - result.distinct
    # The first second of an outage begins before anybody can know of it.
    at_first = most_in_a_second(result.attempts, began, min(began + 1.0, ended))
    later = most_in_a_second(result.attempts, began + 1.0, ended)
    back = seconds_until_rate(accepted(log.requests), ended, 0.9 * _RATE)
    return Measured(
        f"{lost} of {count} ids lost, {len(result.attempts)} requests; in its first second {at_first}, later at most "
        f"{later} a second; at 90 % of the rate {seconds(back)} after it; {result.ended - result.started:.1f} s in all",
        {
            "lost": lost,
            "errors": result.errors,
            "finished": result.finished,
            "requests": len(result.attempts),
            "most_in_first_second": at_first,
            "most_in_a_second_later": later,
            "recovered_after": back,
            "seconds": result.ended - result.started,
            "outage": [moment - result.started for moment in log.outage],
            "attempts": buckets(result.attempts, result.started),
        },
        rates(log.requests, result.started),
    )


SCENARIOS: Mapping[str, Scenario] = {
    f"outage/{kind}-{lasts}": Scenario(
        f"in a sweep of 3,000 ids the server {does} for {lasts} s",
        "none lost, at most 5 probes a second, at full pace within 1 s after it",
        functools.partial(_away, kind=kind, lasts=float(lasts)),
    )
    for kind, does in _KINDS.items()
    for lasts in (2, 10, 30)
}
