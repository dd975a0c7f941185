"""Compares the package with the API's schema, which is kept beside the checkout and not in it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args, get_origin, get_type_hints

import attrs
import pytest
import yaml

from ultravox_async import (
    AgentAllowance,
    FallbackHandler,
    InvalidRequestError,
    Page,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)
from ultravox_async._http.messages import Credentials, Request, Response
from ultravox_async._http.transport import Transport
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.payload import Secret
from ultravox_async._wire.rules import Rule, fields_of
from ultravox_async.resources.sip import Sip
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID
from ultravox_async.types.sip import NewSipRegistration

SCHEMA = Path(__file__).parents[2].parent / "shared" / "spec" / "openapi-2026-07-02.yaml"

pytestmark = pytest.mark.skipif(not SCHEMA.exists(), reason=f"there is no {SCHEMA.name} beside the checkout")

Json: TypeAlias = dict[str, Any]

CLASSES: dict[str, type[attrs.AttrsInstance]] = {
    "SipRegistration": SipRegistration,
    "SipConfig": SipConfig,
    "AgentAllowance": AgentAllowance,
    "FallbackHandler": FallbackHandler,
    "PaginatedSipRegistrationList": Page[SipRegistration],
}
CHANGES: dict[str, type[SipRegistrationChanges | SipConfigChanges]] = {
    "SipRegistration": SipRegistrationChanges,
    "SipConfig": SipConfigChanges,
}
# Whatever is sent, with the schema that describes it.
SENT: list[tuple[type, str]] = [
    (NewSipRegistration, "SipRegistration"),
    (SipRegistrationChanges, "SipRegistration"),
    (SipConfigChanges, "SipConfig"),
    (AgentAllowance, "AgentAllowance"),
    (FallbackHandler, "FallbackHandler"),
]
SENSITIVE_HERE = {
    "secrets": "they sign requests; the schema shows them to whoever has the key",
}
FORMATS = {"ipv4-cidr": IPV4_CIDR, "uuid": UUID, "uri": HTTP_URL}

NOT_ON_THE_MODEL = {
    ("SipRegistration", "password"): "write-only: the server never sends it, whatever the schema requires",
}
NOT_REQUIRED_HERE = {
    ("SipRegistration", "successful"): "servers of March 2026 do not know it yet",
    ("SipConfig", "allowedAgents"): "only the domain is needed to make sense of a configuration; absent is empty",
}
NULLABLE_HERE = {
    ("AgentAllowance", "toUserPattern"): "None stands for absent",
    ("FallbackHandler", "secrets"): "None stands for absent",
    ("PaginatedSipRegistrationList", "total"): "None stands for absent",
}
AGENT = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
URL = "https://example.com/"
CREATION: dict[str, object] = {"username": "alice", "password": "secret", "proxy": "sip.example.com"}


@pytest.fixture(scope="module")
def schema() -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast("Json", yaml.load(SCHEMA.read_text("utf-8"), loader))  # noqa: S506 - both of them are safe


def properties(schema: Json, name: str) -> dict[str, Json]:
    return cast("dict[str, Json]", schema["components"]["schemas"][name]["properties"])


def required(schema: Json, name: str) -> set[str]:
    return set(schema["components"]["schemas"][name].get("required", ()))


def python_type(declared: Json) -> object:
    if "$ref" in declared:
        return CLASSES[declared["$ref"].rsplit("/", 1)[1]]
    if "allOf" in declared:
        (only,) = declared["allOf"]
        return python_type(only)
    if declared["type"] == "array":
        return list[python_type(declared["items"])]  # type: ignore[misc]  # pyright: ignore[reportInvalidTypeArguments] - made at run time
    if declared.get("format") == "date-time":
        return datetime
    return {"string": str, "boolean": bool, "integer": int}[declared["type"]]


def fields_by_wire_name(name: str) -> dict[str, "attrs.Attribute[Any]"]:
    return {wire_name(field.name): field for field in attrs.fields(CLASSES[name])}


def hints_by_wire_name(name: str) -> dict[str, object]:
    cls = CLASSES[name]
    # What is generic says what of in its arguments, and not in its hints.
    hints = get_type_hints(get_origin(cls) or cls) | ({"results": list[SipRegistration]} if get_args(cls) else {})
    return {wire_name(python): hint for python, hint in hints.items()}


def without_none(hint: object) -> tuple[object, bool]:
    arguments = get_args(hint)
    if type(None) not in arguments:
        return hint, False
    (only,) = (one for one in arguments if one is not type(None))
    return only, True


@pytest.mark.parametrize("name", CLASSES)
def test_each_property_is_a_field_by_the_rule_of_names(schema: Json, name: str) -> None:
    expected = {wire for wire in properties(schema, name) if (name, wire) not in NOT_ON_THE_MODEL}
    assert set(fields_by_wire_name(name)) == expected


@pytest.mark.parametrize("name", CLASSES)
def test_each_field_has_the_type_of_its_property(schema: Json, name: str) -> None:
    for wire, hint in hints_by_wire_name(name).items():
        declared = properties(schema, name)[wire]
        found, nullable = without_none(hint)
        assert found == python_type(declared), wire
        assert nullable == (declared.get("nullable", False) or (name, wire) in NULLABLE_HERE), wire


@pytest.mark.parametrize("name", CLASSES)
def test_each_required_property_is_required_here(schema: Json, name: str) -> None:
    for wire, field in fields_by_wire_name(name).items():
        expected = wire in required(schema, name) and (name, wire) not in NOT_REQUIRED_HERE
        assert (field.default is attrs.NOTHING) == expected, wire


@pytest.mark.parametrize("name", CHANGES)
def test_each_property_that_is_not_read_only_can_be_changed(schema: Json, name: str) -> None:
    writable = {wire: one for wire, one in properties(schema, name).items() if not one.get("readOnly")}
    hints = {wire_name(python): hint for python, hint in get_type_hints(CHANGES[name]).items()}
    assert set(hints) == set(writable)
    for wire, hint in hints.items():
        assert without_none(hint)[1] == writable[wire].get("nullable", False), wire


def test_what_create_needs_is_what_is_required_and_not_read_only(schema: Json) -> None:
    declared = properties(schema, "SipRegistration")
    arguments = fields_of(NewSipRegistration)
    needed = {wire_name(name) for name, field in arguments.items() if field.required}
    assert {wire_name(name) for name in arguments} == {
        wire for wire, one in declared.items() if not one.get("readOnly")
    }
    assert needed == {wire for wire in required(schema, "SipRegistration") if not declared[wire].get("readOnly")}


def sent_properties(schema: Json, shape: type, name: str) -> Iterator[tuple[str, Rule, Json]]:
    """Give each annotation of what is sent, those of items too, beside what the schema says."""
    for python, field in fields_of(shape).items():
        declared = properties(schema, name)[wire_name(python)]
        yield python, field.rule, declared
        if field.rule.items:
            yield f"{python}[]", field.rule.items, declared["items"]


@pytest.mark.parametrize(("shape", "name"), SENT)
def test_each_limit_of_the_schema_is_in_an_annotation(schema: Json, shape: type, name: str) -> None:
    for where, rule, declared in sent_properties(schema, shape, name):
        most = declared.get("maxLength", declared.get("maxItems"))
        fewest = declared.get("minLength", declared.get("minItems", 0))
        assert (rule.min_length, rule.max_length) == (fewest, most), where


@pytest.mark.parametrize(("shape", "name"), SENT)
def test_each_format_of_the_schema_is_in_an_annotation(schema: Json, shape: type, name: str) -> None:
    for where, rule, declared in sent_properties(schema, shape, name):
        assert rule.format == FORMATS.get(declared.get("format", "")), where


@pytest.mark.parametrize(("shape", "name"), SENT)
def test_what_is_write_only_is_sensitive(schema: Json, shape: type, name: str) -> None:
    for where, rule, declared in sent_properties(schema, shape, name):
        assert rule.sensitive == (declared.get("writeOnly", False) or where in SENSITIVE_HERE), where


def test_the_annotations_are_looked_at(schema: Json) -> None:
    found = [rule for shape, name in SENT for _, rule, _ in sent_properties(schema, shape, name)]
    assert len(found) == 21
    assert len([rule for rule in found if rule.max_length is not None]) == 12
    assert len([rule for rule in found if rule.format]) == 3
    assert len([rule for rule in found if rule.sensitive]) == 3


def test_each_exception_is_still_needed(schema: Json) -> None:
    for name, wire in NOT_ON_THE_MODEL:
        assert properties(schema, name)[wire]["writeOnly"]
    for name, wire in NOT_REQUIRED_HERE:
        assert wire in required(schema, name)
    for name, wire in NULLABLE_HERE:
        assert not properties(schema, name)[wire].get("nullable")
        assert wire not in required(schema, name)


def test_all_of_the_properties_are_looked_at(schema: Json) -> None:
    numbers = {name: len(properties(schema, name)) for name in CLASSES}
    assert numbers == {
        "SipRegistration": 8,
        "SipConfig": 5,
        "AgentAllowance": 2,
        "FallbackHandler": 2,
        "PaginatedSipRegistrationList": 4,
    }


class Recorder:
    """Stands where the transport is, and sends nothing."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def fetch(self, request: Request, into: type[object]) -> object:
        self.requests.append(request)
        return into

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(200, {}, b'{"results": []}', request, Credentials(Secret("key")))


