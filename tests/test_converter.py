import enum
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, TypeVar, cast, get_origin
from uuid import UUID

import attrs
import pytest
from annotated_types import Ge, MaxLen
from hypothesis import given, settings
from hypothesis import strategies as st

from ultravox_async import AgentAllowance, DecodeError, FallbackHandler, Page, SipConfig, SipRegistration
from ultravox_async._wire.converter import decode as decode_into
from ultravox_async._wire.json_form import encode, to_wire
from ultravox_async._wire.names import wire_name

ORIGIN = "GET /api/x"


T = TypeVar("T")


@attrs.frozen
class Context:
    origin: str = ORIGIN
    secret: str = "-no secret-"
    content_type: str = "application/json"

    def redacted(self, text: str) -> str:
        return text.replace(self.secret, "***")


def decode(content: bytes, into: type[T], origin: str) -> T:
    return decode_into(content, into, Context(origin))


REGISTRATION: dict[str, object] = {
    "registrationId": "r1",
    "created": "2026-07-02T10:00:00.123456Z",
    "username": "alice",
    "proxy": "sip.example.com",
    "outboundProxy": "out.example.com",
    "authUser": "auth",
    "successful": True,
}
CONFIG: dict[str, object] = {
    "domain": "x.example.com",
    "allowedCidrRanges": ["203.0.113.0/24"],
    "allowAllAgents": True,
    "allowedAgents": [{"agentId": "a1", "toUserPattern": "^x$"}, {"agentId": "a2"}],
    "fallbackHandler": {"url": "https://example.com/", "secrets": ["s1"]},
}


@attrs.define
class Options:
    """Scalars that may be null, one with limits, and one that knows some of its values."""

    text: Annotated[str, MaxLen(2)]
    name: str | None = None
    limited: Annotated[str, MaxLen(2)] | None = None
    whole: Annotated[int | None, Ge(10)] = None
    number: float | None = None
    truth: bool | None = None
    moment: datetime | None = None
    speaker: Literal["AGENT", "USER"] | str | None = None  # noqa: PYI051 - how the types of the API leave room for new values


@attrs.define
class Everything:
    text: str
    whole: int
    number: float
    truth: bool
    moment: datetime
    items: list[int]
    counts: dict[str, int]
    handler: FallbackHandler


EVERYTHING: dict[str, object] = {
    "text": "x",
    "whole": 1,
    "number": 1.5,
    "truth": True,
    "moment": "2026-07-02T10:00:00Z",
    "items": [1, 2],
    "counts": {"a": 1},
    "handler": {"url": "https://example.com/"},
}
RIGHT_TYPES = {
    "text": "a string",
    "whole": "a whole number",
    "number": "a number",
    "truth": "true or false",
    "moment": "an ISO 8601 timestamp with a time zone",
    "items": "a list",
    "counts": "an object",
    "handler": "an object",
}
VALUES: list[object] = [None, True, False, 0, 1, 1.0, 1.5, 2**70, "", "1", "true", "abc", [], [1], {}, {"a": 1}]
FITTING: dict[str, list[object]] = {
    "text": ["", "1", "true", "abc"],
    "whole": [0, 1],
    "number": [0, 1, 1.0, 1.5, 2**70],
    "truth": [True, False],
    "moment": [],
    "items": [[], [1]],
    "counts": [{}, {"a": 1}],
    "handler": [],
}


def fits(name: str, value: object) -> bool:
    # 1 == True == 1.0 in Python, but they are three different values in JSON.
    return any(type(value) is type(one) and value == one for one in FITTING[name])


MISFITS = [(name, value) for name in RIGHT_TYPES for value in VALUES if not fits(name, value)]
FITS = [(name, value) for name in RIGHT_TYPES for value in VALUES if fits(name, value)]


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def without(fields: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in names}


def failure(value: object, into: type[object]) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(body(value), into, ORIGIN)
    return caught.value


