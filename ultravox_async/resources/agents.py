"""Agents and their scheduled batches: ``ultravox.agents``."""

from collections.abc import Mapping
from typing import Final, TypeAlias, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.headers import extra_headers
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Pager
from ultravox_async._wire.payload import Secret, form_body
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource, request_for
from ultravox_async.resources.scheduled_batches import ScheduledBatches
from ultravox_async.types.agents import Agent, AgentChanges, AgentFilters, AgentUsage, NewAgent, StartAgentCall
from ultravox_async.types.calls import Call
from ultravox_async.types.shared.call_filters import CallConditions
from ultravox_async.types.shared.paging import ListOptions

_AGENTS: Final = "/api/agents"
_AGENT: Final = "/api/agents/{agent_id}"
_CALLS: Final = "/api/agents/{agent_id}/calls"
_USAGE: Final = "/api/agents/usage"

_AgentUsages: TypeAlias = list[AgentUsage]  # inside a resource, `list` is its method


class Agents(Resource):
    """The agents of the account: ``ultravox.agents``."""

    scheduled_batches: ScheduledBatches
    """Calls of agents that the API starts by itself, in a window of time."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.scheduled_batches = ScheduledBatches(transport)

    async def get(self, agent_id: str) -> Agent:
        """Fetch one agent.

        Args:
            agent_id: The id of the agent.

        Raises:
            InvalidRequestError: `agent_id` is not a valid id.
            NotFoundError: The agent does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _AGENT, Agent, agent_id=agent_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Agent]:
        """Fetch many agents, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _AGENT, Agent, "agent_id", listing, concurrency, via)

    def list(self, **filters: Unpack[AgentFilters]) -> Pager[Agent]:
        """List the agents of the account.

        Iterate over the result with ``async for`` to get agents, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `AgentFilters`: `search`, `sort`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_AGENTS, Agent, AgentFilters, filters)

    async def create(self, **agent: Unpack[NewAgent]) -> Agent:
        """Create an agent.

        Args:
            **agent: The fields of `NewAgent`: `name` and `call_template`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _AGENTS, Agent, NewAgent, agent)

    async def update(self, agent_id: str, **changes: Unpack[AgentChanges]) -> Agent:
        """Change an agent: omitted fields keep their value, None clears a field that can be null.

        A `call_template` takes the place of the old one, so that settings that it does not have are lost. (The schema
        of the API does not say so; it is what PATCH does with an object in Django REST framework, and the emulator
        does the same.) To change one setting, get the agent, change its `call_template`, and send all of it; with its
        `shared_secrets`, which the API does not return.

        Args:
            agent_id: The id of the agent.
            **changes: The fields of `AgentChanges`: `name` and `call_template`, which is the whole template.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The agent does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _AGENT, Agent, AgentChanges, changes, agent_id=agent_id)

    async def delete(self, agent_id: str) -> None:
        """Delete an agent.

        Args:
            agent_id: The id of the agent.

        Raises:
            InvalidRequestError: `agent_id` is not a valid id.
            NotFoundError: The agent does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_AGENT, agent_id=agent_id)

    def calls(self, agent_id: str, **options: Unpack[ListOptions]) -> Pager[Call]:
        """List the calls of an agent.

        Args:
            agent_id: The id of the agent.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `agent_id` is not a valid id, or an option exceeds its limit.
        """
        return self._list(_CALLS, Call, ListOptions, options, agent_id=agent_id)

    async def create_call(self, agent_id: str, **call: Unpack[StartAgentCall]) -> Call:
        """Start a call of an agent.

        Creating calls has limits of its own. It is not repeated when it is unknown whether the API carried it out.

        Args:
            agent_id: The id of the agent.
            **call: The fields of `StartAgentCall`: what is different from the agent's template.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: `agent_id` is not a valid id, or a field exceeds its limit; nothing was sent.
            NotFoundError: The agent does not exist.
            PaymentRequiredError: The account does not have the credit for another call.
            RateLimitError: The account, or the throttle, does not allow another call now.
            ServerError: With status 503, there is no capacity for another call now.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        create_call = OperationClass.CREATE_CALL
        return await self._send("POST", _CALLS, Call, StartAgentCall, call, create_call, agent_id=agent_id)

    async def telephony_xml(self, agent_id: str, parameters: Mapping[str, str] | None = None) -> str:
        """Start a call of an agent for an incoming call of a telephony provider, and return what to answer to it.

        It is what the provider itself requests if the URL of this operation is given to it as the webhook for incoming
        calls. Creating calls has limits of its own. It is not repeated when it is unknown whether the API carried it
        out.

        Args:
            agent_id: The id of the agent.
            parameters: What the provider has sent, for example ``{"CallSid": "…"}``: it is passed on as a form. None
                for nothing.

        Returns:
            The XML for the provider, for example TwiML. It contains the URL of the call, which is a secret: whoever
            knows it can join the call.

        Raises:
            InvalidRequestError: `agent_id` is not a valid id, or `parameters` cannot be encoded; nothing was sent.
            NotFoundError: The agent does not exist.
            PaymentRequiredError: The account does not have the credit for another call.
            RateLimitError: The account, or the throttle, does not allow another call now.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        request = request_for("POST", f"{_AGENT}/telephony_xml", {"agent_id": agent_id})
        secret = Secret(parameters or {})
        del parameters  # this frame is in the traceback of every error
        request.body = form_body(secret)
        request.headers = extra_headers(Secret({"Accept": "text/xml"}))
        request.operation = OperationClass.CREATE_CALL
        return (await self._transport.send(request)).body.decode()

    async def usage(self, **conditions: Unpack[CallConditions]) -> _AgentUsages:
        """Fetch how much each agent was used, by day.

        Args:
            **conditions: The fields of `CallConditions`: which calls count.

        Raises:
            TypeError: A condition does not exist.
            InvalidRequestError: A condition exceeds its limit.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _USAGE, _AgentUsages, CallConditions, conditions)
