"""What the SIP part of the API does besides storing what it is sent."""

from random import Random
from typing import cast
from weakref import WeakKeyDictionary

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._document import Document
from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._wire import Json


@attrs.define(eq=False, kw_only=True)
class Registrations(Collection):
    """Registrations, each of which succeeds or fails depending on its proxy.

    The outcome is known after some reads: until then `successful` is null. Each change of a registration starts that
    anew.
    """

    pending_reads: int
    """How many reads show `successful` as null before the outcome is known."""

    refused_proxies: set[str]
    """The proxies with which a registration fails."""

    _reads_left: WeakKeyDictionary[Entry, int] = attrs.field(
        init=False, factory=WeakKeyDictionary[Entry, int], repr=False
    )

    def add_settled(self, count: int) -> None:
        """Create `count` made-up registrations whose outcome is known already."""
        for number in range(count):
            entry = self.add(_made_up_fields(number, self.random))
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


def _made_up_fields(number: int, random: Random) -> dict[str, Json]:
    return {
        "username": f"user-{number:06d}",
        "proxy": f"sip-{number % 8}.example.com",
        "outboundProxy": "edge.example.com" if number % 10 == 3 else None,  # noqa: PLR2004 - one in ten
        "authUser": f"auth-{number:06d}" if number % 10 == 6 else None,  # noqa: PLR2004 - one in ten
        "password": f"{random.getrandbits(64):016x}",
    }


@attrs.define(eq=False)
class SipConfiguration(Document):
    """The SIP configuration of the account, which fills in what the client may leave to the API."""

    random: Random
    """Makes secrets."""

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
