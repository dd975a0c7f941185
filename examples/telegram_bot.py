"""A Telegram bot that knows the SIP registrations of an account: many chats at once share one `AsyncUltravox`.

It shows a sweep that edits a message while it goes on, one `watch` for all chats, errors as short sentences, and an end
that lets what was sent be answered. It needs aiogram, which uses aiohttp too. As it stands, it plays a conversation
about an emulated account, in a stand-in for Telegram:

    python examples/telegram_bot.py

With TELEGRAM_TOKEN in the environment it talks to Telegram, until Ctrl-C or SIGTERM. It answers the chats whose ids are
in TELEGRAM_CHATS, with commas between them, and tells any other chat its id. With ULTRAVOX_API_KEY, the account is that
of the key.
"""

import asyncio
import logging
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import attrs
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.filters import Command, CommandObject, ExceptionTypeFilter
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import BotCommand, BufferedInputFile, ErrorEvent, Message, TelegramObject
from aiogram.utils.formatting import Pre, Text
from aiogram.utils.token import TokenValidationError
from telegram_stand_in import TelegramStandIn, converse, tell

import ultravox_async as uv
from ultravox_async.testing import Emulator

COMMANDS = {
    "registrations": "fetch all registrations",
    "registration": "show one: /registration ID",
    "watch": "tell this chat what changes",
    "unwatch": "end that",
}
STATES = {False: "FAILED", None: "UNKNOWN", True: "registered"}
EXPLANATIONS: dict[type[uv.UltravoxError], str] = {
    uv.NotFoundError: "There is no such registration.",
    uv.InvalidRequestError: "That is not the id of a registration.",
    uv.AuthenticationError: "Ultravox refuses the key of this bot. Its owner has to see to it.",
    uv.RateLimitError: "Ultravox has too much to do at the moment. Try again in a minute.",
    uv.APIConnectionError: "Ultravox does not answer at the moment. Try again later.",
    uv.ServerError: "Ultravox does not answer at the moment. Try again later.",
    uv.ClientClosedError: "This bot is being stopped. Try again later.",
    uv.UltravoxError: "That did not work. The log of this bot says why.",
}

MESSAGE_INTERVAL = 4.0
"""Seconds between two messages or edits. A group takes 20 a minute from a bot, so this leaves some for answers."""

REPEAT_AFTER = 1.0
"""Seconds until something is sent again that got no proper answer."""

ROOM_FOR_LINES = 3800
"""How much of a message, to which Telegram sets a limit of 4,096 UTF-16 code units, may be lines of a list."""

DRAIN = 10.0
"""For how many seconds what was sent may go on when the bot stops."""

log = logging.getLogger("telegram_bot")

# Chats that ask for the same at the same time share the requests.
connect = partial(uv.AsyncUltravox, coalesce_reads=True)


def now() -> float:
    """Return the time of the event loop, in seconds."""
    return asyncio.get_running_loop().time()


def explanation(error: uv.UltravoxError) -> str:
    """Return what to tell a chat; the text of the error itself is for the log."""
    return next(text for kind, text in EXPLANATIONS.items() if isinstance(error, kind))


def name(registration: uv.SipRegistration) -> str:
    """Return the name that people know. It is one line, whatever is in it."""
    return " ".join(f"{registration.username}@{registration.proxy}".split())


def news_of(change: uv.Change[uv.SipRegistration]) -> str | None:
    """Return what to tell of a change; None if it is not worth a line."""
    match change:
        case uv.Changed(_, old, now) if old.successful != now.successful:
            return f"{name(now)}: {STATES[old.successful]} -> {STATES[now.successful]}"
        case uv.Removed(key, old):
            return f"{key if old is None else name(old)}: deleted"
        case uv.Interrupted(error):
            return f"Some changes may be missing. {explanation(error)}"
        case uv.Resumed():
            return "Ultravox answers again; no change is missing."
        case _:
            return None


def fitting(lines: Sequence[str]) -> Sequence[str]:
    """Return as many of the lines as one message may have."""
    room = ROOM_FOR_LINES
    for number, line in enumerate(lines):
        room -= len(line.encode("utf-16-le")) // 2 + 1
        if room < 0:
            return lines[:number]
    return lines


def text_with(head: str, lines: Sequence[str]) -> Text:
    """Return a message with the lines that fit.

    Formatting is sent beside the text and not in it, so that nothing has to be escaped. In a block of code, Telegram
    makes no links and mentions of what the lines contain.
    """
    shown = fitting(lines)
    more = f"\nand {len(lines) - len(shown)} more" if len(shown) < len(lines) else ""
    return Text(head, "\n", Pre("\n".join(shown)), more) if shown else Text(head)


