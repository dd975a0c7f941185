import ast
import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, get_args

import attrs
import httpx
import orjson
import pydantic
import pytest
from fastapi import Body, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from ultravox_async import AgentAllowance, DecodeError, FallbackHandler, SipConfig, SipRegistration, types
from ultravox_async.types._markers import Sensitive
from ultravox_async.types._object import WireObject

CREATED = datetime(2026, 7, 2, 10, tzinfo=UTC)
REGISTRATION = SipRegistration("r1", CREATED, "alice", "sip.example.com", auth_user="älice")
CONFIG = SipConfig(
    "x.example.com", [AgentAllowance("a1")], ["203.0.113.0/24"], fallback_handler=FallbackHandler("https://x/", ["s1"])
)
REGISTRATION_ON_THE_WIRE = {
    "registrationId": "r1",
    "created": "2026-07-02T10:00:00Z",
    "username": "alice",
    "proxy": "sip.example.com",
    "outboundProxy": None,
    "authUser": "älice",
    "successful": None,
}
CONFIG_ON_THE_WIRE = {
    "domain": "x.example.com",
    "allowedAgents": [{"agentId": "a1", "toUserPattern": None}],
    "allowedCidrRanges": ["203.0.113.0/24"],
    "allowAllAgents": False,
    "fallbackHandler": {"url": "https://x/"},
}
CLASSES = [found for found in vars(types).values() if isinstance(found, type) and attrs.has(found)]


@attrs.define
class Locked(WireObject):
    """Has one secret of each kind."""

    token_count: int
    door_codes: list[Annotated[str, Sensitive]]
    meta_data: dict[str, Any] = attrs.field(factory=dict[str, Any])
    pin: Annotated[str, Sensitive] | None = None
    inner: Annotated[FallbackHandler | None, Sensitive] = None
    at: datetime | None = None


LOCKED = Locked(3, ["d1"], {"snake_case": [{"some_key": CREATED}]}, "1234", FallbackHandler("u", ["s"]), CREATED)


def problem(data: dict[str, Any], into: type[WireObject]) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        into.from_dict(data)
    return caught.value


def test_as_the_default_of_json_it_refuses_other_objects_with_a_type_error() -> None:
    with pytest.raises(TypeError, match="datetime cannot be encoded as JSON"):
        json.dumps([datetime(2026, 7, 2, tzinfo=UTC)], default=SipRegistration.to_dict)


def test_every_type_is_a_wire_object() -> None:
    assert len(CLASSES) >= 4
    assert [found for found in CLASSES if not issubclass(found, WireObject)] == []


@pytest.mark.parametrize("one", [REGISTRATION, CONFIG, LOCKED])
def test_an_instance_has_no_dict_of_attributes(one: WireObject) -> None:
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("one", [REGISTRATION, CONFIG, LOCKED])
def test_an_instance_is_copied_and_pickled(one: WireObject) -> None:
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - made here


def test_a_dict_has_the_names_of_the_api_and_includes_nulls() -> None:
    assert REGISTRATION.to_dict() == REGISTRATION_ON_THE_WIRE


def test_a_dict_has_dicts_of_nested_objects_and_no_secrets() -> None:
    assert CONFIG.to_dict() == CONFIG_ON_THE_WIRE


def test_a_dict_has_secrets_on_request() -> None:
    assert CONFIG.to_dict(sensitive=True)["fallbackHandler"] == {"url": "https://x/", "secrets": ["s1"]}


def test_a_field_is_secret_wherever_in_its_type_the_marker_is() -> None:
    assert set(LOCKED.to_dict()) == {"tokenCount", "metaData", "at"}
    assert LOCKED.to_dict(sensitive=True) == {
        "tokenCount": 3,
        "doorCodes": ["d1"],
        "metaData": {"snake_case": [{"some_key": "2026-07-02T10:00:00Z"}]},
        "pin": "1234",
        "inner": {"url": "u", "secrets": ["s"]},
        "at": "2026-07-02T10:00:00Z",
    }


def test_the_keys_of_a_map_stay_as_they_are() -> None:
    assert LOCKED.to_dict()["metaData"] == {"snake_case": [{"some_key": "2026-07-02T10:00:00Z"}]}


def test_a_timestamp_keeps_its_offset() -> None:
    moment = CREATED.astimezone(timezone(timedelta(hours=-3)))
    assert Locked(1, [], at=moment).to_dict()["at"] == "2026-07-02T07:00:00-03:00"


def test_a_timestamp_whose_offset_is_less_than_a_minute_is_not_written_as_utc() -> None:
    moment = CREATED.astimezone(timezone(timedelta(seconds=30)))
    written = Locked(1, [], at=moment).to_dict(sensitive=True)
    assert written["at"] == "2026-07-02T10:00:30+00:00:30"
    assert Locked.from_dict(written).at == moment


