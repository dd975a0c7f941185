"""The emulated account: what it holds, and the table of the operations on it."""

from collections.abc import Iterable
from functools import partial
from random import Random

import attrs

from ultravox_async.testing._accounts import AccountAndBilling, new_account_and_billing
from ultravox_async.testing._agents import AgentsAndBatches, new_agents
from ultravox_async.testing._api_keys import ApiKeys
from ultravox_async.testing._calls import Calls, new_calls
from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._corpora import Corpora, new_corpora
from ultravox_async.testing._emulated_webhooks import EmulatedWebhooks
from ultravox_async.testing._filters import Filters, is_in
from ultravox_async.testing._routing import Operations
from ultravox_async.testing._schema import show_schema
from ultravox_async.testing._sip import Registrations, SipConfiguration, new_sip_configuration
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._telephony import Telephony, new_telephony
from ultravox_async.testing._tools import Tools, new_tools
from ultravox_async.testing._voices import Voices, new_voices
from ultravox_async.testing._webhooks import Webhooks
from ultravox_async.types.api_keys import ApiKey, ApiKeyChanges, ApiKeyReplacement, NewApiKey
from ultravox_async.types.call_throttles import CallThrottle, CallThrottleChanges, NewCallThrottle
from ultravox_async.types.models import ModelAlias
from ultravox_async.types.sip import NewSipRegistration, SipConfigChanges, SipRegistration, SipRegistrationChanges
from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges, WebhookFilters


@attrs.frozen
class Account:
    """What one account holds."""

    account: AccountAndBilling
    """The account itself."""

    api_keys: ApiKeys
    """The API keys of its user."""

    call_throttles: Collection
    """The call throttles."""

    models: Collection
    """The models that can be chosen for a call."""

    telephony: Telephony
    """The configurations of telephony providers."""

    corpora: Corpora
    """The corpora."""

    sip_configuration: SipConfiguration
    """The SIP configuration."""

    agents: AgentsAndBatches
    """The agents, and their scheduled batches."""

    calls: Calls
    """The calls, what belongs to them, and what is left of deleted ones."""

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
        return {
            # The first path that matches is used, and these are requested by the thousand.
            **self._of_sip(),
            **self.account.operations(),
            **self.agents.operations(),
            **self.calls.operations(),
            **self.corpora.operations(),
            "/api/models": {"GET": self.models.list_page},
            "/api/schema/": {"GET": show_schema},
            **self.telephony.operations(),
            **self.tools.operations(),
            **self.voices.operations(),
            **self._of_keys_and_throttles(),
            **self._of_webhooks(),
        }

    def _of_keys_and_throttles(self) -> Operations:
        return {
            "/api/api_keys": {
                "GET": self.api_keys.list_page,
                "POST": partial(self.api_keys.create, NewApiKey),
            },
            "/api/api_keys/{prefix}": {
                "GET": self.api_keys.get,
                "PUT": partial(self.api_keys.replace, ApiKeyReplacement),
                "PATCH": partial(self.api_keys.update, ApiKeyChanges),
                "DELETE": self.api_keys.delete,
            },
            "/api/call_throttles": {
                "GET": self.call_throttles.list_page,
                "POST": partial(self.call_throttles.create, NewCallThrottle),
            },
            "/api/call_throttles/{throttle_id}": {
                "GET": self.call_throttles.get,
                "PUT": partial(self.call_throttles.replace, NewCallThrottle),
                "PATCH": partial(self.call_throttles.update, CallThrottleChanges),
                "DELETE": self.call_throttles.delete,
            },
        }

    def _of_sip(self) -> Operations:
        config, registrations = self.sip_configuration, self.registrations
        return {
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
        }

    def _of_webhooks(self) -> Operations:
        webhooks = self.webhooks
        return {
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


@attrs.frozen
class AccountSettings:
    """The settings of an emulator that concern its account; they are described there."""

    seed: int
    collections: CollectionSettings
    pending_reads: int
    refused_proxies: Iterable[str]
    reads_per_call_state: int | None


def new_account(settings: AccountSettings, storage: Storage, emulated_webhooks: EmulatedWebhooks) -> Account:
    """An account without registrations; the same seed generates the same ids and secrets."""
    seed, collections = settings.seed, settings.collections
    account = new_account_and_billing(seed, collections)
    webhooks = Webhooks(
        noun="webhook",
        id_name="webhook_id",
        shows=Webhook,
        random=Random(f"{seed} webhooks"),  # noqa: S311 - see below
        settings=collections,
        filters=Filters(WebhookFilters, {"agent_id": is_in("agentId")}),
        emulated=emulated_webhooks,
    )
    tools = new_tools(seed, collections)
    calls = new_calls(
        seed,
        collections,
        storage=storage,
        tools=tools,
        account_id=str(account.account.fields["accountId"]),
        reads_per_state=settings.reads_per_call_state,
        announce=webhooks.announce,
    )
    models = _collection(seed, collections, "model", "model_id", ModelAlias)
    models.add({"name": "ultravox-v0.7"})
    return Account(
        account=account,
        api_keys=ApiKeys(
            noun="API key",
            id_name="prefix",
            shows=ApiKey,
            random=Random(f"{seed} API keys"),  # noqa: S311 - see below
            settings=collections,
        ),
        call_throttles=_collection(seed, collections, "call throttle", "throttle_id", CallThrottle),
        models=models,
        telephony=new_telephony(),
        corpora=new_corpora(Random(f"{seed} corpora"), collections, storage),  # noqa: S311 - see below
        sip_configuration=new_sip_configuration(Random(seed)),  # noqa: S311 - has to be reproducible, is not for security
        agents=new_agents(seed, collections, calls),
        calls=calls,
        registrations=Registrations(
            noun="registration",
            id_name="registration_id",
            shows=SipRegistration,
            random=Random(seed),  # noqa: S311 - see above
            settings=collections,
            pending_reads=settings.pending_reads,
            refused_proxies=set(settings.refused_proxies),
        ),
        tools=tools,
        voices=new_voices(seed, collections, storage),
        webhooks=webhooks,
    )


def _collection(
    seed: int, settings: CollectionSettings, noun: str, id_name: str, shows: type[attrs.AttrsInstance]
) -> Collection:
    """An empty collection of objects that are stored as they are sent."""
    random = Random(f"{seed} {noun}s")  # noqa: S311 - see above
    return Collection(noun=noun, id_name=id_name, shows=shows, random=random, settings=settings)