def transport(recorder: Recorder | None = None) -> Transport:
    return cast("Transport", recorder or Recorder())


def operations(schema: Json) -> Iterator[tuple[str, str]]:
    for path, methods in cast("Mapping[str, Json]", schema["paths"]).items():
        if path == "/api/sip" or path.startswith("/api/sip/"):
            yield from ((method.upper(), path) for method in methods if method != "parameters")


async def test_each_operation_of_the_schema_has_its_method(schema: Json) -> None:
    recorder = Recorder()
    sip = Sip(transport(recorder))
    await sip.get_config()
    await sip.update_config(allow_all_agents=True)
    await sip.registrations.get("{registration_id}x")
    await sip.registrations.create(username="alice", password="secret", proxy="sip.example.com")
    await sip.registrations.update("{registration_id}x", proxy="sip.example.com")
    await sip.registrations.delete("{registration_id}x")
    assert [page.results async for page in sip.registrations.list(page_size=5, cursor="c").pages()] == [[]]
    sent = {(one.method, one.path.replace("%7Bregistration_id%7Dx", "{registration_id}")) for one in recorder.requests}
    assert sent == set(operations(schema))
    assert len(sent) == len(recorder.requests) == 7


async def test_the_query_of_a_listing_has_the_names_of_the_schema(schema: Json) -> None:
    recorder = Recorder()
    assert [one async for one in Sip(transport(recorder)).registrations.list(page_size=5, cursor="c")] == []
    names = {one["name"] for one in schema["paths"]["/api/sip/registrations"]["get"]["parameters"]}
    assert {pair.split("=")[0] for pair in recorder.requests[0].query.split("&")} == names


