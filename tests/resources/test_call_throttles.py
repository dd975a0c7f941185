from typing import Any

import pytest

from tests.resources.sending import last_body, last_query, last_request
from ultravox_async import AsyncUltravox, BadRequestError, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import CallThrottle, CallThrottleRule

RULES = [CallThrottleRule(max_calls=5, window_seconds=60), CallThrottleRule(max_calls=100, window_seconds=86_400)]


async def test_a_throttle_is_created_and_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.call_throttles.create(name="campaign", rules=RULES)
    assert last_request(ultravox_emulator) == ("POST", "/api/call_throttles")
    assert last_body(ultravox_emulator) == {
        "name": "campaign",
        "rules": [{"maxCalls": 5, "windowSeconds": 60}, {"maxCalls": 100, "windowSeconds": 86_400}],
    }
    assert (made.name, made.rules) == ("campaign", RULES)
    assert await ultravox.call_throttles.get(made.throttle_id) == made
    assert last_request(ultravox_emulator) == ("GET", f"/api/call_throttles/{made.throttle_id}")


async def test_a_throttle_is_changed_and_replaced(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.call_throttles.create(name="campaign", rules=RULES)
    changed = await ultravox.call_throttles.update(made.throttle_id, name="other")
    assert last_request(ultravox_emulator) == ("PATCH", f"/api/call_throttles/{made.throttle_id}")
    assert last_body(ultravox_emulator) == {"name": "other"}
    assert (changed.name, changed.rules) == ("other", RULES)
    replaced = await ultravox.call_throttles.replace(made.throttle_id, name="third", rules=RULES[:1])
    assert last_request(ultravox_emulator) == ("PUT", f"/api/call_throttles/{made.throttle_id}")
    assert (replaced.name, replaced.rules) == ("third", RULES[:1])


async def test_throttles_are_listed_and_fetched_by_their_ids(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    made = [await ultravox.call_throttles.create(name=name, rules=RULES) for name in ("a", "b", "c")]
    assert [one async for one in ultravox.call_throttles.list(page_size=2)] == made
    assert ("pageSize", "2") in last_query(ultravox_emulator)
    found = await ultravox.call_throttles.get_many([one.throttle_id for one in made])
    assert found.found == {one.throttle_id: one for one in made}


async def test_a_deleted_throttle_is_not_found(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.call_throttles.create(name="campaign", rules=RULES)
    await ultravox.call_throttles.delete(made.throttle_id)
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/call_throttles/{made.throttle_id}")
    with pytest.raises(NotFoundError, match="No such call throttle"):
        await ultravox.call_throttles.get(made.throttle_id)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": "x" * 65}, "name"),
        ({"rules": [CallThrottleRule(0, 60)]}, r"rules\[0\].max_calls"),
        ({"rules": [CallThrottleRule(101, 60)]}, r"rules\[0\].max_calls"),
        ({"rules": [CallThrottleRule(1, 0)]}, r"rules\[0\].window_seconds"),
        ({"rules": [CallThrottleRule(1, 86_401)]}, r"rules\[0\].window_seconds"),
    ],
)
async def test_a_field_beyond_its_limit_is_refused_before_sending(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, fields: dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidRequestError, match=place):
        await ultravox.call_throttles.update("some-id", **fields)
    assert ultravox_emulator.received == 0


async def test_the_emulator_has_the_same_limits(ultravox: AsyncUltravox) -> None:
    body = {"name": "campaign", "rules": [{"maxCalls": 101, "windowSeconds": 60}]}
    with pytest.raises(BadRequestError, match="maxCalls"):
        await ultravox.request("POST", "/api/call_throttles", json=body)


@pytest.mark.parametrize("more", [{}, {"newlyInvented": 1}])
def test_a_throttle_decodes_with_fields_absent_or_new(more: dict[str, object]) -> None:
    found = CallThrottle.from_dict({"throttleId": "some-id", "created": "2026-07-02T10:00:00Z", "name": "a", **more})
    assert found.rules == []