def test_a_tuple_becomes_a_list() -> None:
    assert Locked(1, [], {"a": (1, CREATED)}).to_dict()["metaData"] == {"a": [1, "2026-07-02T10:00:00Z"]}


def test_changing_a_dict_does_not_change_the_instance() -> None:
    config = SipConfig("x", [], ["203.0.113.0/24"])
    config.to_dict()["allowedCidrRanges"].append("changed")
    assert config.allowed_cidr_ranges == ["203.0.113.0/24"]


def test_json_is_a_string_of_the_dict() -> None:
    assert json.loads(REGISTRATION.to_json()) == REGISTRATION_ON_THE_WIRE
    assert "älice" in REGISTRATION.to_json()


def test_json_has_secrets_on_request() -> None:
    assert "s1" not in CONFIG.to_json()
    assert json.loads(CONFIG.to_json(sensitive=True)) == CONFIG.to_dict(sensitive=True)


def test_to_json_of_a_value_that_cannot_be_encoded_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        Locked(1, [], {"a": object()}).to_json()


def test_the_json_libraries_accept_to_dict_as_their_default() -> None:
    assert json.loads(orjson.dumps({"a": [REGISTRATION]}, default=SipRegistration.to_dict)) == {
        "a": [REGISTRATION_ON_THE_WIRE]
    }
    assert json.loads(json.dumps([CONFIG], default=SipConfig.to_dict)) == [CONFIG_ON_THE_WIRE]


MOMENTS = st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
REGISTRATIONS = st.builds(
    SipRegistration,
    TEXT,
    MOMENTS,
    TEXT,
    TEXT,
    outbound_proxy=st.none() | TEXT,
    auth_user=st.none() | TEXT,
    successful=st.none() | st.booleans(),
)
CONFIGS = st.builds(
    SipConfig,
    TEXT,
    st.lists(st.builds(AgentAllowance, TEXT, st.none() | TEXT)),
    st.lists(TEXT),
    allow_all_agents=st.booleans(),
    fallback_handler=st.none() | st.builds(FallbackHandler, TEXT, st.none() | st.lists(TEXT)),
)


@given(REGISTRATIONS | CONFIGS)
def test_a_dict_survives_a_round_trip(one: SipRegistration | SipConfig) -> None:
    assert type(one).from_dict(one.to_dict(sensitive=True)) == one


@given(REGISTRATIONS | CONFIGS)
def test_json_survives_a_round_trip(one: SipRegistration | SipConfig) -> None:
    assert type(one).from_dict(json.loads(one.to_json(sensitive=True))) == one


def test_an_unknown_field_is_ignored() -> None:
    assert SipRegistration.from_dict(REGISTRATION_ON_THE_WIRE | {"password": "x", "new": 1}) == REGISTRATION


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"registrationId": 1}, "registrationId"),
        ({"created": "2026-07-02T10:00:00"}, "created"),
        ({"created": CREATED}, "created"),
        ({"successful": 1}, "successful"),
        ({"username": {1, 2}}, "username"),
        ({"username": 2**70}, "username"),
    ],
)
def test_a_dict_is_decoded_as_strictly_as_a_response(change: dict[str, Any], path: str) -> None:
    error = problem(REGISTRATION_ON_THE_WIRE | change, SipRegistration)
    assert (error.origin, error.path) == ("SipRegistration.from_dict", path)


@pytest.mark.parametrize("key", [None, 5, (1, 2)])
def test_a_map_whose_keys_are_not_strings_is_refused(key: object) -> None:
    error = problem({"tokenCount": 1, "doorCodes": list[str](), "metaData": {key: 1}}, Locked)
    assert error.expected == "a string"


@pytest.mark.parametrize("data", [None, [], "x", 1, [("domain", "x")]])
def test_a_value_that_is_not_a_dict_is_refused(data: Any) -> None:  # noqa: ANN401 - it is the point
    assert problem(data, SipConfig).expected == "an object"


def test_a_value_that_cannot_be_encoded_is_shown_by_its_type() -> None:
    assert problem(REGISTRATION_ON_THE_WIRE | {"username": {1, 2}}, SipRegistration).got == "set"


@pytest.mark.parametrize(
    ("change", "path", "got"),
    [
        ({"doorCodes": "hunter2"}, "doorCodes", "str"),
        ({"doorCodes": ["d", 12345]}, "doorCodes[1]", "int"),
        ({"pin": 12345}, "pin", "int"),
        ({"inner": {"url": 12345}}, "inner.url", "int"),
        ({"tokenCount": "many"}, "tokenCount", '"many"'),
    ],
)
def test_an_error_hides_declared_secrets_and_everything_below_them(change: dict[str, Any], path: str, got: str) -> None:
    error = problem({"tokenCount": 1, "doorCodes": list[str](), **change}, Locked)
    assert (error.path, error.got) == (path, got)