def test_a_registration_is_decoded_to_its_python_names_and_types() -> None:
    assert decode(body(REGISTRATION), SipRegistration, ORIGIN) == SipRegistration(
        registration_id="r1",
        created=datetime(2026, 7, 2, 10, 0, 0, 123456, tzinfo=UTC),
        username="alice",
        proxy="sip.example.com",
        outbound_proxy="out.example.com",
        auth_user="auth",
        successful=True,
    )


def test_a_configuration_is_decoded_with_its_nested_objects() -> None:
    assert decode(body(CONFIG), SipConfig, ORIGIN) == SipConfig(
        domain="x.example.com",
        allowed_agents=[AgentAllowance("a1", "^x$"), AgentAllowance("a2")],
        allowed_cidr_ranges=["203.0.113.0/24"],
        allow_all_agents=True,
        fallback_handler=FallbackHandler("https://example.com/", ["s1"]),
    )


def test_a_configuration_may_lack_all_but_its_domain() -> None:
    assert decode(b'{"domain": "x"}', SipConfig, ORIGIN) == SipConfig("x")


@pytest.mark.parametrize("wire", ["outboundProxy", "authUser", "successful"])
@pytest.mark.parametrize("is_absent", [True, False])
def test_an_optional_field_is_none_when_it_is_absent_and_when_it_is_null(wire: str, *, is_absent: bool) -> None:
    fields = without(REGISTRATION, wire) if is_absent else REGISTRATION | {wire: None}
    found = decode(body(fields), SipRegistration, ORIGIN)
    by_wire = {wire_name(name): value for name, value in attrs.asdict(found).items()}
    assert by_wire[wire] is None
    assert by_wire["username"] == "alice"


@pytest.mark.parametrize("wire", ["registrationId", "created", "username", "proxy"])
def test_a_required_field_that_is_missing_is_named(wire: str) -> None:
    error = failure(without(REGISTRATION, wire), SipRegistration)
    assert str(error) == f"GET /api/x: {wire}: expected a value (the field is required), got nothing"


@pytest.mark.parametrize("wire", ["registrationId", "created", "username", "proxy"])
def test_a_required_field_that_is_null_is_named(wire: str) -> None:
    error = failure(REGISTRATION | {wire: None}, SipRegistration)
    assert (error.path, error.got) == (wire, "null")


def test_unknown_fields_and_the_password_are_dropped() -> None:
    found = decode(body(REGISTRATION | {"password": "hunter2", "novelty": {"a": [1]}}), SipRegistration, ORIGIN)
    assert found == decode(body(REGISTRATION), SipRegistration, ORIGIN)
    assert not hasattr(found, "password")
    assert "hunter2" not in repr(found)


def test_a_python_name_in_json_is_an_unknown_field() -> None:
    error = failure(without(REGISTRATION, "registrationId") | {"registration_id": "r1"}, SipRegistration)
    assert error.path == "registrationId"


def test_the_table_of_wrong_types_is_large() -> None:
    assert len(MISFITS) > 100


@pytest.mark.parametrize(("name", "value"), MISFITS)
def test_a_value_of_another_type_is_refused_and_not_coerced(name: str, value: object) -> None:
    error = failure(EVERYTHING | {name: value}, Everything)
    assert error.path.startswith(name)
    if error.path == name:
        assert error.expected == RIGHT_TYPES[name]


@pytest.mark.parametrize(("name", "value"), FITS)
def test_a_value_of_its_type_is_kept(name: str, value: object) -> None:
    found = getattr(decode(body(EVERYTHING | {name: value}), Everything, ORIGIN), name)
    assert found == value
    assert type(found) is (float if name == "number" else type(value))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-07-02T10:00:00Z", datetime(2026, 7, 2, 10, tzinfo=UTC)),
        ("2026-07-02T10:00:00+00:00", datetime(2026, 7, 2, 10, tzinfo=UTC)),
        ("2026-07-02T12:00:00.5+02:00", datetime(2026, 7, 2, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59.999999-08:00", datetime(2024, 3, 1, 7, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_timestamp_with_a_zone_is_that_moment(text: str, moment: datetime) -> None:
    found = decode(body(text), datetime, ORIGIN)
    assert found == moment
    assert found.tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-02T10:00:00",
        "2026-07-02",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-07-02T10:61:00Z",
        "2026-07-02T10:00:00+24:00",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "yesterday",
        "1751450400",
        "",
    ],
)
def test_a_naive_or_impossible_timestamp_is_refused(text: str) -> None:
    error = failure(REGISTRATION | {"created": text}, SipRegistration)
    assert (error.path, error.expected) == ("created", "an ISO 8601 timestamp with a time zone")
    assert error.got == json.dumps(text)


