import json
import traceback
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultravox_async import AgentAllowance, FallbackHandler, InvalidRequestError
from ultravox_async._wire.payload import Body, Secret, create_body, json_body, take_secrets, update_body
from ultravox_async._wire.validation import (
    Rule,
    agent_allowance,
    boolean,
    check_count,
    fallback_handler,
    ipv4_cidr,
    nullable,
    secret_text,
    sequence,
    text,
)

PASSWORD = "correct-horse-battery"
UUID = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
RULES: dict[str, Rule] = {"username": text(5), "password": secret_text, "auth_user": nullable(text(5))}


def shown(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def refusal(work: Callable[[], object]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        work()
    return caught.value


def test_a_secret_gives_its_value_back_and_shows_it_to_nobody() -> None:
    secret = Secret(PASSWORD)
    assert secret.reveal() == PASSWORD
    assert PASSWORD not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")


def test_sealing_takes_the_fields_over_and_leaves_nothing_behind() -> None:
    fields: dict[str, object] = {"username": "alice", "password": PASSWORD}
    taken = take_secrets(fields)
    assert fields == {}
    assert {name: value.reveal() for name, value in taken.items()} == {"username": "alice", "password": PASSWORD}


def test_a_body_shows_neither_its_content_nor_its_secrets() -> None:
    assert PASSWORD not in repr(create_body(take_secrets({"password": PASSWORD}), RULES))


def test_a_body_is_json_with_the_names_of_the_wire() -> None:
    body = create_body(take_secrets({"username": "alice", "auth_user": None, "password": PASSWORD}), RULES)
    assert json.loads(body.content) == {"username": "alice", "authUser": None, "password": PASSWORD}


def test_a_body_knows_the_secrets_that_it_holds() -> None:
    assert create_body(take_secrets({"username": "alice", "password": PASSWORD}), RULES).secrets == (PASSWORD,)


def test_a_field_that_breaks_its_rule_is_refused_by_name() -> None:
    error = refusal(lambda: create_body(take_secrets({"username": "alice2"}), RULES))
    assert (error.field, error.problem) == ("username", "takes at most 5 characters, not 6")


def test_a_problem_below_a_field_is_told_with_its_place() -> None:
    error = refusal(lambda: create_body(take_secrets({"names": ["a", "bb"]}), {"names": sequence(text(1))}))
    assert error.field == "names[1]"


def test_a_change_of_nothing_is_refused() -> None:
    error = refusal(lambda: update_body({}, RULES))
    assert (error.field, error.problem) == ("changes", "takes at least one of username, password, auth_user")


def test_a_change_of_an_unknown_field_is_a_type_error_with_the_known_ones() -> None:
    with pytest.raises(TypeError, match="'user_name'; there are username, password, auth_user"):
        update_body(take_secrets({"user_name": "alice"}), RULES)


def test_a_change_keeps_the_rules_of_its_fields() -> None:
    assert refusal(lambda: update_body(take_secrets({"username": "alice2"}), RULES)).field == "username"


def test_a_change_sends_what_it_names_and_nothing_else() -> None:
    assert update_body(take_secrets({"auth_user": None}), RULES) == Body(b'{"authUser":null}')


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(lambda: {"password": PASSWORD, "username": "toolong"}, id="another field breaks its rule"),
        pytest.param(lambda: {"password": [PASSWORD]}, id="it is no string"),
        pytest.param(lambda: {"password": PASSWORD, "username": "\ud800"}, id="another field is no unicode"),
        pytest.param(lambda: {"password": f"\ud800{PASSWORD}"}, id="it is no unicode"),
        pytest.param(lambda: {"password": PASSWORD, "user_name": "alice"}, id="a field is misspelt"),
    ],
)
def test_a_traceback_with_locals_does_not_show_the_password(fields: Callable[[], dict[str, object]]) -> None:
    with pytest.raises((InvalidRequestError, TypeError)) as caught:
        update_body(take_secrets(fields()), RULES)
    assert PASSWORD not in shown(caught.value)


@pytest.mark.parametrize(
    "value",
    [None, True, 5, 1.5, "é", [1, "a"], {"a": {"b": [None]}}],
)
def test_any_json_is_a_body(value: object) -> None:
    body = json_body(Secret(value))
    assert json.loads(body.content) == value
    assert body.secrets == ()


