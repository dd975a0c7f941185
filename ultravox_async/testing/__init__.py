"""A server to test against: it behaves like the SIP part of the API, and breaks like it on request."""

from ultravox_async.testing._emulator import DEFAULT_API_KEY, Emulator
from ultravox_async.testing._faults import (
    CutBody,
    Delay,
    DropConnection,
    DropResponse,
    Fault,
    FaultRule,
    Garbage,
    Respond,
    Stall,
)
from ultravox_async.testing._wire import RecordedRequest

__all__ = [
    "DEFAULT_API_KEY",
    "CutBody",
    "Delay",
    "DropConnection",
    "DropResponse",
    "Emulator",
    "Fault",
    "FaultRule",
    "Garbage",
    "RecordedRequest",
    "Respond",
    "Stall",
]
