from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.conftest import Clock
from tests.wire import Received, Say, Wire, answer, client_of, in_turn, the_registration_asked_for
from ultravox_async import APIStatusError, RateLimitError, RetryPolicy, ServerError, Timeout

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
HOUR = timedelta(hours=1)

PASSABLE = [
    "0",
    "0.0",
    "0.001",
    "Mon, 01 Jan 2024 00:00:00 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Mon, 01 Jan 0000 00:00:00 GMT",
]
IGNORED = [
    "-1",
    "-0.5",
    "+5",
    "nan",
    "inf",
    "-inf",
    "Infinity",
    "1e9",
    "0x10",
    "soon",
    "",
    " ",
    "1,5",
    "5 s",
    "9" * 5000,
    "\u0665",
    "Mon, 99 Jan 2024 00:00:00 GMT",
    "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
    "Mon, 01 Jan 99999 00:00:00 GMT",
]


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + HOUR, usegmt=True)


@pytest.mark.parametrize(("status", "path"), [(429, ANYTHING), (503, "/api/calls"), (503, "/api/agents/some-id/calls")])
@pytest.mark.parametrize("value", PASSABLE)
async def test_a_retry_after_of_zero_repeats_even_a_change(value: str, status: int, path: str) -> None:
    failed = answer(status, {"detail": "No capacity."}, headers={"Retry-After": value})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        assert (await client.request("POST", path, json={})).status == 200
        assert len(wire.received) == 2


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ANYTHING),
        ("PATCH", "/api/calls"),
        ("PATCH", ANYTHING),
        ("POST", "/api/calls/some-id/send_data_message"),
        ("POST", "/api/recalls"),
    ],
)
async def test_after_a_503_of_the_api_itself_no_other_change_is_repeated(method: str, path: str) -> None:
    failed = answer(503, {"detail": "No capacity."}, headers={"Retry-After": "0"})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError):
            await client.request(method, path, json={})
        assert len(wire.received) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html><title>503 Backend fetch failed</title></html>", b"", b"null", b"[]", b'{"error": "x"}', b'"detail"'],
)
async def test_a_call_is_not_created_again_behind_a_gateway_that_answers_503(body: bytes) -> None:
    # Varnish's own page comes with Retry-After, and after the backend may have acted.
    failed = answer(503, body=body, headers={"Retry-After": "0"})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError):
            await client.request("POST", "/api/calls", json={})
        assert len(wire.received) == 1


@pytest.mark.parametrize("value", IGNORED, ids=ascii)
async def test_an_invalid_retry_after_is_ignored_for_a_get(value: str) -> None:
    failed = answer(503, headers={"Retry-After": value})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        assert (await client.request("GET", ANYTHING)).status == 200
        assert len(wire.received) == 2


@pytest.mark.parametrize("value", IGNORED, ids=ascii)
async def test_a_post_is_not_repeated_after_an_invalid_retry_after(value: str) -> None:
    failed = answer(503, headers={"Retry-After": value})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("POST", ANYTHING, json={})
        assert caught.value.retry_after is None
        assert len(wire.received) == 1


