import asyncio
import itertools
import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing

import pytest

from tests.wire import KEY, REGISTRATION, Received, Say, Script, Wire, answer, client_of, shown
from ultravox_async import AuthenticationError, BulkResult, InvalidRequestError, RateLimit, SipRegistration, Via

REFUSED = answer(401, {"detail": "Invalid API key."})
LISTING = "/api/sip/registrations"


def ids(count: int) -> list[str]:
    return [f"id{number}" for number in range(count)]


def found(request: Received) -> Say:
    return answer(content={**REGISTRATION, "registrationId": request.target.rpartition("/")[2]})


def revoked_after(successes: int) -> Script:
    numbers = itertools.count()

    async def script(request: Received) -> Say:
        return found(request) if next(numbers) < successes else REFUSED

    return script


async def swept(script: Script, keys: Sequence[str], via: Via = "get") -> tuple[BulkResult[SipRegistration], int]:
    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(keys, via=via)
        return result, len(wire.received)


@pytest.mark.parametrize("via", ["auto", "get", "list"])
@pytest.mark.parametrize("successes", [0, 200])
async def test_a_sweep_whose_key_is_revoked_sends_no_more_and_each_id_has_its_outcome(via: Via, successes: int) -> None:
    result, requests = await swept(revoked_after(successes), ids(1000), via)
    assert requests <= successes + 60
    assert Counter([*result.found, *result.failed]) == dict.fromkeys(ids(1000), 1)
    assert {type(error) for error in result.failed.values()} == {AuthenticationError}


async def test_at_the_default_rate_only_a_handful_of_requests_gets_a_401() -> None:
    async with Wire(revoked_after(20)) as wire, client_of(wire.base_url, rate_limit=RateLimit(200.0)) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids(1000), via="get")
        assert len(result.failed) > 970
        assert len(wire.received) <= 20 + 10


async def test_requests_that_wait_when_the_key_is_refused_are_not_sent() -> None:
    # Fifty workers wait for the rate limiter, and one request is sent at a time.
    async with Wire(revoked_after(0)) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids(1000), via="get")
        assert len(result.failed) == 1000
        assert len(wire.received) <= 6


async def test_each_id_that_was_not_fetched_has_a_separate_error_that_explains_why() -> None:
    async with Wire(revoked_after(0)) as wire, client_of(f"{wire.base_url}/prefix") as ultravox:
        result = await ultravox.sip.registrations.get_many([*ids(200), "ü"], via="get", concurrency=1)
    errors = list(result.failed.values())
    assert len({id(error) for error in errors}) == 201
    last = result.failed["ü"]
    assert isinstance(last, AuthenticationError)
    assert str(last) == (
        "401 Unauthorized: GET /prefix/api/sip/registrations/%C3%BC: "
        "given up without a response: 5 requests of this sweep in a row got a 401"
    )
    assert (last.status, last.method, last.request_id) == (401, "GET", None)
    assert str(pickle.loads(pickle.dumps(last))) == str(last)  # noqa: S301 - made a line above
    assert KEY not in shown(last)
    assert [str(error) for error in errors if "Invalid API key." in str(error)] == [str(error) for error in errors[:5]]


async def test_an_invalid_id_gets_an_invalid_request_error_after_the_key_was_refused() -> None:
    async with Wire(revoked_after(0)) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many([*ids(20), ".."], via="get", concurrency=1)
    assert isinstance(result.failed[".."], InvalidRequestError)


async def test_a_few_401s_among_successes_do_not_stop_a_sweep() -> None:
    numbers = itertools.count(1)

    async def script(request: Received) -> Say:
        return found(request) if next(numbers) % 5 == 0 else REFUSED

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids(100), via="get", concurrency=1)
        assert len(wire.received) == 100
    assert len(result.found) == 20


async def test_a_404_shows_that_the_key_is_accepted() -> None:
    numbers = itertools.count(1)

    async def script(_: Received) -> Say:
        return answer(404) if next(numbers) % 5 == 0 else REFUSED

    _, requests = await swept(script, ids(100))
    assert requests == 100


async def test_a_401_for_the_listing_counts_as_one_of_the_five() -> None:
    async def script(request: Received) -> Say:
        return REFUSED if request.target.startswith(LISTING) else found(request)

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        result = await ultravox.sip.registrations.get_many(ids(100), via="list", concurrency=1)
        assert len(wire.received) == 5
    assert len(result.failed) == 100


async def test_with_a_key_that_may_get_but_not_list_every_id_is_fetched() -> None:
    async def script(request: Received) -> Say:
        return REFUSED if request.target.startswith(f"{LISTING}?") else found(request)

    for via in ("auto", "list"):
        result, requests = await swept(script, ids(150), via)
        assert (len(result.found), requests) == (150, 151)


async def test_no_listing_is_requested_after_the_key_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ultravox_async._bulk.ids._BATCH", 50)
    result, requests = await swept(revoked_after(0), ids(500), "list")
    assert len(result.failed) == 500
    assert requests <= 60


async def test_endless_ids_are_read_only_as_fast_as_their_outcomes_after_the_key_was_refused() -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        for number in itertools.count():
            read = number
            yield f"id{number}"

    async with Wire(revoked_after(0)) as wire, client_of(wire.base_url) as ultravox:
        sweep = ultravox.sip.registrations.get_many(endless(), concurrency=5)
        async with aclosing(aiter(sweep)) as outcomes:
            keys = [(await anext(outcomes)).key for _ in range(500)]
            assert len(set(keys)) == 500
            assert read <= 511
            assert len(wire.received) <= 10


async def test_a_sweep_that_is_cancelled_while_its_key_is_refused_ends() -> None:
    refused = 0

    async def script(_: Received) -> Say:
        nonlocal refused
        refused += 1
        if refused == 5:
            sweep.cancel()
        return REFUSED

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        sweep = asyncio.create_task(ultravox.sip.registrations.get_many(ids(1000), via="get").collect())
        with pytest.raises(asyncio.CancelledError):
            await sweep
