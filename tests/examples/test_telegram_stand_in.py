import asyncio
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any, TypeAlias

import aiohttp
import pytest

from tests.conftest import Clock
from tests.examples.example_scripts import loaded, until

StandIn: TypeAlias = Any  # an example is loaded and not imported, so that nobody knows its types


@pytest.fixture(scope="module")
def stand_in() -> ModuleType:
    return loaded("telegram_stand_in")


@pytest.fixture
async def telegram(stand_in: ModuleType) -> AsyncIterator[StandIn]:
    async with stand_in.TelegramStandIn() as telegram:
        yield telegram


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


async def call(
    http: aiohttp.ClientSession,
    telegram: StandIn,
    method: str,
    **parameters: Any,  # noqa: ANN401 - JSON
) -> Any:  # noqa: ANN401 - JSON
    async with http.post(f"{telegram.url}/bot{telegram.token}/{method}", json=parameters) as response:
        body = await response.json()
    assert response.status == (200 if body["ok"] else body["error_code"])
    return body


async def test_it_says_which_bot_it_is(telegram: StandIn, http: aiohttp.ClientSession) -> None:
    assert (await call(http, telegram, "getMe"))["result"]["is_bot"] is True


async def test_a_message_can_be_sent_as_json_in_a_form_and_in_a_query(
    telegram: StandIn, http: aiohttp.ClientSession
) -> None:
    chat = telegram.chat(1, "Ann")
    url = f"{telegram.url}/bot{telegram.token}/sendMessage"
    await call(http, telegram, "SENDMESSAGE", chat_id=1, text="json")
    await http.post(url, data={"chat_id": "1", "text": "form", "entities": "[]"})
    await http.get(url, params={"chat_id": "1", "text": "query"})
    assert chat.history == ["json", "form", "query"]


async def test_an_update_is_delivered_until_an_offset_confirms_it(
    telegram: StandIn, http: aiohttp.ClientSession
) -> None:
    telegram.chat(1, "Ann").say("/start now")
    first = (await call(http, telegram, "getUpdates"))["result"]
    assert (await call(http, telegram, "getUpdates"))["result"] == first
    assert first[0]["message"]["text"] == "/start now"
    assert first[0]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert (await call(http, telegram, "getUpdates", offset=first[0]["update_id"] + 1))["result"] == []


async def test_a_poll_waits_for_an_update(telegram: StandIn, http: aiohttp.ClientSession) -> None:
    poll = asyncio.create_task(call(http, telegram, "getUpdates", timeout=50))
    await until(lambda: telegram.polls)
    telegram.chat(1, "Ann").say("hello")
    assert [update["message"]["text"] for update in (await poll)["result"]] == ["hello"]


async def test_a_poll_ends_after_its_timeout(telegram: StandIn, http: aiohttp.ClientSession, clock: Clock) -> None:
    assert (await call(http, telegram, "getUpdates", timeout=50))["result"] == []
    assert clock.ahead >= 49


async def test_a_second_poll_ends_the_first(telegram: StandIn, http: aiohttp.ClientSession) -> None:
    first = asyncio.create_task(call(http, telegram, "getUpdates", timeout=50))
    await until(lambda: telegram.polls)
    await call(http, telegram, "getUpdates")
    assert (await first)["description"].startswith("Conflict: terminated by other getUpdates request")


@pytest.mark.parametrize(
    ("method", "parameters", "status", "description"),
    [
        ("sendPhoto", {}, 404, "Not Found"),
        ("sendMessage", {"chat_id": 7, "text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", {"chat_id": 1, "text": " "}, 400, "Bad Request: message text is empty"),
        ("sendMessage", {"chat_id": 1, "text": "x" * 4097}, 400, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 1, "text": "\N{BICYCLE}" * 2049}, 400, "Bad Request: message is too long"),
        ("sendMessage", {"chat_id": 1, "text": "x", "parse_mode": "HTML"}, 400, "Bad Request: unsupported parse_mode"),
        (
            "sendMessage",
            {"chat_id": 1, "text": "ab", "entities": [{"type": "pre", "offset": 1, "length": 2}]},
            400,
            "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 2",
        ),
        ("sendDocument", {"chat_id": 1, "document": "x"}, 400, "Bad Request: there is no document in the request"),
        (
            "editMessageText",
            {"chat_id": 1, "message_id": 9, "text": "x"},
            400,
            "Bad Request: message to edit not found",
        ),
    ],
)
async def test_it_refuses_what_telegram_refuses(  # noqa: PLR0913, PLR0917 - a row of the table, and the two sides
    telegram: StandIn,
    http: aiohttp.ClientSession,
    method: str,
    parameters: dict[str, Any],
    status: int,
    description: str,
) -> None:
    telegram.chat(1, "Ann")
    refusal = await call(http, telegram, method, **parameters)
    assert (refusal["error_code"], refusal["description"]) == (status, description)


async def test_a_wrong_token_is_refused(telegram: StandIn, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{telegram.url}/bot1:wrong/getMe") as response:
        assert await response.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_an_edit_that_changes_nothing_is_refused(telegram: StandIn, http: aiohttp.ClientSession) -> None:
    telegram.chat(1, "Ann")
    number = (await call(http, telegram, "sendMessage", chat_id=1, text="a"))["result"]["message_id"]
    edit = {"chat_id": 1, "message_id": number}
    assert (await call(http, telegram, "editMessageText", **edit, text="b"))["result"]["text"] == "b"
    assert "message is not modified" in (await call(http, telegram, "editMessageText", **edit, text="b"))["description"]


async def test_a_group_takes_twenty_messages_a_minute(
    telegram: StandIn, http: aiohttp.ClientSession, clock: Clock
) -> None:
    telegram.chat(-1, "Team")
    answers = [await call(http, telegram, "sendMessage", chat_id=-1, text="x") for _ in range(21)]
    assert [answer["ok"] for answer in answers] == [True] * 20 + [False]
    assert 0 < answers[-1]["parameters"]["retry_after"] <= 61
    clock.advance(61.0)
    assert (await call(http, telegram, "sendMessage", chat_id=-1, text="x"))["ok"] is True
