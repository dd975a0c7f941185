import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from tests.conftest import Clock
from tests.examples.example_scripts import loaded, until
from ultravox_async import AsyncUltravox
from ultravox_async.testing import DropConnection, Emulator, Fault, Respond, Stall

StandIn: TypeAlias = Any  # an example is loaded and not imported, so that nobody knows its types

CHATS = 20


# aiogram takes seconds to import: only the process that runs these tests does it, and not each that collects them.
@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded("telegram_bot")


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    # The listing has two pages.
    async with Emulator(registrations=20, requests_per_second=None, max_page_size=10) as emulator:
        yield emulator


@pytest.fixture
async def telegram(example: ModuleType) -> AsyncIterator[StandIn]:
    async with example.TelegramStandIn() as telegram:
        yield telegram


@asynccontextmanager
async def answering(
    example: ModuleType,
    telegram: StandIn,
    account: Emulator,
    *,
    key: str | None = None,
    token: str | None = None,
) -> AsyncGenerator[asyncio.Task[None]]:
    session = example.AiohttpSession(api=example.TelegramAPIServer.from_base(telegram.url))
    async with example.connect(key or account.api_key, base_url=account.base_url) as ultravox:
        bot = example.RegistrationBot(example.Bot(token or telegram.token, session), ultravox)
        run = asyncio.create_task(bot.run())
        await until(lambda: telegram.polls or run.done())
        yield run
        await bot.stop()
        await run


@pytest.fixture
async def bot(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock
) -> AsyncIterator[asyncio.Task[None]]:
    del clock  # it lets all that is to be waited for happen at once
    async with answering(example, telegram, account) as run:
        yield run


async def first_round(account: Emulator) -> None:
    """Wait until a watch has read the listing."""
    await until(lambda: sum(request.path == "/api/sip/registrations" for request in account.requests) == 2)
    await until(lambda: account.counts[200] == account.received)


@pytest.mark.usefixtures("bot")
async def test_many_chats_are_answered_at_once(telegram: StandIn, account: Emulator) -> None:
    chats = [telegram.chat(number, f"chat {number}") for number in range(1, CHATS + 1)]
    for chat, registration_id in zip(chats, account.registration_ids, strict=True):
        chat.say("/registrations")
        chat.say(f"/registration {registration_id}")
    for chat, registration_id in zip(chats, account.registration_ids, strict=True):
        assert registration_id in await chat.sees("It is")
        assert "Fetched 20 of 20" in await chat.sees("came from the listing")
    assert set(telegram.answers) == {200}


@pytest.mark.usefixtures("bot")
async def test_chats_that_ask_for_the_same_at_once_share_requests(telegram: StandIn, account: Emulator) -> None:
    chats = [telegram.chat(number, f"chat {number}") for number in range(1, 6)]
    for chat in chats:
        chat.say("/registrations")
    for chat in chats:
        await chat.sees("Fetched 20 of 20")
    assert account.received < len(chats) * (1 + 20) / 2


@pytest.mark.usefixtures("bot")
async def test_the_message_is_edited_while_the_sweep_goes_on(telegram: StandIn, account: Emulator) -> None:
    account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[3]}", times=1)
    ann = telegram.chat(1, "Ann")
    ann.say("/registrations")
    first, second = [await ann.sees("Fetched 19 of 20 in ") for _ in range(2)]
    assert first != second
    await ann.sees("Fetched 20 of 20")
    assert len(ann.messages) == 1
    assert set(telegram.answers) == {200}


@pytest.mark.usefixtures("bot")
async def test_a_long_outage_does_not_flood_a_group(telegram: StandIn, account: Emulator) -> None:
    await account.stop()
    team = telegram.chat(-1, "Team")
    team.say("/registrations")
    later = asyncio.get_running_loop().time() + 50.0
    while asyncio.get_running_loop().time() < later:
        await team.sees("Waiting for Ultravox")
    await account.start()
    await team.sees("Fetched 20 of 20")
    assert set(telegram.answers) == {200}


