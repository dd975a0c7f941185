import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest
from aioresponses import aioresponses

from tests.wire import KEY, PASSWORD, REGISTRATION, shown
from ultravox_async import (
    AgentAllowance,
    AsyncUltravox,
    BadRequestError,
    DecodeError,
    FallbackHandler,
    InvalidRequestError,
    NotFoundError,
    SipConfig,
    SipRegistration,
)
from ultravox_async.testing import Emulator

AGENT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
HANDLER = FallbackHandler("https://example.com/sip")
Call: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


def sent(emulator: Emulator) -> object:
    return json.loads(emulator.requests[-1].body)


def creating(**fields: Any) -> Call:  # noqa: ANN401 - the wrong types too
    wanted = {"username": "alice", "password": PASSWORD, "proxy": "sip.example.com", **fields}
    return lambda ultravox: ultravox.sip.registrations.create(**wanted)


def updating(**fields: Any) -> Call:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.sip.registrations.update("some-id", **fields)


def configuring(**fields: Any) -> Call:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.sip.update_config(**fields)


async def test_a_resource_says_where_it_is_and_what_it_offers() -> None:
    async with AsyncUltravox(KEY, base_url="https://api.example.com/prefix") as ultravox:
        assert repr(ultravox.sip) == "<Sip at https://api.example.com: get_config, registrations, update_config>"
        assert repr(ultravox.sip.registrations) == (
            "<SipRegistrations at https://api.example.com: "
            "create, delete, get, get_many, list, update, wait_until_registered, watch>"
        )


async def test_a_registration_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    wanted = ultravox_emulator.registration_ids[3]
    got = await ultravox.sip.registrations.get(wanted)
    assert got.registration_id == wanted
    assert (got.username, got.proxy, got.outbound_proxy) == ("user-000003", "sip-3.example.com", "edge.example.com")
    assert got.created.tzinfo is not None
    request = ultravox_emulator.requests[-1]
    assert (request.method, request.path, request.body) == ("GET", f"/api/sip/registrations/{wanted}", b"")


@pytest.mark.parametrize("missing", [[], ["successful"], ["successful", "outboundProxy", "authUser"]])
async def test_fields_that_a_server_leaves_out_are_none(ultravox_responses: aioresponses, missing: list[str]) -> None:
    payload = {name: value for name, value in REGISTRATION.items() if name not in missing}
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip/registrations/some-id", payload=payload
    )
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.sip.registrations.get("some-id")
    assert got == SipRegistration(
        registration_id="some-id",
        created=datetime(2026, 7, 2, 10, tzinfo=UTC),
        username="alice",
        proxy="sip.example.com",
        successful=None if missing else True,
    )


async def test_a_password_that_a_server_sends_does_not_get_onto_the_model(ultravox_responses: aioresponses) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip/registrations/some-id",
        payload={**REGISTRATION, "password": PASSWORD, "newlyInvented": {"a": 1}},
    )
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.sip.registrations.get("some-id")
    assert got.username == "alice"
    assert not hasattr(got, "password")
    assert PASSWORD not in repr(got)


async def test_a_registration_that_lacks_a_required_field_is_a_decode_error(ultravox_responses: aioresponses) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip/registrations/some-id", payload={"registrationId": "some-id"}
    )
    async with AsyncUltravox(KEY) as ultravox:
        with pytest.raises(DecodeError, match="created"):
            await ultravox.sip.registrations.get("some-id")


async def test_a_registration_that_does_not_exist_is_not_found(ultravox: AsyncUltravox) -> None:
    with pytest.raises(NotFoundError, match="No such registration") as caught:
        await ultravox.sip.registrations.get("missing")
    assert caught.value.path == "/api/sip/registrations/missing"


