"""The emulated account: what it holds, and the table of the operations on it."""

from collections.abc import Iterable
from functools import partial
from random import Random

import attrs

from ultravox_async.testing._corpora import Corpora, new_corpora
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import Operations
from ultravox_async.testing._sip import Registrations, SipConfiguration, new_sip_configuration
from ultravox_async.testing._webhooks import Webhooks
from ultravox_async.types.sip import NewSipRegistration, SipConfigChanges, SipRegistration, SipRegistrationChanges
from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges


@attrs.frozen
class Account:
    """What one account holds."""

    corpora: Corpora
    """The corpora."""

    sip_configuration: SipConfiguration
    """The SIP configuration."""

    registrations: Registrations
    """The SIP registrations."""

    webhooks: Webhooks
    """The webhooks."""

    def operations(self) -> Operations:
        """The operations of the API, each with the TypedDict of the fields that it takes.

        The Allow header of a 405 has the methods in this order.
        """
        config, registrations, webhooks = self.sip_configuration, self.registrations, self.webhooks
        return {
            **self.corpora.operations(),
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
    return Account(
        corpora=new_corpora(Random(f"{seed} corpora"), page_sizes),  # noqa: S311 - see below
        sip_configuration=new_sip_configuration(Random(seed)),  # noqa: S311 - has to be reproducible, is not for security
        registrations=Registrations(
            noun="registration",
            id_name="registration_id",
            shows=SipRegistration,
            random=Random(seed),  # noqa: S311 - see above
            page_sizes=page_sizes,
            pending_reads=pending_reads,
            refused_proxies=set(refused_proxies),
        ),
        webhooks=Webhooks(
            noun="webhook",
            id_name="webhook_id",
            shows=Webhook,
            random=Random(f"{seed} webhooks"),  # noqa: S311 - see above
            page_sizes=page_sizes,
        ),
    )