@attrs.define
class Tally:
    """What a sweep has brought so far."""

    wanted: int | None = None
    found: list[uv.SipRegistration] = attrs.field(factory=list[uv.SipRegistration])
    failed: int = 0
    error: uv.UltravoxError | None = None
    started: float = attrs.field(factory=now)

    async def fetch(self, ultravox: uv.AsyncUltravox) -> None:
        """Fetch all registrations of the account; a real bot has the ids that it cares for in its own database."""
        try:
            ids = [one.registration_id async for one in ultravox.sip.registrations.list(page_size=100)]
            self.wanted = len(ids)
            async for outcome in ultravox.sip.registrations.get_many(ids):
                if outcome.value is not None:
                    self.found.append(outcome.value)
                else:
                    self.failed += 1
                    self.error = outcome.error
        except uv.UltravoxError as error:
            self.error = error

    def line(self) -> str:
        """Return the progress. It is never the same twice, because Telegram refuses an edit that changes nothing."""
        seconds = f"{now() - self.started:.1f} s"
        if self.wanted is None:  # the listing has not been read yet: it is long, or there is an outage
            return f"Waiting for Ultravox, for {seconds} now."
        return f"Fetched {len(self.found)} of {self.wanted} in {seconds}, {self.failed} errors."

    def summary(self, counts: uv.Counts) -> str:
        """Return what is said in the end, above the registrations."""
        states = Counter(STATES[one.successful] for one in self.found)
        if self.wanted is None and self.error is not None:
            return explanation(self.error)
        texts = [self.line(), f"{counts.listed} came from the listing, {counts.fetched} were fetched one by one."]
        texts += [f"{number} {state}" for state, number in states.items()]
        texts += [] if self.error is None else [explanation(self.error)]
        return "\n".join(texts)


class Watch:
    """Tells chats what changes: one watch for all of them, which runs while there are any."""

    def __init__(self, bot: Bot, ultravox: uv.AsyncUltravox) -> None:
        self._bot = bot
        self._ultravox = ultravox
        self._chats: set[int] = set()
        self.task: asyncio.Task[None] | None = None

    def add(self, chat_id: int) -> None:
        """Tell a chat from now on."""
        self._chats.add(chat_id)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run())

    def remove(self, chat_id: int) -> None:
        """Tell a chat nothing more."""
        self._chats.discard(chat_id)
        if not self._chats and self.task is not None:
            self.task.cancel()
            self.task = None

    async def _run(self) -> None:
        lines = asyncio.Queue[str]()
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(lines))
            while not (reading.done() and lines.empty()):
                news = [await lines.get()]
                # Whatever happens until then is told in the same message, so that a storm does not become a flood.
                await asyncio.wait([reading], timeout=MESSAGE_INTERVAL)
                news += [lines.get_nowait() for _ in range(lines.qsize())]
                await asyncio.gather(*(self._tell(chat, text_with("News:", news)) for chat in self._chats))
        self._chats.clear()

    async def _read(self, lines: asyncio.Queue[str]) -> None:
        try:
            async with aclosing(self._ultravox.sip.registrations.watch(interval=5.0)) as changes:
                async for change in changes:
                    if line := news_of(change):
                        lines.put_nowait(line)
        except uv.UltravoxError as error:
            lines.put_nowait(f"The watch has ended. {explanation(error)}")

    async def _tell(self, chat: int, text: Text) -> None:
        try:
            await self._bot.send_message(chat, **text.as_kwargs())
        except TelegramForbiddenError:  # somebody has blocked the bot, or removed it from the group
            self.remove(chat)
        except AiogramError as error:
            log.warning("a chat has missed some news: %s", error)


