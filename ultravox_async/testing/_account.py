"""The emulated account: what it holds, and the table of the operations on it."""

from collections.abc import Iterable
from functools import partial
from random import Random

import attrs

from ultravox_async.testing._agents import AgentsAndBatches, new_agents
from ultravox_async.testing._calls import CallsAndParts, new_calls
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import Operations
from ultravox_async.testing._sip import Registrations, SipConfiguration, new_sip_configuration
from ultravox_async.testing._tools import Tools, new_tools
from ultravox_async.testing._voices import Voices, new_voices
from ultravox_async.testing._webhooks import Webhooks
from ultravox_async.types.sip import NewSipRegistration, SipConfigChanges, SipRegistration, SipRegistrationChanges
from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges


@attrs.frozen
class Account:
    """What one account holds."""

    sip_configuration: SipConfiguration
    """The SIP configuration."""

    agents: AgentsAndBatches
    """The agents, and their scheduled batches."""

    calls: CallsAndParts
    """The calls, and what belongs to them."""

    registrations: Registrations
    """The SIP registrations."""

    tools: Tools
    """The tools."""

    voices: Voices
    """The voices."""

    webhooks: Webhooks
    """The webhooks."""

    def operations(self) -> Operations:
        """The operations of the API, each with the TypedDict of the fields that it takes.

        The Allow header of a 405 has the methods in this order.
        """
        config, registrations, webhooks = self.sip_configuration, self.registrations, self.webhooks
        return {
            **self.agents.operations(),
            **self.calls.operations(),
            "/api/sip": {
                "GET": config.get,
                "PATCH": partial(config.update, SipConfigChanges),
            },
            "/api/sip/registrations": {
                "GET": registrations.list_page,
                "POST": partial(registrations.create, NewSipRegistration),
            },
            "/api/sip/registrations/{registration_id}": {
                "GET": registrations.get,
                "PATCH": partial(registrations.update, SipRegistrationChanges),
                "DELETE": registrations.delete,
            },
            **self.tools.operations(),
            **self.voices.operations(),
            "/api/webhooks": {
                "GET": webhooks.list_page,
                "POST": partial(webhooks.create, NewWebhook),
            },
            "/api/webhooks/{webhook_id}": {
                "GET": webhooks.get,
                "PUT": partial(webhooks.replace, NewWebhook),
                "PATCH": partial(webhooks.update, WebhookChanges),
                "DELETE": webhooks.delete,
            },
        }


def new_account(seed: int, page_sizes: PageSizes, pending_reads: int, refused_proxies: Iterable[str]) -> Account:
    """An account without registrations; the same `seed` generates the same ids and secrets."""
    calls = new_calls(seed, page_sizes)
    return Account(
        sip_configuration=new_sip_configuration(Random(seed)),  # noqa: S311 - has to be reproducible, is not for security
        agents=new_agents(seed, page_sizes, calls.calls),
        calls=calls,
        registrations=Registrations(
            noun="registration",
            id_name="registration_id",
            shows=SipRegistration,
            random=Random(seed),  # noqa: S311 - see above
            page_sizes=page_sizes,
            pending_reads=pending_reads,
            refused_proxies=set(refused_proxies),
        ),
        tools=new_tools(seed, page_sizes),
        voices=new_voices(seed, page_sizes),
        webhooks=Webhooks(
            noun="webhook",
            id_name="webhook_id",
            shows=Webhook,
            random=Random(f"{seed} webhooks"),  # noqa: S311 - see above
            page_sizes=page_sizes,
        ),
    )
