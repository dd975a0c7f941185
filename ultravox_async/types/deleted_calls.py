"""What is left of calls that were deleted."""

from datetime import datetime, timedelta

import attrs

from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.call_filters import CallConditions
from ultravox_async.types.shared.end_reason import EndReason
from ultravox_async.types.shared.paging import ListOptions


@attrs.define
class CallTombstone(WireObject):
    """What is left of a call, as ``GET /api/deleted_calls/{call_id}`` returns it (schema ``CallTombstone``)."""

    call_id: str
    """The id that the call had."""

    created: datetime
    """When the call was created, with a time zone."""

    account_id: str | None = None
    """The account that it belonged to."""

    deletion_time: datetime | None = None
    """When it was deleted."""

    joined: datetime | None = None
    """When somebody joined it; None if nobody did."""

    ended: datetime | None = None
    """When it ended."""

    max_duration: timedelta | None = None
    """How long it could have lasted."""

    end_reason: EndReason | None = None
    """Why it ended."""

    recording_enabled: bool | None = None
    """Whether it was recorded."""

    had_summary: bool | None = None
    """Whether there was a summary of it."""


class DeletedCallFilters(CallConditions, ListOptions, total=False):
    """What `list` of deleted calls takes."""