class Repeat(BaseRequestMiddleware):
    """Sends again what Telegram has refused because it was too much, after as long as it says.

    What got no proper answer is sent again once: a message that comes twice is better than one that is lost.
    """

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Send a request until it is not refused for that reason."""
        is_repeated = isinstance(method, GetUpdates)  # aiogram repeats these itself
        while True:
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
            except (ClientDecodeError, TelegramNetworkError, TelegramServerError):
                if is_repeated:
                    raise
                is_repeated = True
                await asyncio.sleep(REPEAT_AFTER)


class RegistrationBot:
    """Answers chats until it is told to stop. `chats` are the ids of those that it answers, None for all of them."""

    def __init__(self, bot: Bot, ultravox: uv.AsyncUltravox, chats: Collection[str] | None = None) -> None:
        self._bot = bot
        self._ultravox = ultravox
        self._watch = Watch(bot, ultravox)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dispatcher = Dispatcher()
        bot.session.middleware(Repeat())
        self._dispatcher.update.outer_middleware(self._remember_task)
        if chats is not None:
            self._dispatcher.message.register(self._refuse, ~F.chat.id.cast(str).in_(chats))
        self._dispatcher.message.register(self._show_all, Command("registrations"))
        self._dispatcher.message.register(self._show_one, Command("registration"))
        self._dispatcher.message.register(self._begin_watch, Command("watch"))
        self._dispatcher.message.register(self._end_watch, Command("unwatch"))
        self._dispatcher.message.register(self._help, Command("start", "help"))
        self._dispatcher.error.register(self._explain, ExceptionTypeFilter(uv.UltravoxError))

    async def run(self) -> None:
        """Answer until SIGINT, SIGTERM or `stop`. What was sent to the API by then may still be answered."""
        async with self._bot:
            await self._bot.set_my_commands([BotCommand(command=key, description=COMMANDS[key]) for key in COMMANDS])
            await self._dispatcher.start_polling(self._bot, close_bot_session=False)  # pyright: ignore[reportUnknownMemberType] - aiogram's UNSET
            await self._ultravox.close(drain=DRAIN)
            last = [task for task in (self._watch.task, *self._tasks) if task is not None]
            if last:
                await asyncio.wait(last, timeout=DRAIN)

    def when_stopped(self, react: Callable[[], Awaitable[object]]) -> None:
        """Set what is awaited as soon as no message is received any more, while some may still be answered."""
        self._dispatcher.shutdown.register(react)

    async def stop(self) -> None:
        """End `run`, if it is running."""
        with suppress(RuntimeError):
            await self._dispatcher.stop_polling()

    async def _remember_task(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> object:
        # aiogram handles each update in a task, and does not wait for these when it stops.
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await handler(event, data)

    async def _show_all(self, message: Message) -> None:
        tally = Tally()
        status = await message.answer("Reading the listing ...")
        with self._ultravox.measure() as counts:
            async with asyncio.TaskGroup() as group:
                sweep = group.create_task(tally.fetch(self._ultravox))
                while not (await asyncio.wait([sweep], timeout=MESSAGE_INTERVAL))[0]:
                    with suppress(AiogramError):  # the sweep is worth more than a word about it
                        await status.edit_text(tally.line())
        lines = sorted(f"{STATES[one.successful]:10} {name(one)}" for one in tally.found)
        text = text_with(tally.summary(counts), lines).as_kwargs()
        try:
            await status.edit_text(**text)
        except AiogramError:  # somebody has deleted it, or Telegram has not taken the edit
            await message.answer(**text)
        if len(fitting(lines)) < len(lines):
            await message.answer_document(BufferedInputFile("\n".join(lines).encode(), "registrations.txt"))

    async def _show_one(self, message: Message, command: CommandObject) -> None:
        one = await self._ultravox.sip.registrations.get(command.args or "")
        details = [f"{key}: {value}" for key, value in one.to_dict().items() if value is not None]
        await message.answer(**text_with(f"It is {STATES[one.successful]}:", details).as_kwargs())

    async def _begin_watch(self, message: Message) -> None:
        self._watch.add(message.chat.id)
        await message.answer("I tell you what changes, until /unwatch.")

    async def _end_watch(self, message: Message) -> None:
        self._watch.remove(message.chat.id)
        await message.answer("I tell you nothing more.")

    async def _help(self, message: Message) -> None:
        await message.answer("\n".join(f"/{key}: {COMMANDS[key]}" for key in COMMANDS))

    async def _refuse(self, message: Message) -> None:
        await message.answer(f"This chat is not one of mine. Its id is {message.chat.id}.")

    async def _explain(self, event: ErrorEvent) -> None:
        log.warning("%s", event.exception)
        if event.update.message is not None and isinstance(event.exception, uv.UltravoxError):
            await event.update.message.answer(explanation(event.exception))


async def demonstrate() -> None:
    """Print a conversation about an emulated account."""
    async with (
        Emulator(registrations=24) as emulator,
        connect(emulator.api_key, base_url=emulator.base_url) as ultravox,
        TelegramStandIn(tell=tell) as telegram,
    ):
        server = TelegramAPIServer.from_base(telegram.url)
        bot = RegistrationBot(Bot(telegram.token, AiohttpSession(api=server)), ultravox)

        async def play() -> None:
            await converse(telegram, emulator)
            await bot.stop()

        async with asyncio.TaskGroup() as group:
            playing = group.create_task(play())

            async def fall_silent() -> None:
                playing.cancel()

            bot.when_stopped(fall_silent)
            await bot.run()


async def serve(token: str) -> None:
    """Talk to Telegram, about the account of ULTRAVOX_API_KEY."""
    chats = [chat.strip() for chat in os.environ.get("TELEGRAM_CHATS", "").split(",")]
    async with connect() as ultravox:
        await RegistrationBot(Bot(token), ultravox, chats).run()


def main() -> int:
    """Run until Ctrl-C or SIGTERM, and return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    token = os.environ.get("TELEGRAM_TOKEN")
    try:
        asyncio.run(demonstrate() if token is None else serve(token))
    except (AiogramError, TokenValidationError, uv.UltravoxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the bot was ready to handle it
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
