from typing import get_args

import pytest

from tests.campaign import closed, transfers
from tests.campaign.cancelled import CONCURRENT, STAGES, Stage, cancel_at
from tests.campaign.leftovers import broken
from tests.campaign.mixed import Plan, run

pytestmark = pytest.mark.slow


async def test_two_thousand_operations_through_bad_weather_lose_nothing_and_leak_nothing() -> None:
    # A limit would last for a few operations only, and the pace would stay low for the rest of so short a campaign.
    report = await run(Plan(requests=2000, seed=1, rate_limit=None))
    assert report.passed, str(report)
    assert sum(report.operations.values()) == 2000
    assert report.restarts == 2
    # About twenty in a hundred fail; how many exactly is random.
    assert report.struck.total() > report.received / 10


@pytest.mark.parametrize("stage", STAGES)
async def test_cancelled_calls_leave_nothing_behind_and_the_next_ones_succeed(stage: Stage) -> None:
    tally = await cancel_at(stage, 2 * CONCURRENT, seed=1)
    assert tally.swallowed == 0
    assert broken(tally.left) == {}
    assert tally.succeeded == CONCURRENT
    assert tally.cancelled >= 2 * CONCURRENT
    if not stage.startswith("anywhere"):
        assert tally.at_the_stage == CONCURRENT


@pytest.mark.parametrize("stage", closed.STAGES)
async def test_closes_at_random_moments_end_every_caller_and_leave_nothing_behind(stage: closed.Stage) -> None:
    tally = await closed.close_at(stage, 14, seed=1)
    assert tally.passed, str(tally)
    assert tally.closes == 14
    assert tally.at_the_stage > 0
    assert set(tally.closers) == set(closed.closers_at(stage))


async def test_a_download_through_a_redirect_takes_little_memory_and_tells_storage_no_secret() -> None:
    found = await transfers.download(3_000_000)
    assert found.passed, str(found)


async def test_uploads_that_break_off_are_told_and_not_sent_again() -> None:
    found = await transfers.upload(4, 1_000_000)
    assert found.passed, str(found)


def test_every_stage_is_looked_at() -> None:
    assert set(STAGES) == set(get_args(Stage))
