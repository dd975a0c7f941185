import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, NotRequired, TypedDict
from urllib.parse import unquote

import attrs
import pytest
from annotated_types import MaxLen

from ultravox_async import AgentAllowance, FallbackHandler, InvalidRequestError
from ultravox_async._wire.payload import (
    Body,
    Payload,
    Secret,
    json_body,
    payload_of_change,
    payload_of_creation,
    take_secrets,
)
from ultravox_async.types._markers import ExactlyOne, InQuery, Sensitive, WireName

PASSWORD = "correct-horse-battery"


class NewUser(TypedDict):
    username: Annotated[str, MaxLen(5)]
    password: NotRequired[Annotated[str, Sensitive]]
    auth_user: NotRequired[Annotated[str, MaxLen(5)] | None]


class UserChanges(TypedDict, total=False):
    username: Annotated[str, MaxLen(5)]
    password: Annotated[str, Sensitive]
    auth_user: Annotated[str, MaxLen(5)] | None


@attrs.define
class Pin:
    code: Annotated[str, Sensitive]
    hint: str | None = None


class Vault(TypedDict, total=False):
    pins: Sequence[Pin]
    spare_pin: Pin | None
    words: Annotated[Sequence[str], Sensitive]
    token_count: str


def body_of(payload: Payload) -> Body:
    assert payload.body is not None
    return payload.body


def shown(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def refusal(work: Callable[[], object]) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        work()
    return caught.value


def test_a_secret_returns_its_value_and_does_not_show_it() -> None:
    secret = Secret(PASSWORD)
    assert secret.reveal() == PASSWORD
    assert PASSWORD not in f"{secret} {secret!r} {[secret]}"
    assert not hasattr(secret, "__dict__")


def test_taking_the_secrets_moves_the_fields_and_empties_the_mapping() -> None:
    fields: dict[str, object] = {"username": "alice", "password": PASSWORD}
    taken = take_secrets(fields)
    assert fields == {}
    assert {name: value.reveal() for name, value in taken.items()} == {"username": "alice", "password": PASSWORD}


def test_a_body_shows_neither_its_content_nor_its_secrets() -> None:
    assert PASSWORD not in repr(payload_of_creation(NewUser, take_secrets({"username": "alice", "password": PASSWORD})))


def test_a_body_is_json_with_the_names_of_the_wire() -> None:
    body = body_of(
        payload_of_change(UserChanges, take_secrets({"username": "alice", "auth_user": None, "password": PASSWORD}))
    )
    assert json.loads(body.content) == {"username": "alice", "authUser": None, "password": PASSWORD}


def test_what_is_created_leaves_out_what_is_none() -> None:
    body = body_of(
        payload_of_creation(NewUser, take_secrets({"username": "alice", "password": None, "auth_user": None}))
    )
    assert body == Body(b'{"username":"alice"}')


def test_what_is_required_cannot_be_none() -> None:
    assert refusal(lambda: payload_of_creation(NewUser, take_secrets({"username": None}))).field == "username"


def test_a_missing_required_field_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"missing required keyword arguments: 'username'$"):
        payload_of_creation(NewUser, take_secrets({"password": PASSWORD}))


def test_an_unknown_field_is_a_type_error() -> None:
    with pytest.raises(
        TypeError, match="unexpected keyword argument 'id'; the arguments are username, password, auth_user"
    ):
        payload_of_creation(NewUser, take_secrets({"username": "alice", "id": None}))


def test_a_body_knows_the_secrets_in_it() -> None:
    assert body_of(payload_of_creation(NewUser, take_secrets({"username": "alice", "password": PASSWORD}))).secrets == (
        PASSWORD,
    )


def test_a_body_knows_the_secrets_in_its_lists_and_objects() -> None:
    fields = {"pins": [Pin("one", "open"), Pin("two")], "spare_pin": Pin("three"), "words": ("four", "five")}
    assert body_of(payload_of_change(Vault, take_secrets(dict(fields)))).secrets == (
        "one",
        "two",
        "three",
        "four",
        "five",
    )


def test_a_secret_that_is_none_is_none_in_the_body() -> None:
    assert body_of(payload_of_change(Vault, take_secrets({"spare_pin": None}))) == Body(b'{"sparePin":null}')


def test_where_secrets_are_declared_no_name_makes_one() -> None:
    assert body_of(payload_of_change(Vault, take_secrets({"token_count": "seven"}))).secrets == ()


def test_a_field_that_breaks_its_rule_is_refused_by_name() -> None:
    error = refusal(lambda: payload_of_creation(NewUser, take_secrets({"username": "alice2"})))
    assert (error.field, error.problem) == ("username", "takes at most 5 characters, not 6")


def test_a_problem_below_a_field_is_named_with_its_place() -> None:
    error = refusal(lambda: payload_of_change(Vault, take_secrets({"words": ["a", 5]})))
    assert error.field == "words[1]"


