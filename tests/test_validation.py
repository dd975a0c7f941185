import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated, Any, NotRequired, Required, TypedDict, cast

import attrs
import pytest
from annotated_types import Ge, Interval, Le, MaxLen, MinLen
from hypothesis import given, settings
from hypothesis import strategies as st

from ultravox_async import AgentAllowance, FallbackHandler, InvalidRequestError, SipConfigChanges
from ultravox_async._wire.json_form import encode
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import Rule, fields_of
from ultravox_async._wire.validation import check_count, refusal
from ultravox_async.testing._validation import Invalid, check_fields
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID, Alternative, ExactlyOne, Format, Sensitive
from ultravox_async.types.accounts import InvoiceStatus
from ultravox_async.types.sip import NewSipRegistration, SipRegistrationChanges

PASSWORD = "correct-horse-battery"
AGENT = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"


@attrs.define
class Owner:
    name: str


@attrs.define
class Nothing:
    """Means something by being there."""


@attrs.define
class Choice:
    name: Annotated[str, MaxLen(5)] | None = None
    nothing: Nothing | None = None


class Form(TypedDict, total=False):
    text: Annotated[str, MaxLen(5)]
    long_text: Annotated[str, MinLen(3)]
    password: Annotated[str, Sensitive]
    truth: bool
    truth_or_none: bool | None
    two_truths: Annotated[Sequence[bool], MaxLen(2)]
    two_or_three_truths: Annotated[list[bool], MinLen(2), MaxLen(3)]
    truths: Sequence[bool]
    lists: list[Annotated[Sequence[Annotated[str, MaxLen(1)]], MaxLen(1)]]
    cidr: Annotated[str, IPV4_CIDR]
    allowance: AgentAllowance
    handler: FallbackHandler
    owner: Owner
    count: Annotated[int, Interval(ge=1, le=5)]
    at_least_one: Annotated[int, Ge(1)]
    at_most_one: Annotated[float, Le(1.5)]
    number: float
    moment: datetime
    day: date
    hour: time
    duration: timedelta
    duration_or_none: timedelta | None
    choice: Annotated[Choice, ExactlyOne]
    optional_choice: Annotated[Choice, ExactlyOne] | None
    state: InvoiceStatus
    labels: Annotated[Mapping[str, Annotated[str, MaxLen(2)]], MaxLen(2)]
    limits: dict[str, Annotated[int, Ge(0)]]
    choices: Mapping[str, Annotated[Choice, ExactlyOne]]
    anything: Any
    objects: dict[str, Any]


def told(field: str, value: object) -> tuple[str, str] | None:
    """Return the problem with a field of `Form`: its place below the field, and its text."""
    error = refusal(Form, {field: value})
    return None if error is None else (error.field.removeprefix(field), error.problem)


@pytest.mark.parametrize("value", ["", "é" * 5])
def test_a_string_within_its_limit_is_accepted(value: str) -> None:
    assert told("text", value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abcdef", "takes at most 5 characters, not 6"),
        (5, "takes a string of at most 5 characters, not int"),
        (None, "takes a string of at most 5 characters, not NoneType"),
        (b"abc", "takes a string of at most 5 characters, not bytes"),
    ],
)
def test_a_string_has_at_most_its_maximum_length(value: object, problem: str) -> None:
    assert told("text", value) == ("", problem)


def test_a_string_has_at_least_its_minimum_length() -> None:
    assert told("long_text", "abc") is None
    assert told("long_text", "ab") == ("", "takes at least 3 characters, not 2")


@pytest.mark.parametrize("value", ["", "x", "x" * 10_000])
def test_a_password_is_any_string(value: object) -> None:
    assert told("password", value) is None


@pytest.mark.parametrize(("value", "kind"), [(5, "int"), (None, "NoneType")])
def test_a_password_that_is_not_a_string_is_named_by_its_type(value: object, kind: str) -> None:
    assert told("password", value) == ("", f"takes a string, not {kind}")


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_accepted(value: object) -> None:
    assert told("truth", value) is None


@pytest.mark.parametrize(("value", "kind"), [(1, "int"), ("true", "str"), (None, "NoneType")])
def test_only_true_and_false_are_booleans(value: object, kind: str) -> None:
    assert told("truth", value) == ("", f"takes True or False, not {kind}")


def test_a_nullable_field_accepts_none_and_nothing_else_in_addition() -> None:
    assert told("truth_or_none", None) is None
    assert told("truth_or_none", 1) == told("truth", 1)
    assert told("truth_or_none", 0) == told("truth", 0)


