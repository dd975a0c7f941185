import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.limits import limit_from
from benchmarks.rounds import QUICK
from benchmarks.weather import posting, sweeping
from benchmarks.weather.__main__ import chosen, measured, told_before, write
from benchmarks.weather.processes import Event
from benchmarks.weather.proxies import Gateway
from benchmarks.weather.scenario import load
from benchmarks.weather.series import (
    buckets,
    fair_after,
    fair_shares,
    last_windows,
    longest_silence,
    most_in_a_second,
    rates,
    refused_share,
    seconds_until_rate,
    unfair_until,
)
from benchmarks.weather.server import Server, options_from
from tests.conftest import Clock

from .test_smoke import run


@asynccontextmanager
async def serving(*options: str) -> AsyncGenerator[tuple[Server, str]]:
    server = Server(options_from(["--delay", "0", "0", *options]))
    port = await server.listen()
    try:
        yield server, f"http://127.0.0.1:{port}/c0"
    finally:
        server.close()


@pytest.mark.slow
async def test_it_runs_with_tiny_sizes_and_prints_and_writes_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "weather.json"
    code, table, complaints = await run(
        *("--quick", "--only", "revoked", "--only", "outage/503-2", "--json", str(file)), module="benchmarks.weather"
    )
    assert (code, complaints) == (0, "")
    heading, _, outage, revoked = table.splitlines()
    assert heading == "| scenario | condition | measured | to reach |"
    assert outage.startswith("| outage/503-2 | ")
    assert "0 of 30 ids lost" in outage
    assert "20 of 20 ids have an outcome, 0 have more than one" in revoked
    scenarios = json.loads(file.read_text())["scenarios"]
    assert [*scenarios] == ["outage/503-2", "revoked"]
    assert sum(scenarios["outage/503-2"]["rates"]["c0"]["accepted"]) == 30


async def test_a_program_that_is_missing_is_named_in_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(shutil, "which", nowhere)
    text, told = await measured("idle-close/haproxy", QUICK)
    assert text == "haproxy is not installed"
    assert told["missing"] == text


def test_a_group_names_all_its_scenarios_and_a_scenario_itself() -> None:
    assert [*chosen(["clients/4", "queue"])] == ["clients/4", "queue/single", "queue/sweep"]


def test_a_scenario_that_is_measured_again_leaves_the_others_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "weather.json"
    assert told_before(file) == {}
    write(file, {"a": {"figures": {"use": 0.123456}}, "b": {"load": [load()]}})
    assert told_before(file)["a"] == {"figures": {"use": 0.1235}}
    assert [*told_before(file)] == ["a", "b"]


@pytest.mark.parametrize(
    ("limit", "moments", "accepted"),
    [
        ("none", [0.0, 0.0, 0.0], [True, True, True]),
        ("sliding:2", [0.5, 0.9, 1.4, 1.5, 1.6], [True, True, False, True, False]),
        ("fixed:2", [0.5, 0.9, 0.95, 1.0, 1.1, 1.2], [True, True, False, True, True, False]),
        ("bucket:2:1", [0.5, 0.6, 1.0, 3.0, 3.1], [True, False, True, True, False]),
    ],
)
def test_a_limit_accepts_what_its_kind_allows(limit: str, moments: list[float], accepted: list[bool]) -> None:
    accepts: Callable[[float], bool] = limit_from(limit).accepts
    assert [accepts(moment) for moment in moments] == accepted


def test_a_limit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="leaky:3"):
        limit_from("leaky:3")


def test_requests_are_counted_by_client_and_bucket() -> None:
    requests = [Event(10.1, "c0", "GET", 200), Event(10.6, "c0", "GET", 429), Event(10.3, "c1", "POST", 201)]
    assert rates(requests, 10.0) == {
        "c0": {"accepted": [1], "refused": [0, 0, 1]},
        "c1": {"accepted": [0, 1], "refused": []},
    }
    assert buckets([], 10.0) == []
    assert refused_share(requests, 10.2, 11.0) == 0.5
    assert refused_share(requests, 11.0, 12.0) == 0.0


def test_shares_are_compared_with_the_fair_one_in_windows_of_five_seconds() -> None:
    moments = {"c0": [1.0, 2.0, 3.0, 6.0], "c1": [4.0, 7.0]}
    assert fair_shares(moments, 0.0, 10.0) == {"c0": [1.5, 1.0], "c1": [0.5, 1.0]}
    assert fair_shares(moments, 10.0, 15.0) == {"c0": [0.0], "c1": [0.0]}


def test_a_client_has_joined_when_its_share_is_fair_and_stays_so_on_average() -> None:
    others = [number / 10 for number in range(400)]
    ends, shares = last_windows({"c0": others, "c1": others[119:]}, "c1", 5.0, 40.0)
    assert (ends[0], ends[-1]) == (5.0, 35.0)
    assert (fair_after(ends, shares), unfair_until(ends, shares)) == (10.0, 9.75)


