import asyncio
import itertools
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Clock
from ultravox_async import (
    AsyncUltravox,
    AuthenticationError,
    ClientClosedError,
    InvalidRequestError,
    NotFoundError,
    RateLimit,
    RetryPolicy,
    UltravoxError,
    WaitTimeoutError,
)
from ultravox_async.testing import Delay, DropConnection, Emulator, Garbage, Respond
from ultravox_async.testing._faults import Fault

PATH = "/api/sip/registrations/"


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=2, pending_reads=3, requests_per_second=None) as account:
        yield account


@pytest.fixture
async def ultravox(account: Emulator) -> AsyncIterator[AsyncUltravox]:
    retry = RetryPolicy(max_attempts=1, patience=0.0)
    settings: dict[str, Any] = {"retry": retry, "rate_limit": RateLimit(None)}
    async with AsyncUltravox(account.api_key, base_url=account.base_url, **settings) as ultravox:
        yield ultravox


async def created(ultravox: AsyncUltravox) -> str:
    registration = await ultravox.sip.registrations.create(username="alice", password="x", proxy="sip-1.example.com")
    return registration.registration_id


@pytest.mark.usefixtures("clock")
async def test_a_registration_is_returned_as_soon_as_it_is_accepted(ultravox: AsyncUltravox, account: Emulator) -> None:
    key = await created(ultravox)
    account.clear()
    registration = await ultravox.sip.registrations.wait_until_registered(key, interval=2.0)
    assert (registration.registration_id, registration.successful) == (key, True)
    at = [each.at for each in account.requests]
    assert [round(later - earlier) for earlier, later in itertools.pairwise(at)] == [2, 2, 2]
    assert {(each.method, each.path) for each in account.requests} == {("GET", PATH + key)}


async def test_a_registration_that_is_accepted_already_takes_one_request(
    ultravox: AsyncUltravox, account: Emulator
) -> None:
    await ultravox.sip.registrations.wait_until_registered(account.registration_ids[0])
    assert account.received == 1


@pytest.mark.usefixtures("clock")
async def test_a_registration_that_was_refused_may_be_accepted_later(
    ultravox: AsyncUltravox, account: Emulator
) -> None:
    account.refuse_proxy("sip-1.example.com")
    asyncio.get_running_loop().call_later(30.0, account.accept_proxy, "sip-1.example.com")
    registration = await ultravox.sip.registrations.wait_until_registered(account.registration_ids[1])
    assert registration.successful
    assert 25 < account.received < 35


@pytest.mark.usefixtures("clock")
async def test_in_time_or_not_at_all(ultravox: AsyncUltravox, account: Emulator) -> None:
    account.refuse_proxy("sip-1.example.com")
    key = account.registration_ids[1]
    began = asyncio.get_running_loop().time()
    with pytest.raises(WaitTimeoutError) as caught:
        await ultravox.sip.registrations.wait_until_registered(key, timeout=12.5)
    assert 12.5 <= asyncio.get_running_loop().time() - began < 14.0
    expected = f"waited 12.5 s for SIP registration {key} to be accepted, but its SIP server has refused it"
    assert str(caught.value) == expected
    assert (caught.value.timeout, caught.value.seen) == (12.5, "its SIP server has refused it")
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("clock")
async def test_the_error_says_that_nothing_is_known_yet(ultravox: AsyncUltravox) -> None:
    key = await created(ultravox)
    with pytest.raises(WaitTimeoutError, match="not known yet whether its SIP server accepts it"):
        await ultravox.sip.registrations.wait_until_registered(key, timeout=2.0)


@pytest.mark.usefixtures("clock")
async def test_the_error_says_why_nothing_is_known(ultravox: AsyncUltravox, account: Emulator) -> None:
    account.inject(Respond(502))
    with pytest.raises(TimeoutError, match=r"to be accepted, but 502 Bad Gateway: GET /api/sip"):
        await ultravox.sip.registrations.wait_until_registered("some-id", timeout=5.0)


@pytest.mark.usefixtures("clock")
async def test_a_response_that_does_not_come_ends_the_wait_in_time_too(
    ultravox: AsyncUltravox, account: Emulator
) -> None:
    account.inject(Delay(1e4))
    with pytest.raises(WaitTimeoutError, match="to be accepted, but there was no response"):
        await ultravox.sip.registrations.wait_until_registered("some-id", timeout=5.0)


FAULTS: list[Fault] = [
    Respond(408),
    Respond(425),
    Respond(429, {"Retry-After": "3"}),
    Respond(500),
    Respond(503),
    DropConnection(),
    Garbage(),
]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
async def test_a_failure_that_may_pass_is_waited_out(ultravox: AsyncUltravox, account: Emulator, fault: Fault) -> None:
    account.inject(fault, times=3)
    assert (await ultravox.sip.registrations.wait_until_registered(account.registration_ids[0])).successful


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Respond(401), AuthenticationError),
        (Respond(404), NotFoundError),
        (Respond(302, {"Location": "/"}), UltravoxError),
    ],
)
async def test_a_failure_that_does_not_pass_is_raised_at_once(
    ultravox: AsyncUltravox, account: Emulator, fault: Fault, error: type[UltravoxError]
) -> None:
    account.inject(fault)
    with pytest.raises(error):
        await ultravox.sip.registrations.wait_until_registered(account.registration_ids[0])
    assert account.received == 1


@pytest.mark.parametrize("field", ["timeout", "interval"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "5", None])
async def test_what_is_not_a_time_is_refused(
    ultravox: AsyncUltravox,
    account: Emulator,
    field: str,
    value: Any,  # noqa: ANN401 - the wrong types too
) -> None:
    with pytest.raises(InvalidRequestError, match=f"{field}: takes a finite number of seconds above 0"):
        await ultravox.sip.registrations.wait_until_registered("some-id", **{field: value})
    assert account.received == 0


async def test_an_id_that_is_not_valid_is_refused(ultravox: AsyncUltravox, account: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match=r"registration_id: '\.\.' is not a valid id"):
        await ultravox.sip.registrations.wait_until_registered("..")
    assert account.received == 0


async def waiting(ultravox: AsyncUltravox, account: Emulator) -> asyncio.Task[object]:
    """Return a task that waits, and has had its first response."""
    account.refuse_proxy("sip-1.example.com")
    work = ultravox.sip.registrations.wait_until_registered(account.registration_ids[1], timeout=1e9, interval=1e8)
    task: asyncio.Task[object] = asyncio.create_task(work)
    while account.counts[200] == 0:  # noqa: ASYNC110 - it is the loop's other tasks that bring it
        await asyncio.sleep(0)
    return task


async def test_closing_the_client_ends_a_wait_at_once(ultravox: AsyncUltravox, account: Emulator, clock: Clock) -> None:
    task = await waiting(ultravox, account)
    await ultravox.close()
    with pytest.raises(ClientClosedError):
        await task
    assert clock.ahead < 1e7


async def test_cancelling_a_wait_leaves_the_client_usable(ultravox: AsyncUltravox, account: Emulator) -> None:
    task = await waiting(ultravox, account)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ultravox.sip.registrations.get(account.registration_ids[0])


def test_an_error_that_says_what_was_waited_for_can_be_pickled() -> None:
    error = WaitTimeoutError("it to be ready", "it is not", 5.0)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert (type(again), str(again), vars(again)) == (WaitTimeoutError, str(error), vars(error))
    assert str(again) == "waited 5 s for it to be ready, but it is not"
