"""The account: what it may do, what it uses, and what it pays."""

import datetime as dt
from typing import Annotated, Literal, TypeAlias, TypedDict

import attrs
from annotated_types import MinLen

from ultravox_async.types._markers import InQuery, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.telephony import KeyPrefix

BillingReason: TypeAlias = (
    Literal["manual", "subscription_create", "subscription_cycle", "subscription_threshold", "subscription_update"]
    | str
)
"""Why there is an invoice. Open: the API may add values."""

BucketSize: TypeAlias = Literal["minute", "5min", "hour", "day"] | str
"""The length of the periods of a time series. Open: the API may add values."""

InvoiceStatus: TypeAlias = Literal["paid", "unpaid"] | str
"""Whether an invoice is paid. Open: the API may add values."""

_Secret: TypeAlias = Annotated[str, Sensitive]


@attrs.define
class Account(WireObject):
    """An account, as ``GET /api/accounts/me`` returns it (schema ``Account``)."""

    account_id: str
    """The id of the account."""

    name: str
    """Its name."""

    billing_url: _Secret | None = attrs.field(default=None, repr=False)
    """Where its billing is managed: a secret, for whoever has the URL can."""

    free_time_used: dt.timedelta | None = None
    """How much of the free time was used, by calls that are still active too."""

    free_time_remaining: dt.timedelta | None = None
    """How much free time is left. It can grow when a call ends earlier than it could have."""

    has_active_subscription: bool | None = None
    """Whether it has an active subscription."""

    subscription_tier: str | None = None
    """The tier of the subscription."""

    subscription_cadence: str | None = None
    """How often the subscription is billed."""

    subscription_expiration: dt.datetime | None = None
    """When the subscription expires."""

    subscription_scheduled_update: dt.datetime | None = None
    """When the subscription will change."""

    subscription_renewal: dt.datetime | None = None
    """When the subscription is renewed."""

    active_calls: int | None = None
    """The number of calls that are active."""

    allowed_concurrent_calls: int | None = None
    """The maximum number of calls that are active at a time."""

    allowed_voices: int | None = None
    """The maximum number of the account's voices."""

    allowed_corpora: int | None = None
    """The maximum number of corpora."""


@attrs.define
class AccountBillingInfo(WireObject):
    """How an account pays, as ``GET /api/accounts/me/billing`` returns it (schema ``AccountBillingInfo``)."""

    payment_method: str | None = None
    """The payment method, with most of its number hidden."""

    billing_email: str | None = None
    """The address to which billing notifications are sent."""


@attrs.define
class Invoice(WireObject):
    """An invoice, as ``GET /api/accounts/me/billing/invoices`` lists it (schema ``Invoice``)."""

    invoice_number: str
    """Its number."""

    invoice_date: dt.datetime | None = None
    """When it became effective."""

    amount: int | None = None
    """The amount, as the API counts it: its documentation does not tell the unit."""

    billing_reason: BillingReason | None = None
    """Why there is an invoice."""

    invoice_status: InvoiceStatus | None = None
    """Whether it is paid."""

    invoice_url: _Secret | None = attrs.field(default=None, repr=False)
    """Where the invoice can be seen: a secret, for whoever has the URL can."""


@attrs.define
class BillingUsageDay(WireObject):
    """What was used on one day (schema ``BillingUsageDay``)."""

    date: dt.date | None = None
    """The day, in UTC."""

    minutes: float | None = None
    """The minutes that were billed."""

    sip_minutes: float | None = None
    """The minutes of SIP that were billed."""


@attrs.define
class BillingUsage(WireObject):
    """What was used in a period, as ``GET /api/accounts/me/billing/usage`` returns it (schema ``UsageResponse``)."""

    daily_usage: list[BillingUsageDay] = attrs.field(factory=list[BillingUsageDay])
    """What was used on each day."""

    total_minutes: float | None = None
    """The minutes that were billed."""

    total_sip_minutes: float | None = None
    """The minutes of SIP that were billed."""