async def test_an_id_is_quoted_to_one_segment(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(NotFoundError):
        await ultravox.sip.registrations.get("a b?c#d%2Fe")
    assert ultravox_emulator.requests[-1].path == "/api/sip/registrations/a%20b%3Fc%23d%252Fe"


def getting(ultravox: AsyncUltravox, registration_id: str) -> Coroutine[Any, Any, object]:
    return ultravox.sip.registrations.get(registration_id)


def deleting(ultravox: AsyncUltravox, registration_id: str) -> Coroutine[Any, Any, object]:
    return ultravox.sip.registrations.delete(registration_id)


def changing(ultravox: AsyncUltravox, registration_id: str) -> Coroutine[Any, Any, object]:
    return ultravox.sip.registrations.update(registration_id, proxy="p")


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "a\r\nb"])
@pytest.mark.parametrize("call", [getting, deleting, changing])
async def test_an_invalid_id_is_refused(
    ultravox: AsyncUltravox,
    ultravox_emulator: Emulator,
    call: Callable[[AsyncUltravox, str], Coroutine[Any, Any, object]],
    bad: str,
) -> None:
    with pytest.raises(InvalidRequestError, match="registration_id"):
        await call(ultravox, bad)
    assert ultravox_emulator.received == 0


async def test_a_registration_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.sip.registrations.create(username="alice", password=PASSWORD, proxy="sip.example.com")
    assert sent(ultravox_emulator) == {"username": "alice", "password": PASSWORD, "proxy": "sip.example.com"}
    assert (made.username, made.proxy, made.successful) == ("alice", "sip.example.com", None)
    assert made.registration_id == ultravox_emulator.registration_ids[-1]
    request = ultravox_emulator.requests[-1]
    assert (request.method, request.path) == ("POST", "/api/sip/registrations")
    assert request.headers["Content-Type"] == "application/json"


