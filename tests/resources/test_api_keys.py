from datetime import UTC, datetime
from typing import Any

import pytest

from tests.resources.sending import last_body, last_query, last_request
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import ApiKey, CreatedApiKey

EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)


async def test_only_the_response_to_a_creation_contains_the_key(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    made = await ultravox.api_keys.create(name="a bot", expiry_date=EXPIRY)
    assert last_request(ultravox_emulator) == ("POST", "/api/api_keys")
    assert last_body(ultravox_emulator) == {"name": "a bot", "expiryDate": "2027-01-01T00:00:00+00:00"}
    assert made.secret is not None
    assert made.secret.startswith(f"{made.prefix}.")
    got = await ultravox.api_keys.get(made.prefix)
    assert last_request(ultravox_emulator) == ("GET", f"/api/api_keys/{made.prefix}")
    assert (got.prefix, got.name, got.expiry_date, got.revoked) == (made.prefix, "a bot", EXPIRY, False)
    assert not hasattr(got, "secret")


async def test_a_new_key_is_in_no_repr_and_no_dict(ultravox: AsyncUltravox) -> None:
    made = await ultravox.api_keys.create(name="a bot")
    assert made.secret is not None
    assert made.secret not in repr(made)
    assert made.secret not in str(made.to_dict())
    assert CreatedApiKey.from_dict(made.to_dict(sensitive=True)) == made


async def test_a_key_is_revoked_for_good(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.api_keys.create(name="a bot")
    assert (await ultravox.api_keys.update(made.prefix, revoked=True)).revoked
    assert last_request(ultravox_emulator) == ("PATCH", f"/api/api_keys/{made.prefix}")
    assert last_body(ultravox_emulator) == {"revoked": True}
    assert (await ultravox.api_keys.replace(made.prefix, revoked=False)).revoked
    assert last_request(ultravox_emulator) == ("PUT", f"/api/api_keys/{made.prefix}")


async def test_keys_are_listed_and_fetched_by_their_prefixes(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    made = [(await ultravox.api_keys.create(name=name)).prefix for name in ("a", "b", "c")]
    assert [one.prefix async for one in ultravox.api_keys.list(page_size=2)] == made
    assert ("pageSize", "2") in last_query(ultravox_emulator)
    assert sorted((await ultravox.api_keys.get_many(made)).found) == sorted(made)


async def test_a_deleted_key_is_not_found(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.api_keys.create(name="a bot")
    await ultravox.api_keys.delete(made.prefix)
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/api_keys/{made.prefix}")
    with pytest.raises(NotFoundError, match="No such API key"):
        await ultravox.api_keys.get(made.prefix)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "x" * 51), ("expiry_date", datetime(2027, 1, 1)), ("expiry_date", "2027-01-01")],  # noqa: DTZ001 - what is refused
)
async def test_a_field_beyond_its_limit_is_refused_before_sending(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, field: str, value: object
) -> None:
    fields: dict[str, Any] = {"name": "a bot", field: value}
    with pytest.raises(InvalidRequestError, match=field):
        await ultravox.api_keys.create(**fields)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("more", [{}, {"creator": None, "expiryDate": None, "revoked": None}, {"newlyInvented": 1}])
def test_a_key_decodes_with_fields_absent_null_or_new(more: dict[str, object]) -> None:
    found = ApiKey.from_dict({"prefix": "ABCDEFGH", "created": "2026-07-02T10:00:00Z", "name": "a bot", **more})
    assert (found.prefix, found.creator, found.expiry_date, found.revoked) == ("ABCDEFGH", None, None, None)
