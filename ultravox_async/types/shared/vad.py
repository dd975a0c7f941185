"""When the user's turn begins and ends: voice activity detection (VAD)."""

from datetime import timedelta

import attrs

from ultravox_async.types._object import WireObject


@attrs.define
class VadSettings(WireObject):
    """How a call detects that the user speaks (schema ``ultravox.v1.VadSettings``). None is the API's default."""

    turn_endpoint_delay: timedelta | None = None
    """How long the user has to be silent before the agent answers; by default 384 ms, in steps of 32 ms."""

    minimum_turn_duration: timedelta | None = None
    """The minimum duration of speech that counts as a turn of the user; by default zero."""

    minimum_interruption_duration: timedelta | None = None
    """The minimum duration of speech that interrupts the agent; by default 90 ms."""

    frame_activation_threshold: float | None = None
    """The threshold above which a frame counts as speech, from 0.1 to 1; by default 0.1."""
