"""Exchanges between a client and the store: questions, answers, and the clock of the server."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, cast

import attrs
import orjson
from redis.asyncio import Redis

from ultravox_async import RateLimit

OPERATIONS: Final = "api", "calls"
"""The classes of operations of a `RateBudget`."""

_SCRIPT: Final = files("ultravox_async.redis").joinpath("_exchange.lua").read_text("utf-8")
_MICROSECONDS: Final = 1_000_000
# Requests that are sent within one second may arrive within less, because some are longer on their way than others.
# What a client knows of the server's clock is not exact either.
_HEADROOM: Final = 0.03
_MOST_HEADROOM: Final = 0.5
# One slot in this many is kept for single calls, which do not have to wait for the slots that sweeps took in advance.
_SPARE: Final = 100
# The clocks of two machines drift apart by less than this, in seconds a second.
_DRIFT: Final = 0.0002
# Seconds. What was sent before is in no window of one second any more.
_MEMORY: Final = 2.0
# Seconds. What looks like a smaller leap of the server's clock is within what is known of it.
_LEAP: Final = 0.1


@attrs.frozen
class Slot:
    """The right to send one request."""

    number: int
    at: float
    """The earliest time, of `time.monotonic()`."""


@attrs.define
class Question:
    """What a client reports to the store, and asks of it. Times are of `time.monotonic()`."""

    moved: list[tuple[Slot, str, float]] = attrs.field(factory=list[tuple[Slot, str, float]])
    """Slots that were used later than planned, or are still to be used: with the class of operations, and the time."""

    returned: list[tuple[Slot, str]] = attrs.field(factory=list[tuple[Slot, str]])
    """Slots that will not be used."""

    cool_downs: dict[str, float] = attrs.field(factory=dict[str, float])
    """When each cool-down ends."""

    wanted: dict[str, tuple[int, int]] = attrs.field(factory=dict[str, tuple[int, int]])
    """For each class of operations, how many slots for single calls and for sweeps."""

    alone_since: float | None = None
    """Since when the client has done without the store, if it has."""

    called_alone_at: float = -math.inf
    """When the client has last created a call without the store."""

    clock_leapt: bool = False
    """Whether the server's clock was set forward, so that slots look older than they are."""

    leaving: bool = False
    """Whether this is the last exchange of the client."""


@attrs.frozen
class Granted:
    """What a client was given in one class of operations. Times are of `time.monotonic()`."""

    slots: Sequence[Slot]
    cooling_until: float
    """The end of the cool-down; a time in the past without one."""

    ask_again: tuple[float, float]
    """When to ask again for single calls, and for sweeps; a time in the past if all that was wanted was given."""


@attrs.frozen
class Answer:
    """What the store says."""

    clients: int
    """How many clients were there in the last ten seconds, with this one."""

    granted: Mapping[str, Granted]


class ServerClock:
    """What is known about the clock of the server: how far it is ahead of the clock of this process, at least.

    A reading is taken at some moment between the question and the arrival of the answer. So a time of the server, if it
    is converted to that clock by this, is never too early; and it is too late by at most the time that the
    quickest of the last answers took.
    """

    def __init__(self) -> None:
        # How far ahead it is at least, and at most.
        self._ahead: float | None = None
        self._most = 0.0
        self._read_at = 0.0

    def note(self, reading: float, asked_at: float, answered_at: float) -> bool:
        """Take a reading into account; return whether the clock was set forward since the last one."""
        least, most = reading - answered_at, reading - asked_at
        leapt = False
        if self._ahead is not None:
            drift = _DRIFT * (answered_at - self._read_at)
            known, known_most = self._ahead - drift, self._most + drift
            leapt = least > known_most + _LEAP
            # Otherwise, the clock was set meanwhile.
            if known <= most and least <= known_most:
                least, most = max(least, known), min(most, known_most)
        self._ahead, self._most, self._read_at = least, most, answered_at
        return leapt

    def on_server(self, time: float) -> float:
        """Return a time of this process on the clock of the server."""
        return time + (self._ahead or 0.0)

    def on_loop(self, time: float) -> float:
        """Return a time of the server on the clock of this process."""
        return time - (self._ahead or 0.0)


