from datetime import timedelta

import pytest

from tests.types.shared import sent
from ultravox_async import InvalidRequestError
from ultravox_async.types.shared.speakers import (
    AgentGreeting,
    FallbackAgentGreeting,
    FirstSpeakerSettings,
    UserGreeting,
)


def test_who_speaks_first_is_sent_even_if_nothing_else_is_said() -> None:
    assert sent(first_speaker=FirstSpeakerSettings.user()) == {"firstSpeaker": {"user": {}}}
    assert sent(first_speaker=FirstSpeakerSettings.agent()) == {"firstSpeaker": {"agent": {}}}


def test_a_greeting_is_sent_with_its_delay() -> None:
    agent = FirstSpeakerSettings.agent(text="Hello", uninterruptible=True, delay=timedelta(milliseconds=250))
    assert sent(first_speaker=agent)["firstSpeaker"] == {
        "agent": {"text": "Hello", "uninterruptible": True, "delay": "0.25s"}
    }
    user = FirstSpeakerSettings.user(FallbackAgentGreeting(timedelta(minutes=1), prompt="Ask who it is"))
    assert sent(first_speaker=user)["firstSpeaker"] == {
        "user": {"fallback": {"delay": "60s", "prompt": "Ask who it is"}}
    }


@pytest.mark.parametrize(
    "settings", [FirstSpeakerSettings(), FirstSpeakerSettings(user=UserGreeting(), agent=AgentGreeting())]
)
def test_nobody_or_both_are_refused(settings: FirstSpeakerSettings) -> None:
    with pytest.raises(InvalidRequestError, match="exactly one field"):
        sent(first_speaker=settings)


def test_who_speaks_first_is_decoded() -> None:
    decoded = FirstSpeakerSettings.from_dict(
        {"agent": {"delay": "1.5s", "text": None, "mood": "good"}, "user": None, "robot": {}}
    )
    assert decoded == FirstSpeakerSettings.agent(delay=timedelta(seconds=1.5))
    assert decoded.user is None
    assert FirstSpeakerSettings.from_dict({"user": {"fallback": {"delay": "3s"}}}).user == UserGreeting(
        FallbackAgentGreeting(timedelta(seconds=3))
    )
