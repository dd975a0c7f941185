import asyncio
import re
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from ultravox_async import AsyncUltravox, AuthenticationError, testing
from ultravox_async.testing import DEFAULT_API_KEY, Delay, Emulator, RecordedRequest, Respond, Stall

CONFIG = "/api/sip"


async def received(emulator: Emulator, count: int) -> None:
    while emulator.received < count:  # noqa: ASYNC110 - the emulator has no event to wait for
        await asyncio.sleep(0)


async def status_of(emulator: Emulator) -> int:
    async with (
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
        api.get(CONFIG) as response,
    ):
        return response.status


def test_all_public_names_exist_and_are_sorted() -> None:
    constants, classes = testing.__all__[:1], testing.__all__[1:]
    assert constants == ["DEFAULT_API_KEY"]
    assert classes == sorted(classes)
    assert all(hasattr(testing, name) for name in testing.__all__)


def test_the_default_key_has_the_form_of_a_real_one() -> None:
    assert re.fullmatch(r"[^.]{8}\.[^.]{32}", DEFAULT_API_KEY)


def test_an_emulator_does_not_show_its_key() -> None:
    assert DEFAULT_API_KEY not in repr(Emulator(registrations=0))


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, {"X-API-Key": DEFAULT_API_KEY + "0"}])
async def test_a_missing_or_wrong_key_is_refused(emulator: Emulator, headers: dict[str, str]) -> None:
    async with aiohttp.ClientSession(emulator.base_url, headers=headers) as api, api.get(CONFIG) as response:
        assert response.status == 401
        assert set(await response.json()) == {"detail"}


async def test_another_key_can_be_chosen() -> None:
    async with Emulator("chosen", 0) as emulator:
        assert await status_of(emulator) == 200


@pytest.mark.parametrize("path", ["/", "/api", "/api/sip/", "/api/unheard-of", "/API/SIP"])
async def test_an_unknown_path_is_not_found(api: aiohttp.ClientSession, path: str) -> None:
    async with api.get(path) as response:
        assert response.status == 404
        assert set(await response.json()) == {"detail"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", CONFIG, "GET, PATCH"),
        ("DELETE", "/api/sip/registrations", "GET, POST"),
        ("PUT", "/api/sip/registrations/any", "GET, PATCH, DELETE"),
    ],
)
async def test_a_method_that_a_path_does_not_have_is_refused(
    api: aiohttp.ClientSession, method: str, path: str, allowed: str
) -> None:
    async with api.request(method, path) as response:
        assert (response.status, response.headers["Allow"]) == (405, allowed)
        assert set(await response.json()) == {"detail"}