def test_a_dict_without_a_required_secret_is_refused() -> None:
    assert problem(LOCKED.to_dict(), Locked).path == "doorCodes"


@attrs.define
class Timed(WireObject):
    """Has a field of each kind of time."""

    took: timedelta
    day: date
    at: datetime | None = None
    pause: timedelta | None = None


TIMED = Timed(timedelta(seconds=90), date(2026, 7, 2), CREATED, timedelta(milliseconds=250))
TIMED_ON_THE_WIRE = {
    "took": "90s",
    "day": "2026-07-02",
    "at": "2026-07-02T10:00:00Z",
    "pause": "0.25s",
}


def test_durations_and_dates_leave_as_the_api_writes_them() -> None:
    assert TIMED.to_dict() == json.loads(TIMED.to_json()) == TIMED_ON_THE_WIRE


def test_durations_and_dates_come_back() -> None:
    assert Timed.from_dict(TIMED_ON_THE_WIRE) == TIMED
    assert Timed.from_dict({"took": "00:01:30", "day": "2026-07-02"}) == Timed(TIMED.took, TIMED.day)


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        ({"took": 90}, "took", "a duration in seconds, such as 12.5s"),
        ({"took": "soon"}, "took", "a duration in seconds, such as 12.5s"),
        ({"pause": 0.25}, "pause", "a duration in seconds, such as 12.5s"),
        ({"day": "2026-13-02"}, "day", "an ISO 8601 date"),
        ({"day": 5}, "day", "an ISO 8601 date"),
        ({"day": None}, "day", "an ISO 8601 date"),
    ],
)
def test_what_is_not_a_duration_or_a_date_is_refused(change: dict[str, Any], path: str, expected: str) -> None:
    error = problem(TIMED_ON_THE_WIRE | change, Timed)
    assert (error.path, error.expected) == (path, expected)


class Report(pydantic.BaseModel):
    timed: Timed


def test_a_pydantic_model_takes_durations_and_dates_and_gives_them_back() -> None:
    assert Report.model_validate({"timed": TIMED_ON_THE_WIRE}).timed == TIMED
    report = Report(timed=TIMED)
    assert json.loads(report.model_dump_json()) == {"timed": TIMED_ON_THE_WIRE}
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert Report.model_validate(report.model_dump()) == report


def test_a_pydantic_model_that_is_dumped_in_python_keeps_dates_and_has_texts_of_durations() -> None:
    dumped = Report(timed=TIMED).model_dump()["timed"]
    assert (dumped["took"], dumped["pause"], dumped["day"], dumped["at"]) == ("90s", "0.25s", TIMED.day, CREATED)


def test_the_schema_of_a_duration_is_that_of_a_string() -> None:
    schema = Report.model_json_schema(mode="serialization")["$defs"]["Timed"]["properties"]
    assert schema["took"]["type"] == "string"
    assert "format" not in schema["took"]
    assert (schema["day"]["type"], schema["day"]["format"]) == ("string", "date")
    assert [one["type"] for one in schema["pause"]["anyOf"]] == ["string", "null"]


class Service(pydantic.BaseModel):
    registration: SipRegistration
    others: list[SipRegistration] = []
    config: SipConfig | None = None


def test_a_pydantic_model_accepts_an_instance_and_keeps_it() -> None:
    assert Service(registration=REGISTRATION).registration is REGISTRATION


def test_a_pydantic_model_accepts_the_json_of_the_api() -> None:
    service = Service.model_validate(
        {"registration": REGISTRATION_ON_THE_WIRE, "others": [REGISTRATION, REGISTRATION_ON_THE_WIRE]}
    )
    assert (service.registration, service.others) == (REGISTRATION, [REGISTRATION, REGISTRATION])


def test_a_pydantic_model_says_where_something_is_wrong() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"others.1\n.*created: expected an ISO 8601 timestamp"):
        Service.model_validate(
            {"registration": REGISTRATION, "others": [REGISTRATION, REGISTRATION_ON_THE_WIRE | {"created": 5}]}
        )


def test_a_pydantic_model_is_dumped_as_json_with_the_names_of_the_api_and_without_secrets() -> None:
    service = Service(registration=REGISTRATION, others=[REGISTRATION], config=CONFIG)
    assert json.loads(service.model_dump_json()) == {
        "registration": REGISTRATION_ON_THE_WIRE,
        "others": [REGISTRATION_ON_THE_WIRE],
        "config": CONFIG_ON_THE_WIRE,
    }