Send: TypeAlias = Callable[[Sip, object], Awaitable[object]]


def creating(name: str) -> Send:
    return lambda sip, value: sip.registrations.create(**cast("Any", CREATION | {name: value}))


def updating(name: str) -> Send:
    return lambda sip, value: sip.registrations.update("x", **cast("Any", {name: value}))


def configuring(name: str) -> Send:
    return lambda sip, value: sip.update_config(**cast("Any", {name: value}))


REGISTRATION_TEXTS = ["username", "proxy", "outbound_proxy", "auth_user"]
# What is limited, where the schema says so, how it is sent, and a value of a given length.
LIMITED: list[tuple[str, str, Send, Callable[[int], object]]] = [
    *(
        (f"SipRegistration.{wire_name(name)}", "maxLength", send(name), lambda length: "x" * length)
        for name in REGISTRATION_TEXTS
        for send in (creating, updating)
    ),
    (
        "SipConfig.allowedAgents",
        "maxItems",
        configuring("allowed_agents"),
        lambda length: [AgentAllowance(AGENT)] * length,
    ),
    (
        "AgentAllowance.toUserPattern",
        "maxLength",
        configuring("allowed_agents"),
        lambda length: [AgentAllowance(AGENT, "x" * length)],
    ),
    (
        "FallbackHandler.secrets",
        "maxItems",
        configuring("fallback_handler"),
        lambda length: FallbackHandler(URL, ["x"] * length),
    ),
    (
        "FallbackHandler.secrets.items",
        "maxLength",
        configuring("fallback_handler"),
        lambda length: FallbackHandler(URL, ["x" * length]),
    ),
]


