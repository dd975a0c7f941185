import aiohttp
import pytest

CONFIG = "/api/sip"
AGENT = "0e4cbd07-7b69-4fa2-9f3e-3f1c0ae5a1ed"


async def test_the_configuration_has_every_field(api: aiohttp.ClientSession) -> None:
    async with api.get(CONFIG) as response:
        config = await response.json()
    assert set(config) == {"allowedCidrRanges", "allowAllAgents", "allowedAgents", "fallbackHandler", "domain"}


async def test_a_change_of_the_configuration_is_kept(api: aiohttp.ClientSession) -> None:
    change = {
        "allowedCidrRanges": ["192.0.2.0/24"],
        "allowAllAgents": True,
        "allowedAgents": [{"agentId": AGENT, "toUserPattern": "^sales$"}],
        "fallbackHandler": {"url": "https://hooks.example.com/sip", "secrets": ["one", "two"]},
    }
    async with api.patch(CONFIG, json=change) as response:
        assert response.status == 200
        answered = await response.json()
    async with api.get(CONFIG) as response:
        assert await response.json() == answered
    assert change.items() <= answered.items()


async def test_a_change_of_the_configuration_leaves_what_was_not_sent(api: aiohttp.ClientSession) -> None:
    async with api.get(CONFIG) as response:
        before = await response.json()
    async with api.patch(CONFIG, json={"allowAllAgents": True}) as response:
        assert await response.json() == {**before, "allowAllAgents": True}


async def test_the_domain_is_read_only(api: aiohttp.ClientSession) -> None:
    async with api.get(CONFIG) as response:
        before = await response.json()
    async with api.patch(CONFIG, json={"domain": "mine.example"}) as response:
        assert await response.json() == before


async def test_an_agent_without_a_pattern_gets_the_default_one(api: aiohttp.ClientSession) -> None:
    async with api.patch(CONFIG, json={"allowedAgents": [{"agentId": AGENT}]}) as response:
        config = await response.json()
    assert config["allowedAgents"] == [{"agentId": AGENT, "toUserPattern": f"^agent_{AGENT}$"}]


async def test_a_fallback_handler_without_secrets_gets_one(api: aiohttp.ClientSession) -> None:
    async with api.patch(CONFIG, json={"fallbackHandler": {"url": "https://hooks.example.com"}}) as response:
        handler = (await response.json())["fallbackHandler"]
    assert [len(secret) for secret in handler["secrets"]] == [40]


async def test_a_fallback_handler_can_be_removed(api: aiohttp.ClientSession) -> None:
    async with api.patch(CONFIG, json={"fallbackHandler": {"url": "https://hooks.example.com"}}):
        pass
    async with api.patch(CONFIG, json={"fallbackHandler": None}) as response:
        assert (await response.json())["fallbackHandler"] is None


URL_ERROR = {"url": ["Enter a valid URL."]}
CIDR_ERROR = ["Not an IPv4 range in CIDR notation."]


WRONG: list[tuple[str, object, object]] = [
    ("allowAllAgents", None, ["This field may not be null."]),
    ("allowAllAgents", 1, ["Must be a valid boolean."]),
    ("allowedCidrRanges", None, ["This field may not be null."]),
    ("allowedCidrRanges", "192.0.2.0/24", ["Expected a list of items."]),
    (
        "allowedCidrRanges",
        ["192.0.2.0/24", "192.0.2.0", "192.0.2.0/33", "::/0"],
        {"1": CIDR_ERROR, "2": CIDR_ERROR, "3": CIDR_ERROR},
    ),
    ("allowedAgents", [{}], {"0": {"agentId": ["This field is required."]}}),
    ("allowedAgents", [None], {"0": ["This field may not be null."]}),
    ("allowedAgents", [AGENT], {"0": ["Expected an object."]}),
    ("allowedAgents", [{"agentId": "me"}], {"0": {"agentId": ["Must be a valid UUID."]}}),
    (
        "allowedAgents",
        [{"agentId": AGENT, "toUserPattern": "a" * 201}],
        {"0": {"toUserPattern": ["Ensure this field has no more than 200 characters."]}},
    ),
    ("allowedAgents", [{"agentId": AGENT}] * 21, ["Ensure this field has no more than 20 elements."]),
    ("fallbackHandler", {}, {"url": ["This field is required."]}),
    ("fallbackHandler", {"url": "ftp://hooks.example.com"}, URL_ERROR),
    ("fallbackHandler", {"url": "hooks.example.com"}, URL_ERROR),
    ("fallbackHandler", {"url": "http://[hooks"}, URL_ERROR),
    (
        "fallbackHandler",
        {"url": "https://hooks.example.com", "secrets": []},
        {"secrets": ["Ensure this field has at least 1 elements."]},
    ),
    (
        "fallbackHandler",
        {"url": "https://hooks.example.com", "secrets": ["s"] * 11},
        {"secrets": ["Ensure this field has no more than 10 elements."]},
    ),
    (
        "fallbackHandler",
        {"url": "https://hooks.example.com", "secrets": ["s" * 121]},
        {"secrets": {"0": ["Ensure this field has no more than 120 characters."]}},
    ),
]


@pytest.mark.parametrize(("field", "value", "errors"), WRONG)
async def test_a_wrong_configuration_is_refused_field_by_field(
    api: aiohttp.ClientSession, field: str, value: object, errors: object
) -> None:
    async with api.get(CONFIG) as response:
        before = await response.json()
    async with api.patch(CONFIG, json={field: value}) as response:
        assert (response.status, await response.json()) == (400, {field: errors})
    async with api.get(CONFIG) as response:
        assert await response.json() == before
