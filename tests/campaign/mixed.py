"""Mixed operations from many tasks, through bad weather: what was lost, doubled, wrong or left behind?"""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import aiohttp
import attrs

from ultravox_async import (
    APIConnectionError,
    AsyncUltravox,
    NotFoundError,
    RateLimit,
    RateLimitError,
    RetryPolicy,
    SipRegistration,
    Timeout,
    UltravoxError,
)
from ultravox_async.testing import Emulator

from .leftovers import Memory, left_in, other_tasks
from .weather import Weather

_REGISTRATIONS = 300
_IDS_OF_A_SWEEP = 8
# Each task's, so that what the server holds, and what listings give, does not grow with the number of requests.
_MOST_OWNED = 2
_CANCELLED = 0.04
_ROUNDS_BEFORE_CANCELLING = 40
_MIB = 1024 * 1024
# What may be left of one operation when it is over: of nothing that the garbage collector knows so much as one for
# every twenty, and of small blocks what the ledger and the server, which keep changes of unknown end, hold of them.
# The resident memory also holds what the allocator keeps in reserve, which varies by tens of MiB.
_OBJECTS_LEFT = 1 / 20
_BLOCKS_LEFT = 2.0
_BYTES_LEFT = 1024.0
_BYTES_IN_RESERVE = 32 * _MIB
# What caches and lazy imports make once counts for little, and shows in a short run.
_FEW_OBJECTS = 1000

_TIMEOUT = Timeout(connect=5.0, read=0.5, total=30.0)
_RETRY = RetryPolicy(max_attempts=4, base_delay=0.002, max_delay=1.0)
_PACE = RateLimit(20_000.0)
_POOL_SIZE = 50


@attrs.frozen
class Plan:
    """What is done; it decides, as far as a network lets anybody decide."""

    requests: int
    """How many operations; each id of a sweep is one."""

    seed: int = 0
    tasks: int = 200
    share_of_faults: float = 0.2
    restarts: int = 2
    rate_limit: float | None = 400.0
    """Requests a second that the server accepts for a while after each restart; None for no limit."""


@attrs.define
class Report:
    """What came of it."""

    plan: Plan
    seconds: float = 0.0
    restarts: int = 0
    limits: int = 0
    received: int = 0
    memory: tuple[Memory, Memory] | None = None
    """After a fifth of the operations, and in the end."""

    operations: Counter[str] = attrs.field(factory=Counter[str])
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    struck: Counter[str] = attrs.field(factory=Counter[str])
    broken: dict[str, int] = attrs.field(factory=dict[str, int])
    """Each invariant, and how often it does not hold."""

    samples: list[str] = attrs.field(factory=list[str])
    """Some of what broke them."""

    @property
    def passed(self) -> bool:
        """Whether every invariant holds, and something was done to hold it against."""
        return not any(self.broken.values()) and sum(self.outcomes.values()) > 0

    def __str__(self) -> str:
        lines = [
            f"{self.plan.requests:,} operations, {self.plan.tasks} tasks, seed {self.plan.seed}: {self.seconds:.1f} s",
            f"at the server  {self.received:,} requests, {self.restarts} restarts, {self.limits} times a limit",
            f"operations     {_counted(self.operations)}",
            f"outcomes       {_counted(self.outcomes)}",
            f"faults         {sum(self.struck.values()):,}: {_counted(self.struck)}",
            f"memory         {_memory(self.memory)}, from a fifth of the operations to the end",
            *(f"{count:9,}  {name}" for name, count in self.broken.items()),
            *(f"    for example: {sample}" for sample in self.samples),
            "nothing lost, nothing leaked" if self.passed else "BROKEN",
        ]
        return "\n".join(lines)


def _memory(memory: tuple[Memory, Memory] | None) -> str:
    if memory is None:
        return "not measured"
    before, after = memory
    kind, count = max((after.objects - before.objects).items(), key=lambda each: each[1], default=("nothing", 0))
    return (
        f"{before.resident / _MIB:.1f} to {after.resident / _MIB:.1f} MiB resident, {before.blocks:,} to "
        f"{after.blocks:,} blocks in use, {before.objects.total():,} to {after.objects.total():,} objects, "
        f"most of the new ones {count:,} {kind}"
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counter.most_common())


