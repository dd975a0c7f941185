"""A server to test against: it emulates the API, and fails in the ways that it is told to."""

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
from ultravox_async.testing._files import StoredFile
from ultravox_async.testing._storage import Storage
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
    "Storage",
    "StoredFile",
]
