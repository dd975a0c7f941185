import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from tests.conftest import Clock
from tests.wire import HANG_UP, KEY, PASSWORD, WAIT, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import (
    APIConnectionError,
    AsyncUltravox,
    AttemptInfo,
    ConfigurationError,
    Counts,
    NotFoundError,
    Observer,
    RateLimit,
    RateLimitError,
    RequestInfo,
    RequestResult,
    RetryPolicy,
    ServerError,
    UltravoxError,
)
from ultravox_async.testing import Emulator

OK = answer(200, {"some": "thing"})
THING = "/api/things"
TEMPLATE = "/api/sip/registrations/{registration_id}"
LIMITED = answer(429, {"detail": "secret-of-a-body"}, headers={"Retry-After": "0"})


async def ask(ultravox: AsyncUltravox) -> None:
    await ultravox.request("GET", THING)


async def test_requests_and_attempts_are_counted_and_retries_by_reason() -> None:
    said = answer(503), HANG_UP, LIMITED, OK
    async with Wire(in_turn(*said)) as wire, client_of(wire.base_url) as ultravox:
        await ask(ultravox)
        stats = ultravox.stats
    assert (stats.requests, stats.attempts, stats.refusals) == (1, 4, 1)
    assert stats.retries == {"503": 1, "connection": 1, "429": 1}


async def test_a_response_about_another_object_and_a_timeout_are_reasons_of_retries(clock: Clock) -> None:
    assert clock
    said = answer(200, {"registrationId": "other"}), WAIT, answer(404, {})
    async with Wire(in_turn(*said)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(NotFoundError):
            await ultravox.sip.registrations.get("mine")
        assert ultravox.stats.retries == {"wrong response": 1, "timeout": 1}


async def test_the_bytes_of_bodies_are_counted() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        await ultravox.request("POST", THING, json={"a": 1})
        assert (ultravox.stats.bytes_sent, ultravox.stats.bytes_received) == (7, 17)


async def test_the_bytes_of_downloads_and_uploads_are_counted() -> None:
    cloned = answer(201, {"voiceId": "v", "name": "n"})
    async with Wire(in_turn(answer(200, body=b"x" * 1000), cloned)) as wire, client_of(wire.base_url) as ultravox:
        async with ultravox.calls.recording("c") as download:
            await download.read()
        await ultravox.voices.clone(b"y" * 500, name="n")
        assert ultravox.stats.bytes_received == 1000 + len(b'{"voiceId": "v", "name": "n"}')
        assert ultravox.stats.bytes_sent == 500


async def test_what_runs_and_waits_now_is_in_the_statistics() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, pool_size=1) as ultravox:
        tasks = [asyncio.create_task(ask(ultravox)) for _ in range(3)]
        await wire.until_received(1)
        stats = ultravox.stats
        assert (stats.in_flight, stats.queued) == (1, {"interactive": 2, "background": 0})
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert ultravox.stats.in_flight == 0


async def test_a_cool_down_is_in_the_statistics_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    limited = answer(429, headers={"Retry-After": "100"})
    async with Wire(in_turn(limited)) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(RateLimitError):
            await ask(ultravox)
        assert ultravox.stats.cooling_down == {"api": pytest.approx(100, abs=5)}
    assert "cool-down of 100.0 s after a 429 (class of operations: api)" in caplog.messages


async def test_the_time_that_requests_wait_for_their_turn_is_counted(clock: Clock) -> None:
    assert clock
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=RateLimit(1.0)) as ultravox:
        for _ in range(3):
            await ask(ultravox)
        assert ultravox.stats.turn_seconds > 1.9


async def test_statistics_are_zero_before_the_first_request() -> None:
    stats = AsyncUltravox(KEY).stats
    assert (stats.requests, stats.in_flight, stats.queued, stats.cooling_down) == (0, 0, {}, {})
    assert stats.requests_per_second == 200.0


async def test_a_snapshot_does_not_change() -> None:
    async with Wire(in_turn(answer(503), OK)) as wire, client_of(wire.base_url) as ultravox:
        before = ultravox.stats
        await ask(ultravox)
        assert (before.requests, before.retries) == (0, {})
        with pytest.raises(AttributeError):
            before.requests = 5


@pytest.mark.parametrize(("via", "listed", "fetched"), [("list", 10, 1), ("get", 0, 11)])
async def test_how_a_sweep_found_its_ids_is_counted(
    via: Any,  # noqa: ANN401 - a literal
    listed: int,
    fetched: int,
    ultravox: AsyncUltravox,
    ultravox_emulator: Emulator,
) -> None:
    ids = [*ultravox_emulator.registration_ids, "missing"]
    await ultravox.sip.registrations.get_many(ids, via=via)
    assert (ultravox.stats.listed, ultravox.stats.fetched) == (listed, fetched)


