"""The resources of SIP, where the API does more than store what is sent."""

from random import Random
from typing import cast
from weakref import WeakKeyDictionary

import attrs

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._document import Document
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._wire import Json


@attrs.define(eq=False, kw_only=True)
class Registrations(Collection):
    """SIP registrations, which succeed unless their proxy is refused.

    The outcome of a registration is known after some reads; until then `successful` is null. A change makes it unknown
    again.
    """

    pending_reads: int
    """How many reads show `successful` as null before the outcome is known."""

    refused_proxies: set[str]
    """The proxies with which a registration fails."""

    _reads_left: WeakKeyDictionary[Entry, int] = attrs.field(
        init=False, factory=WeakKeyDictionary[Entry, int], repr=False
    )

    def add_settled(self, count: int) -> None:
        """Create `count` registrations with generated fields, whose outcome is known."""
        for number in range(count):
            entry = self.add(_generated_fields(number, self.random))
            self._settle(entry)
            if number % 50 == 9:  # noqa: PLR2004 - two in a hundred
                entry.shown["successful"] = False

    def refuse_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy fail, those that have succeeded too."""
        self.refused_proxies.add(proxy)
        self._settle_again(proxy)

    def accept_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy succeed, those that have failed too."""
        self.refused_proxies.discard(proxy)
        self._settle_again(proxy)

    def _on_write(self, entry: Entry) -> None:
        entry.shown["successful"] = None
        self._reads_left[entry] = self.pending_reads

    def _on_read(self, entry: Entry) -> None:
        if entry.shown["successful"] is not None:
            return
        if self._reads_left[entry] > 0:
            self._reads_left[entry] -= 1
        else:
            self._settle(entry)

    def _settle_again(self, proxy: str) -> None:
        for entry in self.entries:
            if entry.shown["proxy"] == proxy and entry.shown["successful"] is not None:
                self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        entry.shown["successful"] = entry.shown["proxy"] not in self.refused_proxies


def _generated_fields(number: int, random: Random) -> dict[str, Json]:
    return {
        "username": f"user-{number:06d}",
        "proxy": f"sip-{number % 8}.example.com",
        "outboundProxy": "edge.example.com" if number % 10 == 3 else None,  # noqa: PLR2004 - one in ten
        "authUser": f"auth-{number:06d}" if number % 10 == 6 else None,  # noqa: PLR2004 - one in ten
        "password": f"{random.getrandbits(64):016x}",
    }


@attrs.define(eq=False)
class SipConfiguration(Document):
    """The SIP configuration of an account; it sets what a client may leave to the server."""

    random: Random
    """Generates the secrets of the fallback handler."""

    def _read_changes(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        changes = super()._read_changes(shape, request)
        agents = changes.get("allowedAgents")
        if isinstance(agents, list):
            changes["allowedAgents"] = [_with_pattern(agent) for agent in agents]
        handler = changes.get("fallbackHandler")
        if isinstance(handler, dict):
            changes["fallbackHandler"] = {"secrets": [f"{self.random.getrandbits(160):040x}"], **handler}
        return changes


def new_sip_configuration(random: Random) -> SipConfiguration:
    """The SIP configuration of a new account."""
    fields: dict[str, Json] = {
        "allowedCidrRanges": ["0.0.0.0/0"],
        "allowAllAgents": False,
        "allowedAgents": [],
        "fallbackHandler": None,
        "domain": f"{random.getrandbits(32):08x}.sip.example.com",
    }
    return SipConfiguration(fields, random)


def _with_pattern(allowance: Json) -> Json:
    sent = cast("dict[str, Json]", allowance)
    agent_id = str(sent["agentId"]).lower()
    return {"toUserPattern": f"^agent_{agent_id}$", **sent, "agentId": agent_id}