@pytest.mark.parametrize(
    ("into", "value", "path"),
    [
        (
            Page[SipRegistration],
            {"results": [*[REGISTRATION] * 3, REGISTRATION | {"created": 5}]},
            "results[3].created",
        ),
        (Page[SipRegistration], {"results": [REGISTRATION, None]}, "results[1]"),
        (Page[SipRegistration], {"results": None}, "results"),
        (Page[SipRegistration], {"results": [], "total": "5"}, "total"),
        (SipConfig, CONFIG | {"allowedAgents": [{"agentId": "a"}, {}]}, "allowedAgents[1].agentId"),
        (SipConfig, CONFIG | {"fallbackHandler": {"url": "x", "secrets": ["a", 5]}}, "fallbackHandler.secrets[1]"),
        (list[SipRegistration], [REGISTRATION | {"proxy": 1}], "[0].proxy"),
        (dict[str, list[int]], {"a": [1], "b c": [1, "2"]}, "b c[1]"),
        (list[list[int]], [[], [1, None]], "[1][1]"),
        (int, "5", ""),
        (list, {}, ""),
        (dict, [], ""),
        (SipRegistration, [REGISTRATION], ""),
    ],
)
def test_an_error_has_the_path_in_the_names_of_the_api(into: type[object], value: object, path: str) -> None:
    assert failure(value, into).path == path


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ({"a": 1, "b": 2}, "an object with 2 fields"),
        ([1, 2, 3], "a list of 3 items"),
        (5, "5"),
        (1.5, "1.5"),
        (None, "null"),
        (True, "true"),
        ("é", '"é"'),
        ("x" * 500, '"' + "x" * 78 + "…"),
        ("a\u202eb", '"a b"'),
    ],
)
def test_an_error_shows_a_short_form_of_the_value(value: object, got: str) -> None:
    # No value is a bool and a string and everything else at once, so one of the two is refused.
    assert failure(value, bool if value is not True else str).got == got


def test_an_empty_body_is_not_json() -> None:
    with pytest.raises(DecodeError, match="GET /api/x: the body: expected JSON, got nothing"):
        decode(b"", SipRegistration, ORIGIN)


@pytest.mark.parametrize("content", [b"<html>oops</html>", b'{"a": 1', b"\xff\xfe", b"oops", b"{'oops': 1}"])
def test_an_error_about_a_body_that_is_not_json_shows_its_size_and_its_type_and_nothing_of_it(content: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(content, SipRegistration, ORIGIN)
    assert (caught.value.path, caught.value.expected) == ("", "JSON")
    assert caught.value.got.startswith(f"{len(content)} bytes of application/json (")
    assert "oops" not in str(caught.value)


def test_an_error_about_a_body_that_is_not_json_says_where_it_is_broken() -> None:
    with pytest.raises(DecodeError, match=r"got 7 bytes of an unknown type \(.+ at 7\)"):
        decode_into(b'{"a": 1', SipRegistration, Context(content_type=""))


def test_an_error_about_html_shows_its_title() -> None:
    body = b"\n<html><title>Bad Gateway of key</title>oops</html>"
    with pytest.raises(DecodeError) as caught:
        decode_into(body, SipRegistration, Context(secret="key", content_type="text/html"))
    assert caught.value.got == f"{len(body)} bytes of text/html: Bad Gateway of ***"


def test_a_title_in_broken_json_is_not_shown() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(b'{"systemPrompt": "<title>oops</title>', SipRegistration, ORIGIN)
    assert "oops" not in str(caught.value)


@pytest.mark.parametrize("into", [SipRegistration, object, list[object]])
def test_a_body_nested_too_deeply_is_a_decode_error(into: type[object]) -> None:
    with pytest.raises(DecodeError):
        decode(b"[" * 100_000 + b"]" * 100_000, into, ORIGIN)


def test_json_without_a_type_is_dicts_lists_and_scalars() -> None:
    assert decode(b'{"a": [1, 1.5, "x", null, true]}', object, ORIGIN) == {"a": [1, 1.5, "x", None, True]}


def test_json_without_a_type_still_has_to_be_json() -> None:
    with pytest.raises(DecodeError, match="expected JSON"):
        decode(b"oops", object, ORIGIN)


def test_a_bare_list_or_dict_holds_anything() -> None:
    assert decode(b'[1, "a", {}]', list, ORIGIN) == [1, "a", {}]
    assert decode(b'{"a": [1]}', dict, ORIGIN) == {"a": [1]}


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("proxy", "proxy"),
        ("outbound_proxy", "outboundProxy"),
        ("allowed_cidr_ranges", "allowedCidrRanges"),
        ("sha_256", "sha256"),
    ],
)
def test_the_names_of_the_api_are_in_camel_case(name: str, wire: str) -> None:
    assert wire_name(name) == wire


