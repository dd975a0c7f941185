"""What the tests of the shared types have in common: requests of one field, as they would be sent."""

import json
from typing import Annotated, Any, TypedDict

from ultravox_async._wire.payload import payload_of_creation, take_secrets
from ultravox_async.types._markers import ExactlyOne
from ultravox_async.types.shared.connections import Callbacks, DataConnectionConfig
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.messages import Message, TimedMessage
from ultravox_async.types.shared.speakers import FirstSpeakerSettings
from ultravox_async.types.shared.tools import SelectedTool, ToolOverrides
from ultravox_async.types.shared.vad import VadSettings
from ultravox_async.types.shared.voices import ExternalVoice


class Fields(TypedDict, total=False):
    """One field for each shared type that a request takes."""

    medium: Annotated[CallMedium, ExactlyOne]
    voice: Annotated[ExternalVoice, ExactlyOne]
    first_speaker: Annotated[FirstSpeakerSettings, ExactlyOne]
    messages: list[Message]
    timed: list[TimedMessage]
    tools: list[SelectedTool]
    overrides: ToolOverrides
    connection: DataConnectionConfig
    callbacks: Callbacks
    vad: VadSettings


def sent(**fields: object) -> Any:  # noqa: ANN401 - JSON
    """Return the body of a request with these fields.

    Raises:
        InvalidRequestError: A field violates its rule.
    """
    body = payload_of_creation(Fields, take_secrets(fields)).body
    assert body is not None
    return json.loads(body.content)


def secrets_of(**fields: object) -> set[str]:
    """Return the texts in a request with these fields that errors redact."""
    body = payload_of_creation(Fields, take_secrets(fields)).body
    assert body is not None
    return set(body.secrets)
