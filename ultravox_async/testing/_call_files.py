"""The files of calls in the storage: recordings, clips of messages, and SIP logs."""

from collections.abc import Mapping
from typing import cast

import attrs

from ultravox_async.testing._call_life import duration_of, is_sip
from ultravox_async.testing._collection import Collection
from ultravox_async.testing._conversations import Conversations
from ultravox_async.testing._files import LONGEST_TONE, WAV, given, tone
from ultravox_async.testing._routing import ApiRequest, NotFound, Operations
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._wire import Answer, Json, detail, redirect


@attrs.frozen
class CallFiles:
    """The downloads of calls. Each file is made when it is asked for."""

    calls: Collection
    """The calls."""

    conversations: Conversations
    """Their messages."""

    storage: Storage
    """Where the files are."""

    def operations(self) -> Operations:
        """The operations that redirect to a file."""
        call = "/api/calls/{call_id}"
        message = f"{call}/stages/{{call_stage_id}}/messages/{{call_stage_message_index}}"
        return {
            f"{call}/recording": {"GET": self._show_recording},
            f"{call}/sip_logs": {"GET": self._show_sip_logs},
            f"{message}/audio": {"GET": self._show_clip},
        }

    def _show_recording(self, request: ApiRequest) -> Answer:
        call = self._call(request)
        seconds = duration_of(call).total_seconds()
        if not call["recordingEnabled"] or not seconds:
            raise NotFound("The call has no recording")
        call_id = str(call["callId"])
        return redirect(self.storage.offer(f"recordings/{call_id}.wav", lambda: tone(seconds, call_id), WAV))

    def _show_clip(self, request: ApiRequest) -> Answer:
        message = self.conversations.message(request)
        # A request can create a message with any timespan.
        seconds = 0.0 if message is None else _seconds_of(message.shown["timespan"])
        is_possible = 0 < seconds <= LONGEST_TONE.total_seconds()
        if message is None or not is_possible or not self._call(request)["recordingEnabled"]:
            raise NotFound("The message has no audio")
        name = f"clips/{message.shown['callStageId']}/{message.shown['callStageMessageIndex']}.wav"
        return redirect(self.storage.offer(name, lambda: tone(seconds, name), WAV))

    def _show_sip_logs(self, request: ApiRequest) -> Answer:
        call = self._call(request)
        if not is_sip(call):
            raise NotFound("The call has no SIP logs")
        if call["ended"] is None:
            return detail(425, "The call has not ended yet.")
        call_id = str(call["callId"])
        logs = f"INVITE sip:emulated@sip.example.com SIP/2.0\r\nCall-ID: {call_id}\r\n\r\nSIP/2.0 200 OK\r\n\r\n"
        return redirect(self.storage.offer(f"sip_logs/{call_id}.txt", lambda: given(logs.encode()), "text/plain"))

    def _call(self, request: ApiRequest) -> Mapping[str, Json]:
        return self.calls.find(request.ids[self.calls.id_name]).shown


def _seconds_of(timespan: Json) -> float:
    ends = cast("dict[str, Json]", timespan or {})
    start, end = (float(str(ends.get(name, "0s")).removesuffix("s")) for name in ("start", "end"))
    return end - start
