"""What webhooks do beyond being stored."""

from collections.abc import Mapping
from typing import cast

import attrs
import orjson

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._emulated_webhooks import EmulatedWebhooks, WebhookDelivery
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._wire import Json


@attrs.define(eq=False, kw_only=True)
class Webhooks(Collection):
    """The webhooks of the account: the server generates a secret where none is sent."""

    emulated: EmulatedWebhooks
    """Delivers what they are told of."""

    def announce(self, event: str, call: Mapping[str, Json]) -> None:
        """Tell the webhooks that asked for it what happened to a call."""
        for webhook in (entry.shown for entry in self.entries):
            is_of_agent = webhook["agentId"] in (None, call["agentId"])
            if is_of_agent and event in cast("list[str]", webhook["events"]):
                body = orjson.dumps({"event": event, "call": call})
                secrets = cast("list[str]", webhook["secrets"])
                self.emulated.add(WebhookDelivery(event, str(call["callId"]), str(webhook["url"]), body, secrets))

    def _on_write(self, entry: Entry) -> None:
        if entry.shown["secrets"] is None:
            entry.shown["secrets"] = [f"{self.random.getrandbits(160):040x}"]
        entry.shown["status"] = "normal"
        entry.shown["recentFailures"] = []