@pytest.mark.slow  # the conversation below has an outage, too, and the tests of sweeps have it in their middle
@pytest.mark.usefixtures("bot")
async def test_no_id_is_lost_in_an_outage_in_the_middle_of_the_sweeps(telegram: StandIn, account: Emulator) -> None:
    account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[3]}")
    chats = [telegram.chat(number, f"chat {number}") for number in range(1, CHATS + 1)]
    for chat in chats:
        chat.say("/registrations")
    for chat in chats:
        await chat.sees("Fetched 19 of 20")
    await account.stop()
    chats[0].say(f"/registration {account.registration_ids[0]}")
    await chats[0].sees("Ultravox does not answer at the moment.")
    account.clear_faults()
    await account.start()
    for chat in chats:
        assert "0 errors" in await chat.sees("Fetched 20 of 20")


@pytest.mark.usefixtures("bot")
async def test_an_outage_that_is_too_long_ends_with_what_was_found(telegram: StandIn, account: Emulator) -> None:
    await account.stop()
    ann = telegram.chat(1, "Ann")
    ann.say("/registrations")
    await ann.sees("Waiting for Ultravox")
    assert await ann.sees("Ultravox does not answer") == "Ultravox does not answer at the moment. Try again later."


EXPLANATIONS: Sequence[tuple[Fault, str]] = [
    (Respond(401), "refuses the key of this bot"),
    (Respond(404), "There is no such registration."),
    (Respond(500), "does not answer"),
    (Respond(200, body=b"[]"), "The log of this bot says why."),
    (DropConnection(), "does not answer"),
    (Stall(), "does not answer"),
    (Respond(429, {"Retry-After": "100"}), "too much to do"),  # the last, because nothing is sent until that is over
]


@pytest.mark.usefixtures("bot")
async def test_an_error_is_a_short_message(telegram: StandIn, account: Emulator) -> None:
    # One bot for all of them, because each takes longer to start than to answer.
    for number, (fault, words) in enumerate(EXPLANATIONS, 1):
        account.inject(fault)
        chat = telegram.chat(number, f"chat {number}")
        received = account.received
        chat.say(f"/registration {account.registration_ids[number]}")
        message = await chat.sees("")
        assert words in message
        assert len(message) < 80
        assert chat.history == [message]
        assert account.received > received
        account.clear_faults()


@pytest.mark.usefixtures("bot")
async def test_an_invalid_id_is_not_sent(telegram: StandIn, account: Emulator) -> None:
    ann = telegram.chat(1, "Ann")
    for command in ("/registration", "/registration \x01"):
        ann.say(command)
        await ann.sees("That is not the id of a registration.")
    assert account.received == 0


