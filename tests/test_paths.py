import unicodedata
from datetime import UTC, date, datetime, time, timedelta
from typing import cast
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultravox_async import InvalidRequestError
from ultravox_async._wire.paths import Parameter, checked_path, encoded_query, segment

ANY_TEXT = st.text(st.characters(codec=None), max_size=30)
CLIMBING_TEXT = st.lists(
    st.sampled_from([".", "..", "/", "\\", "%", "2", "e", "%2e", "%2F", "%5c", "%00", "a", "é", ";", "\x7f", "\ud800"]),
    max_size=8,
).map("".join)


@pytest.mark.parametrize("value", ["abc", "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f", "a.b", "...", "a_b~c"])
def test_an_ordinary_id_stays_as_it_is(value: str) -> None:
    assert segment(value, "registration_id") == value


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("a b", "a%20b"),
        ("é", "%C3%A9"),
        ("a?b#c", "a%3Fb%23c"),
        ("a&b=c+d", "a%26b%3Dc%2Bd"),
        ("%2e%2e", "%252e%252e"),
        ("%2F", "%252F"),
        ("a;b", "a%3Bb"),
        ("\N{FULLWIDTH SOLIDUS}", "%EF%BC%8F"),
        ("\N{ARABIC-INDIC DIGIT FIVE}", "%D9%A5"),
    ],
)
def test_an_id_is_quoted_where_a_url_needs_it(value: str, quoted: str) -> None:
    assert segment(value, "registration_id") == quoted


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_segments_that_servers_resolve_are_not_valid_ids(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="is not a valid id") as caught:
        segment(value, "registration_id")
    assert caught.value.field == "registration_id"


@pytest.mark.parametrize(
    "value", ["a/b", "/", "../x", "a\\b", "a\nb", "a\r\nHost: x", "\x00", "a\tb", "\x7f", "\x85", "\ud800", "a\udfffb"]
)
def test_an_id_with_a_slash_or_a_control_character_is_refused(value: str) -> None:
    with pytest.raises(
        InvalidRequestError, match="registration_id: an id cannot contain a slash, a backslash or a control"
    ):
        segment(value, "registration_id")


@pytest.mark.parametrize("value", [None, 5, b"abc", ["a"]])
def test_an_id_that_is_not_a_string_is_refused_by_its_type(value: object) -> None:
    with pytest.raises(InvalidRequestError, match=f"takes a string, not {type(value).__name__}"):
        segment(cast("str", value), "registration_id")


@settings(deadline=None)
@given(ANY_TEXT | CLIMBING_TEXT)
def test_every_id_becomes_one_segment_that_decodes_to_it_or_is_refused(value: str) -> None:
    try:
        quoted = segment(value, "registration_id")
    except InvalidRequestError:
        assert value in {"", ".", ".."} or any(c in "/\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in value)
        return
    assert unquote(quoted, errors="strict") == value
    assert quoted.isascii()
    assert not set(quoted) & set("/\\?# \r\n")
    assert quoted not in {"", ".", ".."}


@pytest.mark.parametrize(
    "path",
    ["/", "/api/voices", "/api/voices/", "/api/a.b/..c/c..", "/api/a%20b", "/api/x;v=1", "/api/@me/~a!$&'()*+,=:b"],
)
def test_a_valid_path_stays_as_it_is(path: str) -> None:
    assert checked_path(path) == path


def test_a_path_is_quoted_where_it_needs_it() -> None:
    assert checked_path('/api/a b/é/"x"') == "/api/a%20b/%C3%A9/%22x%22"


@pytest.mark.parametrize("path", ["", "api/voices", "//evil.example/x", "https://evil.example/", " /api", "@evil"])
def test_a_path_begins_with_exactly_one_slash(path: str) -> None:
    with pytest.raises(InvalidRequestError, match="path: must begin with exactly one slash"):
        checked_path(path)


@pytest.mark.parametrize("path", ["/api/voices?x=1", "/api/voices#x", "/?", "/#"])
def test_a_path_has_no_query_and_no_fragment(path: str) -> None:
    with pytest.raises(InvalidRequestError, match="path: cannot have a query or a fragment"):
        checked_path(path)


@pytest.mark.parametrize(
    "path", ["/a\\b", "/a%5Cb", "/a%5cb", "/a\nb", "/a%0Ab", "/a%0d%0aHost: x", "/%00", "/%7f", "/%c2%85", "/\ud800"]
)
def test_a_path_has_no_backslash_and_no_control_character_quoted_or_not(path: str) -> None:
    with pytest.raises(InvalidRequestError, match="path: cannot contain a backslash or a control character"):
        checked_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/.",
        "/api/../x",
        "/api/./x",
        "/api/..",
        "/api/%2e%2e/x",
        "/api/.%2E/x",
        "/api/%2e",
        "/api/x%2F..%2Fy",
        "/api/x%2f..",
    ],
)
def test_a_path_has_no_dot_segments_quoted_or_not(path: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"path: cannot have \. or \.\. as a segment"):
        checked_path(path)


@settings(deadline=None)
@given((ANY_TEXT | CLIMBING_TEXT).map(lambda text: f"/{text}"))
def test_every_path_is_sent_without_a_way_out_of_it_or_is_refused(path: str) -> None:
    try:
        quoted = checked_path(path)
    except InvalidRequestError as error:
        assert error.field == "path"  # noqa: PT017 - refusal is one of two right ends here
        return
    assert quoted.isascii()
    assert not set(quoted) & set("\\?# \r\n")
    assert quoted.startswith("/")
    assert not quoted.startswith("//")
    assert not {".", ".."} & set(unquote(quoted).split("/"))
    assert checked_path(quoted) == quoted


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="./\\"), min_size=1))
def test_a_quoted_path_is_not_quoted_again(text: str) -> None:
    quoted = f"/api/{quote(text, safe='')}"
    assert checked_path(quoted) == quoted


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({}, ""),
        ({"a": "b c&d"}, "a=b+c%26d"),
        ({"a": 1, "b": 1.5}, "a=1&b=1.5"),
        ({"a": True, "b": False}, "a=true&b=false"),
        ({"a": None, "b": "x"}, "b=x"),
        ({"a": ["x", 2, True]}, "a=x&a=2&a=true"),
        ({"a": ()}, ""),
        ({"metadata": {"campaign": "x", "b c": "d"}}, "metadata.campaign=x&metadata.b+c=d"),
        ({"a": date(2026, 7, 2)}, "a=2026-07-02"),
        ({"a": datetime(2026, 7, 2, 10, tzinfo=UTC)}, "a=2026-07-02T10%3A00%3A00%2B00%3A00"),
        ({"a": time(9, 30)}, "a=09%3A30%3A00"),
        ({"a": timedelta(minutes=5)}, "a=300s"),
    ],
)
def test_a_query_has_the_parameters(params: dict[str, Parameter], query: str) -> None:
    assert encoded_query(params) == query


@pytest.mark.parametrize(
    "params", ["a=1", [("a", 1)], {"a": object()}, {"a": [None]}, {"a": {"b": None}}, {"a": "\ud800"}]
)
def test_parameters_that_cannot_be_encoded_are_refused(params: object) -> None:
    with pytest.raises(InvalidRequestError, match="params: takes a mapping whose values are strings, numbers"):
        encoded_query(cast("dict[str, Parameter]", params))


def test_a_path_that_is_not_a_string_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="must begin with exactly one slash"):
        checked_path(cast("str", None))