def test_a_change_without_fields_is_refused() -> None:
    error = refusal(lambda: payload_of_change(UserChanges, {}))
    assert (error.field, error.problem) == ("changes", "takes at least one of username, password, auth_user")


def test_a_change_of_an_unknown_field_is_a_type_error_with_the_known_ones() -> None:
    with pytest.raises(TypeError, match="'user_name'; the arguments are username, password, auth_user"):
        payload_of_change(UserChanges, take_secrets({"user_name": "alice"}))


def test_a_change_is_checked_against_the_rules_of_its_fields() -> None:
    assert refusal(lambda: payload_of_change(UserChanges, take_secrets({"username": "alice2"}))).field == "username"


def test_a_change_sends_what_it_names_and_nothing_else() -> None:
    assert body_of(payload_of_change(UserChanges, take_secrets({"auth_user": None}))) == Body(b'{"authUser":null}')


class NewCall(TypedDict):
    throttle: NotRequired[Annotated[str, MaxLen(5), InQuery] | None]
    is_test: NotRequired[Annotated[bool, InQuery, WireName("is_test")]]
    metadata: NotRequired[Annotated[Mapping[str, str], InQuery]]
    after: NotRequired[Annotated[date | None, InQuery]]
    agent_ids: NotRequired[Annotated[Sequence[str], InQuery]]
    max_duration: NotRequired[timedelta | None]
    from_: NotRequired[str]
    template_context: NotRequired[dict[str, Any]]


class CallFilters(TypedDict, total=False):
    throttle: Annotated[str, InQuery] | None


def created(fields: dict[str, object], shape: type = NewCall) -> tuple[str, object]:
    """Return the decoded query and the JSON body."""
    payload = payload_of_creation(shape, take_secrets(fields))
    return unquote(payload.query), None if payload.body is None else json.loads(payload.body.content)


@pytest.mark.parametrize(
    ("fields", "query", "body"),
    [
        ({}, "", {}),
        ({"throttle": "t", "max_duration": timedelta(seconds=90)}, "throttle=t", {"maxDuration": "90s"}),
        ({"throttle": None, "max_duration": None}, "", {}),
        ({"is_test": False}, "is_test=false", {}),
        ({"metadata": {"some_key": "a", "b": "c"}}, "metadata.some_key=a&metadata.b=c", {}),
        ({"after": date(2026, 7, 2)}, "after=2026-07-02", {}),
        ({"agent_ids": ["a", "b"]}, "agentIds=a&agentIds=b", {}),
        ({"from_": "a"}, "", {"from": "a"}),
        ({"template_context": {"some_key": {"b_c": None}}}, "", {"templateContext": {"some_key": {"b_c": None}}}),
    ],
)
def test_fields_of_the_query_are_in_the_query_and_all_others_in_the_body(
    fields: dict[str, object], query: str, body: object
) -> None:
    assert created(fields) == (query, body)


def test_where_all_fields_are_of_the_query_there_is_no_body() -> None:
    assert created({"throttle": "t"}, CallFilters) == ("throttle=t", None)
    assert created({}, CallFilters) == ("", None)


def test_a_field_of_the_query_that_exceeds_its_limit_is_refused() -> None:
    assert refusal(lambda: created({"throttle": "toolong"})).field == "throttle"


@attrs.define
class Marker:
    """Means something by being there."""


@attrs.define
class Medium:
    twilio: Marker | None = None
    name: str | None = None


class WithMedium(TypedDict, total=False):
    medium: Annotated[Medium, ExactlyOne]


def test_an_empty_object_is_sent_and_a_missing_one_is_not() -> None:
    assert created({"medium": Medium(twilio=Marker())}, WithMedium) == ("", {"medium": {"twilio": {}}})


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
        payload_of_change(UserChanges, take_secrets(fields()))
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
def test_a_value_that_cannot_be_encoded_as_json_is_refused(value: object) -> None:
    error = refusal(lambda: json_body(Secret(value)))
    assert str(error) == "body: contains something that cannot be encoded as JSON"
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("name", ["apiKey", "authToken", "password", "secret", "sharedSecrets", "token"])
def test_the_texts_below_a_secret_name_are_secrets(name: str) -> None:
    value = {"a": [{name: {"x": ["one", 5, ("two",)]}}], "open": "three"}
    assert sorted(json_body(Secret(value)).secrets) == ["5", "one", "two"]


def test_a_secret_text_below_a_tuple_is_found() -> None:
    assert json_body(Secret(({"token": "one"},))).secrets == ("one",)


def test_the_secrets_of_an_attrs_instance_are_secrets() -> None:
    body = json_body(Secret({"fallbackHandler": FallbackHandler("https://example.com/", ["one", "two"])}))
    assert body.secrets == ("one", "two")
    assert json.loads(body.content)["fallbackHandler"]["secrets"] == ["one", "two"]