@attrs.define
class _Owned:
    """A registration that one task of the campaign made, and nobody else changes."""

    registration_id: str
    username: str
    markers: set[str]
    """The values that ``authUser`` may have: more than one where the answer to a change was lost."""


class _Ledger:
    """What was asked for, what came back, and what the server has to hold in the end."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.outcomes = bytearray(report.plan.requests)
        self.held: dict[str, _Owned] = {}
        # By username: the answer to the creation or the deletion was lost, and both ends are right.
        self.perhaps: set[str] = set()
        self.never: dict[int, str] = {}
        self.changes: set[int] = set()
        self.numbers = iter(range(0))
        self._done = 0
        self._milestones: dict[int, asyncio.Event] = {}
        for invariant in (
            "operations without exactly one outcome",
            "values that differ from what the server holds",
            "errors outside UltravoxError",
            "cancellations swallowed",
            "changes carried out twice",
            "changes reported as done and never carried out",
            "changes reported as never sent and carried out",
            "ids of a sweep without exactly one outcome",
            "listings that miss or repeat a registration",
            "registrations lost at the server",
            "registrations at the server that nobody made",
        ):
            report.broken[invariant] = 0

    def broke(self, invariant: str, sample: object) -> None:
        self.report.broken[invariant] += 1
        if len(self.report.samples) < 10:
            self.report.samples.append(f"{invariant}: {sample!r}"[:300])

    def after(self, operations: int) -> asyncio.Event:
        """Return what is set when so many operations are done."""
        return self._milestones.setdefault(max(1, operations), asyncio.Event())

    def note(self, number: int, kind: str, outcome: object) -> None:
        self.outcomes[number] += 1
        self._done += 1
        if self._done in self._milestones:
            self._milestones[self._done].set()
        self.report.operations[kind] += 1
        if isinstance(outcome, asyncio.CancelledError):
            self.report.outcomes["cancelled"] += 1
        elif isinstance(outcome, BaseException):
            self.report.outcomes[type(outcome).__name__] += 1
            if not isinstance(outcome, UltravoxError):
                self.broke("errors outside UltravoxError", outcome)
        else:
            self.report.outcomes["value"] += 1


class _Worker:
    """One task of the campaign."""

    def __init__(self, client: AsyncUltravox, ledger: _Ledger, base: dict[str, SipRegistration], seed: str) -> None:
        self._client = client
        self._ledger = ledger
        self._base = base
        self._ids = list(base)
        self._chance = random.Random(seed)  # noqa: S311 - has to be repeatable, guards nothing
        self._mine: list[_Owned] = []
        self._kinds: dict[Callable[[int], Awaitable[None]], int] = {
            self._get: 34,
            self._get_own: 10,
            self._get_unknown: 3,
            self._get_many: 2,
            self._list: 1,
            self._create: 13,
            self._update: 14,
            self._delete: 12,
            self._get_config: 5,
            self._request: 6,
        }

    async def run(self) -> None:
        for number in self._ledger.numbers:
            (kind,) = self._chance.choices(list(self._kinds), list(self._kinds.values()))
            await kind(number)

    async def _outcome(self, number: int, kind: str, call: Awaitable[object]) -> object:
        outcome = await self._perhaps_cancelled(call)
        self._ledger.note(number, kind, outcome)
        return outcome

    async def _perhaps_cancelled(self, call: Awaitable[object]) -> object:
        if self._chance.random() >= _CANCELLED:
            try:
                return await call
            except Exception as error:  # noqa: BLE001 - which it is, is what is asked
                return error
        task = asyncio.ensure_future(call)
        for _ in range(self._chance.randrange(_ROUNDS_BEFORE_CANCELLING)):
            await asyncio.sleep(0)
        cancelled = task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            return asyncio.CancelledError()
        if cancelled:
            self._ledger.broke("cancellations swallowed", task)
        return task.exception() or task.result()

    def _expect(self, value: object, expected: object) -> None:
        if value != expected:
            self._ledger.broke("values that differ from what the server holds", (value, expected))

    def _expect_base(self, registration_id: str, value: object) -> None:
        if not isinstance(value, BaseException):
            self._expect(value, self._base[registration_id])

    def _expect_own(self, owned: _Owned, value: object) -> None:
        if isinstance(value, SipRegistration):
            seen = value.registration_id, value.username, value.auth_user in owned.markers
            self._expect(seen, (owned.registration_id, owned.username, True))

    async def _get(self, number: int) -> None:
        registration_id = self._chance.choice(self._ids)
        value = await self._outcome(number, "get", self._client.sip.registrations.get(registration_id))
        self._expect_base(registration_id, value)

    async def _get_own(self, number: int) -> None:
        if not self._mine:
            await self._get(number)
            return
        owned = self._chance.choice(self._mine)
        value = await self._outcome(number, "get", self._client.sip.registrations.get(owned.registration_id))
        self._expect_own(owned, value)
        if isinstance(value, NotFoundError):
            self._ledger.broke("registrations lost at the server", owned)

    async def _get_unknown(self, number: int) -> None:
        value = await self._outcome(number, "get", self._client.sip.registrations.get(f"no-such-{number}"))
        if not isinstance(value, BaseException):
            self._expect(value, "no such registration")

    async def _get_many(self, number: int) -> None:
        numbers = [number, *itertools.islice(self._ledger.numbers, _IDS_OF_A_SWEEP)]
        asked = self._chance.sample(self._ids, len(numbers) - 1)
        outcomes: list[tuple[str, object]] = []
        if self._chance.random() < 0.5:
            call = self._sweep_as_a_whole([*asked, *asked[:2], f"no-such-{number}"], outcomes)
        else:
            call = self._sweep_one_by_one([*asked, *asked[:2], f"no-such-{number}"], outcomes)
        ended = await self._perhaps_cancelled(call)
        by_id = dict(outcomes)
        complete = ended is None and set(by_id) == {*asked, f"no-such-{number}"}
        if len(by_id) != len(outcomes) or not (complete or isinstance(ended, asyncio.CancelledError)):
            self._ledger.broke("ids of a sweep without exactly one outcome", (ended, outcomes))
        for each, registration_id in zip(numbers, [*asked, f"no-such-{number}"], strict=True):
            self._ledger.note(each, "get_many", by_id.get(registration_id, ended))
        for registration_id, value in outcomes:
            if registration_id in self._base:
                self._expect_base(registration_id, value)
            elif not isinstance(value, BaseException):
                self._expect(value, "no such registration")

    async def _sweep_as_a_whole(self, ids: list[str], outcomes: list[tuple[str, object]]) -> None:
        result = await self._client.sip.registrations.get_many(ids, concurrency=4)
        outcomes.extend(result.found.items())
        outcomes.extend(result.failed.items())

    async def _sweep_one_by_one(self, ids: list[str], outcomes: list[tuple[str, object]]) -> None:
        sweep = aiter(self._client.sip.registrations.get_many(ids, concurrency=4))
        async with contextlib.aclosing(sweep):
            async for outcome in sweep:
                # One by one: those before a cancellation are outcomes too.
                outcomes.append((outcome.key, outcome.error or outcome.value))  # noqa: PERF401 - see above

    async def _list(self, number: int) -> None:
        listed: list[SipRegistration] = []
        ended = await self._outcome(number, "list", self._listing(listed))
        known = [each for each in listed if each.registration_id in self._base]
        for each in known:
            self._expect_base(each.registration_id, each)
        ids = [each.registration_id for each in known]
        if ids != (self._ids if ended is None else self._ids[: len(ids)]):
            self._ledger.broke("listings that miss or repeat a registration", ids)

    async def _listing(self, listed: list[SipRegistration]) -> None:
        async for each in self._client.sip.registrations.list(page_size=200):
            # One by one: those before a failure have to be right too.
            listed.append(each)  # noqa: PERF401 - see above

    async def _create(self, number: int) -> None:
        if len(self._mine) >= _MOST_OWNED:
            await self._delete(number)
            return
        username, marker = f"made-by-{number}", str(number)
        self._ledger.changes.add(number)
        made = await self._outcome(
            number,
            "create",
            self._client.sip.registrations.create(
                username=username, password=f"secret-{number}", proxy="sip.example.com", auth_user=marker
            ),
        )
        if isinstance(made, SipRegistration):
            owned = _Owned(made.registration_id, username, {marker})
            self._expect_own(owned, made)
            self._ledger.held[username] = owned
            self._mine.append(owned)
        else:
            self._note_failed_change(number, made)
            self._ledger.perhaps.add(username)

    def _note_failed_change(self, number: int, error: object) -> None:
        self._ledger.changes.discard(number)
        if _had_no_effect(error):
            self._ledger.never[number] = repr(error)

    async def _update(self, number: int) -> None:
        if not self._mine:
            await self._create(number)
            return
        owned = self._mine.pop(self._chance.randrange(len(self._mine)))
        marker = str(number)
        self._ledger.changes.add(number)
        changed = await self._outcome(
            number, "update", self._client.sip.registrations.update(owned.registration_id, auth_user=marker)
        )
        if isinstance(changed, SipRegistration):
            owned.markers = {marker}
            self._expect_own(owned, changed)
            self._mine.append(owned)
        else:
            # Not touched again: what was asked for may still be on its way.
            owned.markers.add(marker)
            self._note_failed_change(number, changed)
            if isinstance(changed, NotFoundError):
                self._ledger.broke("registrations lost at the server", owned)

    async def _delete(self, number: int) -> None:
        if not self._mine:
            await self._create(number)
            return
        owned = self._mine.pop(self._chance.randrange(len(self._mine)))
        outcome = await self._outcome(number, "delete", self._client.sip.registrations.delete(owned.registration_id))
        del self._ledger.held[owned.username]
        # Nobody else deletes it, so that a 404 means that the answer to an earlier attempt was lost.
        if outcome is not None and not isinstance(outcome, NotFoundError):
            self._ledger.perhaps.add(owned.username)

    async def _get_config(self, number: int) -> None:
        config = await self._outcome(number, "get_config", self._client.sip.get_config())
        if not isinstance(config, BaseException):
            self._expect(getattr(config, "allowed_cidr_ranges", config), ["0.0.0.0/0"])

    async def _request(self, number: int) -> None:
        registration_id = self._chance.choice(self._ids)
        value = await self._outcome(number, "request", self._decoded(f"/api/sip/registrations/{registration_id}"))
        self._expect_base(registration_id, value)

    async def _decoded(self, path: str) -> SipRegistration:
        return (await self._client.request("GET", path)).decode(SipRegistration)


def _had_no_effect(error: object) -> bool:
    return isinstance(error, RateLimitError) or (isinstance(error, APIConnectionError) and not error.connected)


async def run(plan: Plan) -> Report:
    """Carry out the plan, and look at everything afterwards."""
    report = Report(plan)
    ledger = _Ledger(report)
    weather = Weather(operations=plan.requests, seed=plan.seed, share=plan.share_of_faults)
    before = other_tasks()
    started = time.monotonic()
    async with Emulator(
        registrations=_REGISTRATIONS, seed=plan.seed, requests_per_second=None, record_limit=0, pending_reads=0
    ) as emulator:
        client = AsyncUltravox(
            emulator.api_key,
            base_url=emulator.base_url,
            timeout=_TIMEOUT,
            retry=_RETRY,
            rate_limit=_PACE,
            pool_size=_POOL_SIZE,
        )
        async with client:
            base = {each.registration_id: each async for each in client.sip.registrations.list()}
            emulator.inject(weather)
            await _weather_it(plan, ledger, client, emulator, base)
            report.received, report.struck = emulator.received, weather.struck
            report.broken |= left_in(client)
            emulator.clear_faults()
            await _compare(ledger, client, emulator, base)
        _compare_changes(ledger, weather)
    # The sockets of what was closed last are given back in the next round of the event loop.
    await asyncio.sleep(0)
    report.broken["tasks after the end"] = len(other_tasks() - before)
    report.seconds = time.monotonic() - started
    return report


async def _weather_it(
    plan: Plan, ledger: _Ledger, client: AsyncUltravox, emulator: Emulator, base: dict[str, SipRegistration]
) -> None:
    workers = [_Worker(client, ledger, base, f"{plan.seed}/{each}") for each in range(plan.tasks)]
    ledger.numbers = iter(range(plan.requests // 5))
    await asyncio.gather(*(worker.run() for worker in workers))
    before = Memory.now()
    ledger.numbers = iter(range(plan.requests // 5, plan.requests))
    running = [asyncio.create_task(worker.run()) for worker in workers]
    for each in range(1, plan.restarts + 1):
        await ledger.after(plan.requests // 5 * (1 + each)).wait()
        await _restart(emulator)
        ledger.report.restarts += 1
        if plan.rate_limit is None:
            continue
        emulator.change_rate_limit(plan.rate_limit)
        await ledger.after(plan.requests // 5 * (1 + each) + plan.requests // 50).wait()
        emulator.change_rate_limit(None)
        ledger.report.limits += 1
    await asyncio.gather(*running)
    _compare_memory(ledger.report, before, Memory.now())
    ledger.report.broken["operations without exactly one outcome"] = sum(each != 1 for each in ledger.outcomes)


def _compare_memory(report: Report, before: Memory, after: Memory) -> None:
    report.memory = before, after
    operations = report.plan.requests - report.plan.requests // 5
    most = max(_OBJECTS_LEFT * operations, _FEW_OBJECTS)
    grown = {kind: count for kind, count in (after.objects - before.objects).items() if count > most}
    report.broken["kinds of objects that grow with the number of operations"] = len(grown)
    report.samples.extend(f"{count:,} more {kind}" for kind, count in grown.items())
    blocks = after.blocks - before.blocks - _BLOCKS_LEFT * operations - 10 * _FEW_OBJECTS
    report.broken["blocks of memory beyond what may be left"] = max(0, int(blocks))
    resident = after.resident - before.resident - _BYTES_LEFT * operations - _BYTES_IN_RESERVE
    report.broken["bytes of resident memory beyond what may be left"] = max(0, int(resident))


async def _restart(emulator: Emulator) -> None:
    # asyncio loses a connection, with its socket, that it accepts in the moment in which the server is closed.
    while any("_accept_connection2" in repr(task) for task in other_tasks()):  # noqa: ASYNC110 - asyncio tells nobody
        await asyncio.sleep(0)
    await emulator.stop()
    # Long enough for some to be turned away, and short enough for their repetitions to get through.
    for _ in range(5):
        await asyncio.sleep(0)
    await emulator.start()


async def _compare(
    ledger: _Ledger, client: AsyncUltravox, emulator: Emulator, base: dict[str, SipRegistration]
) -> None:
    there = await _without_the_package(emulator)
    listed = {each.registration_id: each async for each in client.sip.registrations.list(page_size=1000)}
    fetched = await client.sip.registrations.get_many(there)
    for registration_id, wire in there.items():
        read = [listed.get(registration_id), fetched.found.get(registration_id)]
        expected = [wire["username"], wire["authUser"]]
        if any(each is None or [each.username, each.auth_user] != expected for each in read):
            ledger.broke("values that differ from what the server holds", (read, wire))
    if listed.keys() != there.keys():
        ledger.broke("listings that miss or repeat a registration", listed.keys() ^ there.keys())
    made = Counter(wire["username"] for registration_id, wire in there.items() if registration_id not in base)
    for username, count in made.items():
        if count > 1 or (username not in ledger.held and username not in ledger.perhaps):
            ledger.broke("registrations at the server that nobody made", (username, count))
    for owned in ledger.held.values():
        found = there.get(owned.registration_id)
        if found is None:
            ledger.broke("registrations lost at the server", owned)
        elif found["username"] != owned.username or found["authUser"] not in owned.markers:
            ledger.broke("values that differ from what the server holds", (found, owned))
    for registration_id in base.keys() - there.keys():
        ledger.broke("registrations lost at the server", registration_id)


async def _without_the_package(emulator: Emulator) -> dict[str, dict[str, str]]:
    there: dict[str, dict[str, str]] = {}
    url = f"{emulator.base_url}/api/sip/registrations?pageSize=1000"
    async with aiohttp.ClientSession(headers={"X-API-Key": emulator.api_key}) as session:
        while url:
            async with session.get(url) as response:
                page = await response.json()
            there |= {each["registrationId"]: each for each in page["results"]}
            url = page["next"]
    return there


def _compare_changes(ledger: _Ledger, weather: Weather) -> None:
    for number, times in enumerate(weather.applied):
        if times > 1:
            ledger.broke("changes carried out twice", number)
    for number in ledger.changes:
        if not weather.applied[number]:
            ledger.broke("changes reported as done and never carried out", number)
    for number, error in ledger.never.items():
        if weather.applied[number]:
            ledger.broke("changes reported as never sent and carried out", (number, error))