async def test_nothing_secret_is_shown(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    del clock
    caplog.set_level("DEBUG")
    ann = telegram.chat(1, "Ann")
    async with answering(example, telegram, account, key="a-secret-key"):
        for command in ("/registration any", "/registrations", "/watch"):
            ann.say(command)
            await ann.sees("refuses the key of this bot")
    assert "401 Unauthorized" in caplog.text
    for secret in ("a-secret-key", telegram.token):
        assert secret not in caplog.text
        assert secret not in str(ann)


@pytest.mark.usefixtures("bot")
async def test_a_name_is_shown_as_it_is_and_on_one_line(telegram: StandIn, account: Emulator) -> None:
    async with AsyncUltravox(account.api_key, base_url=account.base_url) as ultravox:
        new = await ultravox.sip.registrations.create(
            username="<b>&*_[x](y)`\nregistered \N{BICYCLE}", password="secret", proxy="sip.example.com"
        )
    ann = telegram.chat(1, "Ann")
    ann.say("/registrations")
    line = "<b>&*_[x](y)` registered \N{BICYCLE}@sip.example.com"
    text = await ann.sees(line)
    (message,) = ann.messages.values()
    (entity,) = message.entities
    block = text.encode("utf-16-le")[2 * entity["offset"] :][: 2 * entity["length"]].decode("utf-16-le")
    assert entity["type"] == "pre"
    assert any(shown.endswith(f" {line}") for shown in block.splitlines())
    ann.say(f"/registration {new.registration_id}")
    await ann.sees("<b>&*_[x](y)`")
    assert set(telegram.answers) == {200}


# Without the clock: a document is written to a file by a thread, and nobody knows how long that takes.
async def test_a_list_that_is_too_long_for_a_message_comes_as_a_file(example: ModuleType, telegram: StandIn) -> None:
    async with (
        Emulator(registrations=300, requests_per_second=None) as account,
        answering(example, telegram, account),
    ):
        ann = telegram.chat(1, "Ann")
        ann.say("/registrations")
        text = await ann.sees("300 came from the listing, 0 were fetched one by one.")
        await ann.sees("registrations.txt")
    left = int(text.rpartition("and ")[2].removesuffix(" more"))
    (content,) = (shown.document for shown in ann.messages.values() if shown.document)
    lines = content.decode().splitlines()
    assert len(lines) == 300
    assert text.count("@sip-") == 300 - left
    assert len(text) <= 4096
    assert set(telegram.answers) == {200}


@pytest.mark.parametrize(("method", "text"), [("sendMessage", "Reading"), ("editMessageText", "Fetched 20 of 20")])
@pytest.mark.usefixtures("bot")
async def test_what_telegram_refuses_with_a_429_is_sent_when_it_says(
    telegram: StandIn, clock: Clock, method: str, text: str
) -> None:
    telegram.refuse(method, 429, "Too Many Requests: retry after 60", 60)
    ann = telegram.chat(1, "Ann")
    before = clock.ahead
    ann.say("/registrations")
    await ann.sees(text)
    assert clock.ahead - before > 50
    assert telegram.answers[429] == 1


@pytest.mark.parametrize(("method", "times"), [("sendMessage", 1), ("editMessageText", 1), ("editMessageText", 2)])
@pytest.mark.usefixtures("bot")
async def test_an_answer_that_is_not_json_loses_no_result(telegram: StandIn, method: str, times: int) -> None:
    for _ in range(times):
        telegram.fail(method)
    ann = telegram.chat(1, "Ann")
    ann.say("/registrations")
    await ann.sees("Fetched 20 of 20")
    assert telegram.answers[502] == times
    assert len(ann.messages) == times


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("bot")
async def test_an_answer_that_is_not_json_does_not_end_the_watch(
    telegram: StandIn, account: Emulator, times: int
) -> None:
    ann = telegram.chat(1, "Ann")
    ann.say("/watch")
    await ann.sees("I tell you")
    await first_round(account)
    for _ in range(times):
        telegram.fail("sendMessage")
    account.refuse_proxy("sip-2.example.com")
    await until(lambda: telegram.answers[502] == times)
    account.accept_proxy("sip-2.example.com")
    await ann.sees("FAILED -> registered")
    assert ("registered -> FAILED" in "".join(ann.history)) == (times == 1)


@pytest.mark.usefixtures("bot")
async def test_a_result_whose_message_was_deleted_is_a_new_message(telegram: StandIn, account: Emulator) -> None:
    account.inject(Stall(), times=1)
    ann = telegram.chat(1, "Ann")
    ann.say("/registrations")
    await ann.sees("Reading")
    ann.messages.clear()
    await ann.sees("Fetched 20 of 20")
    assert len(ann.messages) == 1


@pytest.mark.usefixtures("bot")
async def test_all_chats_that_watch_are_told_in_one_message_until_unwatch(telegram: StandIn, account: Emulator) -> None:
    ann, bob, eve = (telegram.chat(number, name) for number, name in enumerate(("Ann", "Bob", "Eve"), 1))
    for chat in (ann, bob):
        chat.say("/watch")
        await chat.sees("I tell you what changes")
    await first_round(account)
    account.refuse_proxy("sip-2.example.com")
    for chat in (ann, bob):
        news = await chat.sees("News:")
        assert news.count("@sip-2.example.com: registered -> FAILED") == 3
    bob.say("/unwatch")
    await bob.sees("I tell you nothing more.")
    account.accept_proxy("sip-2.example.com")
    await ann.sees("FAILED -> registered")
    assert len(bob.history) == 3
    assert eve.history == []


@pytest.mark.usefixtures("bot")
async def test_nothing_is_asked_for_any_more_when_no_chat_watches(telegram: StandIn, account: Emulator) -> None:
    ann = telegram.chat(1, "Ann")
    ann.say("/watch")
    await first_round(account)
    ann.say("/unwatch")
    await ann.sees("nothing more")
    received = account.received
    await asyncio.sleep(50.0)  # of the clock that is moved forward
    assert account.received == received
    ann.say("/watch")
    await until(lambda: account.received > received)


@pytest.mark.usefixtures("bot")
async def test_a_chat_that_has_blocked_the_bot_does_not_keep_others_from_the_news(
    telegram: StandIn, account: Emulator
) -> None:
    ann, bob = telegram.chat(1, "Ann"), telegram.chat(2, "Bob")
    for chat in (ann, bob):
        chat.say("/watch")
        await chat.sees("I tell you")
    await first_round(account)
    bob.blocked = True
    account.refuse_proxy("sip-2.example.com")
    await ann.sees("registered -> FAILED")
    account.accept_proxy("sip-2.example.com")
    await ann.sees("FAILED -> registered")
    assert telegram.answers[403] == 1


@pytest.mark.usefixtures("bot")
async def test_news_that_telegram_does_not_take_do_not_end_the_watch(telegram: StandIn, account: Emulator) -> None:
    ann = telegram.chat(1, "Ann")
    ann.say("/watch")
    await ann.sees("I tell you")
    await first_round(account)
    telegram.refuse("sendMessage", 500, "Internal Server Error")
    account.refuse_proxy("sip-2.example.com")
    await until(lambda: telegram.answers[500])
    account.accept_proxy("sip-2.example.com")
    await ann.sees("FAILED -> registered")


@pytest.mark.slow  # as above, and the tests of `watch` have it
@pytest.mark.usefixtures("bot")
async def test_a_watch_tells_of_an_outage_and_of_its_end_and_of_what_happened_meanwhile(
    telegram: StandIn, account: Emulator
) -> None:
    ann = telegram.chat(1, "Ann")
    ann.say("/watch")
    await ann.sees("I tell you")
    await first_round(account)
    await account.stop()
    await ann.sees("Some changes may be missing.")
    account.refuse_proxy("sip-2.example.com")
    await account.start()
    await ann.sees("Ultravox answers again")
    assert "registered -> FAILED" in "".join(ann.history)


async def test_a_stop_in_the_middle_tells_the_chats_and_loses_no_message(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock
) -> None:
    account.inject(Stall(), path=f"/api/sip/registrations/{account.registration_ids[3]}")
    ann, bob = telegram.chat(1, "Ann"), telegram.chat(2, "Bob")
    async with answering(example, telegram, account):
        bob.say("/watch")
        ann.say("/registrations")
        await ann.sees("Fetched 19 of 20")
        began = clock.ahead
    assert "Fetched 19 of 20" in await ann.sees("This bot is being stopped.")
    await bob.sees("The watch has ended. This bot is being stopped.")
    assert clock.ahead - began < 30


async def test_with_a_token_it_answers_the_chats_of_its_owner_about_the_account_of_the_key(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    del clock
    session = example.AiohttpSession(api=example.TelegramAPIServer.from_base(telegram.url))
    monkeypatch.setattr(example, "Bot", partial(example.Bot, session=session))
    monkeypatch.setenv("ULTRAVOX_API_KEY", account.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", account.base_url)
    monkeypatch.setenv("TELEGRAM_CHATS", "1, -3")
    ann, eve, team = telegram.chat(1, "Ann"), telegram.chat(2, "Eve"), telegram.chat(-3, "Team")
    serving = asyncio.create_task(example.serve(telegram.token))
    for command in example.COMMANDS:
        eve.say(f"/{command}")
        assert await eve.sees("") == "This chat is not one of mine. Its id is 2."
    assert account.received == 0
    for chat in (ann, team):
        chat.say("/registrations")
        await chat.sees("Fetched 20 of 20")
    signal.raise_signal(signal.SIGTERM)
    await serving


@pytest.mark.usefixtures("bot")
async def test_the_commands_are_offered(example: ModuleType, telegram: StandIn) -> None:
    ann = telegram.chat(1, "Ann")
    ann.say("/start")
    assert [line.split(":")[0] for line in (await ann.sees("")).splitlines()] == [
        f"/{name}" for name in example.COMMANDS
    ]
    assert telegram.commands == list(example.COMMANDS)


async def test_a_token_that_telegram_refuses_ends_it(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock
) -> None:
    del clock
    with pytest.raises(example.AiogramError, match=r"^Telegram server says - Unauthorized$"):
        async with answering(example, telegram, account, token="1:wrong"):
            pass


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"TELEGRAM_TOKEN": "no token", "ULTRAVOX_API_KEY": "a-key"}, "Token is invalid!"),
        ({"TELEGRAM_TOKEN": "1:x", "ULTRAVOX_API_KEY": ""}, "no API key"),
    ],
)
def test_what_is_missing_is_one_line_and_exit_code_2(
    example: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    words: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert example.main() == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(f"error: {words}")
    assert stderr.count("\n") == 1


async def test_ctrl_c_stops_it_and_the_chats_are_told(
    example: ModuleType, telegram: StandIn, account: Emulator, clock: Clock
) -> None:
    del clock
    ann = telegram.chat(1, "Ann")
    async with answering(example, telegram, account) as run:
        ann.say("/watch")
        await ann.sees("I tell you")
        signal.raise_signal(signal.SIGINT)
        await run
    await ann.sees("This bot is being stopped.")


async def test_without_a_token_it_plays_a_conversation(
    example: ModuleType, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    del clock
    await example.demonstrate()
    printed = capsys.readouterr().out
    assert "Ann: /registrations\n" in printed
    assert "bot to Team: There is no such registration.\n" in printed
    assert "user-000001@sip-1.example.com: registered -> FAILED\n" in printed
    assert "bot to Team: Ultravox does not answer at the moment. Try again later.\n" in printed
    assert printed.endswith("bot to Team: I tell you nothing more.\n")


def test_nobody_goes_on_talking_to_a_bot_that_is_being_stopped(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []

    async def stop(telegram: StandIn, emulator: Emulator) -> None:
        emulator.inject(Stall())
        ann = telegram.chat(1, "Ann")
        ann.say("/registration any")
        await until(lambda: emulator.received)
        signal.raise_signal(signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            heard.extend(ann.history)

    monkeypatch.delenv("TELEGRAM_TOKEN", raising=False)
    monkeypatch.setattr(example, "converse", stop)
    monkeypatch.setattr(example, "DRAIN", 0.1)
    with monkeypatch.context() as only_here:
        only_here.setattr(logging.root, "handlers", [])  # as in a process of its own
        assert example.main() == 0
    printed = capsys.readouterr()
    assert heard == []
    assert printed.out == "Ann: /registration any\nbot to Ann: This bot is being stopped. Try again later.\n"
    assert "WARNING telegram_bot: " in printed.err
