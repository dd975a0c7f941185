"""A watch over registrations that change, through 429s and an outage; exits with 1 if anything is broken."""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence

import attrs

from ultravox_async import (
    Added,
    AsyncUltravox,
    Change,
    Changed,
    Interrupted,
    Removed,
    Resumed,
    RetryPolicy,
    SipRegistration,
)
from ultravox_async.testing import Emulator, Respond

_PATH = "/api/sip/registrations"
_REFUSED = Respond(429, {"Retry-After": "1"}, b'{"detail": "Request was throttled."}')


@attrs.define
class Watched:
    """What a watch has told, and what has happened."""

    registrations: int
    made: set[tuple[str, str]] = attrs.field(factory=set[tuple[str, str]])
    """What was changed: the kind of the change, and the id."""

    told: Counter[tuple[str, str]] = attrs.field(factory=Counter[tuple[str, str]])
    unconfirmed: list[str] = attrs.field(factory=list[str])
    """The removals that were told before a GET of that id was answered with 404."""

    interruptions: Counter[str] = attrs.field(factory=Counter[str])
    refused: int = 0
    """How many requests were answered with 429."""

    @property
    def passed(self) -> bool:
        exactly_once = self.told == Counter(dict.fromkeys(self.made, 1))
        return exactly_once and not self.unconfirmed and min(self.refused, self.interruptions.total()) > 0

    def __str__(self) -> str:
        kinds = Counter(kind for kind, _ in self.made)
        missing = len(self.made - set(self.told))
        repeated = sum(times - 1 for times in self.told.values())
        begun, ended = self.interruptions["Interrupted"], self.interruptions["Resumed"]
        return (
            f"{self.registrations} registrations, {len(self.made)} changes ({dict(kinds)}), "
            f"{self.refused} refusals (429), "
            f"interrupted {begun} and resumed {ended} times: {missing} changes not told, {repeated} told again, "
            f"{len(set(self.told) - self.made)} made up, {len(self.unconfirmed)} removals without a 404 of their own"
        )


async def watch(registrations: int, changes: int, outage: float, interval: float) -> Watched:
    """Watch registrations while a part of them is changed: before, during and after an outage of so many seconds."""
    found = Watched(registrations)
    async with Emulator(registrations=registrations, pending_reads=0) as emulator:
        emulator.inject(_REFUSED, probability=0.3)
        # With the usual patience a round waits for the end of the outage, and is not interrupted.
        retry = RetryPolicy(patience=2.0)
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url, retry=retry) as watching:
            ready = asyncio.Event()
            task = asyncio.create_task(_listen(watching, emulator, found, interval, ready))
            await ready.wait()
            await _change(emulator, found, changes, outage)
            await asyncio.sleep(10.0)  # several rounds: what is told again, or late, is told now
            task.cancel()
            await asyncio.wait([task])
        found.refused = emulator.counts[429]
    return found


async def _listen(
    ultravox: AsyncUltravox, emulator: Emulator, found: Watched, interval: float, ready: asyncio.Event
) -> None:
    seen = 0
    async for change in ultravox.sip.registrations.watch(interval=interval):
        if seen < found.registrations and isinstance(change, Added):
            seen += 1
        else:
            _note(change, emulator, found)
        if seen == found.registrations:  # that was the first round, which the others are compared with
            ready.set()


def _note(change: Change[SipRegistration], emulator: Emulator, found: Watched) -> None:
    kind = type(change).__name__
    match change:
        case Interrupted() | Resumed():
            found.interruptions[kind] += 1
        case Added(key) | Changed(key) | Removed(key):
            found.told[kind, key] += 1
            if isinstance(change, Removed) and not _is_gone(emulator, key):
                found.unconfirmed.append(key)


def _is_gone(emulator: Emulator, registration_id: str) -> bool:
    path = f"{_PATH}/{registration_id}"
    return any((each.method, each.path, each.status) == ("GET", path, 404) for each in emulator.requests)


async def _change(emulator: Emulator, found: Watched, changes: int, outage: float) -> None:
    # Each change is to another registration: two changes of one between two rounds are one difference.
    ids = emulator.registration_ids[:: len(emulator.registration_ids) // changes]
    # Three of ten requests are refused: of fifty changes, one would often be refused four times in a row.
    retry = RetryPolicy(max_attempts=20)
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url, retry=retry) as ultravox:
        registrations = ultravox.sip.registrations
        for number in range(changes):
            if number == changes // 2:
                await emulator.stop()
                await asyncio.sleep(outage)
                await emulator.start()
            if number % 3 == 0:
                new = await registrations.create(username=f"user {number}", password="secret", proxy="sip.example.com")
                found.made.add(("Added", new.registration_id))
            elif number % 3 == 1:
                await registrations.delete(ids[number])
                found.made.add(("Removed", ids[number]))
            else:
                await registrations.update(ids[number], auth_user=f"user {number}")
                found.made.add(("Changed", ids[number]))
            await asyncio.sleep(0.1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; return 1 where something is broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.watching", description=__doc__)
    parser.add_argument("--registrations", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--changes", type=int, default=50, help="(default: %(default)s)")
    parser.add_argument("--outage", type=float, default=10.0, help="seconds (default: %(default)s)")
    options = parser.parse_args(argv)
    found = asyncio.run(watch(options.registrations, options.changes, options.outage, 0.5))
    sys.stdout.write(f"{found}{'' if found.passed else ' BROKEN'}\n")
    return 0 if found.passed else 1


if __name__ == "__main__":
    sys.exit(main())
