"""Type-checked by mypy and pyright, never run: what a type checker makes of objects of which one member is set.

A line that has to be wrong carries an ignore, and an ignore that is not needed is an error in both checkers.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error

from datetime import timedelta
from typing import assert_type

import attrs

from ultravox_async import AsyncUltravox
from ultravox_async.types import (
    CallMedium,
    ElevenLabsVoice,
    ExternalVoice,
    PlivoMedium,
    SelectedTool,
    SipMedium,
    SipOutgoing,
    TwilioMedium,
    Voice,
)


def constructors() -> None:
    assert_type(CallMedium.twilio(), CallMedium)
    assert_type(CallMedium.server_web_socket(input_sample_rate=48000), CallMedium)
    assert_type(ExternalVoice.eleven_labs("v1", speed=1.1), ExternalVoice)
    assert_type(SelectedTool.by_name("hangUp", auth_tokens={"key": "secret"}), SelectedTool)
    CallMedium(twilio=TwilioMedium())
    CallMedium.server_web_socket()  # type: ignore[call-arg]
    CallMedium.server_web_socket(input_sample_rate="48000")  # type: ignore[arg-type]
    CallMedium.twilio(sample_rate=8000)  # type: ignore[call-arg]
    CallMedium(twilio=PlivoMedium())  # type: ignore[arg-type]
    SelectedTool.by_name("hangUp", timeout=timedelta(1))  # type: ignore[call-arg]


def members(medium: CallMedium) -> None:
    assert_type(medium.twilio, TwilioMedium | None)
    assert_type(medium.sip, SipMedium | None)
    if medium.sip is not None and medium.sip.outgoing is not None:
        assert_type(medium.sip.outgoing, SipOutgoing)
    medium.twilio = None
    medium.plivo = PlivoMedium()
    medium.plivo = TwilioMedium()  # type: ignore[assignment]
    assert_type(attrs.evolve(medium, twilio=TwilioMedium()), CallMedium)


async def voices(ultravox: AsyncUltravox, voice: Voice) -> None:
    if voice.definition is not None:
        assert_type(voice.definition.eleven_labs, ElevenLabsVoice | None)
    assert_type(await ultravox.voices.create(name="Lily", definition=ExternalVoice.lmnt("lily")), Voice)
    await ultravox.voices.create(name="Lily")  # type: ignore[call-arg]
    await ultravox.voices.update("v1", description=None)
    await ultravox.voices.update("v1", name=None)  # type: ignore[arg-type]
    async for found in ultravox.voices.list(provider=["lmnt", "new"], ownership="private"):
        assert_type(found, Voice)