@attrs.define
class CallStatistics(WireObject):
    """Numbers of calls (schema ``CallStatistics``)."""

    total_count: int | None = None
    """The number of calls."""

    error_count: int | None = None
    """The number of calls that ended with an error."""

    duration: dt.timedelta | None = None
    """How long all the calls lasted together."""

    joined_count: int | None = None
    """The number of calls that somebody joined."""

    billed_minutes: float | None = None
    """The minutes that were billed."""


@attrs.define
class DailyCallStatistics(CallStatistics):
    """Numbers of the calls of one day (schema ``DailyCallStatistics``)."""

    date: dt.date | None = None
    """The day."""


@attrs.define
class HourlyCallStatistics(CallStatistics):
    """Numbers of the calls of one hour (schema ``HourlyCallStatistics``)."""

    date: dt.date | None = None
    """The day."""

    hour: int | None = None
    """The hour of the day in UTC, 0 to 23."""


@attrs.define
class CallUsage(WireObject):
    """Numbers of calls, as ``GET /api/accounts/me/usage/calls`` returns them (schema ``CallUsage``)."""

    all_time: CallStatistics | None = None
    """The numbers of all calls together."""

    daily: list[DailyCallStatistics] = attrs.field(factory=list[DailyCallStatistics])
    """The numbers of each day."""

    hourly: list[HourlyCallStatistics] = attrs.field(factory=list[HourlyCallStatistics])
    """The numbers of each hour."""


@attrs.define
class ConcurrencyBucket(WireObject):
    """How many calls were active at a time, in one period (schema ``ConcurrencyBucket``)."""

    timestamp: dt.datetime | None = None
    """When the period began."""

    max_total_calls: int | None = None
    """The maximum number of active calls."""

    max_joined_calls: int | None = None
    """The maximum number of calls that somebody had joined."""

    avg_total_calls: float | None = None
    """The mean number of active calls."""

    avg_joined_calls: float | None = None
    """The mean number of calls that somebody had joined."""


@attrs.define
class ConcurrencyUsage(WireObject):
    """How many calls were active at a time (schema ``ConcurrencyResponse``)."""

    time_series: list[ConcurrencyBucket] = attrs.field(factory=list[ConcurrencyBucket])
    """The numbers of each period."""


@attrs.define
class AccountTtsKeys(WireObject):
    """The beginnings of the account's keys of voice providers (schema ``AccountTtsKeys``); None for no key."""

    eleven_labs: KeyPrefix | None = None
    """The beginning of the API key of ElevenLabs."""

    cartesia: KeyPrefix | None = None
    """The beginning of the API key of Cartesia."""

    lmnt: KeyPrefix | None = None
    """The beginning of the API key of LMNT."""

    google: KeyPrefix | None = None
    """The beginning of the service account key of Google."""

    inworld: KeyPrefix | None = None
    """The beginning of the API key of Inworld."""

    respeecher: KeyPrefix | None = None
    """The beginning of the API key of Respeecher."""


class TtsKeyChanges(TypedDict, total=False):
    """What `update` of the keys of voice providers takes: omitted keys are not changed, None removes a key."""

    eleven_labs: _Secret | None
    """The API key of ElevenLabs."""

    cartesia: _Secret | None
    """The API key of Cartesia."""

    lmnt: _Secret | None
    """The API key of LMNT."""

    google: _Secret | None
    """The service account key of Google, as JSON."""

    inworld: _Secret | None
    """The API key of Inworld."""

    respeecher: _Secret | None
    """The API key of Respeecher."""


class UsagePeriod(TypedDict, total=False):
    """The days that `usage` of the billing takes."""

    from_date: Annotated[dt.date, InQuery] | None
    """The first day, in UTC; None for the beginning of the month in which the account is billed."""

    to_date: Annotated[dt.date, InQuery] | None
    """The day after the last one, in UTC, at most 90 days after the first."""


class ConcurrencyPeriod(TypedDict, total=False):
    """What `concurrency` takes."""

    start: Annotated[dt.datetime, InQuery] | None
    """When the time series begins, with a time zone; None for 24 hours before its end."""

    end: Annotated[dt.datetime, InQuery] | None
    """When it ends, with a time zone; None for now."""

    bucket: Annotated[BucketSize, MinLen(1), InQuery] | None
    """The length of its periods; None for a minute."""
