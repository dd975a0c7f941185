"""The registrations of the emulated account, in memory."""

import random
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter

import attrs

from ultravox_async.testing._wire import Json

# In UTC; not said in the type, because its formatting would take most of the time that a large account takes to make.
_FIRST_CREATED = datetime(2026, 1, 1)  # noqa: DTZ001 - see above
_BETWEEN_TWO = timedelta(seconds=61, microseconds=17)

_position_of = attrgetter("position")


@attrs.define(eq=False)
class Registration:
    """One registration of the emulated account."""

    position: int
    """How many registrations were made before this one; never used again for another one."""

    password: str = attrs.field(repr=False)
    """The password, which no answer shows."""

    wire: dict[str, Json]
    """What an answer shows."""

    pending_reads: int
    """How many more reads show `successful` as null."""


@attrs.frozen
class Slice:
    """Consecutive registrations, and where to go on from there."""

    registrations: list[Registration]
    """The registrations, in the order in which they were created."""

    before: int | None
    """The position to end before for the ones that come before these, None where there are none."""

    after: int | None
    """The position to start at for the ones that come after these, None where there are none yet."""


class Registrations:
    """All registrations of the account, by id and in the order in which they were created.

    The outcome of a registration is known after some reads: until then its `successful` is null. A change of what
    it registers with starts that anew.
    """

    def __init__(self, count: int, seed: int, pending_reads: int, refused_proxies: Iterable[str]) -> None:
        """Make `count` registrations that are settled already, the same ones for the same `seed`."""
        self._random = random.Random(seed)  # noqa: S311 - has to be repeatable, guards nothing
        self._pending_reads = pending_reads
        self._refused_proxies = set(refused_proxies)
        self._created = 0
        self._by_id: dict[str, Registration] = {}
        # Sorted by position. Taking one out costs a move of the pointers behind it: microseconds even for 100,000.
        self._in_order: list[Registration] = []
        for number in range(count):
            seeded = self.create(f"{self._random.getrandbits(64):016x}", _seeded_fields(number))
            self._settle(seeded)
            if number % 50 == 9:  # noqa: PLR2004 - two in a hundred
                seeded.wire["successful"] = False

    def __len__(self) -> int:
        return len(self._in_order)

    def ids(self) -> list[str]:
        """The ids, in the order in which the registrations were created."""
        return [str(registration.wire["registrationId"]) for registration in self._in_order]

    def find(self, registration_id: str) -> Registration | None:
        """The registration of this id, if there is one."""
        return self._by_id.get(registration_id)

    def create(self, password: str, fields: Mapping[str, Json]) -> Registration:
        """Add a registration whose outcome is not known yet."""
        registration_id = _version_4_uuid(self._random.getrandbits(128))
        created = _FIRST_CREATED + self._created * _BETWEEN_TWO
        registration = Registration(
            position=self._created,
            password=password,
            wire={
                "registrationId": registration_id,
                "created": f"{created.isoformat(timespec='microseconds')}Z",
                "username": fields["username"],
                "proxy": fields["proxy"],
                "outboundProxy": fields.get("outboundProxy"),
                "authUser": fields.get("authUser"),
                "successful": None,
            },
            pending_reads=self._pending_reads,
        )
        self._created += 1
        self._by_id[registration_id] = registration
        self._in_order.append(registration)
        return registration

    def change(self, registration: Registration, fields: dict[str, Json]) -> None:
        """Set those fields of a registration that were sent; one that differs makes it register anew."""
        wanted = dict(fields)
        password = str(wanted.pop("password", registration.password))
        changed = {**registration.wire, **wanted}
        if changed != registration.wire or password != registration.password:
            registration.password = password
            registration.wire = {**changed, "successful": None}
            registration.pending_reads = self._pending_reads

    def remove(self, registration: Registration) -> None:
        """Forget a registration."""
        del self._by_id[str(registration.wire["registrationId"])]
        del self._in_order[self._index_of(registration.position)]

    def read(self, registration: Registration) -> dict[str, Json]:
        """What an answer shows of a registration; being shown is what lets its outcome become known."""
        if registration.wire["successful"] is None:
            if registration.pending_reads > 0:
                registration.pending_reads -= 1
            else:
                self._settle(registration)
        return registration.wire

    def starting_at(self, position: int, size: int) -> Slice:
        """At most `size` registrations, the first one the one at `position` or next after it."""
        start = self._index_of(position)
        return self._slice(start, min(start + size, len(self)))

    def ending_before(self, position: int, size: int) -> Slice:
        """At most `size` registrations, the last one the one just before `position`."""
        end = self._index_of(position)
        return self._slice(max(0, end - size), end)

    def refuse_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy fail, those that have succeeded too."""
        self._refused_proxies.add(proxy)
        self._settle_again(proxy)

    def accept_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy succeed, those that have failed too."""
        self._refused_proxies.discard(proxy)
        self._settle_again(proxy)

    def _settle_again(self, proxy: str) -> None:
        for registration in self._in_order:
            if registration.wire["proxy"] == proxy and registration.wire["successful"] is not None:
                self._settle(registration)

    def _settle(self, registration: Registration) -> None:
        registration.wire["successful"] = registration.wire["proxy"] not in self._refused_proxies

    def _index_of(self, position: int) -> int:
        return bisect_left(self._in_order, position, key=_position_of)

    def _slice(self, start: int, end: int) -> Slice:
        in_order = self._in_order
        return Slice(
            registrations=in_order[start:end],
            before=in_order[start - 1].position + 1 if start > 0 else None,
            after=in_order[end].position if end < len(in_order) else None,
        )


def _version_4_uuid(bits: int) -> str:
    # By hand, because uuid.UUID takes twice as long, which tells with 100,000 of them.
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _seeded_fields(number: int) -> dict[str, Json]:
    return {
        "username": f"user-{number:06d}",
        "proxy": f"sip-{number % 8}.example.com",
        "outboundProxy": "edge.example.com" if number % 10 == 3 else None,  # noqa: PLR2004 - one in ten
        "authUser": f"auth-{number:06d}" if number % 10 == 6 else None,  # noqa: PLR2004 - one in ten
    }
