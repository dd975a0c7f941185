"""What tests let happen to the calls of an emulator."""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs

from ultravox_async.testing._call_life import USUAL_DURATION, bill, end, join
from ultravox_async.testing._calls import Calls
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._files import LONGEST_TONE
from ultravox_async.testing._routing import NotFound
from ultravox_async.testing._validation import Invalid
from ultravox_async.types.call_events import EventSeverity
from ultravox_async.types.calls import StartCall
from ultravox_async.types.shared.end_reason import EndReason
from ultravox_async.types.shared.messages import MessageMedium, MessageRole


@attrs.define(eq=False)
class EmulatedCalls:
    """The calls of an emulator: nobody speaks in them, so that a test says what happens.

    All methods that take the id of a call raise KeyError if there is no such call. They may be called from any thread.
    """

    _calls: Calls = attrs.field(repr=False)
    _lock: threading.Lock = attrs.field(repr=False)

    def create(self, fields: Mapping[str, Any] | None = None) -> str:
        """Create a call, as a request would; the limits for calls do not count it.

        Args:
            fields: What a request can have in its body: "recordingEnabled" and other fields by their names in JSON.
                As in a request, those that do not exist are ignored.

        Returns:
            The id of the call.

        Raises:
            ValueError: a value is not one that a request can have.
        """
        with self._lock:
            try:
                call = self._calls.add_written(self._calls.checked(StartCall, dict(fields or {})))
            except Invalid as invalid:
                message = f"no such call can be created: {invalid.errors}"
                raise ValueError(message) from None
            return str(call.shown["callId"])

    def join(self, call_id: str) -> None:
        """Let somebody join a call; one that was joined or has ended stays as it is."""
        with self._found(call_id) as call:
            join(call.shown)
            self._calls.announce_news(call)

    def end(self, call_id: str, reason: EndReason = "hangup", duration: timedelta = USUAL_DURATION) -> None:
        """End a call; one that has ended stays as it is.

        Args:
            call_id: The id of the call.
            reason: Why it ends. A call that nobody has joined ends as "unjoined".
            duration: How long the conversation was; a recording has this length.

        Raises:
            ValueError: `duration` is negative, or so long that a recording of it would have more than 4 GiB: that is
                more than 74 hours.
        """
        if not timedelta(0) <= duration <= LONGEST_TONE:
            message = f"a call takes from 0 seconds to {LONGEST_TONE.total_seconds():.0f}, not {duration}"
            raise ValueError(message)
        with self._found(call_id) as call:
            end(call.shown, reason, duration)
            self._calls.announce_news(call)

    def bill(self, call_id: str) -> None:
        """Bill a call, which ends if it has not ended yet; one that nobody has joined costs nothing."""
        with self._found(call_id) as call:
            bill(call.shown)
            self._calls.announce_news(call)

    def say(self, call_id: str, role: MessageRole, text: str, medium: MessageMedium = "MESSAGE_MEDIUM_VOICE") -> int:
        """Add a message to the last stage of a call, with a timespan behind that of the message before.

        Returns:
            The index of the message in the stage.
        """
        with self._found(call_id) as call:
            return self._calls.conversations.say(call, role, text, medium)

    def begin_stage(self, call_id: str, changes: Mapping[str, Any] | None = None) -> str:
        """Begin a new stage of a call.

        Args:
            call_id: The id of the call.
            changes: What is different from the stage before: "systemPrompt" and other fields by their names in JSON.

        Returns:
            The id of the stage.
        """
        with self._found(call_id) as call:
            return self._calls.conversations.begin_stage(call, changes or {})

    def add_event(
        self,
        call_id: str,
        event_type: str,
        text: str = "",
        severity: EventSeverity = "info",
        **extras: Any,  # noqa: ANN401 - any JSON
    ) -> None:
        """Add an event to the last stage of a call; `extras` is what else is known about it."""
        with self._found(call_id) as call:
            fields = {"type": event_type, "text": text, "severity": severity, "extras": extras or None}
            self._calls.conversations.add_event(call, fields)

    def add_tool(self, call_id: str, name: str, definition: Mapping[str, Any] | None = None) -> None:
        """Add a tool to the last stage of a call, beside those that the call was created with."""
        with self._found(call_id) as call:
            self._calls.conversations.add_tool(call, name, dict(definition or {}))

    @contextmanager
    def _found(self, call_id: str) -> Generator[Entry, None, None]:
        with self._lock:
            try:
                call = self._calls.find(call_id)
            except NotFound:
                raise KeyError(call_id) from None
            yield call
