"""In which forms headers are accepted."""

import email.message
from collections.abc import Callable, Iterable

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict
from starlette.datastructures import Headers

from tests.webhooks.signing import SIGNATURE_HEADER, SIGNED, TIMESTAMP_HEADER, refusal, unwrapped
from ultravox_async.webhooks import CallEnded


def message(pairs: Iterable[tuple[str, str]]) -> email.message.Message:
    headers = email.message.Message()
    for name, value in pairs:
        headers[name] = value
    return headers


def raw(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in pairs]


def starlette(pairs: Iterable[tuple[str, str]]) -> Headers:
    return Headers(raw=raw(pairs))


PAIRS = [("Host", "example.com"), *SIGNED.items()]
RAW = raw(PAIRS)
FORMS = [
    dict(PAIRS),
    {name.lower(): value for name, value in PAIRS},
    {name.upper(): value for name, value in PAIRS},
    dict(RAW),
    PAIRS,
    tuple(PAIRS),
    RAW,
    iter(PAIRS),
    CIMultiDict(PAIRS),
    CIMultiDictProxy(CIMultiDict(PAIRS)),
    MultiDict(PAIRS),
    starlette(PAIRS),
    message(PAIRS),
]


REPEATABLE: list[Callable[[list[tuple[str, str]]], object]] = [list, CIMultiDict, MultiDict, message, starlette]


@pytest.mark.parametrize("headers", FORMS, ids=lambda headers: type(headers).__name__)
def test_headers_come_in_the_form_of_any_framework(headers: object) -> None:
    assert isinstance(unwrapped(headers=headers), CallEnded)


@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_header_is_refused(name: str) -> None:
    refused = refusal(headers={other: value for other, value in SIGNED.items() if other != name})
    assert (refused.check, refused.problem) == ("headers", f"{name} is missing")


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("form", REPEATABLE)
def test_a_repeated_header_is_refused_even_if_both_are_the_same(
    name: str, form: Callable[[list[tuple[str, str]]], object]
) -> None:
    refused = refusal(headers=form([*PAIRS, (name.lower(), SIGNED[name])]))
    assert (refused.check, refused.problem) == ("headers", f"{name} is repeated")


def test_a_dict_with_a_header_in_two_spellings_is_refused() -> None:
    refused = refusal(headers={**SIGNED, SIGNATURE_HEADER.lower(): "0" * 64})
    assert refused.check == "headers"


@pytest.mark.parametrize(
    "headers",
    [None, 5, "text", [("only a name",)], [5], {5: "x"}, {SIGNATURE_HEADER: ["a", "list"]}, {TIMESTAMP_HEADER: None}],
)
def test_headers_that_cannot_be_read_are_a_type_error(headers: object) -> None:
    with pytest.raises(TypeError, match="headers takes a mapping or pairs, of str or of bytes"):
        unwrapped(headers=headers)