def test_an_attrs_instance_is_sent_without_what_is_none() -> None:
    assert to_wire(AgentAllowance("a1")) == {"agentId": "a1"}
    assert to_wire(AgentAllowance("a1", "^x$")) == {"agentId": "a1", "toUserPattern": "^x$"}


@pytest.mark.parametrize("value", [object(), {1, 2}, AgentAllowance, 1j])
def test_a_value_that_is_not_an_attrs_instance_cannot_be_encoded(value: object) -> None:
    with pytest.raises(TypeError, match=f"{type(value).__name__} cannot be encoded as JSON"):
        to_wire(value)


def test_attrs_instances_are_encoded_at_any_depth() -> None:
    assert encode({"a": AgentAllowance("a1"), "b": [1]}) == b'{"a":{"agentId":"a1"},"b":[1]}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MOMENTS = st.datetimes(timezones=st.just(UTC) | st.none() | st.just(UTC)).map(datetime.isoformat)
KEYS = [*REGISTRATION, "novelty"]
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.just("drop") | st.just("set"), JSON | MOMENTS | st.just(None)), max_size=3
)


def expected_registration(fields: Mapping[str, object]) -> SipRegistration | None:
    texts = [fields.get(name) for name in ("registrationId", "username", "proxy")]
    options = [fields.get(name) for name in ("outboundProxy", "authUser")]
    created, successful = fields.get("created"), fields.get("successful")
    if any(not isinstance(text, str) for text in texts) or any(
        not (option is None or isinstance(option, str)) for option in options
    ):
        return None
    if not isinstance(created, str) or not (successful is None or isinstance(successful, bool)):
        return None
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return None
    if moment.utcoffset() is None:
        return None
    names = dict(zip(("registration_id", "username", "proxy"), map(str, texts), strict=True))
    outbound, auth = (None if option is None else str(option) for option in options)
    return SipRegistration(**names, created=moment, outbound_proxy=outbound, auth_user=auth, successful=successful)


def test_a_duration_that_is_too_long_for_python_is_refused_as_what_is_no_duration() -> None:
    error = failure("999999999 24:00:00", timedelta)
    assert (error.expected, error.got) == ("a duration in seconds, such as 12.5s", '"999999999 24:00:00"')


@settings(deadline=None)
@given(MUTATIONS)
def test_a_mutated_registration_is_decoded_rightly_or_refused(mutations: list[tuple[str, str, object]]) -> None:
    fields = dict(REGISTRATION)
    for name, action, value in mutations:
        if action == "drop":
            fields.pop(name, None)
        else:
            fields[name] = value
    expected = expected_registration(fields)
    if expected is None:
        assert failure(fields, SipRegistration).path in KEYS
    else:
        assert decode(body(fields), SipRegistration, ORIGIN) == expected


