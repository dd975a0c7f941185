"""Incoming SIP calls: which agent gets them, or what the fallback handler says."""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import cast

import aiohttp
import attrs
import orjson

from ultravox_async.testing._account import Account
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._outgoing import Outgoing
from ultravox_async.testing._routing import NotFound
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Json
from ultravox_async.types.calls import CallSettings
from ultravox_async.types.sip_fallback import FallbackAgentCall, SipRejection

_PATIENCE = 5.0
_DECLINE = 603
_NOT_FOUND = 404
_BAD_GATEWAY = 502
_GATEWAY_TIMEOUT = 504


@attrs.frozen
class SipCallOutcome:
    """What a caller hears from Ultravox."""

    status: int
    """The status of the SIP response: 200 if a call was started."""

    call_id: str | None = None
    """The id of the call that was started; None for none."""

    reason: str = ""
    """Why none was started."""


@attrs.frozen
class Invite:
    """An incoming SIP call."""

    to_uri: str
    from_uri: str
    display_name: str | None
    headers: Mapping[str, str]

    @property
    def caller_id(self) -> str:
        """The user part of the URI of the caller."""
        return _user_of(self.from_uri)

    def body(self) -> bytes:
        """What a fallback handler is sent."""
        return orjson.dumps(
            {
                "callerId": self.caller_id,
                "fromDisplayName": self.display_name,
                "fromUri": self.from_uri,
                "toUri": self.to_uri,
                "sipHeaders": dict(self.headers),
            }
        )


def _user_of(uri: str) -> str:
    return uri.partition(":")[2].rpartition("@")[0]


@attrs.frozen
class SipCalls:
    """Takes the incoming SIP calls of an account."""

    account: Account
    lock: threading.Lock
    outgoing: Outgoing

    async def take(self, invite: Invite) -> SipCallOutcome:
        """Start a call with the agent that is called, or do what the fallback handler says."""
        with self.lock:
            agent = self._allowed_agent(_user_of(invite.to_uri))
            if agent is not None:
                return self._start(invite, {}, agent)
            handler = self.account.sip_configuration.fields["fallbackHandler"]
        if not isinstance(handler, dict):
            return SipCallOutcome(_NOT_FOUND, reason="no agent is allowed, and there is no fallback handler")
        secrets = cast("list[str]", handler["secrets"])
        try:
            status, body = await self.outgoing.post(str(handler["url"]), invite.body(), secrets, _PATIENCE)
        except TimeoutError:
            return SipCallOutcome(_GATEWAY_TIMEOUT, reason=f"the fallback handler took more than {_PATIENCE:g} s")
        except aiohttp.ClientError as error:
            return SipCallOutcome(_BAD_GATEWAY, reason=f"the fallback handler is not reached: {type(error).__name__}")
        if status not in range(200, 300):
            return SipCallOutcome(_BAD_GATEWAY, reason=f"the fallback handler answered with status {status}")
        with self.lock:
            return self._answered(invite, body)

    def _allowed_agent(self, user: str) -> Entry | None:
        config = self.account.sip_configuration.fields
        for allowance in cast("Sequence[Mapping[str, str]]", config["allowedAgents"]):
            if re.search(allowance["toUserPattern"], user):
                return self._agent(allowance["agentId"])
        return self._agent(user.removeprefix("agent_")) if config["allowAllAgents"] else None

    def _agent(self, agent_id: str) -> Entry | None:
        try:
            return self.account.agents.agents.find(agent_id)
        except NotFound:
            return None

    def _answered(self, invite: Invite, body: bytes) -> SipCallOutcome:
        try:
            return self._carried_out(invite, json_object(body))
        except Invalid as invalid:
            return SipCallOutcome(_BAD_GATEWAY, reason=f"the answer of the fallback handler is wrong: {invalid.errors}")

    def _carried_out(self, invite: Invite, answer: dict[str, Json]) -> SipCallOutcome:
        kind, fields = _only_variant(answer)
        if kind == "reject":
            rejection = check_fields(SipRejection, fields)
            code = cast("int", rejection.get("sipRejectCode", _DECLINE))
            return SipCallOutcome(code, reason=str(rejection.get("message", "")))
        if kind == "startCall":
            return self._start(invite, self.account.calls.checked(CallSettings, fields), None)
        checked = self.account.calls.checked(FallbackAgentCall, fields)
        agent = self._agent(str(checked.pop("agentId")))
        if agent is None:
            raise Invalid({"agentId": ["There is no such agent in this account."]})
        return self._start(invite, checked, agent)

    def _start(self, invite: Invite, fields: Mapping[str, Json], agent: Entry | None) -> SipCallOutcome:
        known = {
            "caller_id": invite.caller_id,
            "from_display_name": invite.display_name,
            "from_uri": invite.from_uri,
        }
        sip: dict[str, Json] = {name: value for name, value in known.items() if value is not None}
        metadata = cast("dict[str, Json]", fields.get("metadata") or {})
        whole: dict[str, Json] = {
            **fields,
            "medium": {"sip": {"incoming": {}}},
            "metadata": {**metadata, **{f"ultravox.sip.{name}": value for name, value in sip.items()}},
            "requestContext": {"ultravox": {"sip": sip}},
        }
        calls = self.account.calls
        call = calls.add_written(whole) if agent is None else calls.add_of_agent(agent, whole)
        return SipCallOutcome(200, str(call.shown["callId"]))


def _only_variant(answer: Mapping[str, Json]) -> tuple[str, dict[str, Json]]:
    variants = [(name, answer[name]) for name in ("startAgentCall", "startCall", "reject") if name in answer]
    if len(variants) != 1:
        raise Invalid({"detail": f"The answer has to have exactly one variant, not {len(variants)}."})
    ((kind, fields),) = variants
    if not isinstance(fields, dict):
        raise Invalid({kind: ["Expected an object."]})
    return kind, fields