async def test_optional_fields_are_created_with_it(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.sip.registrations.create(
        username="alice", password=PASSWORD, proxy="p", outbound_proxy="o", auth_user="a"
    )
    assert sent(ultravox_emulator) == {
        "username": "alice",
        "password": PASSWORD,
        "proxy": "p",
        "outboundProxy": "o",
        "authUser": "a",
    }
    assert (made.outbound_proxy, made.auth_user) == ("o", "a")


async def test_update_sends_only_the_fields_that_it_is_given(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    some_id = ultravox_emulator.registration_ids[3]
    changed = await ultravox.sip.registrations.update(some_id, username="bob")
    assert sent(ultravox_emulator) == {"username": "bob"}
    assert (changed.username, changed.outbound_proxy) == ("bob", "edge.example.com")
    request = ultravox_emulator.requests[-1]
    assert (request.method, request.path) == ("PATCH", f"/api/sip/registrations/{some_id}")


async def test_update_sends_none_as_null(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    changed = await ultravox.sip.registrations.update(ultravox_emulator.registration_ids[3], outbound_proxy=None)
    assert sent(ultravox_emulator) == {"outboundProxy": None}
    assert changed.outbound_proxy is None


async def test_every_field_can_be_updated(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    some_id = ultravox_emulator.registration_ids[0]
    await ultravox.sip.registrations.update(
        some_id, username="u", password=PASSWORD, proxy="p", outbound_proxy="o", auth_user=None
    )
    assert sent(ultravox_emulator) == {
        "username": "u",
        "password": PASSWORD,
        "proxy": "p",
        "outboundProxy": "o",
        "authUser": None,
    }
    assert ultravox_emulator.password_of(some_id) == PASSWORD


async def test_a_registration_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    some_id = ultravox_emulator.registration_ids[0]
    assert await ultravox.sip.registrations.delete(some_id) is None  # type: ignore[func-returns-value]  # what is tested
    assert some_id not in ultravox_emulator.registration_ids
    assert [each.status for each in ultravox_emulator.requests] == [204]


async def test_the_configuration_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    config = await ultravox.sip.get_config()
    assert isinstance(config, SipConfig)
    assert config.domain
    request = ultravox_emulator.requests[-1]
    assert (request.method, request.path, request.body) == ("GET", "/api/sip", b"")


async def test_a_configuration_of_only_a_domain_is_understood(ultravox_responses: aioresponses) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip", payload={"domain": "example.com"}
    )
    async with AsyncUltravox(KEY) as ultravox:
        assert await ultravox.sip.get_config() == SipConfig("example.com")


async def test_the_configuration_is_changed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    config = await ultravox.sip.update_config(
        allow_all_agents=True,
        allowed_cidr_ranges=["203.0.113.0/24"],
        allowed_agents=[AgentAllowance(AGENT), AgentAllowance(AGENT, "^a$")],
        fallback_handler=FallbackHandler("https://example.com/sip", ["made-up"]),
    )
    assert sent(ultravox_emulator) == {
        "allowAllAgents": True,
        "allowedCidrRanges": ["203.0.113.0/24"],
        "allowedAgents": [{"agentId": AGENT}, {"agentId": AGENT, "toUserPattern": "^a$"}],
        "fallbackHandler": {"url": "https://example.com/sip", "secrets": ["made-up"]},
    }
    assert config.allow_all_agents
    assert config.allowed_agents[1] == AgentAllowance(AGENT, "^a$")
    assert config.fallback_handler == FallbackHandler("https://example.com/sip", ["made-up"])
    assert ultravox_emulator.requests[-1].method == "PATCH"


async def test_omitted_fields_of_the_configuration_are_not_changed(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    await ultravox.sip.update_config(allow_all_agents=True)
    config = await ultravox.sip.update_config(allowed_cidr_ranges=())
    assert sent(ultravox_emulator) == {"allowedCidrRanges": []}
    assert config.allow_all_agents


async def test_a_fallback_handler_is_removed_with_null(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    await ultravox.sip.update_config(fallback_handler=HANDLER)
    assert sent(ultravox_emulator) == {"fallbackHandler": {"url": "https://example.com/sip"}}
    config = await ultravox.sip.update_config(fallback_handler=None)
    assert sent(ultravox_emulator) == {"fallbackHandler": None}
    assert config.fallback_handler is None


async def test_the_secrets_of_a_fallback_handler_are_not_shown(ultravox: AsyncUltravox) -> None:
    config = await ultravox.sip.update_config(fallback_handler=FallbackHandler("https://example.com", [PASSWORD]))
    assert config.fallback_handler is not None
    assert config.fallback_handler.secrets == [PASSWORD]
    assert PASSWORD not in repr(config)


@pytest.mark.parametrize(
    "call",
    [
        creating(user_name="x"),
        creating(id="x"),
        updating(outboundProxy="x"),
        updating(pasword=PASSWORD),
        configuring(allowAllAgents=True),
        configuring(domain="x"),
    ],
)
async def test_a_misspelt_field_is_a_type_error_and_nothing_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Call
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        await call(ultravox)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("call", [updating(), configuring()])
async def test_an_update_without_fields_is_refused_and_nothing_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Call
) -> None:
    with pytest.raises(InvalidRequestError, match="changes: takes at least one of"):
        await call(ultravox)
    assert ultravox_emulator.received == 0


REFUSED: list[tuple[Call, str, str]] = [
    (creating(username="x" * 61), "username", "60"),
    (creating(proxy="x" * 101), "proxy", "100"),
    (creating(outbound_proxy="x" * 101), "outbound_proxy", "100"),
    (creating(auth_user="x" * 61), "auth_user", "60"),
    (creating(username=None), "username", "string"),
    (creating(password=None), "password", "string"),
    (creating(password=17), "password", "string"),
    (creating(auth_user=17), "auth_user", "string"),
    (updating(username="x" * 61, password=PASSWORD), "username", "60"),
    (updating(password=PASSWORD, proxy="x" * 101), "proxy", "100"),
    (updating(outbound_proxy="x" * 101), "outbound_proxy", "100"),
    (updating(auth_user="x" * 61), "auth_user", "60"),
    (updating(username=None), "username", "string"),
    (updating(password=None), "password", "string"),
    (updating(proxy=None), "proxy", "string"),
    (configuring(allow_all_agents=1), "allow_all_agents", "True or False"),
    (configuring(allow_all_agents=None), "allow_all_agents", "True or False"),
    (configuring(allowed_cidr_ranges="203.0.113.0/24"), "allowed_cidr_ranges", "list"),
    (configuring(allowed_cidr_ranges=["203.0.113.0/24", "203.0.113.0/33"]), "allowed_cidr_ranges[1]", "CIDR"),
    (configuring(allowed_cidr_ranges=["203.0.113.0"]), "allowed_cidr_ranges[0]", "CIDR"),
    (configuring(allowed_cidr_ranges=["2001:db8::/32"]), "allowed_cidr_ranges[0]", "CIDR"),
    (configuring(allowed_agents=[AgentAllowance(AGENT)] * 21), "allowed_agents", "20"),
    (configuring(allowed_agents=[{"agentId": AGENT}]), "allowed_agents[0]", "AgentAllowance"),
    (configuring(allowed_agents=[AgentAllowance("x")]), "allowed_agents[0].agent_id", "UUID"),
    (configuring(allowed_agents=[AgentAllowance(AGENT, "x" * 201)]), "allowed_agents[0].to_user_pattern", "200"),
    (configuring(fallback_handler="https://example.com"), "fallback_handler", "FallbackHandler"),
    (configuring(fallback_handler=FallbackHandler("example.com")), "fallback_handler.url", "http"),
    (configuring(fallback_handler=FallbackHandler("https://x", [])), "fallback_handler.secrets", "1 to 10"),
    (configuring(fallback_handler=FallbackHandler("https://x", ["s"] * 11)), "fallback_handler.secrets", "10"),
    (
        configuring(fallback_handler=FallbackHandler("https://x", ["s", PASSWORD * 20])),
        "fallback_handler.secrets[1]",
        "120",
    ),
]


@pytest.mark.parametrize(("call", "field", "limit"), REFUSED)
async def test_a_field_that_exceeds_its_limit_is_refused_by_name_and_nothing_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Call, field: str, limit: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await call(ultravox)
    assert caught.value.field == field
    assert limit in caught.value.problem
    assert ultravox_emulator.received == 0
    text = shown(caught.value)
    assert "sip.py" in text
    assert PASSWORD not in text


@pytest.mark.parametrize("call", [updating(pasword=PASSWORD), updating(password=PASSWORD, nmae="x")])
async def test_a_misspelt_field_shows_no_password(ultravox: AsyncUltravox, call: Call) -> None:
    with pytest.raises(TypeError) as caught:
        await call(ultravox)
    assert "sip.py" in shown(caught.value)
    assert PASSWORD not in shown(caught.value)


async def test_fields_at_their_limits_are_accepted(ultravox: AsyncUltravox) -> None:
    made = await ultravox.sip.registrations.create(
        username="u" * 60, password="p" * 1000, proxy="x" * 100, outbound_proxy="o" * 100, auth_user="a" * 60
    )
    assert (len(made.username), len(made.proxy)) == (60, 100)
    config = await ultravox.sip.update_config(
        allowed_agents=[AgentAllowance(AGENT, "x" * 200)] * 20,
        fallback_handler=FallbackHandler("https://x", ["s" * 120] * 10),
    )
    assert len(config.allowed_agents) == 20


async def test_a_field_that_the_server_refuses_is_named(ultravox_responses: aioresponses) -> None:
    ultravox_responses.post(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip/registrations",
        status=400,
        payload={"password": [f"{PASSWORD} is too common."], "proxy": ["Unknown host."]},
    )
    async with AsyncUltravox(KEY) as ultravox:
        with pytest.raises(BadRequestError) as caught:
            await creating()(ultravox)
    assert caught.value.field_errors == {"password": ["[redacted] is too common."], "proxy": ["Unknown host."]}
    assert PASSWORD not in shown(caught.value)


async def test_a_very_short_password_is_not_redacted_so_that_messages_stay_readable(
    ultravox_responses: aioresponses,
) -> None:
    ultravox_responses.post(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/sip/registrations", status=400, payload={"detail": "There is no such proxy."}
    )
    async with AsyncUltravox(KEY) as ultravox:
        with pytest.raises(BadRequestError, match="There is no such proxy"):
            await creating(password="no")(ultravox)
