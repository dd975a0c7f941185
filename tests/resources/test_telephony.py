from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import attrs
import pytest

from tests.resources.sending import last_body, last_request
from tests.wire import shown
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import KeyPrefix, TelephonyConfig, TwilioConfig

AGENT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SECRET = "canary-token-77"
OTHER = "canary-public-key-78"
MAPPING = {"From": "caller.number"}

Call: TypeAlias = Callable[..., Awaitable[TelephonyConfig]]


@attrs.frozen
class Provider:
    """A provider, with what its configuration needs."""

    name: str
    needed: dict[str, Any]
    sent: dict[str, object]
    prefixes: list[str]


TWILIO = Provider(
    "twilio",
    {"account_sid": "AC1", "auth_token": SECRET},
    {"accountSid": "AC1", "authToken": SECRET},
    ["auth_token_prefix"],
)
TELNYX = Provider(
    "telnyx",
    {"account_sid": "AC1", "api_key": SECRET, "public_key": OTHER, "application_sid": "AP1"},
    {"accountSid": "AC1", "apiKey": SECRET, "publicKey": OTHER, "applicationSid": "AP1"},
    ["api_key_prefix", "public_key_prefix"],
)
PLIVO = Provider(
    "plivo", {"auth_id": "MA1", "auth_token": SECRET}, {"authId": "MA1", "authToken": SECRET}, ["auth_token_prefix"]
)

each_provider = pytest.mark.parametrize("provider", [TWILIO, TELNYX, PLIVO], ids=lambda provider: provider.name)


def resource(ultravox: AsyncUltravox, provider: Provider) -> Any:  # noqa: ANN401 - Twilio, Telnyx or Plivo
    return getattr(ultravox.telephony, provider.name)


@each_provider
async def test_a_configuration_is_created_and_fetched(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, provider: Provider
) -> None:
    made = await resource(ultravox, provider).create(**provider.needed, request_context_mapping=MAPPING)
    assert last_request(ultravox_emulator) == ("POST", f"/api/telephony_configs/{provider.name}")
    assert last_body(ultravox_emulator) == {**provider.sent, "requestContextMapping": MAPPING}
    assert made.request_context_mapping == MAPPING
    assert [getattr(made, name) for name in provider.prefixes] == [KeyPrefix("cana")] * len(provider.prefixes)
    assert await resource(ultravox, provider).get() == made
    assert last_request(ultravox_emulator) == ("GET", f"/api/telephony_configs/{provider.name}")


@each_provider
async def test_a_configuration_is_changed(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, provider: Provider
) -> None:
    await resource(ultravox, provider).create(**provider.needed, call_creation_allow_all_agents=True)
    changed = await resource(ultravox, provider).update(
        call_creation_allow_all_agents=False, call_creation_allowed_agent_ids=[AGENT]
    )
    assert last_request(ultravox_emulator) == ("PATCH", f"/api/telephony_configs/{provider.name}")
    assert last_body(ultravox_emulator) == {
        "callCreationAllowAllAgents": False,
        "callCreationAllowedAgentIds": [AGENT],
    }
    assert (changed.call_creation_allow_all_agents, changed.call_creation_allowed_agent_ids) == (False, [AGENT])


@each_provider
async def test_a_deleted_configuration_is_not_found(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, provider: Provider
) -> None:
    await resource(ultravox, provider).create(**provider.needed)
    await resource(ultravox, provider).delete()
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/telephony_configs/{provider.name}")
    for call in (resource(ultravox, provider).get, resource(ultravox, provider).delete):
        with pytest.raises(NotFoundError, match="No such telephony configuration"):
            await call()


@each_provider
async def test_the_secrets_are_nowhere(ultravox: AsyncUltravox, provider: Provider) -> None:
    made = await resource(ultravox, provider).create(**provider.needed)
    assert SECRET not in repr(made)
    assert SECRET not in str(made.to_dict(sensitive=True))
    with pytest.raises(InvalidRequestError) as caught:
        await resource(ultravox, provider).create(**provider.needed, request_context_mapping=1)
    assert SECRET not in shown(caught.value)
    assert OTHER not in shown(caught.value)


@each_provider
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("call_creation_allowed_agent_ids", ["no-uuid"]),
        ("call_creation_allowed_agent_ids", [AGENT] * 101),
        ("request_context_mapping", {"From": 1}),
    ],
)
async def test_a_field_beyond_its_limit_is_refused_before_sending(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, provider: Provider, field: str, value: object
) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        await resource(ultravox, provider).update(**{field: value})
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("more", [{}, {"authTokenPrefix": None}, {"newlyInvented": 1}, {"authToken": SECRET}])
def test_a_configuration_decodes_with_fields_absent_null_or_new(more: dict[str, object]) -> None:
    found = TwilioConfig.from_dict({"accountSid": "AC1", **more})
    assert found == TwilioConfig(account_sid="AC1")
    assert SECRET not in repr(found)