def test_a_share_that_is_not_fair_for_a_while_is_told_and_outweighed_by_the_average() -> None:
    ends, shares = [5.0, 6.0, 7.0, 8.0], [0.5, 1.0, 0.7, 1.1]
    assert (fair_after(ends, shares), unfair_until(ends, shares)) == (6.0, 7.0)
    assert (fair_after(ends, [0.0] * 4), unfair_until(ends, [1.0] * 4)) == (None, 0.0)


def test_silences_rates_and_recoveries_are_measured_between_moments() -> None:
    moments = [1.0, 1.5, 1.75, 2.5, 4.0]
    assert longest_silence(moments, 0.5, 5.0) == 1.5
    assert longest_silence([], 0.5, 5.0) == 4.5
    assert most_in_a_second(moments, 1.25, 5.0) == 2
    assert most_in_a_second([], 0.0, 5.0) == 0
    assert seconds_until_rate(moments, 0.0, 3) == 1.0
    assert seconds_until_rate(moments, 2.0, 3) is None


def test_what_a_gateway_has_logged_is_read_as_requests_and_connections(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(
        "1795700000.250 GET /c0/api/sip/registrations/1 200 7\n"
        "something that a gateway says at its start\n"
        "1795700000.500 POST /c1/api/sip/registrations 503 8\n"
        "1795700000.750 GET /c0/api/sip/registrations/2 429 9\n"
    )
    gateway = Gateway(80, log)
    first, second, third = gateway.requests()
    assert [(event.client, event.method, event.status) for event in (first, second, third)] == [
        ("c0", "GET", 200),
        ("c1", "POST", 503),
        ("c0", "GET", 429),
    ]
    assert second.at - first.at == pytest.approx(0.25)
    assert (gateway.connections("c0", 2), gateway.connections("c0", 1)) == (2, 1)


async def test_a_sweep_tells_of_outcomes_errors_and_attempts() -> None:
    async with serving("--revoke-after", "3") as (server, base_url):
        result = await sweeping.sweep(sweeping.SweepJob(base_url, seconds=5.0, count=5, traced=True))
    assert (result.outcomes, result.distinct, result.finished) == (5, 5, True)
    assert result.errors == {"AuthenticationError 401": 2}
    assert len(result.attempts) == len(server.service.log) == 5


async def test_a_sweep_that_takes_too_long_is_cut_off() -> None:
    async with serving("--registrations", "300", "--page-delays", "inf") as (_, base_url):
        result = await sweeping.sweep(sweeping.SweepJob(base_url, seconds=0.1, count=200, account=300, via="list"))
    assert (result.outcomes, result.first_outcome, result.finished) == (0, None, False)


async def test_pages_come_one_after_another_from_the_listing() -> None:
    async with serving("--registrations", "300", "--page-delays", "0") as (server, base_url):
        result = await sweeping.sweep(sweeping.SweepJob(base_url, seconds=5.0, count=200, account=300, via="list"))
    assert (result.distinct, result.errors) == (200, {})
    assert len(server.service.log) <= 3


@pytest.mark.parametrize("learnt", [False, True])
async def test_posts_around_an_idle_close_are_told_with_their_idle_time(*, learnt: bool) -> None:
    async with serving() as (server, base_url):
        told = await posting.race(posting.RaceJob(base_url, 2, timeout=0.01, offsets=[-0.001, 0.001], learnt=learnt))
    assert [round(post.idle, 3) for post in told.posts if post.idle] == [0.009, 0.009, 0.011, 0.011]
    assert len({post.username for post in told.posts}) == len(server.service.log) == 8 + 2 * learnt


async def test_posts_with_pauses_reach_the_server_one_by_one() -> None:
    async with serving() as (server, base_url):
        told = await posting.idle_between(posting.IdleJob(base_url, idle=0.01, count=3, timeout=0.01, learnt=True))
    assert [post.error for post in told.posts] == [None] * 4
    assert len(server.service.log) == 4


@pytest.mark.parametrize("swept", [False, True])
async def test_a_crowd_tells_which_requests_failed(*, swept: bool) -> None:
    async with serving("--revoke-after", "0") as (_, base_url):
        told = await posting.crowd(posting.CrowdJob(base_url, gets=3, posts=2, swept=swept))
    assert told.get_errors == {"AuthenticationError 401": 3}
    assert [post.error for post in told.posts] == ["AuthenticationError 401"] * 2


async def test_a_server_that_refuses_connections_comes_back_on_the_same_port(clock: Clock) -> None:
    # On this clock the outage neither begins after the last request nor ends before another one.
    assert clock
    async with serving("--away", "refused", "--away-after", "0.02", "--away-for", "0.02") as (server, base_url):
        result = await sweeping.sweep(sweeping.SweepJob(base_url, seconds=10.0, count=20, traced=True))
        await asyncio.wait_for(server.over(), 5.0)
        again = await sweeping.sweep(sweeping.SweepJob(base_url, seconds=10.0, count=2))
    assert (result.distinct, result.errors, again.distinct, again.errors) == (20, {}, 2, {})
    assert len(result.attempts) > 20
    assert server.outage[1] - server.outage[0] == pytest.approx(0.02)
