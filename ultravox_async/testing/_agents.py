"""Agents, and the batches of calls that are scheduled for them."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import cast
from xml.sax.saxutils import quoteattr

import attrs

from ultravox_async.testing._calls import Calls
from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._filters import CALL_CONDITIONS, Filters, found_in, is_in
from ultravox_async.testing._forms import read_fields
from ultravox_async.testing._nested import Nested
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._validation import json_object
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.agents import Agent, AgentChanges, AgentFilters, NewAgent, StartAgentCall
from ultravox_async.types.scheduled_batches import (
    NewScheduledCallBatch,
    ScheduledCallBatch,
    ScheduledCallBatchChanges,
    ScheduledCallFilters,
)
from ultravox_async.types.shared.call_filters import CallConditions

_SCHEDULED = Filters(ScheduledCallFilters, {"status": is_in("status")})
_USED = Filters(CallConditions, CALL_CONDITIONS)


@attrs.define(eq=False, kw_only=True)
class Agents(Collection):
    """The agents of the account."""

    calls: Calls
    """The calls of the account, those of agents and others."""

    def list_calls(self, request: ApiRequest) -> Answer:
        """List a page of the calls of an agent."""
        return self.calls.page_of(self._calls_of(self._requested(request)), request)

    def create_call(self, request: ApiRequest) -> Answer:
        """Start a call of an agent."""
        agent = self._requested(request)
        call = self.calls.add_of_agent(agent, self.calls.checked(StartAgentCall, json_object(request.body)))
        return json_answer(201, call.shown)

    def create_call_by_telephony(self, request: ApiRequest) -> Answer:
        """Start a call of an agent, as a telephony provider does it, and say how to connect it.

        The API has other XML for each provider; here all of them get that of Twilio.
        """
        agent = self._requested(request)
        context: Json = {"ultravox": {"twilio": read_fields(request)}}
        call = self.calls.add_of_agent(agent, {"medium": {"twilio": {}}, "requestContext": context})
        stream = f"<Stream url={quoteattr(str(call.shown['joinUrl']))}/>"
        body = f'<?xml version="1.0" encoding="UTF-8"?><Response><Connect>{stream}</Connect></Response>'
        return Answer(200, body.encode(), {"Content-Type": "text/xml"})

    def usage(self, request: ApiRequest) -> Answer:
        """Sum up the calls of each agent that has some, by day; only those that fulfil the conditions count."""
        counted = _USED.select(self.calls.entries, request.query)
        of_each = [(agent, self._calls_of(agent, counted)) for agent in self.entries]
        used = [(agent, calls) for agent, calls in of_each if calls]
        return json_answer(200, [_usage(agent, calls) for agent, calls in used])

    def _calls_of(self, agent: Entry, calls: Sequence[Entry] | None = None) -> list[Entry]:
        of_all = self.calls.entries if calls is None else calls
        return [call for call in of_all if call.shown["agentId"] == agent.shown["agentId"]]

    def _fields_in(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        fields = super()._fields_in(shape, request)
        self.calls.tools.check_selected(fields, "callTemplate", "selectedTools")
        return fields

    def _on_write(self, entry: Entry) -> None:
        entry.shown["publishedRevisionId"] = entry.shown["agentId"]
        template = entry.shown["callTemplate"]
        if isinstance(template, dict) and "sharedSecrets" in template:
            entry.hidden["sharedSecrets"] = template.pop("sharedSecrets")
        self._on_read(entry)

    def _on_read(self, entry: Entry) -> None:
        entry.shown["statistics"] = {"calls": len(self._calls_of(entry))}


@attrs.define(eq=False, kw_only=True)
class ScheduledBatches(Collection):
    """The batches of an agent. None of their calls is ever started."""

    def list_scheduled_calls(self, request: ApiRequest) -> Answer:
        """List a page of the calls of a batch."""
        batch = self._requested(request)
        calls = enumerate(cast("list[dict[str, Json]]", batch.hidden["calls"]))
        scheduled = [Entry(index, _scheduled(batch, call), {}) for index, call in calls]
        return self.page_of(_SCHEDULED.select(scheduled, request.query), request)

    def list_created_calls(self, request: ApiRequest) -> Answer:
        """List the calls of a batch that were started: there are none."""
        self._requested(request)
        return self.page_of([], request)

    def _on_write(self, entry: Entry) -> None:
        if entry.shown["webhookUrl"] is not None and entry.shown["webhookSecret"] is None:
            entry.shown["webhookSecret"] = f"{self.random.getrandbits(160):040x}"
        entry.shown["paused"] = bool(entry.shown["paused"])
        entry.shown["totalCount"] = len(cast("list[Json]", entry.hidden["calls"]))
        entry.shown["completedCount"] = 0


@attrs.frozen
class AgentsAndBatches:
    """The agents of the account, and the scheduled batches of each of them."""

    agents: Agents
    """The agents."""

    batches: Nested[ScheduledBatches]
    """The scheduled batches of each agent."""

    def operations(self) -> Operations:
        """The operations on agents and their batches."""
        agents, batches = self.agents, self.batches
        agent = "/api/agents/{agent_id}"
        batch = f"{agent}/scheduled_batches/{{batch_id}}"
        return {
            "/api/agents": {"GET": agents.list_page, "POST": partial(agents.create, NewAgent)},
            "/api/agents/usage": {"GET": agents.usage},
            agent: {"GET": agents.get, "PATCH": partial(agents.update, AgentChanges), "DELETE": agents.delete},
            f"{agent}/calls": {"GET": agents.list_calls, "POST": agents.create_call},
            f"{agent}/telephony_xml": {"POST": agents.create_call_by_telephony},
            f"{agent}/scheduled_batches": {
                "GET": batches.each(ScheduledBatches.list_page),
                "POST": batches.each(ScheduledBatches.create, NewScheduledCallBatch),
            },
            batch: {
                "GET": batches.each(ScheduledBatches.get),
                "PATCH": batches.each(ScheduledBatches.update, ScheduledCallBatchChanges),
                "DELETE": batches.each(ScheduledBatches.delete),
            },
            f"{batch}/created_calls": {"GET": batches.each(ScheduledBatches.list_created_calls)},
            f"{batch}/scheduled_calls": {"GET": batches.each(ScheduledBatches.list_scheduled_calls)},
        }


def new_agents(seed: int, settings: CollectionSettings, calls: Calls) -> AgentsAndBatches:
    """An account's agents: none yet."""
    random = Random(f"{seed} agents")  # noqa: S311 - has to be reproducible, is not for security
    agents = Agents(
        noun="agent",
        id_name="agent_id",
        shows=Agent,
        random=random,
        settings=settings,
        filters=Filters(AgentFilters, {"search": found_in("name")}),
        calls=calls,
    )

    def new_batches(_agent_id: str) -> ScheduledBatches:
        return ScheduledBatches(
            noun="scheduled batch",
            id_name="batch_id",
            shows=ScheduledCallBatch,
            random=random,
            settings=settings,
        )

    return AgentsAndBatches(agents, Nested(lambda _: agents, new_batches))


def _scheduled(batch: Entry, call: dict[str, Json]) -> dict[str, Json]:
    absent = dict.fromkeys(("callId", "error", "medium", "metadata", "templateContext", "experimentalSettings"))
    return {"status": "FUTURE", "batchId": batch.shown["batchId"], **absent, **call}


def _usage(agent: Entry, calls: Sequence[Entry]) -> Json:
    days = Counter(str(call.shown["created"])[:10] for call in calls)
    usage: list[Json] = [{"date": day, "billedMinutes": 0.0, "calls": count} for day, count in days.items()]
    return {"agent": {name: agent.shown[name] for name in ("agentId", "name")}, "usage": usage}
