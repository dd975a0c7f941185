import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoding_campaign import run
from tests.wire import REGISTRATION, Wire, answer, client_of, in_turn
from ultravox_async import DecodeError, UltravoxError


def test_five_hundred_mutated_responses_are_decoded_rightly_or_are_decode_errors() -> None:
    tally = run(500, seed=0)
    assert tally.right + tally.refused == 500
    assert min(tally.right, tally.refused) > 100


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 200_000,
        b'{"total": ' + b"9" * 10_000 + b"}",
        b'{"username": "\\ud800"}',
        b'{"username": "\xff"}',
        b'{"total": NaN}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"",
        b"\0",
    ],
)
async def test_text_that_is_not_json_is_a_decode_error(body: bytes) -> None:
    async with Wire(in_turn(answer(body=body))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(DecodeError):
            await client.sip.registrations.get("some-id")


async def test_of_duplicate_keys_the_last_counts_as_in_the_standard_library() -> None:
    body = b'{"username": 3, ' + answer(200, REGISTRATION).data.partition(b"\r\n\r\n{")[2]
    async with Wire(in_turn(answer(body=body))) as wire, client_of(wire.base_url) as client:
        assert (await client.sip.registrations.get("some-id")).username == "alice"


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
async def test_the_text_of_a_decode_error_is_short_and_on_one_line(body: bytes) -> None:
    async with Wire(in_turn(answer(body=body))) as wire, client_of(wire.base_url) as client:
        with pytest.raises(DecodeError) as caught:
            await client.sip.registrations.get("some-id")
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["\x1b[31m", "n" * 100_000, "\u202e", "\r\n"])
async def test_the_path_of_a_decode_error_is_short_and_on_one_line(name: str) -> None:
    async with Wire(in_turn(answer(200, {name: "no number"}))) as wire, client_of(wire.base_url) as client:
        response = await client.request("GET", "/api/anything")
    with pytest.raises(DecodeError) as caught:
        response.decode(dict[str, int])
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("link", ["http://[", "http://[::1", "http://h:99999/?cursor=1", "http://\u2100/", "\0", "//"])
async def test_a_next_link_that_is_not_a_url_raises_only_errors_of_this_package(link: str) -> None:
    said = answer(200, {"results": [], "next": link})
    async with Wire(in_turn(said)) as wire, client_of(wire.base_url) as client:
        page = await anext(client.sip.registrations.list().pages())
        try:
            assert page.next_cursor is None
        except UltravoxError as error:
            assert isinstance(error, DecodeError)  # noqa: PT017 - either is right
