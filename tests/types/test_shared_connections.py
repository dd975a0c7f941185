from datetime import timedelta

from tests.types.shared import secrets_of, sent
from ultravox_async.types.shared.connections import (
    Callback,
    Callbacks,
    DataConnectionAudioConfig,
    DataConnectionConfig,
)
from ultravox_async.types.shared.media import EnabledDataMessages
from ultravox_async.types.shared.vad import VadSettings

URL = "wss://example.com/data"


def test_a_data_connection_is_sent() -> None:
    connection = DataConnectionConfig(
        URL,
        DataConnectionAudioConfig(8000, "CHANNEL_MODE_MIXED"),
        EnabledDataMessages(transcript=False),
        {"Authorization": "hunter2"},
    )
    assert sent(connection=connection)["connection"] == {
        "websocketUrl": URL,
        "audioConfig": {"sampleRate": 8000, "channelMode": "CHANNEL_MODE_MIXED"},
        "dataMessages": {"transcript": False},
        "headers": {"Authorization": "hunter2"},
    }


def test_audio_by_default_is_sent_as_an_empty_object() -> None:
    connection = DataConnectionConfig(URL, DataConnectionAudioConfig())
    assert sent(connection=connection)["connection"] == {"websocketUrl": URL, "audioConfig": {}}


def test_the_headers_of_a_data_connection_are_hidden() -> None:
    connection = DataConnectionConfig(URL, headers={"Authorization": "hunter2"})
    assert "hunter2" not in repr(connection)
    assert connection.to_dict() == {"websocketUrl": URL, "audioConfig": None, "dataMessages": None}
    assert secrets_of(connection=connection) == {"hunter2"}


def test_a_data_connection_is_decoded() -> None:
    decoded = DataConnectionConfig.from_dict(
        {"websocketUrl": URL, "audioConfig": {"channelMode": "CHANNEL_MODE_QUAD"}, "dataMessages": None, "new": 1}
    )
    assert decoded == DataConnectionConfig(URL, DataConnectionAudioConfig(channel_mode="CHANNEL_MODE_QUAD"))


def test_callbacks_are_sent_and_decoded() -> None:
    callbacks = Callbacks(ended=Callback("https://example.com/", ["hunter2", "hunter3"]), billed=Callback("u"))
    wire = {"ended": {"url": "https://example.com/", "secrets": ["hunter2", "hunter3"]}, "billed": {"url": "u"}}
    assert sent(callbacks=callbacks) == {"callbacks": wire}
    assert Callbacks.from_dict({**wire, "joined": None, "rejected": {}}) == callbacks


def test_the_secrets_of_callbacks_are_hidden() -> None:
    callbacks = Callbacks(joined=Callback("https://example.com/", ["hunter2"]))
    assert "hunter2" not in repr(callbacks)
    assert callbacks.to_dict() == {"joined": {"url": "https://example.com/"}, "ended": None, "billed": None}
    assert secrets_of(callbacks=callbacks) == {"hunter2"}


def test_vad_settings_are_sent_and_decoded_with_their_durations() -> None:
    settings = VadSettings(timedelta(milliseconds=384), timedelta(0), frame_activation_threshold=0.5)
    wire = {"turnEndpointDelay": "0.384s", "minimumTurnDuration": "0s", "frameActivationThreshold": 0.5}
    assert sent(vad=settings) == {"vad": wire}
    assert VadSettings.from_dict({**wire, "minimumInterruptionDuration": None, "new": True}) == settings
    assert VadSettings.from_dict({"frameActivationThreshold": 1}) == VadSettings(frame_activation_threshold=1.0)
