"""The account itself: its limits, its use, its bills, and its keys of voice providers."""

from datetime import UTC, datetime, timedelta
from random import Random

import attrs

from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._document import Document
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._validation import check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.accounts import Invoice, TtsKeyChanges

_PREFIX_LENGTH = 4
_NO_CALLS: dict[str, Json] = {
    "totalCount": 0,
    "errorCount": 0,
    "duration": "0s",
    "joinedCount": 0,
    "billedMinutes": 0.0,
}


@attrs.define(eq=False)
class AccountAndBilling:
    """What an account tells of itself. Its calls are not counted: its use is always zero."""

    account: Document
    """The account."""

    invoices: Collection
    """Its invoices."""

    tts_keys: dict[str, Json] = attrs.field(init=False, factory=dict[str, Json])
    """The beginnings of its keys, by the names of the voice providers."""

    def operations(self) -> Operations:
        """The operations that concern the account."""
        usage: dict[str, Json] = {"dailyUsage": [], "totalMinutes": 0.0, "totalSipMinutes": 0.0}
        return {
            "/api/accounts": {"GET": self._list},
            "/api/accounts/me": {"GET": self.account.get},
            "/api/accounts/me/billing": {
                "GET": Document({"paymentMethod": "visa ****4242", "billingEmail": "billing@example.com"}).get
            },
            "/api/accounts/me/billing/invoices": {"GET": self.invoices.list_page},
            "/api/accounts/me/billing/usage": {"GET": Document(usage).get},
            "/api/accounts/me/tts_api_keys": {"GET": self._show_tts_keys, "PATCH": self._update_tts_keys},
            "/api/accounts/me/usage/calls": {
                "GET": Document({"allTime": _NO_CALLS, "daily": [], "hourly": []}).get,
            },
            "/api/accounts/me/usage/concurrency": {"GET": Document({"timeSeries": []}).get},
        }

    def _list(self, _request: ApiRequest) -> Answer:
        return json_answer(200, [self.account.fields])

    def _show_tts_keys(self, _request: ApiRequest) -> Answer:
        return json_answer(200, self.tts_keys)

    def _update_tts_keys(self, request: ApiRequest) -> Answer:
        for name, key in check_fields(TtsKeyChanges, json_object(request.body)).items():
            self.tts_keys.pop(name, None)
            if key is not None:
                self.tts_keys[name] = {"prefix": str(key)[:_PREFIX_LENGTH]}
        return self._show_tts_keys(request)


def new_account_and_billing(seed: int, settings: CollectionSettings) -> AccountAndBilling:
    """An account with a subscription and two invoices."""
    random = Random(f"{seed} accounts")  # noqa: S311 - has to be reproducible, is not for security
    invoices = Collection(noun="invoice", id_name="invoice_id", shows=Invoice, random=random, settings=settings)
    for number in (1, 2):
        invoices.add(
            {
                "invoiceNumber": f"EMULATED-{number:04d}",
                "invoiceDate": _days_after(settings.started, 31 * (number - 1)),
                "amount": 10_000,
                "billingReason": "subscription_cycle",
                "invoiceStatus": "paid",
                "invoiceUrl": f"https://billing.example.com/invoices/{random.getrandbits(160):040x}",
            }
        )
    fields: dict[str, Json] = {
        "accountId": f"{random.getrandbits(32):08x}-0000-4000-a000-000000000000",
        "name": "Emulated account",
        "billingUrl": f"https://billing.example.com/portal/{random.getrandbits(160):040x}",
        "freeTimeUsed": "0s",
        "freeTimeRemaining": "1800s",
        "hasActiveSubscription": True,
        "subscriptionTier": "pro",
        "subscriptionCadence": "monthly",
        "subscriptionExpiration": None,
        "subscriptionScheduledUpdate": None,
        "subscriptionRenewal": _days_after(settings.started, 365),
        "activeCalls": 0,
        "allowedConcurrentCalls": None,
        "allowedVoices": 100,
        "allowedCorpora": 20,
    }
    return AccountAndBilling(Document(fields), invoices)


def _days_after(started: datetime, days: int) -> str:
    return (started.astimezone(UTC) + timedelta(days)).isoformat().replace("+00:00", "Z")