def test_an_attrs_instance_is_a_body_without_what_is_none() -> None:
    assert json_body(Secret([AgentAllowance("a1")])).content == b'[{"agentId":"a1"}]'


def circular() -> list[object]:
    found: list[object] = []
    found.append(found)
    return found


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(object(), id="an object"),
        pytest.param({1, 2}, id="a set"),
        pytest.param({1: 2}, id="a number as name"),
        pytest.param(b"abc", id="bytes"),
        pytest.param(2**70, id="a number beyond 64 bits"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param(circular(), id="a list that holds itself"),
        pytest.param(nested(5000), id="a list that is nested too deeply"),
    ],
)
def test_what_json_has_no_form_for_is_refused(value: object) -> None:
    error = refusal(lambda: json_body(Secret(value)))
    assert str(error) == "body: holds something that JSON has no form for"
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("name", ["apiKey", "authToken", "password", "secret", "sharedSecrets", "token"])
def test_the_texts_below_a_secret_name_are_secrets(name: str) -> None:
    value = {"a": [{name: {"x": ["one", 5, ("two",)]}}], "open": "three"}
    assert sorted(json_body(Secret(value)).secrets) == ["one", "two"]


def test_a_secret_text_below_a_tuple_is_found() -> None:
    assert json_body(Secret(({"token": "one"},))).secrets == ("one",)


def test_the_secrets_of_an_attrs_instance_are_secrets() -> None:
    body = json_body(Secret({"fallbackHandler": FallbackHandler("https://example.com/", ["one", "two"])}))
    assert body.secrets == ("one", "two")
    assert json.loads(body.content)["fallbackHandler"]["secrets"] == ["one", "two"]


@pytest.mark.parametrize("value", ["", "é" * 5])
def test_a_text_within_its_limit_is_right(value: str) -> None:
    assert text(5)(value) is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abcdef", "takes at most 5 characters, not 6"),
        (5, "takes a string of at most 5 characters, not int"),
        (None, "takes a string of at most 5 characters, not NoneType"),
        (b"abc", "takes a string of at most 5 characters, not bytes"),
    ],
)
def test_a_text_is_a_string_of_at_most_its_limit(value: object, problem: str) -> None:
    assert text(5)(value) == ("", problem)


@pytest.mark.parametrize("value", ["", "x", "x" * 10_000])
def test_a_password_is_any_string(value: object) -> None:
    assert secret_text(value) is None


@pytest.mark.parametrize(("value", "kind"), [(5, "int"), (None, "NoneType")])
def test_a_password_that_is_no_string_is_told_by_its_type(value: object, kind: str) -> None:
    assert secret_text(value) == ("", f"takes a string, not {kind}")


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_right(value: object) -> None:
    assert boolean(value) is None


@pytest.mark.parametrize(("value", "kind"), [(1, "int"), ("true", "str"), (None, "NoneType")])
def test_only_true_and_false_are_truth_values(value: object, kind: str) -> None:
    assert boolean(value) == ("", f"takes True or False, not {kind}")


def test_a_nullable_rule_lets_none_pass_and_nothing_else() -> None:
    assert nullable(boolean)(None) is None
    assert nullable(boolean)(1) == boolean(1)
    assert nullable(boolean)(0) == boolean(0)


@pytest.mark.parametrize("value", [[], [True, False], (True,)])
def test_a_list_whose_items_are_right_is_right(value: object) -> None:
    assert sequence(boolean, 2)(value) is None


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
def test_a_list_is_of_at_most_its_limit_and_each_item_keeps_the_rule(value: object, problem: object) -> None:
    assert sequence(boolean, 2)(value) == problem


def test_a_list_without_a_limit_is_as_long_as_it_likes() -> None:
    assert sequence(boolean)([True] * 1000) is None


@pytest.mark.parametrize("value", ["203.0.113.0/24", "0.0.0.0/0", "203.0.113.7/24", "255.255.255.255/32"])
def test_an_ipv4_range_is_right(value: str) -> None:
    assert ipv4_cidr(value) is None


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
def test_what_is_no_ipv4_range_is_refused(value: object) -> None:
    assert ipv4_cidr(value) == ("", "takes an IPv4 CIDR range, such as 203.0.113.0/24")


