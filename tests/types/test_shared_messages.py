from datetime import timedelta

import pytest

from tests.types.shared import sent
from ultravox_async import DecodeError, InvalidRequestError
from ultravox_async.types.shared.messages import InCallTimespan, Message, TimedMessage


def test_messages_are_sent_with_the_fields_that_are_set() -> None:
    messages = [
        Message("MESSAGE_ROLE_USER", "Hello", medium="MESSAGE_MEDIUM_TEXT"),
        Message("MESSAGE_ROLE_TOOL_CALL", "{}", invocation_id="i1", tool_name="look_up", metadata={"some_key": 1}),
    ]
    assert sent(messages=messages)["messages"] == [
        {"role": "MESSAGE_ROLE_USER", "text": "Hello", "medium": "MESSAGE_MEDIUM_TEXT"},
        {
            "role": "MESSAGE_ROLE_TOOL_CALL",
            "text": "{}",
            "invocationId": "i1",
            "toolName": "look_up",
            "metadata": {"some_key": 1},
        },
    ]


def test_a_message_is_decoded_with_its_timespans_as_durations() -> None:
    message = Message.from_dict(
        {
            "role": "MESSAGE_ROLE_NARRATOR",
            "text": "Hello",
            "callState": {"some_key": [None]},
            "callStageMessageIndex": 0,
            "timespan": {"start": "0.5s", "end": "2s"},
            "wallClockTimespan": {"start": "-0.25s", "end": None},
            "medium": None,
            "sentiment": "good",
        }
    )
    assert message == Message(
        "MESSAGE_ROLE_NARRATOR",
        "Hello",
        call_state={"some_key": [None]},
        call_stage_message_index=0,
        timespan=InCallTimespan(timedelta(seconds=0.5), timedelta(seconds=2)),
        wall_clock_timespan=InCallTimespan(timedelta(seconds=-0.25)),
    )
    assert Message.from_dict({}) == Message()


def test_a_timespan_that_is_not_a_duration_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match=r"timespan\.start"):
        Message.from_dict({"timespan": {"start": "soon"}})


def test_a_timed_message_is_sent_and_decoded_with_its_duration() -> None:
    timed = TimedMessage(timedelta(seconds=30), "Are you there?", "END_BEHAVIOR_HANG_UP_SOFT")
    wire = {"duration": "30s", "message": "Are you there?", "endBehavior": "END_BEHAVIOR_HANG_UP_SOFT"}
    assert sent(timed=[timed]) == {"timed": [wire]}
    assert TimedMessage.from_dict(wire) == timed
    assert TimedMessage.from_dict({"endBehavior": "END_BEHAVIOR_SING"}) == TimedMessage(
        end_behavior="END_BEHAVIOR_SING"
    )


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"timed\[0\]\.duration"):
        sent(timed=[TimedMessage(timedelta(seconds=-1))])