@settings(deadline=None)
@given(st.data())
def test_a_corrupted_body_is_decoded_to_the_declared_types_or_refused(data: st.DataObject) -> None:
    content = bytearray(body({"results": [REGISTRATION, CONFIG], "next": None}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        page = decode(bytes(content), Page[SipRegistration], ORIGIN)
    except DecodeError as error:
        text = str(error)
    else:
        # The second of the two is a configuration, which no corruption of three bytes makes a registration.
        pytest.fail(f"{page!r} was read from {bytes(content)!r}")
    assert len(text) < 500
    assert text.isprintable()


def is_lists_of_integers(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    lists = list(cast("dict[str, object]", value).values())
    items = [item for one in lists if isinstance(one, list) for item in cast("list[object]", one)]
    # Whole numbers that take more than 64 bits come out of the JSON parser as floats.
    whole = all(type(item) is int and -(2**63) <= item < 2**64 for item in items)
    return whole and all(isinstance(one, list) for one in lists)


@settings(deadline=None)
@given(JSON)
def test_any_json_is_decoded_to_the_declared_type_or_refused(value: object) -> None:
    try:
        found = decode(body(value), dict[str, list[int]], ORIGIN)
    except DecodeError:
        found = None
    assert found == (value if is_lists_of_integers(value) else None)


@settings(deadline=None)
# Python 3.11 drops an offset of microseconds where it has no seconds.
@given(st.datetimes(timezones=st.integers(-23 * 3600, 23 * 3600).map(lambda each: timezone(timedelta(seconds=each)))))
def test_every_aware_timestamp_survives_a_round_trip(moment: datetime) -> None:
    assert decode(body(moment.isoformat()), datetime, ORIGIN) == moment


def test_a_secret_is_redacted_in_the_value_that_is_shown() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_into(b'{"a": "my key"}', dict[str, int], Context(secret="key"))
    assert caught.value.got == '"my ***"'


def test_a_secret_that_is_longer_than_what_is_shown_is_redacted_whole() -> None:
    secret = "s3cret" * 50
    with pytest.raises(DecodeError) as caught:
        decode_into(body({"a": secret}), dict[str, int], Context(secret=secret))
    assert caught.value.got == '"***"'


@pytest.mark.parametrize(
    ("content", "into"),
    [(b'"s3cret"', SipConfig), (b'"s3cret"', list[str]), (b'["s3cret"]', list[FallbackHandler])],
)
def test_a_text_in_place_of_an_object_or_a_list_is_not_shown(content: bytes, into: type[object]) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(content, into, ORIGIN)
    assert caught.value.got == "str"


def test_the_value_of_a_secret_field_is_not_shown() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(body(CONFIG | {"fallbackHandler": {"url": "https://x.example", "secrets": "abc"}}), SipConfig, ORIGIN)
    assert (caught.value.path, caught.value.got) == ("fallbackHandler.secrets", "str")


@attrs.define
class Own:
    """A class as a user may write it, without declarations of secrets."""

    api_token: str
    settings: dict[str, int]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"apiToken": 12345, "settings": {}}, "apiToken"),
        ({"apiToken": "x", "settings": {"secret_number": "12345"}}, "settings.secret_number"),
    ],
)
def test_a_field_with_a_secret_name_in_a_class_of_the_user_is_not_shown(fields: dict[str, object], path: str) -> None:
    error = failure(fields, Own)
    assert error.path == path
    assert "12345" not in error.got


@pytest.mark.parametrize(
    "value",
    [{"api_key": {"a": {"b": "12345"}}}, {"a": {"token": {"b": "12345"}}}, {"password": {"a": {"b": "12345"}}}],
)
def test_a_value_below_a_secret_name_is_not_shown(value: object) -> None:
    assert failure(value, dict[str, dict[str, dict[str, int]]]).got == "str"


OPTIONS: dict[str, object] = {
    "text": "longer than its limit",
    "name": "a",
    "limited": "longer than its limit",
    "whole": 1,
    "number": 2,
    "truth": False,
    "moment": "2026-07-02T10:00:00Z",
    "speaker": "NOBODY_KNOWS",
}