async def test_a_race_counts_each_id_once(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    await ultravox.sip.registrations.get_many(ultravox_emulator.registration_ids)
    assert ultravox.stats.listed + ultravox.stats.fetched == 10


async def test_requests_that_share_a_response_are_counted_apart() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, coalesce_reads=True) as ultravox:
        await asyncio.gather(*(ask(ultravox) for _ in range(5)))
        assert (ultravox.stats.requests, ultravox.stats.coalesced) == (1, 4)


async def test_a_measurement_counts_what_was_asked_for_within_it() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        await ask(ultravox)
        with ultravox.measure() as counts:
            await ask(ultravox)
            await asyncio.gather(ask(ultravox), ask(ultravox))
        await ask(ultravox)
        assert (counts.requests, counts.attempts) == (3, 3)
        assert ultravox.stats.requests == 5


async def test_a_measurement_counts_the_requests_of_a_sweep(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    with ultravox.measure() as counts:
        await ultravox.sip.registrations.get_many(ultravox_emulator.registration_ids, via="get")
    assert (counts.requests, counts.fetched) == (10, 10)


async def test_measurements_within_each_other_both_count() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        with ultravox.measure() as outer:
            await ask(ultravox)
            with ultravox.measure() as inner:
                await ask(ultravox)
        assert (outer.requests, inner.requests) == (2, 1)


async def test_a_measurement_does_not_count_another_client() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as one, client_of(wire.base_url) as other:
        with one.measure() as counts:
            await ask(other)
        assert counts.requests == 0


async def test_a_measurement_goes_on_in_tasks_that_were_created_in_it() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        with ultravox.measure() as counts:
            task = asyncio.create_task(ask(ultravox))
        await task
        assert counts.requests == 1


async def test_measurements_that_overlap_end_one_by_one() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        with contextlib.ExitStack() as second:
            with ultravox.measure() as early:
                late = second.enter_context(ultravox.measure())
            await ask(ultravox)
        await ask(ultravox)
        assert (early.requests, late.requests) == (0, 1)


async def test_a_measurement_that_is_left_in_another_task_ends_there() -> None:
    async def measured() -> AsyncGenerator[Counts, None]:
        with ultravox.measure() as counts:
            try:
                yield counts
            finally:
                raise ZeroDivisionError

    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as ultravox:
        generator = measured()
        counts = await anext(generator)
        await ask(ultravox)
        with pytest.raises(ZeroDivisionError):
            await asyncio.create_task(generator.aclose())
        with ultravox.measure() as later:
            await ask(ultravox)
        assert (counts.requests, later.requests) == (1, 1)


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


async def test_each_attempt_is_logged_with_the_template_of_its_path(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ultravox_async")
    async with Wire(in_turn(answer(404, {}))) as wire, client_of(wire.base_url) as ultravox:
        for _ in range(2):
            with pytest.raises(NotFoundError):
                await ultravox.sip.registrations.get("id-of-one")
    first, second = logged(caplog, logging.DEBUG)
    assert first.startswith(f"GET {TEMPLATE}: 404 after ")
    assert first.endswith(" ms (attempt 1, new connection)")
    assert second.endswith(" ms (attempt 1, reused connection)")


async def test_with_a_session_of_the_caller_the_connection_is_not_known(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ultravox_async")
    async with Wire(in_turn(OK)) as wire, aiohttp.ClientSession() as session:
        ultravox = client_of(wire.base_url, session=session)
        await ask(ultravox)
        await ultravox.close()
    assert logged(caplog, logging.DEBUG)[0].endswith("(attempt 1, unknown connection)")


async def test_an_attempt_that_is_cancelled_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ultravox_async")
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as ultravox:
        task = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        task.cancel()
        await asyncio.wait([task])
    (line,) = logged(caplog, logging.DEBUG)
    assert line.startswith("GET /api/things: cancelled after ")


async def test_retries_are_logged_once_a_second_at_most(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ultravox_async")
    async with Wire(in_turn(*[answer(503)] * 3, OK)) as wire, client_of(wire.base_url) as ultravox:
        await ask(ultravox)
    first, rest = logged(caplog, logging.INFO)
    assert first.startswith("1 retry after 0.0 s: GET /api/things: 503")
    assert rest.startswith("2 retries")


async def test_later_retries_are_logged_when_a_second_is_over(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    caplog.set_level(logging.INFO, "ultravox_async")
    policy = RetryPolicy(base_delay=3.0)
    async with Wire(in_turn(answer(503), answer(503), OK)) as wire, client_of(wire.base_url, retry=policy) as ultravox:
        await ask(ultravox)
        lines = [line for line in logged(caplog, logging.INFO) if "retry" in line]
        assert len(lines) == 2
    assert clock.ahead > 2


async def test_waits_of_more_than_a_second_are_logged(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    assert clock
    caplog.set_level(logging.INFO, "ultravox_async")
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=RateLimit(0.5)) as ultravox:
        await ask(ultravox)
        await ask(ultravox)
    assert logged(caplog, logging.INFO) == ["1 wait for a turn, of 2.0 s: GET /api/things"]


async def test_a_request_that_is_given_up_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with Wire(in_turn(answer(503))) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(ServerError):
            await ask(ultravox)
    (line,) = logged(caplog, logging.WARNING)
    assert line.startswith("1 request given up after 0.0 s: GET /api/things: 503, 4 attempts")


async def test_a_connection_that_is_refused_is_logged_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    async with client_of("http://127.0.0.1:9", retry=RetryPolicy(max_attempts=1)) as ultravox:
        with pytest.raises(APIConnectionError):
            await ask(ultravox)
    (line,) = logged(caplog, logging.WARNING)
    assert "GET /api/things: cannot connect to 127.0.0.1:9" in line
    assert line.endswith(", 1 attempt")


async def test_a_404_is_not_a_request_that_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with Wire(in_turn(answer(404, {}))) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(NotFoundError):
            await ask(ultravox)
    assert logged(caplog, logging.WARNING) == []


async def test_no_log_has_a_key_a_body_a_query_or_an_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ultravox_async")
    said = LIMITED, answer(503, {"detail": "secret-of-a-body"}), answer(200, {"secret": "secret-of-a-body"})
    async with Wire(in_turn(*said)) as wire, client_of(wire.base_url) as ultravox:
        await ultravox.request("GET", "/api/things", params={"secret": "secret-of-a-query"})
        with pytest.raises(UltravoxError):
            await ultravox.sip.registrations.create(username="u", password=PASSWORD, proxy="p")
        await ultravox.api_keys.delete("id-of-a-secret")
    text = "\n".join(caplog.messages)
    assert "/api/api_keys/{prefix}" in text
    assert [each for each in (KEY, PASSWORD, "secret-of", "id-of") if each in text] == []


class Recorder(Observer):
    def __init__(self) -> None:
        self.told: list[object] = []

    def request_started(self, request: RequestInfo) -> object:
        self.told.append(request)
        return len(self.told)

    def attempt_ended(self, state: object, request: RequestInfo, attempt: AttemptInfo) -> None:
        assert (state, request) == (1, self.told[0])
        self.told.append(attempt)

    def request_ended(self, state: object, request: RequestInfo, result: RequestResult) -> None:
        assert (state, request) == (1, self.told[0])
        self.told.append(result)


async def test_an_observer_learns_of_a_request_its_attempts_and_its_end() -> None:
    recorder = Recorder()
    async with Wire(in_turn(answer(503), OK)) as wire, client_of(wire.base_url, observers=[recorder]) as ultravox:
        await ask(ultravox)
        request, first, second, result = recorder.told
        assert request == RequestInfo("GET", THING, f"{wire.base_url}{THING}", "interactive")
    assert isinstance(first, AttemptInfo)
    assert (first.number, first.status, first.error, first.connection_reused) == (1, 503, "ServerError", False)
    assert isinstance(second, AttemptInfo)
    assert (second.number, second.status, second.error, second.connection_reused) == (2, 200, None, True)
    assert isinstance(result, RequestResult)
    assert (result.status, result.error, result.cancelled, result.attempts) == (200, None, False, 2)


async def test_an_observer_learns_of_the_error() -> None:
    recorder = Recorder()
    async with Wire(in_turn(answer(404, {}))) as wire, client_of(wire.base_url, observers=[recorder]) as ultravox:
        with pytest.raises(NotFoundError):
            await ask(ultravox)
    result = recorder.told[-1]
    assert isinstance(result, RequestResult)
    assert isinstance(result.error, NotFoundError)
    assert result.status == 404


async def test_an_observer_learns_of_a_cancellation() -> None:
    recorder = Recorder()
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, observers=[recorder]) as ultravox:
        task = asyncio.create_task(ask(ultravox))
        await wire.until_received(1)
        task.cancel()
        await asyncio.wait([task])
        assert ultravox.stats.attempts == 1
    _, attempt, result = recorder.told
    assert isinstance(attempt, AttemptInfo)
    assert (attempt.number, attempt.status, attempt.error) == (1, None, "cancelled")
    assert isinstance(result, RequestResult)
    assert (result.cancelled, result.attempts) == (True, 1)


async def test_only_requests_that_had_their_turn_before_they_were_cancelled_had_an_attempt() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, pool_size=2) as ultravox:
        tasks = [asyncio.create_task(ask(ultravox)) for _ in range(3)]
        await wire.until_received(2)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert (ultravox.stats.requests, ultravox.stats.attempts) == (3, 2)


async def test_an_attempt_that_is_cancelled_while_it_connects_was_not_sent() -> None:
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as listening:  # nobody shakes hands there
        base_url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        async with client_of(base_url, observers=[recorder]) as ultravox:
            task = asyncio.create_task(ask(ultravox))
            connection, _ = await asyncio.to_thread(listening.accept)
            task.cancel()
            await asyncio.wait([task])
            connection.close()
            assert ultravox.stats.attempts == 0
    assert [type(each) for each in recorder.told] == [RequestInfo, RequestResult]


async def test_an_observer_sees_no_address_of_storage_with_its_signature() -> None:
    recorder = Recorder()

    async def script(request: Received) -> Say:
        if "recording" not in request.target:
            return answer(200, body=b"x")
        return answer(302, body=b"", headers={"Location": "/elsewhere/id-of-one?signature=secret-of-a-query"})

    async with Wire(script) as wire, client_of(wire.base_url, observers=[_Each(recorder.told)]) as ultravox:
        async with ultravox.calls.recording("id") as download:
            await download.read()
        assert RequestInfo("GET", f"{wire.base_url}/…", f"{wire.base_url}/elsewhere/id-of-one", "interactive") in (
            recorder.told
        )
    assert "secret-of" not in repr(recorder.told)


class _Each(Observer):
    def __init__(self, told: list[object]) -> None:
        self._told = told

    def request_started(self, request: RequestInfo) -> None:
        self._told.append(request)


async def test_an_observer_that_does_nothing_is_an_observer() -> None:
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[Observer()]) as ultravox:
        await ask(ultravox)
        assert ultravox.stats.requests == 1


async def test_an_observer_that_raises_is_logged_and_affects_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Observer):
        def request_started(self, request: RequestInfo) -> None:
            raise ZeroDivisionError(request)

    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[Broken()]) as ultravox:
        await ask(ultravox)
    assert [message.partition("Broken.")[2] for message in caplog.messages] == [
        "request_started raised ZeroDivisionError"
    ]