@pytest.mark.parametrize("value", [[], [True, False], (True,)])
def test_a_list_of_valid_items_is_accepted(value: object) -> None:
    assert told("two_truths", value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("ab", ("", "takes a list, not str")),
        ({True}, ("", "takes a list, not set")),
        (None, ("", "takes a list, not NoneType")),
        ([True] * 3, ("", "takes at most 2 items, not 3")),
        ([True, 1], ("[1]", "takes True or False, not int")),
    ],
)
def test_a_list_has_at_most_its_maximum_length_and_each_item_is_checked(value: object, problem: object) -> None:
    assert told("two_truths", value) == problem


def test_a_list_without_a_limit_may_have_any_length() -> None:
    assert told("truths", [True] * 1000) is None


def test_a_list_has_a_length_within_its_limits() -> None:
    assert told("two_or_three_truths", [True]) == ("", "takes 2 to 3 items, not 1")
    assert told("two_or_three_truths", [True] * 4) == ("", "takes at most 3 items, not 4")


def test_a_list_of_lists_is_checked_at_every_level() -> None:
    assert told("lists", [["a"], []]) is None
    assert told("lists", [["a"], ["b", "c"]]) == ("[1]", "takes at most 1 item, not 2")
    assert told("lists", [["a"], ["bc"]]) == ("[1][0]", "takes at most 1 character, not 2")


@pytest.mark.parametrize("value", ["203.0.113.0/24", "0.0.0.0/0", "203.0.113.7/24", "255.255.255.255/32"])
def test_an_ipv4_range_is_accepted(value: str) -> None:
    assert told("cidr", value) is None


@pytest.mark.parametrize(
    "value",
    [
        "203.0.113.0",
        "203.0.113.0/33",
        "203.0.113/24",
        "256.0.0.0/8",
        "2001:db8::/32",
        "203.0.113.0/255.255.255.0",
        "",
        "203.0.113.0/24\n",
        "٢٠٣.0.113.0/24",
        5,
        None,
        ("203.0.113.0", 24),
    ],
)
def test_a_string_that_is_not_an_ipv4_range_is_refused(value: object) -> None:
    assert told("cidr", value) == ("", "takes an IPv4 CIDR range, such as 203.0.113.0/24")


@pytest.mark.parametrize("value", [AgentAllowance(AGENT), AgentAllowance(AGENT.upper(), "x" * 200)])
def test_an_allowance_with_a_uuid_is_accepted(value: AgentAllowance) -> None:
    assert told("allowance", value) is None


@pytest.mark.parametrize(
    ("value", "where", "problem"),
    [
        ({"agentId": AGENT}, "", "takes an AgentAllowance, not dict"),
        (AgentAllowance("x"), ".agent_id", "takes a UUID"),
        (AgentAllowance(f"{AGENT}\n"), ".agent_id", "takes a UUID"),
        (AgentAllowance(AGENT.replace("-", "")), ".agent_id", "takes a UUID"),
        (AgentAllowance(cast("str", None)), ".agent_id", "takes a UUID"),
        (AgentAllowance(AGENT, "x" * 201), ".to_user_pattern", "takes at most 200 characters, not 201"),
        (
            AgentAllowance(AGENT, cast("str", 5)),
            ".to_user_pattern",
            "takes a string of at most 200 characters, not int",
        ),
    ],
)
def test_a_problem_with_an_allowance_is_named_with_its_place(value: object, where: str, problem: str) -> None:
    assert told("allowance", value) == (where, problem)


@pytest.mark.parametrize(
    "value",
    [
        FallbackHandler("https://example.com/x?y"),
        FallbackHandler("http://127.0.0.1:8080"),
        FallbackHandler("https://example.com", ["s" * 120] * 10),
        FallbackHandler("https://example.com", ["s"]),
    ],
)
def test_a_fallback_handler_with_a_url_and_a_few_secrets_is_accepted(value: FallbackHandler) -> None:
    assert told("handler", value) is None


@pytest.mark.parametrize("url", ["", "example.com", "/x", "ftp://example.com", "https://", "http://[::1", None, 5])
def test_a_fallback_handler_has_an_absolute_http_url(url: object) -> None:
    assert told("handler", FallbackHandler(cast("str", url))) == (".url", "takes an absolute http or https URL")


@pytest.mark.parametrize(
    ("secrets", "where", "problem"),
    [
        ([], ".secrets", "takes 1 to 10 items, not 0"),
        (["s"] * 11, ".secrets", "takes at most 10 items, not 11"),
        (["s", "s" * 121], ".secrets[1]", "takes at most 120 characters, not 121"),
        ("secret", ".secrets", "takes a list, not str"),
        ([5], ".secrets[0]", "takes a string of at most 120 characters, not int"),
    ],
)
def test_a_problem_with_the_secrets_of_a_handler_is_named_with_its_place(
    secrets: object, where: str, problem: str
) -> None:
    assert told("handler", FallbackHandler("https://example.com", cast("list[str]", secrets))) == (where, problem)