async def test_a_body_of_more_than_32_mebibytes_is_refused_and_recorded(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    async with api.patch(CONFIG, data=BytesIO(bytes(32 * 1024**2 + 1))) as response:
        assert (response.status, await response.json()) == (413, {"detail": "The body is too large."})
    assert (emulator.requests[-1].status, emulator.requests[-1].body) == (413, b"")


async def test_a_client_that_waits_with_its_body_is_told_to_send_it(emulator: Emulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(emulator.base_url.rpartition(":")[2]))
    head = f"PATCH {CONFIG} HTTP/1.1\r\nHost: a\r\nX-API-Key: {emulator.api_key}\r\nContent-Length: 2\r\n"
    for _ in range(2):
        writer.write(f"{head}Expect: 100-Continue\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        response = await reader.readuntil(b"\r\n\r\n")
        assert response.startswith(b"HTTP/1.1 200 OK\r\n")
        length = re.search(rb"Content-Length: (\d+)", response)
        assert length is not None
        await reader.readexactly(int(length[1]))
    writer.close()
    await writer.wait_closed()


async def test_a_request_over_the_limit_is_throttled() -> None:
    async with Emulator(registrations=0, requests_per_second=0.001, retry_after=7) as emulator:
        assert await status_of(emulator) == 200
        async with (
            aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
            api.get(CONFIG) as response,
        ):
            assert (response.status, response.headers["Retry-After"]) == (429, "7")
            assert (await response.json())["detail"].startswith("Request was throttled.")


async def test_a_key_that_was_created_is_accepted_until_it_is_revoked_or_deleted(emulator: Emulator) -> None:
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as first:
        for end in ("revoke", "delete"):
            made = await first.api_keys.create(name="second")
            async with AsyncUltravox(made.secret, base_url=emulator.base_url) as second:
                await second.sip.get_config()
                if end == "revoke":
                    await first.api_keys.update(made.prefix, revoked=True)
                else:
                    await first.api_keys.delete(made.prefix)
                with pytest.raises(AuthenticationError):
                    await second.sip.get_config()
        await first.sip.get_config()


async def test_only_the_whole_of_a_key_is_accepted(emulator: Emulator) -> None:
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as first:
        made = await first.api_keys.create(name="second")
    async with AsyncUltravox(f"{made.prefix}.guessed", base_url=emulator.base_url) as second:
        with pytest.raises(AuthenticationError):
            await second.sip.get_config()


async def test_a_wrong_key_does_not_use_up_the_limit() -> None:
    async with Emulator(registrations=0, requests_per_second=0.001) as emulator:
        async with aiohttp.ClientSession(emulator.base_url) as api, api.get(CONFIG) as response:
            assert response.status == 401
        assert await status_of(emulator) == 200


async def test_requests_are_recorded_as_they_were_sent(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    await api.post("/api/sip/registrations?a=1&b=%20", json={"password": "made-up"}, headers={"X-Request-Id": "r"})
    recorded = emulator.requests[-1]
    assert (recorded.method, recorded.path, recorded.status) == ("POST", "/api/sip/registrations", 400)
    assert dict(recorded.query) == {"a": "1", "b": " "}
    assert (recorded.headers["x-request-id"], recorded.body) == ("r", b'{"password": "made-up"}')
    assert recorded.at <= asyncio.get_running_loop().time()


def test_the_repr_of_a_recorded_request_shows_no_secret() -> None:
    recorded = RecordedRequest("POST", "/", {}, {"X-API-Key": "the-key"}, b"the-password", 0.0)
    assert "the-" not in repr(recorded)


async def test_answers_are_counted_by_status(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    for path in (CONFIG, CONFIG, "/nowhere"):
        await api.get(path)
    assert (dict(emulator.counts), emulator.received) == ({200: 2, 404: 1}, 3)


async def test_only_the_newest_requests_are_kept_and_all_are_counted() -> None:
    async with Emulator(registrations=0, record_limit=2) as emulator:
        for _ in range(3):
            await status_of(emulator)
        assert (len(emulator.requests), emulator.received, emulator.counts[200]) == (2, 3, 3)


async def test_the_record_can_be_cleared(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    await api.get(CONFIG)
    emulator.clear()
    assert (emulator.requests, dict(emulator.counts), emulator.received) == ([], {}, 0)


async def test_a_restart_keeps_the_address_and_the_account() -> None:
    emulator = Emulator(registrations=1)
    await emulator.start()
    before = emulator.base_url
    await status_of(emulator)
    await emulator.stop()
    await emulator.start()
    status = await status_of(emulator)
    await emulator.stop()
    assert (emulator.base_url, status, emulator.received) == (before, 200, 2)


async def test_nothing_listens_after_a_stop(emulator: Emulator) -> None:
    await emulator.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await status_of(emulator)


async def test_stopping_again_does_nothing(emulator: Emulator) -> None:
    await emulator.stop()
    await emulator.stop()


async def test_it_cannot_be_started_twice(emulator: Emulator) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        await emulator.start()


async def listening(emulator: Emulator) -> list[bool]:
    """Return whether the API and its storage accept connections."""
    found: list[bool] = []
    for url in (emulator.base_url, emulator.storage.base_url):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        except ConnectionRefusedError:
            found.append(False)
        else:
            found.append(True)
            writer.close()
            await writer.wait_closed()
    return found


async def turns_of_the_loop(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_it_cannot_be_started_while_it_starts() -> None:
    emulator = Emulator(registrations=0)
    first, second = await asyncio.gather(emulator.start(), emulator.start(), return_exceptions=True)
    assert (first, str(second)) == (None, "the emulator is running already")
    assert await status_of(emulator) == 200
    await emulator.stop()
    assert await listening(emulator) == [False, False]


async def test_it_may_be_stopped_while_it_is_being_stopped(emulator: Emulator) -> None:
    await asyncio.gather(emulator.stop(), emulator.stop())
    assert await listening(emulator) == [False, False]


@pytest.mark.parametrize("turns", range(1, 5))
async def test_a_stop_that_is_cancelled_leaves_nothing_that_listens(emulator: Emulator, turns: int) -> None:
    stop = asyncio.create_task(emulator.stop())
    await turns_of_the_loop(turns)
    stop.cancel()
    await asyncio.wait([stop])
    assert await listening(emulator) == [False, False]
    async with emulator:
        assert await status_of(emulator) == 200


@pytest.mark.parametrize("turns", range(8))
async def test_a_start_that_is_cancelled_leaves_nothing_that_listens(emulator: Emulator, turns: int) -> None:
    await emulator.stop()
    start = asyncio.create_task(emulator.start())
    await turns_of_the_loop(turns)
    start.cancel()
    await asyncio.wait([start])
    assert await listening(emulator) == [not start.cancelled()] * 2
    await emulator.stop()
    async with emulator:
        assert await status_of(emulator) == 200


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_ends_a_start_that_has_not_ended(emulator: Emulator, turns: int) -> None:
    await emulator.stop()
    start = asyncio.create_task(emulator.start())
    await turns_of_the_loop(turns + 1)
    has_started = start.done()
    await emulator.stop()
    (outcome,) = await asyncio.gather(start, return_exceptions=True)
    assert has_started or "was stopped while it started" in str(outcome)
    assert await listening(emulator) == [False, False]


async def test_a_start_that_is_cancelled_does_not_end_a_later_one(emulator: Emulator) -> None:
    await emulator.stop()
    cancelled = asyncio.create_task(emulator.start())
    await turns_of_the_loop(1)
    cancelled.cancel()
    await asyncio.gather(emulator.stop(), emulator.start())
    await asyncio.wait([cancelled])
    assert cancelled.cancelled()
    assert await listening(emulator) == [True, True]


async def test_stopping_before_the_first_start_does_nothing() -> None:
    emulator = Emulator(registrations=0)
    await emulator.stop()
    async with emulator:
        assert await status_of(emulator) == 200


def test_there_is_no_address_before_the_first_start() -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = Emulator(registrations=0).base_url


async def test_a_port_in_use_can_be_tried_again(emulator: Emulator) -> None:
    second = Emulator(registrations=0, port=int(emulator.base_url.rpartition(":")[2]))
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    await emulator.stop()
    async with second:
        assert await status_of(second) == 200


async def test_a_stop_ends_requests_that_wait(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Delay(3600.0))
    waiting = [asyncio.create_task(api.post(CONFIG)) for _ in range(5)]
    await received(emulator, 5)
    await emulator.stop()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in results] == [aiohttp.ServerDisconnectedError] * 5
    assert {each.status for each in emulator.requests} == {None}


async def test_a_stop_ends_answers_that_stall_and_leaves_no_task(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    emulator.inject(Stall())
    async with api.get(CONFIG) as response:
        await emulator.stop()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_stop_ends_idle_connections(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    await (await api.get(CONFIG)).read()
    await emulator.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_stop_does_not_wait_for_a_client_that_does_not_read(emulator: Emulator) -> None:
    body = bytes(20_000_000)
    emulator.inject(Respond(200, body=body))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(emulator.base_url.rpartition(":")[2]))
    writer.write(f"GET {CONFIG} HTTP/1.1\r\nHost: a\r\nX-API-Key: {emulator.api_key}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await emulator.stop()
    assert len(await reader.read()) < len(body)
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_disconnects_ends_a_stalled_answer(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    emulator.inject(Stall())
    response = await api.get(CONFIG)
    response.close()
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - the server gives no access to its tasks
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "settings",
    [
        {"registrations": -1},
        {"requests_per_second": 0.0},
        {"requests_per_second": float("nan")},
        {"calls_per_second": 0.0},
        {"calls_per_minute": float("nan")},
        {"retry_after": -1},
        {"pending_reads": -1},
        {"page_size": 0},
        {"max_page_size": 0},
        {"record_limit": -1},
        {"port": -1},
        {"port": 65536},
        {"started": datetime(2026, 1, 1)},  # noqa: DTZ001 - the time zone is what is missing
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Emulator(**settings)


@pytest.mark.parametrize(
    ("settings", "first", "second", "invoice"),
    [
        ({}, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:01:01.000017Z", "2026-01-01T00:00:00Z"),
        (
            {"started": datetime(2027, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))},
            "2027-05-06T05:00:00.000000Z",
            "2027-05-06T05:01:01.000017Z",
            "2027-05-06T05:00:00Z",
        ),
        (
            {"started": datetime(2027, 5, 6, 7, 8, 9, 123, tzinfo=UTC)},
            "2027-05-06T07:08:09.000123Z",
            "2027-05-06T07:09:10.000140Z",
            "2027-05-06T07:08:09.000123Z",
        ),
    ],
)
async def test_an_account_begins_when_it_is_told_to(
    settings: dict[str, Any], first: str, second: str, invoice: str
) -> None:
    async with (
        Emulator(registrations=2, **settings) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        async with api.get("/api/sip/registrations") as response:
            created = [each["created"] for each in (await response.json())["results"]]
        async with api.post("/api/calls", json={}) as response:
            call = await response.json()
        async with api.get("/api/accounts/me/billing/invoices") as response:
            invoices = (await response.json())["results"]
    assert (created, call["created"], invoices[0]["invoiceDate"]) == ([first, second], first, invoice)
