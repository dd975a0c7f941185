"""A stand-in for the Telegram Bot API, on a socket of this machine: `telegram_bot.py` is shown and tested with it.

It speaks the protocol of https://core.telegram.org/bots/api as far as the bot uses it: getMe, getUpdates with long
polling, sendMessage, sendDocument, editMessageText and setMyCommands; as JSON, as a form or as a multipart form. It
refuses what Telegram refuses, in the same words: a wrong token, an unknown chat, a text that is empty, too long or not
modified, entities outside of their text, a second poll at the same time, and more than 20 messages a minute in a group.

It knows no parse modes, buttons or webhooks. Text can be formatted with entities.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeAlias

import attrs
from aiohttp import web

from ultravox_async.testing import Emulator

TOKEN: Final = "123456789:not-a-token-of-any-bot"  # noqa: S105 - it opens nothing
"""The token that is accepted by default."""

_LONGEST_TEXT: Final = 4096
_MINUTE: Final = 60.0
_GROUP_MESSAGES_PER_MINUTE: Final = 20
_UPDATES_AT_ONCE: Final = 100
_NOT_MODIFIED: Final = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
_CONFLICT: Final = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"

Parameters: TypeAlias = Mapping[str, Any]
"""The parameters of a request: values of JSON, or strings and files of a form."""


@attrs.define
class Refusal(Exception):  # noqa: N818 - it is an answer, and the bot may be to blame for it
    """What the Bot API answers instead of a result."""

    status: int
    description: str
    retry_after: int | None = None

    def answer(self) -> web.Response:
        """Return it as a response."""
        content: dict[str, object] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.retry_after is not None:
            content["parameters"] = {"retry_after": self.retry_after}
        return web.json_response(content, status=self.status)


class BadGateway(Refusal):
    """A page in the place of an answer, as from a proxy in front of the Bot API."""

    def answer(self) -> web.Response:
        """Return it as a response."""
        return web.Response(status=self.status, text=f"<h1>{self.description}</h1>", content_type="text/html")


@attrs.define
class Shown:
    """A message of the bot, as the people in the chat see it now."""

    text: str
    entities: list[dict[str, Any]]
    document: bytes | None = None


@attrs.define(eq=False)
class Chat:
    """A chat with the bot. As in Telegram, the id of a group is negative."""

    id: int
    name: str
    _telegram: "TelegramStandIn" = attrs.field(repr=False)
    messages: dict[int, Shown] = attrs.field(init=False, factory=dict[int, Shown])
    """The messages of the bot, by their ids."""

    history: list[str] = attrs.field(init=False, factory=list[str])
    """Each text that the bot has sent, and each text that it was changed to."""

    blocked: bool = attrs.field(init=False, default=False)
    """Whether the person has blocked the bot."""

    _times: deque[float] = attrs.field(init=False, factory=deque[float])
    _seen: int = attrs.field(init=False, default=0)

    def say(self, text: str) -> None:
        """Write to the bot."""
        self._telegram.deliver(self, text)

    async def sees(self, words: str) -> str:
        """Wait until the bot writes a text with these words, after what was seen before, and return it."""
        while True:
            for number, text in enumerate(self.history[self._seen :], self._seen + 1):
                if words in text:
                    self._seen = number
                    return text
            await self._telegram.something_happens()

    def count_message(self) -> None:
        """Refuse the message if there were too many of them in this group within a minute."""
        now = asyncio.get_running_loop().time()
        while self._times and self._times[0] <= now - _MINUTE:
            self._times.popleft()
        if self.id < 0 and len(self._times) >= _GROUP_MESSAGES_PER_MINUTE:
            refuse_for_now(int(self._times[0] + _MINUTE - now) + 1)
        self._times.append(now)


def refuse_for_now(seconds: int) -> NoReturn:
    """Answer that the bot has to wait."""
    raise Refusal(429, f"Too Many Requests: retry after {seconds}", seconds)


class TelegramStandIn:
    """The server, the chats, and what people write in them.

    Args:
        token: The only token that is accepted.
        tell: Called with a line of text for everything that somebody or the bot writes.
    """

    def __init__(self, token: str = TOKEN, tell: Callable[[str], None] = lambda _line: None) -> None:
        self.token = token
        self.tell = tell
        self.chats: dict[int, Chat] = {}
        self.commands: list[str] = []
        self.polls = 0
        self.answers: Counter[int] = Counter()
        self._happened = asyncio.Event()
        self._refusals: dict[str, list[Refusal]] = {}
        self._updates: list[dict[str, Any]] = []
        self._last_update = self._last_message = 0
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._respond)
        # The address of a request has the token in it, so that there is no access log. A poll that is running when the
        # server stops is not waited for.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        self._methods: dict[str, Callable[[Parameters], Awaitable[object]]] = {
            "getme": self._get_me,
            "getupdates": self._get_updates,
            "sendmessage": self._send_message,
            "senddocument": self._send_document,
            "editmessagetext": self._edit_message_text,
            "setmycommands": self._set_my_commands,
        }

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def chat(self, chat_id: int, name: str) -> Chat:
        """Open a chat: it is a group if its id is negative."""
        self.chats[chat_id] = Chat(chat_id, name, self)
        return self.chats[chat_id]

    def refuse(self, method: str, status: int, description: str, retry_after: int | None = None) -> None:
        """Refuse the next call of a method."""
        self._refuse(method, Refusal(status, description, retry_after))

    def fail(self, method: str) -> None:
        """Answer the next call of a method with a page that is not JSON."""
        self._refuse(method, BadGateway(502, "Bad Gateway"))

    def _refuse(self, method: str, refusal: Refusal) -> None:
        self._refusals.setdefault(method.lower(), []).append(refusal)

    def deliver(self, chat: Chat, text: str) -> None:
        """Let the bot receive a text of a chat."""
        self._last_update += 1
        entities: list[object] = []
        if text.startswith("/"):
            entities = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        sender = {"id": abs(chat.id), "is_bot": False, "first_name": chat.name}
        message = {**self._message(chat), "from": sender, "text": text, "entities": entities}
        self._updates.append({"update_id": self._last_update, "message": message})
        self._announce(f"{chat.name}: {text}")

    def _announce(self, line: str) -> None:
        self.tell(line)
        self._wake_all()

    def _wake_all(self) -> None:
        self._happened.set()
        self._happened = asyncio.Event()

    async def something_happens(self) -> None:
        """Wait until somebody or the bot writes something."""
        await self._happened.wait()

    def _message(self, chat: Chat) -> dict[str, Any]:
        self._last_message += 1
        return {"message_id": self._last_message, "date": int(time.time()), "chat": _described(chat)}

    async def _respond(self, request: web.Request) -> web.Response:
        try:
            method = self._method(**request.match_info)
            response = web.json_response({"ok": True, "result": await method(await _parameters(request))})
        except Refusal as refusal:
            response = refusal.answer()
        self.answers[response.status] += 1
        return response

    def _method(self, token: str, method: str) -> Callable[[Parameters], Awaitable[object]]:
        name = method.lower()  # they are case-insensitive
        if token != self.token:
            raise Refusal(401, "Unauthorized")
        if name not in self._methods:
            raise Refusal(404, "Not Found")
        if self._refusals.get(name):
            raise self._refusals[name].pop(0)
        return self._methods[name]

    async def _get_me(self, _: Parameters) -> object:
        return {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Bot", "username": "a_bot"}

    async def _get_updates(self, parameters: Parameters) -> object:
        # An offset confirms the updates before it: they are forgotten.
        offset = int(parameters.get("offset", 0))
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        self.polls += 1
        poll = self.polls
        self._wake_all()  # an older poll learns that it is not the newest any more
        with suppress(TimeoutError):
            async with asyncio.timeout(float(parameters.get("timeout", 0))):
                while poll == self.polls and not self._updates:
                    await self.something_happens()
        if poll != self.polls:
            raise Refusal(409, _CONFLICT)
        return self._updates[:_UPDATES_AT_ONCE]

    async def _send_message(self, parameters: Parameters) -> object:
        chat = self._chat_of(parameters)
        shown = _text_of(parameters)
        chat.count_message()
        return self._show(chat, self._message(chat), shown, f"bot to {chat.name}: {shown.text}")

    async def _send_document(self, parameters: Parameters) -> object:
        chat = self._chat_of(parameters)
        attached = str(parameters["document"]).removeprefix("attach://")
        upload = parameters.get(attached)
        if not isinstance(upload, web.FileField):
            raise Refusal(400, "Bad Request: there is no document in the request")
        chat.count_message()
        content = upload.file.read()
        message = self._message(chat) | {
            "document": {"file_id": attached, "file_unique_id": attached, "file_name": upload.filename}
        }
        shown = Shown(f"[{upload.filename}, {len(content)} bytes]", [], content)
        return self._show(chat, message, shown, f"bot to {chat.name}: {shown.text}")

    async def _edit_message_text(self, parameters: Parameters) -> object:
        chat = self._chat_of(parameters)
        number = int(parameters["message_id"])
        if number not in chat.messages:
            raise Refusal(400, "Bad Request: message to edit not found")
        shown = _text_of(parameters)
        if shown == chat.messages[number]:
            raise Refusal(400, _NOT_MODIFIED)
        chat.count_message()
        message = {"message_id": number, "date": int(time.time()), "chat": _described(chat)}
        return self._show(chat, message, shown, f"bot to {chat.name}, edited: {shown.text}")

    async def _set_my_commands(self, parameters: Parameters) -> object:
        self.commands = [command["command"] for command in _decoded(parameters["commands"])]
        return True

    def _chat_of(self, parameters: Parameters) -> Chat:
        chat = self.chats.get(int(parameters["chat_id"]))
        if chat is None:
            raise Refusal(400, "Bad Request: chat not found")
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        return chat

    def _show(self, chat: Chat, message: dict[str, Any], shown: Shown, line: str) -> dict[str, Any]:
        chat.messages[message["message_id"]] = shown
        chat.history.append(shown.text)
        self._announce(line)
        return {**message, "text": shown.text, "entities": shown.entities}


async def _parameters(request: web.Request) -> Parameters:
    if request.content_type == "application/json":
        return {**request.query, **await request.json()}
    return {**request.query, **await request.post()}


def _decoded(value: Any) -> Any:  # noqa: ANN401 - JSON
    # In a form, whatever is not a string is written as JSON.
    return json.loads(value) if isinstance(value, str) else value


def _text_of(parameters: Parameters) -> Shown:
    if "parse_mode" in parameters:
        raise Refusal(400, "Bad Request: unsupported parse_mode")
    shown = Shown(str(parameters.get("text", "")), _decoded(parameters.get("entities", [])))
    if not shown.text.strip():
        raise Refusal(400, "Bad Request: message text is empty")
    # Entities count UTF-16 code units. So does this limit: that is its strictest reading.
    length = len(shown.text.encode("utf-16-le")) // 2
    if length > _LONGEST_TEXT:
        raise Refusal(400, "Bad Request: message is too long")
    for entity in shown.entities:
        end = entity["offset"] + entity["length"]
        if end > length:
            begins = f"entity beginning at UTF-16 offset {entity['offset']}"
            raise Refusal(400, f"Bad Request: {begins} ends after the end of the text at UTF-16 offset {length}")
    return shown


def _described(chat: Chat) -> dict[str, Any]:
    if chat.id < 0:
        return {"id": chat.id, "type": "group", "title": chat.name}
    return {"id": chat.id, "type": "private", "first_name": chat.name}


def tell(line: str) -> None:
    """Print a line of the demonstration, and end at once if that is not possible, as other programs do."""
    try:
        print(line, flush=True)
    except OSError as error:
        # An exception would only be a 500 of the stand-in, and people would wait for an answer that never comes.
        if isinstance(error, BrokenPipeError):  # nobody reads it any more, as after `| head`
            os._exit(141)
        print(f"error: {error}", file=sys.stderr)
        os._exit(2)


async def converse(telegram: TelegramStandIn, emulator: Emulator) -> None:
    """Let people talk to the bot about an emulated account, in which this and that happens."""
    ann, team = telegram.chat(1, "Ann"), telegram.chat(-2, "Team")
    ann.say("/registrations")
    team.say(f"/registration {emulator.registration_ids[7]}")
    await team.sees("It is registered")
    await ann.sees("listing, ")
    team.say("/registration nobody")
    await team.sees("no such registration")
    answered = emulator.counts[200]
    team.say("/watch")
    await team.sees("I tell you")
    # What changes before the watch has looked at it for the first time is no change.
    while emulator.counts[200] == answered:  # noqa: ASYNC110 - the emulator has no such event
        await asyncio.sleep(0.1)
    telegram.tell("(a SIP server refuses its registrations)")
    emulator.refuse_proxy("sip-1.example.com")
    await team.sees("FAILED")
    telegram.tell("(the API is down)")
    await emulator.stop()
    ann.say("/registrations")
    await ann.sees("Waiting for Ultravox")
    team.say(f"/registration {emulator.registration_ids[7]}")
    await team.sees("does not answer")
    telegram.tell("(the API is back)")
    await emulator.start()
    await ann.sees("listing, ")
    team.say("/unwatch")
    await team.sees("nothing more")