def test_a_value_that_is_not_a_fallback_handler_is_named_by_its_type() -> None:
    assert told("handler", "https://example.com") == ("", "takes a FallbackHandler, not str")


def test_a_required_field_of_an_object_cannot_be_none() -> None:
    assert told("owner", Owner(cast("str", None))) == (".name", "takes a string, not NoneType")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 1),
        ("count", 5),
        ("at_least_one", 2**62),
        ("at_most_one", 1.5),
        ("at_most_one", -(10**9)),
        ("at_most_one", 1),
        ("number", -1.5),
        ("number", 0),
    ],
)
def test_a_number_within_its_range_is_accepted(field: str, value: float) -> None:
    assert told(field, value) is None


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("count", 0, "takes a whole number from 1 to 5"),
        ("count", 6, "takes a whole number from 1 to 5"),
        ("count", 1.0, "takes a whole number, not float"),
        ("count", True, "takes a whole number, not bool"),
        ("count", "1", "takes a whole number, not str"),
        ("at_least_one", 0, "takes a whole number of at least 1"),
        ("at_most_one", 1.6, "takes a number of at most 1.5"),
        ("number", True, "takes a number, not bool"),
        ("number", "1", "takes a number, not str"),
        ("number", None, "takes a number, not NoneType"),
    ],
)
def test_a_number_out_of_its_range_is_refused(field: str, value: object, problem: str) -> None:
    assert told(field, value) == ("", problem)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_represent_is_refused(value: float) -> None:
    assert told("number", value) == ("", "takes a number")
    assert told("at_most_one", value) == ("", "takes a number of at most 1.5")


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-3))])
def test_a_datetime_with_a_time_zone_is_accepted(zone: timezone) -> None:
    assert told("moment", datetime(2026, 7, 2, tzinfo=zone)) is None


@pytest.mark.parametrize("field", ["moment", "day"])
def test_a_naive_datetime_is_refused(field: str) -> None:
    problem = told(field, datetime(2026, 7, 2))  # noqa: DTZ001 - it is the point
    assert problem is not None
    assert problem[1].endswith("a datetime with a time zone")


@pytest.mark.parametrize("value", [date(2026, 7, 2), datetime(2026, 7, 2, tzinfo=UTC)])
def test_where_a_date_is_wanted_a_datetime_is_accepted_too(value: date) -> None:
    assert told("day", value) is None


def test_a_time_of_day_needs_no_zone() -> None:
    assert told("hour", time(10, 30)) is None


@pytest.mark.parametrize("value", [timedelta(), timedelta(microseconds=1), timedelta(days=9)])
def test_a_duration_of_zero_or_more_is_accepted(value: timedelta) -> None:
    assert told("duration", value) is None


@pytest.mark.parametrize("field", ["duration", "duration_or_none"])
def test_a_negative_duration_is_refused(field: str) -> None:
    assert told(field, timedelta(microseconds=-1)) == ("", "takes a timedelta of zero or more")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("moment", "2026-07-02T10:00:00Z", "takes a datetime with a time zone, not str"),
        ("moment", date(2026, 7, 2), "takes a datetime with a time zone, not date"),
        ("day", "2026-07-02", "takes a date, or a datetime with a time zone, not str"),
        ("hour", 10, "takes a time, not int"),
        ("duration", 90, "takes a timedelta of zero or more, not int"),
        ("duration", "90s", "takes a timedelta of zero or more, not str"),
        ("duration", None, "takes a timedelta of zero or more, not NoneType"),
    ],
)
def test_a_moment_or_a_duration_of_another_type_is_refused(field: str, value: object, problem: str) -> None:
    assert told(field, value) == ("", problem)


def test_a_value_that_the_api_may_have_added_to_an_open_enum_is_sent() -> None:
    assert refusal(Form, {"state": "overdue"}) is None


def test_an_unknown_value_of_an_open_enum_does_not_hide_what_is_wrong_behind_it() -> None:
    error = refusal(Form, {"state": "overdue", "labels": {"a": 1}})
    assert error is not None
    assert error.field == "labels.a"


@pytest.mark.parametrize("value", [Choice("a"), Choice(nothing=Nothing())])
def test_an_object_with_exactly_one_field_is_accepted(value: Choice) -> None:
    assert told("choice", value) is None
    assert told("choices", {"a": value}) is None


