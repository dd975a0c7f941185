from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from aioresponses import aioresponses

from tests.resources.sending import last_query, last_request
from tests.wire import KEY
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import CallTombstone

AGENTS = ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"]
BASE = "https://api.ultravox.ai/api/deleted_calls"
CREATED = datetime(2026, 7, 2, 10, tzinfo=UTC)
SENT: dict[str, Any] = {"callId": "some-id", "created": "2026-07-02T10:00:00Z"}


async def test_a_deleted_call_is_fetched(ultravox_responses: aioresponses) -> None:
    payload = {
        **SENT,
        "accountId": "an-account",
        "deletionTime": "2026-07-03T10:00:00Z",
        "joined": "2026-07-02T10:00:02Z",
        "ended": "2026-07-02T10:01:00Z",
        "maxDuration": "3600s",
        "endReason": "hangup",
        "recordingEnabled": False,
        "hadSummary": True,
    }
    ultravox_responses.get(f"{BASE}/some-id", payload=payload)  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.deleted_calls.get("some-id")
    assert got == CallTombstone(
        call_id="some-id",
        created=CREATED,
        account_id="an-account",
        deletion_time=datetime(2026, 7, 3, 10, tzinfo=UTC),
        joined=datetime(2026, 7, 2, 10, 0, 2, tzinfo=UTC),
        ended=datetime(2026, 7, 2, 10, 1, tzinfo=UTC),
        max_duration=timedelta(hours=1),
        end_reason="hangup",
        recording_enabled=False,
        had_summary=True,
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [({}, None), ({"endReason": None, "joined": None}, None), ({"endReason": "bored", "newlyInvented": 1}, "bored")],
)
def test_a_deleted_call_decodes_with_fields_absent_null_or_new(more: dict[str, object], reason: str | None) -> None:
    assert CallTombstone.from_dict({**SENT, **more}) == CallTombstone("some-id", CREATED, end_reason=reason)


async def test_deleted_calls_are_listed_by_conditions(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    listing = ultravox.deleted_calls.list(
        agent_ids=AGENTS,
        duration_min=timedelta(minutes=5),
        duration_max=timedelta(seconds=0.5),
        from_date=date(2026, 7, 1),
        to_date=datetime(2026, 7, 2, tzinfo=UTC),
        time_of_day_start=time(9),
        time_of_day_end=time(17, 30),
        metadata={"campaign": "spring"},
        search="refund",
        voice_id=AGENTS[0],
        page_size=5,
    )
    assert [one async for one in listing] == []
    assert last_request(ultravox_emulator) == ("GET", "/api/deleted_calls")
    assert sorted(last_query(ultravox_emulator)) == [
        ("agentIds", AGENTS[0]),
        ("agentIds", AGENTS[1]),
        ("durationMax", "0.5s"),
        ("durationMin", "300s"),
        ("fromDate", "2026-07-01"),
        ("metadata.campaign", "spring"),
        ("pageSize", "5"),
        ("search", "refund"),
        ("timeOfDayEnd", "17:30:00"),
        ("timeOfDayStart", "09:00:00"),
        ("toDate", "2026-07-02T00:00:00+00:00"),
        ("voiceId", AGENTS[0]),
    ]


async def test_many_deleted_calls_are_fetched(ultravox_responses: aioresponses) -> None:
    for call_id in ("a", "b"):
        ultravox_responses.get(f"{BASE}/{call_id}", payload={**SENT, "callId": call_id})  # pyright: ignore[reportUnknownMemberType] - as above
    async with AsyncUltravox(KEY) as ultravox:
        found = await ultravox.deleted_calls.get_many(["a", "b"], via="get")
    assert {key: one.call_id for key, one in found.found.items()} == {"a": "a", "b": "b"}


async def test_a_call_that_was_not_deleted_is_not_found(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(NotFoundError, match="No such deleted call"):
        await ultravox.deleted_calls.get("missing")
    assert last_request(ultravox_emulator) == ("GET", "/api/deleted_calls/missing")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_ids", ["x"]),
        ("duration_min", "300s"),
        ("from_date", datetime(2026, 7, 1)),  # noqa: DTZ001 - what is refused
        ("search", ""),
        ("voice_id", "x"),
    ],
)
def test_a_condition_beyond_its_limit_is_refused(field: str, value: object) -> None:
    wrong: dict[str, Any] = {field: value}
    with pytest.raises(InvalidRequestError, match=field):
        AsyncUltravox(KEY).deleted_calls.list(**wrong)