def test_a_pydantic_model_that_is_dumped_in_python_keeps_timestamps() -> None:
    dumped = Service(registration=REGISTRATION).model_dump()["registration"]
    assert dumped == REGISTRATION_ON_THE_WIRE | {"created": CREATED}


def test_a_pydantic_model_is_validated_from_its_own_dict() -> None:
    service = Service(registration=REGISTRATION, others=[REGISTRATION])
    assert Service.model_validate(service.model_dump()) == service


def test_a_pydantic_model_accepts_a_dict_that_contains_instances() -> None:
    handler = FallbackHandler("https://x/", ["s1"])
    service = Service.model_validate(
        {"registration": REGISTRATION, "config": {"domain": "x", "fallbackHandler": handler}}
    )
    assert service.config == SipConfig("x", fallback_handler=handler)


def test_a_pydantic_model_refuses_a_naive_timestamp() -> None:
    naive = REGISTRATION_ON_THE_WIRE | {"created": CREATED.replace(tzinfo=None)}
    with pytest.raises(pydantic.ValidationError, match="with a time zone"):
        Service.model_validate({"registration": naive})


def test_a_pydantic_model_is_validated_from_its_own_json() -> None:
    service = Service(registration=REGISTRATION, others=[REGISTRATION])
    assert Service.model_validate_json(service.model_dump_json()) == service


def fields_of(schema: Mapping[str, Any], name: str) -> set[str]:
    return set(schema["$defs"][name]["properties"])


def test_the_input_schema_has_secrets_and_the_output_schema_has_not() -> None:
    schemas = {mode: Service.model_json_schema(mode=mode) for mode in get_args(pydantic.json_schema.JsonSchemaMode)}
    assert fields_of(schemas["validation"], "FallbackHandler") == {"url", "secrets"}
    assert fields_of(schemas["serialization"], "FallbackHandler") == {"url"}


def test_the_input_schema_requires_fields_without_a_default() -> None:
    schema = Service.model_json_schema()["$defs"]["SipRegistration"]
    assert schema["required"] == ["registrationId", "created", "username", "proxy"]


def test_the_output_schema_has_every_field_with_its_type() -> None:
    schema = Service.model_json_schema(mode="serialization")["$defs"]["SipRegistration"]
    assert schema["required"] == list(REGISTRATION_ON_THE_WIRE)
    assert schema["properties"]["created"] | {"title": ""} == {"type": "string", "format": "date-time", "title": ""}
    assert schema["properties"]["successful"]["anyOf"] == [{"type": "boolean"}, {"type": "null"}]


APP = FastAPI()


@APP.get("/registration")
async def one() -> SipRegistration:
    return REGISTRATION


@APP.get("/registrations")
async def several() -> list[SipRegistration]:
    return [REGISTRATION, REGISTRATION]


@APP.get("/timed")
async def timed() -> Timed:
    return TIMED


@APP.post("/config")
async def echo(config: Annotated[SipConfig, Body()]) -> SipConfig:
    assert config.fallback_handler is None or config.fallback_handler.secrets == ["s1"]
    return config


def web() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://service")


async def test_an_endpoint_returns_an_instance() -> None:
    async with web() as client:
        assert (await client.get("/registration")).json() == REGISTRATION_ON_THE_WIRE


async def test_an_endpoint_returns_durations_and_dates() -> None:
    async with web() as client:
        assert (await client.get("/timed")).json() == TIMED_ON_THE_WIRE


async def test_an_endpoint_returns_a_list_of_instances() -> None:
    async with web() as client:
        assert (await client.get("/registrations")).json() == [REGISTRATION_ON_THE_WIRE] * 2


async def test_an_endpoint_accepts_secrets_and_returns_none() -> None:
    async with web() as client:
        answer = await client.post("/config", json=CONFIG.to_dict(sensitive=True))
    assert (answer.status_code, answer.json()) == (200, CONFIG_ON_THE_WIRE)


async def test_an_endpoint_refuses_a_body_of_another_shape() -> None:
    async with web() as client:
        answer = await client.post("/config", json={"domain": 5})
    assert answer.status_code == 422
    assert "domain: expected a string, got 5" in answer.json()["detail"][0]["msg"]


def test_an_endpoint_is_documented_in_openapi() -> None:
    document = APP.openapi()
    schema = document["paths"]["/registrations"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["items"] == {"$ref": "#/components/schemas/SipRegistration"}
    described = document["components"]["schemas"]["SipRegistration"]
    assert list(described["properties"]) == list(REGISTRATION_ON_THE_WIRE)
    assert described["description"].startswith("One SIP registration")


def test_the_package_does_not_import_pydantic() -> None:
    script = (
        "import sys, ultravox_async.types; print([name for name in ('pydantic', 'fastapi') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout  # noqa: S603 - this interpreter
    assert ast.literal_eval(printed) == []