@pytest.mark.parametrize(("value", "count"), [(Choice(), 0), (Choice("a", Nothing()), 2)])
def test_an_object_with_no_field_or_two_is_refused(value: Choice, count: int) -> None:
    problem = f"takes a Choice with exactly one field, not with {count}"
    assert told("choice", value) == ("", problem)
    assert told("optional_choice", value) == ("", problem)
    assert told("choices", {"a": Choice("a"), "b": value}) == (".b", problem)


def test_the_one_field_of_an_object_is_checked() -> None:
    assert told("choice", Choice("toolong")) == (".name", "takes at most 5 characters, not 7")
    assert told("choice", Choice(nothing=cast("Nothing", {}))) == (".nothing", "takes a Nothing, not dict")
    assert told("optional_choice", None) is None


@pytest.mark.parametrize("value", [{}, {"a": "b"}, {"some_key": "", "otherKey": "bb"}])
def test_a_mapping_of_valid_values_is_accepted(value: object) -> None:
    assert told("labels", value) is None


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("labels", {"a": "bbb"}, (".a", "takes at most 2 characters, not 3")),
        ("labels", {"a": 5}, (".a", "takes a string of at most 2 characters, not int")),
        ("labels", dict.fromkeys("abc", ""), ("", "takes at most 2 items, not 3")),
        ("labels", [("a", "b")], ("", "takes a mapping, not list")),
        ("limits", {"a": 0, "b": -1}, (".b", "takes a whole number of at least 0")),
        ("objects", "a", ("", "takes a mapping, not str")),
    ],
)
def test_the_values_of_a_mapping_are_checked(field: str, value: object, problem: object) -> None:
    assert told(field, value) == problem


@pytest.mark.parametrize("value", [None, True, 5, 1.5, "a", [1, {"a": None}], {"some_key": [1]}])
def test_any_json_is_accepted_where_it_is_untyped(value: object) -> None:
    assert told("anything", value) is None
    assert told("objects", {"a": value}) is None


class Parcel(TypedDict, total=False):
    name: str
    box: Annotated[str, Alternative()]
    bag: Annotated[str, Alternative()]


class ParcelChanges(TypedDict, total=False):
    name: str
    box: Annotated[str, Alternative(required=False)]
    bag: Annotated[str, Alternative(required=False)]


@pytest.mark.parametrize(
    ("shape", "given_fields", "count"),
    [
        (Parcel, ["name", "box"], None),
        (Parcel, ["name"], 0),
        (Parcel, ["box", "bag"], 2),
        (ParcelChanges, ["bag"], None),
        (ParcelChanges, ["name"], None),
        (ParcelChanges, ["box", "bag"], 2),
    ],
)
def test_of_alternatives_one_is_given(shape: type, given_fields: list[str], count: int | None) -> None:
    error = refusal(shape, dict.fromkeys(given_fields, "a"))
    assert str(error) == ("None" if count is None else f"box, bag: exactly one of these can be given, not {count}")
    sent = dict.fromkeys(given_fields, "a")
    if count is None:
        assert check_fields(shape, dict(sent)) == sent
    else:
        with pytest.raises(Invalid) as caught:
            check_fields(shape, dict(sent))
        assert caught.value.errors == {"box, bag": ["Exactly one of these fields can be set."]}


@attrs.define
class Topping:
    lemon: Annotated[bool, Alternative(required=False)] | None = None
    milk: Annotated[bool, Alternative(required=False)] | None = None


class Order(TypedDict, total=False):
    topping: Topping


def test_of_alternatives_in_an_object_at_most_one_is_given() -> None:
    assert refusal(Order, {"topping": Topping()}) is None
    assert refusal(Order, {"topping": Topping(milk=False)}) is None
    error = refusal(Order, {"topping": Topping(lemon=True, milk=False)})
    assert str(error) == "topping: takes a Topping with at most one of lemon, milk, not with 2"
    with pytest.raises(Invalid) as caught:
        check_fields(Order, {"topping": {"lemon": True, "milk": False}})
    assert caught.value.errors == {"topping": ["Only one of these fields can be set."]}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(fields_of(Form).keys() - {"password", "owner", "anything"})),
    st.text(st.characters(codec=None), min_size=20).map(lambda tail: f"{PASSWORD}{tail}"),
)
def test_no_rule_repeats_the_value_that_it_refuses(field: str, value: str) -> None:
    values = [value, [value], [[value]], FallbackHandler(value, [value * 10]), AgentAllowance(value)]
    problems = [told(field, each) for each in values]
    assert any(problems)
    assert PASSWORD not in str(problems)


