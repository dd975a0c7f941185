"""`RedisReplayGuard`: lets each event be handled once, in any number of processes."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeAlias, final

import attrs
from redis.asyncio import Redis

from ultravox_async import ConfigurationError
from ultravox_async.redis._arguments import check_client, check_name
from ultravox_async.redis._errors import RedisUnavailableError, lost_error
from ultravox_async.webhooks import Claim

_log = logging.getLogger("ultravox_async")

# The value of a key is the token of a claim, or this.
_DONE: Final = b"done"
# KEYS: the event. ARGV: the token of a claim, the value to write, and the milliseconds until it is forgotten. Writes
# unless the key belongs to another claim, and returns the index of what came of it in _CLAIMS.
_WRITE: Final = """
local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[1] then
  return found == 'done' and 2 or 1
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 0
"""
_CLAIMS: Final = Claim.GRANTED, Claim.PENDING, Claim.DONE
# KEYS: the event. ARGV: the token of a claim, and the milliseconds until it is forgotten; 0 forgets it at once. Returns
# whether the key belongs to that claim.
_EXPIRE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_Script: TypeAlias = Callable[[list[str], tuple[bytes | int, ...]], Awaitable[Any]]
# Seconds for which Redis may say nothing.
_PATIENCE: Final = 5.0
_MILLISECOND: Final = timedelta(milliseconds=1)


@attrs.frozen
class _Held:
    """A claim that was granted to a task of this process."""

    token: bytes
    renewal: asyncio.Task[None]


@final
class RedisReplayGuard:
    """A `ReplayGuard` for any number of processes and machines, which share a Redis or Valkey server.

    Use it with `claimed`::

        guard = RedisReplayGuard(redis, "production")
        async with claimed(guard, event.idempotency_key) as claim:
            ...

    Of all claims of an event at the same time, in all processes, one is granted. It lasts while the handler works,
    for about `lease` at most, and for `dead_after` if the process dies. Only the clock of the server counts. If another
    handler has claimed the event meanwhile, completing or releasing it changes nothing. A claim belongs to the task
    that made it: complete or release it there, as `claimed` does.

    If Redis does not answer within five seconds, a claim raises a `RedisUnavailableError`: respond with an error then,
    so that the event is delivered again. A handler that has begun is not disturbed: if its event cannot be completed or
    released, that is logged, and the claim ends after `dead_after`. If such an event is delivered again, it is handled
    again; so is one that Redis forgets because it is restarted without its data, or has too little memory for them.

    Args:
        redis: The client of Redis, which this never closes. Users, passwords and TLS are set there. It needs the
            commands ``EVALSHA`` and ``SCRIPT LOAD``, and for keys that begin with ``ultravox:``, ``GET``, ``SET`` and
            ``PEXPIRE``.
        name: Part of the names of the keys in Redis: letters, digits, and ``_.:-``. Guards with different names share
            nothing.
        retention: How long an event that was handled is remembered. Ultravox repeats a delivery for up to 8.5 hours.
        lease: For how long a claim is renewed at most: longer than handling an event can take.
        dead_after: How long a claim outlasts its process, or an event loop that stands still; at most the lease. It is
            renewed three times in this time. Ultravox repeats a delivery after about 30 seconds for the first time.

    Raises:
        ConfigurationError: An argument is invalid.
    """

    def __init__(
        self,
        redis: Redis,
        name: str,
        *,
        retention: timedelta = timedelta(hours=24),
        lease: timedelta = timedelta(minutes=5),
        dead_after: timedelta = timedelta(seconds=20),
    ) -> None:
        check_client(redis, type(self).__name__)
        check_name(name, type(self).__name__)
        for setting, value in (("retention", retention), ("lease", lease), ("dead_after", dead_after)):
            if not isinstance(value, timedelta) or value < _MILLISECOND:  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
                msg = f"RedisReplayGuard.{setting} takes a timedelta of at least a millisecond, not {value!r}"
                raise ConfigurationError(msg)
        if dead_after > lease:
            raise ConfigurationError(f"RedisReplayGuard.dead_after is at most the lease, {lease}, not {dead_after}")
        self._write = redis.register_script(_WRITE)
        self._expire = redis.register_script(_EXPIRE)
        self._name = name
        self._retention = retention
        self._lease = lease
        self._pending = dead_after
        self._claims: dict[tuple[asyncio.Task[Any] | None, str], _Held] = {}

    def __repr__(self) -> str:
        # Not the client of Redis: its repr may contain the password.
        return f"RedisReplayGuard({self._name!r})"

    async def claim(self, key: str) -> Claim:
        """Claim an event; as `ReplayGuard.claim`.

        Raises:
            RedisUnavailableError: Redis does not answer; nobody knows whether the event was handled.
        """
        # If redis-py sends this again after a lost connection, the token is already there, and it is granted again.
        token = uuid.uuid4().hex.encode()
        claim = _CLAIMS[await self._ask(self._write, key, token, token, _milliseconds(self._pending))]
        if claim is Claim.GRANTED:
            self._hold(key, token)
        return claim

    async def complete(self, key: str) -> None:
        """Remember that an event was handled, unless another process has claimed it meanwhile."""
        token = self._let_go(key)
        try:
            await self._ask(self._write, key, token, _DONE, _milliseconds(self._retention))
        except RedisUnavailableError as error:
            # If this raised, the event would be delivered again, and handled again for certain.
            _log.warning("an event was handled, and may be handled again if it is delivered again: %s", error)

    async def release(self, key: str) -> None:
        """Give up the claim of an event, unless another process has claimed it meanwhile."""
        token = self._let_go(key)
        try:
            await self._ask(self._expire, key, token, 0)
        except RedisUnavailableError as error:
            # If this raised, it would hide what the handler has raised.
            _log.warning("an event that was not handled is claimed for some seconds more: %s", error)

    def _hold(self, key: str, token: bytes) -> None:
        owner = asyncio.current_task(), key
        before = self._claims.get(owner)
        if before is not None:
            before.renewal.cancel()
        self._claims[owner] = _Held(token, asyncio.create_task(self._renew(owner, token)))

    def _let_go(self, key: str) -> bytes:
        """Stop renewing the claim of this task, and return its token; that of no claim if there is none any more."""
        held = self._claims.pop((asyncio.current_task(), key), None)
        if held is None:
            _log.warning("this task has no claim of the event: another task made it, or its lease has ended")
            return b"none"
        held.renewal.cancel()
        return held.token

    async def _renew(self, owner: tuple[asyncio.Task[Any] | None, str], token: bytes) -> None:
        holds = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lease.total_seconds()):
                while holds:
                    await asyncio.sleep(self._pending.total_seconds() / 3)
                    holds = await self._still_holds(owner[1], token)
        self._claims.pop(owner, None)

    async def _still_holds(self, key: str, token: bytes) -> bool:
        try:
            return bool(await self._ask(self._expire, key, token, _milliseconds(self._pending)))
        except RedisUnavailableError:
            # Redis may be back in time.
            return True

    async def _ask(self, script: _Script, key: str, *arguments: bytes | int) -> int:
        try:
            async with asyncio.timeout(_PATIENCE):
                # A slash cannot be in the name, so that the keys of two names are never the same.
                return int(await script([f"ultravox:events/{self._name}/{key}"], arguments))
        # Also what the credentials or the retries of the caller's client of Redis raise.
        except Exception as error:  # noqa: BLE001
            lost = lost_error("Redis, which remembers the events, does not answer", error)
        raise lost


def _milliseconds(duration: timedelta) -> int:
    return duration // _MILLISECOND