class Store:
    """The slots of one key in Redis.

    Args:
        redis: The client of Redis.
        prefix: What the names of the keys in Redis begin with. Braces in it keep them together in a cluster.
        rate: Requests a second.
        rate_limit: The limits for creating calls.
        client: The name of this client.
    """

    def __init__(self, redis: Redis, prefix: str, rate: float, rate_limit: RateLimit, client: str) -> None:
        self._run = redis.register_script(_SCRIPT)
        self._keys = [f"{prefix}:{name}" for name in ("state", "clients", "slots", "calls")]
        self._client = client
        self._clock = ServerClock()
        self._known = 0
        self._answered_at = -math.inf
        self._windows = _windows_of(rate, rate_limit)
        general, *of_calls = self._windows["calls"]
        self._spare = general[1] // _SPARE
        self._longest = [general[2], max((length for _, _, length in of_calls), default=0)]

    @property
    def call_window(self) -> float:
        """For how many seconds a call counts in the limits for creating calls; 0.0 without such limits."""
        return self._longest[1] / _MICROSECONDS

    async def exchange(self, question: Question, patience: float = 1.0) -> Answer:
        """Run the script on the server.

        Args:
            question: What to tell and to ask.
            patience: Seconds. If the server gets the question later, it does nothing.

        Raises:
            TimeoutError: The server did not answer in this time.
        """
        deadline = time.monotonic() + patience
        async with asyncio.timeout(patience):
            while True:
                answer, valid = await self._ask(question, deadline)
                if valid:
                    return answer

    async def _ask(self, question: Question, deadline: float) -> tuple[Answer, bool]:
        """Return the answer, and False if the question has to be asked again, because the server's clock was set."""
        asked_at = time.monotonic()
        arguments = [self._encoded(question, asked_at, deadline)]
        # The types of redis-py do not say what a script returns.
        seconds, microseconds, clients, *granted = cast("list[Any]", await self._run(self._keys, arguments))
        answered_at = time.monotonic()
        reading = seconds + microseconds / _MICROSECONDS
        leapt = self._clock.note(reading, asked_at, answered_at)
        answer = Answer(clients, dict(self._granted(reading, each) for each in granted))
        # A client that had nothing to ask for some time has seen nothing of the slots that look too old. Others have.
        leapt = leapt and asked_at - self._answered_at < _MEMORY
        self._known, self._answered_at = seconds * _MICROSECONDS + microseconds, answered_at
        question.clock_leapt |= leapt
        # Nothing is granted, not even an empty list, if the server has taken the question for one that is too late.
        if answer.granted and not leapt:
            return answer, True
        question.returned += [(slot, operation) for operation, got in answer.granted.items() for slot in got.slots]
        return answer, False

    def _encoded(self, question: Question, now: float, deadline: float) -> bytes:
        alone_since, calls_until = question.alone_since, question.called_alone_at + self.call_window
        return orjson.dumps(
            {
                "client": self._client,
                "expires": self._stamp(deadline) if self._known else 0,
                # If nothing was sent for some time, it does not matter whether the store remembers it.
                "known": self._known if now - self._answered_at < max(_MEMORY, self.call_window) else 0,
                "windows": self._windows,
                "longest": self._longest,
                "spare": self._spare,
                "moved": [(slot.number, operation, self._stamp(time)) for slot, operation, time in question.moved],
                "returned": [(slot.number, operation) for slot, operation in question.returned],
                "cool_downs": {
                    operation: int((question.cool_downs[operation] - now) * _MICROSECONDS)
                    for operation in OPERATIONS
                    if operation in question.cool_downs
                },
                "wanted": {operation: question.wanted.get(operation, (0, 0)) for operation in OPERATIONS},
                "alone_for": 0 if alone_since is None else int((now - alone_since) * _MICROSECONDS),
                "calls_pause": int(max(0.0, calls_until - now) * _MICROSECONDS),
                "clock_leapt": question.clock_leapt,
                "leaving": question.leaving,
            }
        )

    def _stamp(self, time: float) -> int:
        return int(self._clock.on_server(time) * _MICROSECONDS)

    def _granted(self, reading: float, granted: list[Any]) -> tuple[str, Granted]:
        operation, cooling, single, sweeps, slots = granted

        def on_loop(after: int) -> float:
            return self._clock.on_loop(reading + after / _MICROSECONDS)

        # The client of Redis was made with or without `decode_responses`.
        name = operation.decode() if isinstance(operation, bytes) else operation
        return name, Granted(
            # Numbers and times take turns.
            [Slot(number, on_loop(after)) for number, after in zip(slots[::2], slots[1::2], strict=True)],
            on_loop(cooling) if cooling else -math.inf,
            (on_loop(single) if single >= 0 else -math.inf, on_loop(sweeps) if sweeps >= 0 else -math.inf),
        )


def _windows_of(rate: float, rate_limit: RateLimit) -> dict[str, list[tuple[int, int, int]]]:
    """Return the windows of each class of operations: which slots it counts, the limit, and microseconds."""
    general = [_window(1, rate, 1.0)]
    of_calls = [
        _window(2, limit, period)
        for limit, period in ((rate_limit.calls_per_second, 1.0), (rate_limit.calls_per_minute, 60.0))
        if limit is not None
    ]
    return {"api": general, "calls": general + of_calls}


def _window(number: int, limit: float, period: float) -> tuple[int, int, int]:
    # As without a budget: a limit below 1 is one request in 1 / limit periods.
    seconds = period * max(1.0, 1 / limit)
    length = seconds + min(seconds * _HEADROOM, _MOST_HEADROOM)
    return number, max(1, int(limit)), int(length * _MICROSECONDS)