@pytest.mark.parametrize("field", ["long_text", "password", "cidr"])
def test_a_string_that_cannot_be_encoded_is_named(field: str) -> None:
    assert told(field, "abc\ud800") == ("", "contains a lone surrogate, which cannot be encoded")


def test_a_url_that_cannot_be_encoded_is_named() -> None:
    problem = told("handler", FallbackHandler("https://example.com/\ud800"))
    assert problem == (".url", "contains a lone surrogate, which cannot be encoded")


@pytest.mark.parametrize("value", [0, -1, True, 1.5, float("nan"), "5", None])
def test_a_count_is_a_whole_number_of_at_least_one(value: object) -> None:
    with pytest.raises(InvalidRequestError, match="page_size: takes a whole number of at least 1"):
        check_count("page_size", value)


class Partly(TypedDict):
    needed: str
    optional: NotRequired[Annotated[str, MaxLen(1)]]


class MostlyOptional(TypedDict, total=False):
    needed: Required[str]
    optional: Annotated[str, MaxLen(1)]


@pytest.mark.parametrize("shape", [Partly, MostlyOptional])
def test_a_key_is_required_however_its_typeddict_says_so(shape: type) -> None:
    assert {name: field.required for name, field in fields_of(shape).items()} == {"needed": True, "optional": False}
    assert fields_of(shape)["optional"].rule.max_length == 1


def test_a_field_of_an_attrs_class_is_required_where_it_has_no_default() -> None:
    assert {name: field.required for name, field in fields_of(FallbackHandler).items()} == {
        "url": True,
        "secrets": False,
    }


def test_null_is_not_accepted_in_an_object_because_none_is_omitted() -> None:
    assert not fields_of(FallbackHandler)["secrets"].rule.nullable
    assert fields_of(SipConfigChanges)["fallback_handler"].rule.nullable


@pytest.mark.parametrize("annotation", [bytes, tuple[str, str], str | bool, Annotated[str, Ge(5)], Annotated[str, "x"]])
def test_an_annotation_that_nothing_checks_is_a_type_error(annotation: object) -> None:
    shape = attrs.make_class("Shape", {"field": attrs.field(type=cast("type", annotation))})
    with pytest.raises(TypeError, match="no check is implemented for"):
        fields_of(shape)


@pytest.mark.parametrize("shape", [NewSipRegistration, SipRegistrationChanges])
@given(data=st.data())
def test_every_value_that_hypothesis_generates_from_the_annotations_is_accepted(
    shape: type, data: st.DataObject
) -> None:
    fields = data.draw(cast("st.SearchStrategy[Mapping[str, object]]", st.from_type(shape)))
    assert refusal(shape, fields) is None


TEXTS_BY_FORMAT: Mapping[Format, st.SearchStrategy[str]] = {
    UUID: st.uuids().map(str),
    IPV4_CIDR: st.ip_addresses(v=4).map(lambda address: f"{address}/24"),
    HTTP_URL: st.from_regex(r"https?://[a-z]{1,9}(/[a-z?=]*)?", fullmatch=True),
}
# By how much a string or a list may be too long.
TOO_LONG = 2


def values_of(rule: Rule) -> st.SearchStrategy[Any]:
    """Return a strategy for values that obey a rule, and some that do not."""
    longest = None if rule.max_length is None else rule.max_length + TOO_LONG
    values: st.SearchStrategy[Any] = st.none() | st.booleans()
    if rule.items:
        values |= st.lists(values_of(rule.items), max_size=longest)
    elif rule.format:
        values |= TEXTS_BY_FORMAT[rule.format] | st.text()
    elif attrs.has(rule.kind):
        fields = {name: values_of(field.rule) for name, field in fields_of(rule.kind).items()}
        values |= st.builds(rule.kind, **fields)
    else:
        values |= st.text(max_size=longest) | st.just("x" * (longest or 1)) | st.just("x" * (rule.max_length or 1))
    return values


@pytest.mark.parametrize("shape", [SipRegistrationChanges, SipConfigChanges])
@given(data=st.data())
def test_the_client_refuses_what_the_emulator_refuses(shape: type, data: st.DataObject) -> None:
    strategies = {name: values_of(field.rule) for name, field in fields_of(shape).items()}
    fields = data.draw(
        st.lists(st.sampled_from(sorted(strategies)), unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: strategies[name] for name in names})
        )
    )
    sent = json.loads(encode({wire_name(name): value for name, value in fields.items()}))
    try:
        assert check_fields(shape, sent) == sent
    except Invalid:
        assert refusal(shape, fields) is not None
    else:
        assert refusal(shape, fields) is None
