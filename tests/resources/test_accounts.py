from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.resources.sending import last_body, last_query, last_request
from tests.wire import shown
from ultravox_async import AsyncUltravox, InvalidRequestError
from ultravox_async.testing import Emulator
from ultravox_async.types import (
    Account,
    AccountTelephonyConfig,
    AccountTtsKeys,
    BillingUsage,
    BillingUsageDay,
    CallStatistics,
    CallUsage,
    ConcurrencyBucket,
    ConcurrencyUsage,
    DailyCallStatistics,
    HourlyCallStatistics,
    Invoice,
    KeyPrefix,
    PlivoSettings,
    TelnyxSettings,
    TwilioSettings,
)

SECRET = "canary-token-77"
AGENT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
TWILIO = TwilioSettings(account_sid="AC1", auth_token=SECRET)


async def test_the_account_of_the_key_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    account = await ultravox.accounts.me()
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me")
    assert (account.name, account.free_time_remaining) == ("Emulated account", timedelta(minutes=30))
    assert await ultravox.accounts.list() == [account]
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts")


async def test_the_urls_of_the_billing_are_in_no_repr_and_no_dict(ultravox: AsyncUltravox) -> None:
    account = await ultravox.accounts.me()
    (invoice, _) = [one async for one in ultravox.accounts.billing.invoices.list()]
    for shown_object, url in ((account, account.billing_url), (invoice, invoice.invoice_url)):
        assert url is not None
        assert url not in repr(shown_object)
        assert url not in str(shown_object.to_dict())


@pytest.mark.parametrize("more", [{}, {"subscriptionTier": None, "allowedVoices": None}, {"newlyInvented": 1}])
def test_an_account_decodes_with_fields_absent_null_or_new(more: dict[str, object]) -> None:
    assert Account.from_dict({"accountId": "some-id", "name": "a", **more}) == Account("some-id", "a")


async def test_how_the_account_pays_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    billing = await ultravox.accounts.billing.get()
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/billing")
    assert (billing.payment_method, billing.billing_email) == ("visa ****4242", "billing@example.com")


async def test_the_invoices_are_listed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    invoices = [one async for one in ultravox.accounts.billing.invoices.list(page_size=1)]
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/billing/invoices")
    assert [one.invoice_number for one in invoices] == ["EMULATED-0001", "EMULATED-0002"]
    assert (invoices[0].invoice_date, invoices[0].invoice_status) == (datetime(2026, 1, 1, tzinfo=UTC), "paid")


def test_an_invoice_with_new_values_decodes() -> None:
    found = Invoice.from_dict({"invoiceNumber": "1", "invoiceStatus": "lost", "billingReason": "whim", "new": 1})
    assert found == Invoice("1", invoice_status="lost", billing_reason="whim")


async def test_the_billed_minutes_of_a_period_are_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    found = await ultravox.accounts.billing.usage(from_date=date(2026, 7, 1), to_date=date(2026, 8, 1))
    assert found == BillingUsage(total_minutes=0.0, total_sip_minutes=0.0)
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/billing/usage")
    assert last_query(ultravox_emulator) == [("fromDate", "2026-07-01"), ("toDate", "2026-08-01")]


def test_the_billed_minutes_of_a_day_decode() -> None:
    found = BillingUsage.from_dict({"dailyUsage": [{"date": "2026-07-01", "minutes": 3}]})
    assert found.daily_usage == [BillingUsageDay(date=date(2026, 7, 1), minutes=3.0)]


async def test_the_numbers_of_calls_are_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    found = await ultravox.accounts.usage.calls(agent_ids=[AGENT], metadata={"campaign": "spring"})
    assert found == CallUsage(all_time=CallStatistics(0, 0, timedelta(0), 0, 0.0))
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/usage/calls")
    assert last_query(ultravox_emulator) == [("agentIds", AGENT), ("metadata.campaign", "spring")]


def test_the_numbers_of_calls_decode_by_day_and_by_hour() -> None:
    day = {"date": "2026-07-01", "duration": "90.5s", "totalCount": 2}
    found = CallUsage.from_dict({"daily": [day], "hourly": [{**day, "hour": 23}]})
    expected: dict[str, Any] = {
        "total_count": 2,
        "duration": timedelta(seconds=90.5),
        "date": date(2026, 7, 1),
    }
    assert found == CallUsage(
        daily=[DailyCallStatistics(**expected)], hourly=[HourlyCallStatistics(**expected, hour=23)]
    )