class Raising(Observer):
    """Raises an error in one of its methods."""

    def __init__(self, method: str, error: BaseException) -> None:
        setattr(self, method, self.fail)
        self._error = error

    def fail(self, *_: object) -> None:
        error, self._error = self._error, ZeroDivisionError()
        raise error


async def download(ultravox: AsyncUltravox) -> bytes:
    async with ultravox.calls.recording("c") as stream:
        return await stream.read()


@pytest.mark.parametrize("method", ["request_started", "attempt_ended", "request_ended"])
async def test_an_observer_that_reads_a_cancelled_future_affects_nothing(method: str) -> None:
    observer = Raising(method, asyncio.CancelledError())
    async with (
        Wire(in_turn(answer(200, body=b"x"))) as wire,
        client_of(wire.base_url, observers=[observer], pool_size=1) as ultravox,
    ):
        assert await download(ultravox)
        assert await download(ultravox)


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which would end the tests."""


@pytest.mark.parametrize("method", ["attempt_ended", "request_ended"])
async def test_an_observer_that_is_interrupted_takes_no_permit_with_it(method: str, clock: Clock) -> None:
    observer = Raising(method, Interrupted())
    async with (
        Wire(in_turn(answer(200, body=b"x"))) as wire,
        client_of(wire.base_url, observers=[observer], pool_size=1) as ultravox,
    ):
        with pytest.raises(Interrupted):
            await download(ultravox)
        async with asyncio.timeout(1000):
            assert await download(ultravox)
    assert clock.ahead < 1000


async def test_an_interrupt_after_an_ordinary_response_goes_through() -> None:
    observer = Raising("request_ended", Interrupted())
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, observers=[observer]) as ultravox:
        with pytest.raises(Interrupted):
            await ask(ultravox)
        await ask(ultravox)


@pytest.mark.parametrize("observers", [[Recorder], [print], ["x"]])
def test_what_is_no_observer_is_refused(observers: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match="observers takes instances of Observer"):
        AsyncUltravox(KEY, observers=observers)


@pytest.mark.parametrize("observers", [Observer(), None])
def test_what_is_no_list_of_observers_is_refused(observers: Any) -> None:  # noqa: ANN401 - the wrong types
    with pytest.raises(ConfigurationError, match="observers takes a list of instances of Observer, not "):
        AsyncUltravox(KEY, observers=observers)


def test_an_observer_with_an_async_method_is_refused() -> None:
    class Waiting(Observer):
        async def attempt_ended(self, state: object, request: RequestInfo, attempt: AttemptInfo) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] - it is refused
            pass

    with pytest.raises(ConfigurationError, match=r"Waiting\.attempt_ended is async"):
        AsyncUltravox(KEY, observers=[Waiting()])


@pytest.fixture
def ultravox_settings() -> dict[str, object]:
    return {"rate_limit": RateLimit(None)}