@pytest.mark.parametrize("value", [AgentAllowance(UUID), AgentAllowance(UUID.upper(), "x" * 200)])
def test_an_allowance_of_a_uuid_is_right(value: AgentAllowance) -> None:
    assert agent_allowance(value) is None


@pytest.mark.parametrize(
    ("value", "where", "problem"),
    [
        ({"agentId": UUID}, "", "takes an AgentAllowance, not dict"),
        (AgentAllowance("x"), ".agent_id", "takes a UUID"),
        (AgentAllowance(f"{UUID}\n"), ".agent_id", "takes a UUID"),
        (AgentAllowance(UUID.replace("-", "")), ".agent_id", "takes a UUID"),
        (AgentAllowance(cast("str", None)), ".agent_id", "takes a UUID"),
        (AgentAllowance(UUID, "x" * 201), ".to_user_pattern", "takes at most 200 characters, not 201"),
        (
            AgentAllowance(UUID, cast("str", 5)),
            ".to_user_pattern",
            "takes a string of at most 200 characters, not int",
        ),
    ],
)
def test_what_is_wrong_with_an_allowance_is_told_with_its_place(value: object, where: str, problem: str) -> None:
    assert agent_allowance(value) == (where, problem)


@pytest.mark.parametrize(
    "value",
    [
        FallbackHandler("https://example.com/x?y"),
        FallbackHandler("http://127.0.0.1:8080"),
        FallbackHandler("https://example.com", ["s" * 120] * 10),
        FallbackHandler("https://example.com", ["s"]),
    ],
)
def test_a_fallback_handler_with_a_url_and_a_few_secrets_is_right(value: FallbackHandler) -> None:
    assert fallback_handler(value) is None


@pytest.mark.parametrize("url", ["", "example.com", "/x", "ftp://example.com", "https://", "http://[::1", None, 5])
def test_a_fallback_handler_has_an_absolute_http_url(url: object) -> None:
    assert fallback_handler(FallbackHandler(cast("str", url))) == (".url", "takes an absolute http or https URL")


@pytest.mark.parametrize(
    ("secrets", "where", "problem"),
    [
        ([], ".secrets", "takes 1 to 10 items, or None to have one made"),
        (["s"] * 11, ".secrets", "takes at most 10 items, not 11"),
        (["s", "s" * 121], ".secrets[1]", "takes at most 120 characters, not 121"),
        ("secret", ".secrets", "takes a list, not str"),
        ([5], ".secrets[0]", "takes a string of at most 120 characters, not int"),
    ],
)
def test_what_is_wrong_with_the_secrets_of_a_handler_is_told_with_its_place(
    secrets: object, where: str, problem: str
) -> None:
    assert fallback_handler(FallbackHandler("https://example.com", cast("list[str]", secrets))) == (where, problem)


def test_what_is_no_fallback_handler_is_told_by_its_type() -> None:
    assert fallback_handler("https://example.com") == ("", "takes a FallbackHandler, not str")


@settings(deadline=None)
@given(
    st.sampled_from([text(3), secret_text, boolean, ipv4_cidr, agent_allowance, fallback_handler, sequence(text(3))]),
    st.text(st.characters(codec=None), min_size=20).map(lambda tail: f"{PASSWORD}{tail}"),
)
def test_no_rule_repeats_the_value_that_it_refuses(rule: Rule, value: str) -> None:
    problems = [rule(value), rule([value]), rule(FallbackHandler(value, [value * 10])), rule(AgentAllowance(value))]
    assert any(problems)
    assert PASSWORD not in str(problems)


@pytest.mark.parametrize("rule", [text(5), secret_text])
def test_a_text_that_no_encoding_has_a_form_for_is_named(rule: Rule) -> None:
    assert rule("a\ud800") == ("", "holds a lone surrogate, which no encoding has a form for")


def test_a_url_that_no_encoding_has_a_form_for_is_named() -> None:
    problem = fallback_handler(FallbackHandler("https://example.com/\ud800"))
    assert problem == (".url", "holds a lone surrogate, which no encoding has a form for")


@pytest.mark.parametrize("value", [0, -1, True, 1.5, float("nan"), "5", None])
def test_a_count_is_a_whole_number_of_at_least_one(value: object) -> None:
    with pytest.raises(InvalidRequestError, match="page_size: takes a whole number of at least 1"):
        check_count("page_size", value)
