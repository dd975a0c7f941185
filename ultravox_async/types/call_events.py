"""What happened in a call, as its events tell."""

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

import attrs
from annotated_types import MinLen

from ultravox_async.types._markers import InQuery, WireName
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.paging import ListOptions

EventSeverity: TypeAlias = Literal["debug", "info", "warning", "error"] | str
"""How serious an event is. Open: the API may add values."""


@attrs.define
class CallEvent(WireObject):
    """Something that happened in a call (schema ``CallEvent``)."""

    call_id: str
    """The call."""

    call_stage_id: str
    """The stage of the call in which it happened."""

    call_timestamp: timedelta | None = None
    """When it happened: the time since the start of the call."""

    severity: EventSeverity | None = None
    """How serious it is."""

    type: str | None = None
    """What kind of event it is."""

    text: str | None = None
    """What happened, for people."""

    extras: dict[str, Any] | None = None
    """More about it; what, depends on `type`."""

    wall_clock_timestamp: timedelta | None = None
    """When it happened by the clock of the server: the time since the start of the call."""


class EventFilters(ListOptions, total=False):
    """What `events` of a call takes."""

    minimum_severity: Annotated[EventSeverity, MinLen(1), InQuery, WireName("minimum_severity")] | None
    """Only events that are at least so serious; None for ``"info"``."""

    type: Annotated[str, MinLen(1), InQuery] | None
    """Only events of this type."""