def limit(schema: Json, where: str, kind: str) -> int:
    name, wire, *items = where.split(".")
    declared = properties(schema, name)[wire]
    return int(declared["items"][kind] if items else declared[kind])


@pytest.mark.parametrize(("where", "kind", "send", "value"), LIMITED)
async def test_a_limit_of_the_schema_is_the_limit_here(
    schema: Json, where: str, kind: str, send: Send, value: Callable[[int], object]
) -> None:
    sip = Sip(transport())
    most = limit(schema, where, kind)
    assert await send(sip, value(most))
    with pytest.raises(InvalidRequestError, match=f"at most {most} "):
        await send(sip, value(most + 1))


async def test_a_fallback_handler_needs_as_many_secrets_as_the_schema_says(schema: Json) -> None:
    fewest = limit(schema, "FallbackHandler.secrets", "minItems")
    sip = Sip(transport())
    assert await sip.update_config(fallback_handler=FallbackHandler(URL, ["x"] * fewest))
    with pytest.raises(InvalidRequestError, match=f"takes {fewest} to"):
        await sip.update_config(fallback_handler=FallbackHandler(URL, ["x"] * (fewest - 1)))


def test_no_limit_of_the_schema_is_overlooked(schema: Json) -> None:
    found = {
        (f"{name}.{wire}{suffix}", kind)
        for name in CLASSES
        for wire, declared in properties(schema, name).items()
        for suffix, place in (("", declared), (".items", declared.get("items", {})))
        for kind in place
        if kind.startswith(("max", "min")) or kind in {"pattern", "enum"}
    }
    assert found == {(where, kind) for where, kind, *_ in LIMITED} | {("FallbackHandler.secrets", "minItems")}
    assert len(found) == 9


def test_no_format_of_the_schema_is_overlooked(schema: Json) -> None:
    found = {
        (name, wire, place["format"])
        for name in CLASSES
        for wire, declared in properties(schema, name).items()
        for place in (declared, declared.get("items", {}))
        if "format" in place
    }
    assert found == {
        ("SipRegistration", "created", "date-time"),
        ("SipConfig", "allowedCidrRanges", "ipv4-cidr"),
        ("AgentAllowance", "agentId", "uuid"),
        ("FallbackHandler", "url", "uri"),
        ("PaginatedSipRegistrationList", "next", "uri"),
        ("PaginatedSipRegistrationList", "previous", "uri"),
    }


@pytest.mark.parametrize(
    ("send", "value"),
    [
        (configuring("allowed_cidr_ranges"), ["203.0.113.0"]),
        (configuring("allowed_agents"), [AgentAllowance("no-uuid")]),
        (configuring("fallback_handler"), FallbackHandler("no-url")),
    ],
)
async def test_a_value_without_its_format_is_refused(send: Send, value: object) -> None:
    with pytest.raises(InvalidRequestError):
        await send(Sip(transport()), value)