async def test_the_concurrency_of_a_period_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    begin = datetime(2026, 7, 1, tzinfo=UTC)
    found = await ultravox.accounts.usage.concurrency(start=begin, end=begin + timedelta(days=1), bucket="hour")
    assert found == ConcurrencyUsage()
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/usage/concurrency")
    assert last_query(ultravox_emulator) == [
        ("start", "2026-07-01T00:00:00+00:00"),
        ("end", "2026-07-02T00:00:00+00:00"),
        ("bucket", "hour"),
    ]


def test_the_concurrency_of_a_period_decodes() -> None:
    found = ConcurrencyUsage.from_dict({"timeSeries": [{"timestamp": "2026-07-01T00:00:00Z", "maxTotalCalls": 3}]})
    assert found.time_series == [ConcurrencyBucket(datetime(2026, 7, 1, tzinfo=UTC), max_total_calls=3)]


async def test_a_period_without_a_time_zone_is_refused(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match="start"):
        await ultravox.accounts.usage.concurrency(start=datetime(2026, 7, 1))  # noqa: DTZ001 - what is refused
    assert ultravox_emulator.received == 0


async def test_the_keys_of_voice_providers_are_set_and_removed(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    assert await ultravox.accounts.tts_api_keys.get() == AccountTtsKeys()
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/tts_api_keys")
    found = await ultravox.accounts.tts_api_keys.update(eleven_labs=SECRET, lmnt=SECRET)
    assert last_request(ultravox_emulator) == ("PATCH", "/api/accounts/me/tts_api_keys")
    assert last_body(ultravox_emulator) == {"elevenLabs": SECRET, "lmnt": SECRET}
    assert found == AccountTtsKeys(eleven_labs=KeyPrefix("cana"), lmnt=KeyPrefix("cana"))
    found = await ultravox.accounts.tts_api_keys.update(lmnt=None)
    assert last_body(ultravox_emulator) == {"lmnt": None}
    assert found == AccountTtsKeys(eleven_labs=KeyPrefix("cana"))


async def test_a_key_of_a_voice_provider_is_in_no_error(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await ultravox.accounts.tts_api_keys.update(google=[SECRET])  # type: ignore[arg-type]  # what is refused # pyright: ignore[reportArgumentType]
    assert SECRET not in shown(caught.value)


async def test_the_telephony_of_the_account_is_deprecated_and_works(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    with pytest.warns(DeprecationWarning, match="ultravox.telephony"):
        found = await ultravox.accounts.telephony_config.update(twilio=TWILIO)  # pyright: ignore[reportDeprecated] - what is tested
    assert last_request(ultravox_emulator) == ("PATCH", "/api/accounts/me/telephony_config")
    assert last_body(ultravox_emulator) == {"twilio": {"accountSid": "AC1", "authToken": SECRET}}
    assert found.twilio == await ultravox.telephony.twilio.get()
    with pytest.warns(DeprecationWarning, match="ultravox.telephony"):
        assert await ultravox.accounts.telephony_config.get() == found  # pyright: ignore[reportDeprecated] - as above
    assert last_request(ultravox_emulator) == ("GET", "/api/accounts/me/telephony_config")
    with pytest.warns(DeprecationWarning, match="ultravox.telephony"):
        found = await ultravox.accounts.telephony_config.update(twilio=None)  # pyright: ignore[reportDeprecated] - as above
    assert last_body(ultravox_emulator) == {"twilio": None}
    assert found == AccountTelephonyConfig()


@pytest.mark.parametrize(
    "settings",
    [
        TWILIO,
        PlivoSettings(auth_id="MA1", auth_token=SECRET),
        TelnyxSettings(account_sid="AC1", api_key=SECRET, public_key=SECRET, application_sid="AP1"),
    ],
)
def test_the_settings_of_a_provider_show_no_secret(settings: TwilioSettings | PlivoSettings | TelnyxSettings) -> None:
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.to_dict())
