"""The operations on calls, which live: they are created, joined, ended and billed."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from random import Random
from typing import cast
from weakref import WeakKeyDictionary

import attrs

from ultravox_async.testing._call_files import CallFiles
from ultravox_async.testing._call_life import PENDING, USUAL_DURATION, advance, after, end, happened, is_sip
from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._conversations import Conversations
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._filters import CALL_CONDITIONS, Filters
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._tools import Tools
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, detail
from ultravox_async.types.calls import Call, CallFilters, StartCall
from ultravox_async.types.deleted_calls import CallTombstone, DeletedCallFilters

_TIME_TO_DELETE = timedelta(hours=1)
# What the server sets where a request says nothing.
_DEFAULTS: Mapping[str, Json] = {
    "billingStatus": PENDING,
    "firstSpeaker": "FIRST_SPEAKER_AGENT",
    "firstSpeakerSettings": {"agent": {}},
    "inactivityMessages": [],
    "initialOutputMedium": "MESSAGE_MEDIUM_VOICE",
    "initialState": {},
    "joinTimeout": "30s",
    "maxDuration": "3600s",
    "medium": {"webRtc": {}},
    "metadata": {},
    "model": "ultravox-v0.7",
    "recordingEnabled": False,
    "requestContext": {},
    "temperature": 0.0,
    "transcriptOptional": True,
}


@attrs.define(eq=False, kw_only=True)
class Calls(Collection):
    """The calls of the account. What happens to them is in `_call_life`."""

    storage: Storage
    """Where their files are."""

    tools: Tools
    """The tools of the account."""

    account_id: str
    """The id of the account."""

    reads_per_state: int | None
    """How many reads show each state of a call before it goes on by itself; None if it does not."""

    announce: Callable[[str, Mapping[str, Json]], None] = attrs.field(repr=False)
    """Tells the webhooks of an event of a call."""

    deleted: Collection = attrs.field(init=False, repr=False)
    """What is left of the deleted ones."""

    conversations: Conversations = attrs.field(init=False, repr=False)
    """What belongs to each of them."""

    _reads_left: WeakKeyDictionary[Entry, int] = attrs.field(
        init=False, factory=WeakKeyDictionary[Entry, int], repr=False
    )
    _announced: WeakKeyDictionary[Entry, list[str]] = attrs.field(
        init=False, factory=WeakKeyDictionary[Entry, list[str]], repr=False
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.conversations = Conversations(self)
        self.deleted = Collection(
            noun="deleted call",
            id_name="call_id",
            shows=CallTombstone,
            random=self.random,
            settings=self.settings,
            filters=Filters(DeletedCallFilters, CALL_CONDITIONS),
        )

    def operations(self) -> Operations:
        """The operations on calls, on what belongs to them, and on what is left of them."""
        call = "/api/calls/{call_id}"
        return {
            "/api/calls": {"GET": self.list_page, "POST": partial(self.create, StartCall)},
            call: {"GET": self.get, "DELETE": self.delete},
            f"{call}/send_data_message": {"POST": self.send_data_message},
            **self.conversations.operations(),
            **CallFiles(self, self.conversations, self.storage).operations(),
            "/api/deleted_calls": {"GET": self.deleted.list_page},
            "/api/deleted_calls/{call_id}": {"GET": self.deleted.get},
        }

    def checked(self, shape: type, content: dict[str, Json]) -> dict[str, Json]:
        """The fields of `shape` that a request for a call has.

        Raises:
            Invalid: a field is wrong or missing, or a tool does not exist.
        """
        fields = check_fields(shape, content)
        self.tools.check_selected(fields, "selectedTools")
        self.tools.check_selected(fields, "toolOverrides", "add")
        return fields

    def add_of_agent(self, agent: Entry, fields: Mapping[str, Json]) -> Entry:
        """Create a call with the template of an agent, and with `fields`, which go before it."""
        template = cast("dict[str, Json]", agent.shown["callTemplate"] or {})
        basic = {name: agent.shown[name] for name in ("agentId", "name")}
        return self.add_written({**template, **fields, "agent": basic, "agentId": basic["agentId"]})

    def announce_news(self, entry: Entry) -> None:
        """Tell the webhooks of what has happened to a call since they were last told."""
        known, events = self._announced.get(entry, []), happened(entry.shown)
        self._announced[entry] = events
        for event in events:
            if event not in known:
                self.announce(event, entry.shown)

    def delete(self, request: ApiRequest) -> Answer:
        """Delete a call that is billed, and leave a tombstone."""
        entry = self._requested(request)
        call = entry.shown
        if call["billingStatus"] == PENDING:
            return detail(425, "The call is not billed yet.")
        call_id = str(call["callId"])
        of_account: dict[str, Json] = {"accountId": self.account_id, "hadSummary": call["summary"] is not None}
        tombstone = self.deleted.add({**call, **of_account}, call_id)
        tombstone.hidden = {name: call[name] for name in ("agentId", "agent", "metadata", "voice")}
        tombstone.shown["created"] = call["created"]
        tombstone.shown["deletionTime"] = after(call, "ended", _TIME_TO_DELETE)
        self.conversations.forget(call_id)
        return super().delete(request)

    def send_data_message(self, request: ApiRequest) -> Answer:
        """Take a data message: it may hang up, or say something."""
        entry = self._requested(request)
        message = json_object(request.body)
        if not isinstance(message.get("type"), str):
            raise Invalid({"type": ["This field is required."]})
        if entry.shown["ended"] is not None:
            return detail(422, "The call is not active.")
        if message["type"] == "hang_up":
            end(entry.shown, "hangup", USUAL_DURATION)
            self.announce_news(entry)
        elif message["type"] == "user_text_message":
            text = str(message.get("text", ""))
            self.conversations.say(entry, "MESSAGE_ROLE_USER", text, "MESSAGE_MEDIUM_TEXT")
        elif message["type"] == "forced_agent_message":
            text = str(message.get("content", ""))
            self.conversations.say(entry, "MESSAGE_ROLE_AGENT", text, "MESSAGE_MEDIUM_VOICE")
        return Answer(204)

    def _fields_in(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        return self.checked(shape, json_object(request.body))

    def _on_write(self, entry: Entry) -> None:
        call = entry.shown
        for name, value in _DEFAULTS.items():
            if call[name] is None:
                call[name] = value
        # Requests have another name for this, and another spelling of that.
        call["dataConnectionConfig"] = entry.hidden.pop("dataConnection", None)
        policy = call["retentionPolicy"] or "retain"
        call["retentionPolicy"] = str(policy).removeprefix("CALL_RETENTION_POLICY_").lower()
        token = f"{self.random.getrandbits(160):040x}"
        if is_sip(call):
            call["sipDetails"] = {"billedDuration": None, "terminationReason": None}
        else:
            call["joinUrl"] = f"wss://voice.example.com/calls/{call['callId']}?token={token}"
        self.conversations.begin_stage(entry, {})
        self.announce_news(entry)

    def _on_read(self, entry: Entry) -> None:
        if self.reads_per_state is None:
            return
        left = self._reads_left.get(entry, self.reads_per_state)
        if left == 0:
            advance(entry.shown)
            self.announce_news(entry)
            left = self.reads_per_state
        self._reads_left[entry] = left - 1


def new_calls(  # noqa: PLR0913 - calls use more of the account than anything else
    seed: int,
    settings: CollectionSettings,
    *,
    storage: Storage,
    tools: Tools,
    account_id: str,
    reads_per_state: int | None,
    announce: Callable[[str, Mapping[str, Json]], None],
) -> Calls:
    """An account's calls: none yet."""
    return Calls(
        noun="call",
        id_name="call_id",
        shows=Call,
        random=Random(f"{seed} calls"),  # noqa: S311 - has to be reproducible, is not for security
        settings=settings,
        filters=Filters(CallFilters, CALL_CONDITIONS),
        storage=storage,
        tools=tools,
        account_id=account_id,
        reads_per_state=reads_per_state,
        announce=announce,
    )