@pytest.mark.parametrize("value", [*PASSABLE[:2], *PASSABLE[3:], *IGNORED], ids=ascii)
async def test_a_retry_after_of_zero_keeps_the_ordinary_pause(value: str) -> None:
    # The ordinary pause does not fit into the total, so that there is no second attempt.
    failed = answer(503, headers={"Retry-After": value})
    slowly = RetryPolicy(base_delay=60.0, max_delay=60.0)
    async with (
        Wire(in_turn(failed, OK)) as wire,
        client_of(wire.base_url, retry=slowly, timeout=Timeout(total=20.0)) as client,
    ):
        with pytest.raises(ServerError):
            await client.request("GET", ANYTHING)
        assert len(wire.received) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("61", 61.0), ("60.001", 60.001), ("1000000000", 1e9), ("999999999999", 999_999_999_999.0)],
)
async def test_a_wait_beyond_the_longest_pause_raises_at_once_and_says_how_long(
    value: str, seconds: float, status: int
) -> None:
    failed = answer(status, headers={"Retry-After": value})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(APIStatusError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after == seconds
        assert len(wire.received) == 1


async def test_a_date_beyond_the_longest_pause_raises_at_once_and_says_how_long() -> None:
    failed = answer(503, headers={"Retry-After": in_an_hour()})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after is not None
        # The clock of the machine may be adjusted meanwhile, but not by this much.
        assert 1800 < caught.value.retry_after <= 5400
        assert len(wire.received) == 1


async def test_a_date_is_read_against_the_clock_of_the_server() -> None:
    moment = datetime(2031, 1, 1, 3, 0, 0, tzinfo=UTC)
    dates = {
        "Date": format_datetime(moment, usegmt=True),
        "Retry-After": format_datetime(moment + timedelta(seconds=61), usegmt=True),
    }
    async with Wire(in_turn(answer(503, headers=dates), OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after == 61


async def test_a_date_of_an_answer_without_a_usable_date_is_read_against_the_local_clock() -> None:
    dates = {"Date": "yesterday", "Retry-After": in_an_hour()}
    async with Wire(in_turn(answer(503, headers=dates), OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after is not None
        assert 1800 < caught.value.retry_after <= 5400


async def test_a_date_beyond_the_range_of_datetime_raises_at_once() -> None:
    failed = answer(503, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > 1e9


async def test_a_wait_that_does_not_fit_into_the_total_raises_at_once() -> None:
    failed = answer(503, headers={"Retry-After": "30"})
    async with (
        Wire(in_turn(failed, OK)) as wire,
        client_of(wire.base_url, timeout=Timeout(total=29.0)) as client,
    ):
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after == 30
        assert len(wire.received) == 1


@pytest.mark.parametrize("values", [("0", "61"), ("61", "0"), ("61", "soon"), ("-1", "61")])
async def test_of_two_retry_after_headers_the_longer_wait_counts(values: tuple[str, str]) -> None:
    first, second = values
    failed = answer(503, headers={"Retry-After": first, "retry-after": second})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(ServerError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after == 61
        assert len(wire.received) == 1


async def test_two_invalid_retry_after_headers_are_ignored() -> None:
    failed = answer(503, headers={"Retry-After": "soon", "retry-after": "nan"})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        assert (await client.request("GET", ANYTHING)).status == 200
        assert len(wire.received) == 2


async def test_a_retry_after_of_a_million_years_does_not_block_the_client() -> None:
    failed = answer(429, headers={"Retry-After": "999999999999"})
    async with Wire(in_turn(failed, OK)) as wire, client_of(wire.base_url) as client:
        with pytest.raises(RateLimitError) as caught:
            await client.request("GET", ANYTHING)
        assert caught.value.retry_after == 999_999_999_999.0
        with pytest.raises(RateLimitError) as refused:
            await client.request("GET", ANYTHING)
        assert refused.value.retry_after is not None
        assert 0 < refused.value.retry_after <= 300
        assert len(wire.received) == 1


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("61", 61), ("299", 299), ("301", 300), ("999999999999", 300)],
    ids=["61", "299", "301", "ages"],
)
async def test_a_sweep_waits_out_a_cool_down_up_to_the_longest_and_loses_no_id(
    clock: Clock, asked: str, waited: float
) -> None:
    refused: list[str] = []

    async def script(request: Received) -> Say:
        if not refused:
            refused.append(request.target)
            return answer(429, headers={"Retry-After": asked})
        return await the_registration_asked_for(request)

    async with (
        Wire(script) as wire,
        client_of(wire.base_url, timeout=Timeout(total=20.0)) as client,
    ):
        result = await client.sip.registrations.get_many([f"id-{each}" for each in range(200)], via="get")
        assert (len(result.found), result.failed) == (200, {})
        # The clock also runs by itself meanwhile, for as long as the test takes.
        assert waited - 10 < clock.ahead < waited + 10


async def test_after_a_shortened_cool_down_one_request_of_a_sweep_tries(clock: Clock) -> None:
    tried: list[float] = []
    refuse = answer(429, headers={"Retry-After": "999999999999"})

    async def script(request: Received) -> Say:
        tried.append(clock.ahead)
        return refuse if clock.ahead < 800 else await the_registration_asked_for(request)

    async with Wire(script) as wire, client_of(wire.base_url, retry=RetryPolicy(max_attempts=100)) as client:
        result = await client.sip.registrations.get_many([f"id-{each}" for each in range(50)], concurrency=10)
        assert (len(result.found), result.failed) == (50, {})
    # Up to ten at once before the first 429 arrived, then one every five minutes.
    assert len([moment for moment in tried if moment < 250]) <= 10
    assert len([moment for moment in tried if 250 < moment < 800]) == 2


async def test_a_single_call_refuses_a_cool_down_that_a_sweep_waits_out(clock: Clock) -> None:
    answers = in_turn(answer(429, headers={"Retry-After": "100"}), OK)
    async with Wire(answers) as wire, client_of(wire.base_url) as client:
        with pytest.raises(RateLimitError):
            await client.request("GET", ANYTHING)
        with pytest.raises(RateLimitError, match="not sent"):
            await client.request("GET", ANYTHING)
        assert len(wire.received) == 1
        assert clock.ahead < 60
