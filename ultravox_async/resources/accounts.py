"""The account: ``ultravox.accounts``."""

import builtins
from typing import Final, Unpack

from typing_extensions import deprecated

from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import Resource
from ultravox_async.types.account_telephony import AccountTelephonyConfig, AccountTelephonyConfigChanges
from ultravox_async.types.accounts import (
    Account,
    AccountBillingInfo,
    AccountTtsKeys,
    BillingUsage,
    CallUsage,
    ConcurrencyPeriod,
    ConcurrencyUsage,
    Invoice,
    TtsKeyChanges,
    UsagePeriod,
)
from ultravox_async.types.shared.call_filters import CallConditions
from ultravox_async.types.shared.paging import ListOptions

_BILLING: Final = "/api/accounts/me/billing"
_TELEPHONY: Final = "/api/accounts/me/telephony_config"
_TTS_KEYS: Final = "/api/accounts/me/tts_api_keys"
_USAGE: Final = "/api/accounts/me/usage"


class Invoices(Resource):
    """The invoices of the account: ``ultravox.accounts.billing.invoices``."""

    def list(self, **options: Unpack[ListOptions]) -> Pager[Invoice]:
        """List the invoices of the account.

        Iterate over the result with ``async for`` to get invoices, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size`, which the API limits to 100, and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list(f"{_BILLING}/invoices", Invoice, ListOptions, options)


class Billing(Resource):
    """What the account pays: ``ultravox.accounts.billing``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.invoices = Invoices(transport)

    async def get(self) -> AccountBillingInfo:
        """Fetch how the account pays.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _BILLING, AccountBillingInfo)

    async def usage(self, **period: Unpack[UsagePeriod]) -> BillingUsage:
        """Fetch the minutes that were billed on each day of a period.

        Args:
            **period: The fields of `UsagePeriod`: `from_date` and `to_date`, which is not part of the period.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: A field is not a date; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", f"{_BILLING}/usage", BillingUsage, UsagePeriod, period)


class Usage(Resource):
    """What the account uses: ``ultravox.accounts.usage``."""

    async def calls(self, **conditions: Unpack[CallConditions]) -> CallUsage:
        """Fetch the numbers of calls, of each day and of each hour.

        Args:
            **conditions: The fields of `CallConditions`, for example ``from_date=date(2026, 7, 1)``.

        Raises:
            TypeError: A condition does not exist; nothing was sent.
            InvalidRequestError: A condition exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", f"{_USAGE}/calls", CallUsage, CallConditions, conditions)

    async def concurrency(self, **period: Unpack[ConcurrencyPeriod]) -> ConcurrencyUsage:
        """Fetch how many calls were active at a time.

        Args:
            **period: The fields of `ConcurrencyPeriod`: `start`, `end` and `bucket`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: A field is not a datetime with a time zone; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", f"{_USAGE}/concurrency", ConcurrencyUsage, ConcurrencyPeriod, period)


class TtsApiKeys(Resource):
    """The account's keys of voice providers: ``ultravox.accounts.tts_api_keys``."""

    async def get(self) -> AccountTtsKeys:
        """Fetch the beginnings of the keys.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _TTS_KEYS, AccountTtsKeys)

    async def update(self, **keys: Unpack[TtsKeyChanges]) -> AccountTtsKeys:
        """Change the keys: omitted keys are not changed, None removes a key.

        Args:
            **keys: The fields of `TtsKeyChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no field, or one is not a string; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _TTS_KEYS, AccountTtsKeys, TtsKeyChanges, keys)


class AccountTelephony(Resource):
    """The configurations of all telephony providers: ``ultravox.accounts.telephony_config``; deprecated."""

    @deprecated("use the providers of ultravox.telephony, such as ultravox.telephony.twilio")
    async def get(self) -> AccountTelephonyConfig:
        """Fetch the configurations. Deprecated: use `Telephony` instead.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _TELEPHONY, AccountTelephonyConfig)

    @deprecated("use the providers of ultravox.telephony, such as ultravox.telephony.twilio")
    async def update(self, **changes: Unpack[AccountTelephonyConfigChanges]) -> AccountTelephonyConfig:
        """Change the configurations: None removes one. Deprecated: use `Telephony` instead.

        Args:
            **changes: The fields of `AccountTelephonyConfigChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _TELEPHONY, AccountTelephonyConfig, AccountTelephonyConfigChanges, changes)


class Accounts(Resource):
    """The account that the key belongs to: ``ultravox.accounts``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.billing = Billing(transport)
        self.telephony_config = AccountTelephony(transport)
        self.tts_api_keys = TtsApiKeys(transport)
        self.usage = Usage(transport)

    async def list(self) -> builtins.list[Account]:
        """Fetch all accounts that the key gives access to.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", "/api/accounts", builtins.list[Account])

    async def me(self) -> Account:
        """Fetch the account that the key belongs to.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", "/api/accounts/me", Account)