def test_a_limit_of_requests_is_not_checked_on_answers_and_new_values_survive() -> None:
    long = "longer than its limit"
    moment = datetime(2026, 7, 2, 10, tzinfo=UTC)
    assert decode(body(OPTIONS), Options, ORIGIN) == Options(long, "a", long, 1, 2.0, False, moment, "NOBODY_KNOWS")  # noqa: FBT003 - in the order of the fields


def test_scalars_may_all_be_null_where_that_is_declared() -> None:
    nulls = dict.fromkeys(OPTIONS) | {"text": "a"}
    assert decode(body(nulls), Options, ORIGIN) == Options("a")


def test_scalars_may_be_absent_beside_unknown_fields() -> None:
    novelties = {f"novelty{number}": number for number in range(20)}
    assert decode(body(novelties | {"text": "a", "whole": 5}), Options, ORIGIN) == Options("a", whole=5)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("value", [[], {}])
def test_a_scalar_of_another_type_is_refused_where_null_is_allowed(name: str, value: object) -> None:
    assert failure(OPTIONS | {name: value}, Options).path == name


def test_a_field_with_metadata_is_decoded_in_lists_too() -> None:
    assert decode(b'["abc"]', list[Annotated[str, MaxLen(1)]], ORIGIN) == ["abc"]
    assert decode(b'["C"]', list[Literal["A", "B"] | str], ORIGIN) == ["C"]  # noqa: PYI051 - as above
    assert failure([1], list[Annotated[str, MaxLen(1)]]).path == "[0]"


def test_a_literal_without_a_string_beside_it_stays_closed() -> None:
    assert decode(b'"A"', cast("type[str]", Literal["A", "B"]), ORIGIN) == "A"
    with pytest.raises(DecodeError):
        decode(b'"C"', cast("type[str]", Literal["A", "B"]), ORIGIN)


@attrs.define
class Tree:
    name: str
    child: "Tree | None" = None


def test_a_class_may_contain_itself_at_any_depth() -> None:
    document: dict[str, Any] = {"name": "leaf"}
    for _ in range(50):
        document = {"name": "branch", "child": document}
    found = decode(body(document), Tree, ORIGIN)
    assert (found.name, attrs.asdict(found)["child"]["name"]) == ("branch", "branch")
    assert failure({"name": "a", "child": {"name": "b", "child": {}}}, Tree).path == "child.child.name"


class Colour(enum.StrEnum):
    RED = "red"


@attrs.define
class Even:
    number: int = attrs.field(validator=attrs.validators.in_((0, 2, 4)))


def looked_up(value: str) -> str:
    return {"a": "b"}[value]


@attrs.define
class Looked:
    up: str = attrs.field(converter=looked_up)


def test_an_enum_is_decoded_from_its_value() -> None:
    assert decode(b'["red"]', list[Colour], ORIGIN) == [Colour.RED]


@pytest.mark.parametrize("content", [b'["blue"]', b"[1]", b"[null]"])
def test_an_unknown_value_of_an_enum_is_a_decode_error(content: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(content, list[Colour], ORIGIN)
    assert caught.value.path == "[0]"


@pytest.mark.parametrize("kind", [bytes, UUID, set, tuple[int, str], int | str, list[bytes], dict[str, UUID]])
def test_a_type_that_is_not_supported_is_a_type_error(kind: type[object]) -> None:
    with pytest.raises(TypeError, match="cannot decode into"):
        decode(b'{"a": 1}' if get_origin(kind) is dict else b"[3]" if get_origin(kind) is list else b"3", kind, ORIGIN)


def test_a_value_that_a_validator_refuses_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="expected a value that its type accepts, got ValueError"):
        decode(b'[{"number": 3}]', list[Even], ORIGIN)


def test_a_value_on_which_a_converter_fails_is_a_decode_error() -> None:
    assert decode(b'{"up": "a"}', Looked, ORIGIN).up == "b"
    with pytest.raises(DecodeError, match="expected a value that its type accepts, got KeyError"):
        decode(b'{"up": "c"}', Looked, ORIGIN)
