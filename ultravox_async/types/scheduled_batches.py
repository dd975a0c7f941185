"""Scheduled batches: calls of an agent that the API starts by itself, in a window of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import HTTP_URL, ExactlyOne, InQuery, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.paging import ListOptions

ScheduledCallStatus: TypeAlias = Literal["FUTURE", "PENDING", "SUCCESS", "EXPIRED", "ERROR"] | str
"""What became of a scheduled call. Open: the API may add values."""

_Url: TypeAlias = Annotated[str, HTTP_URL, MaxLen(200)]
_Secret: TypeAlias = Annotated[str, MaxLen(120), Sensitive]


@attrs.define
class NewScheduledCall(WireObject):
    """A call to schedule (the writable fields of schema ``ScheduledCall``)."""

    medium: Annotated[CallMedium, ExactlyOne] | None = None
    """How audio gets to the call and back, for example whom to call; None for the medium of the agent's template."""

    metadata: dict[str, str] | None = None
    """Your own data."""

    template_context: dict[str, Any] | None = None
    """The values of the variables in the agent's template; the API gets the keys as they are."""

    experimental_settings: Any = None
    """Any JSON value."""


@attrs.define
class ScheduledCall(WireObject):
    """A scheduled call, and what became of it (schema ``ScheduledCall``)."""

    batch_id: str
    """The batch that it belongs to."""

    status: ScheduledCallStatus | None = None
    """What became of it."""

    call_id: str | None = None
    """The call; None if it was not started."""

    error: str | None = None
    """Why it could not be started; None if it could, or was not tried yet."""

    medium: CallMedium | None = None
    """How audio gets to the call and back; None for the medium of the agent's template."""

    metadata: Any = None
    """Your own data."""

    template_context: Any = None
    """The values of the variables in the agent's template."""

    experimental_settings: Any = None
    """Any JSON value."""


@attrs.define
class ScheduledCallBatch(WireObject):
    """A batch of calls (schema ``ScheduledCallBatch``); its calls are listed by `scheduled_calls`."""

    batch_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    window_start: datetime | None = None
    """When the window begins in which its calls are started; None if it has no beginning."""

    window_end: datetime | None = None
    """When the window ends, and calls that were not started expire; None if it has no end."""

    throttle: str | None = None
    """The name or the id of the call throttle that limits its calls; None for none."""

    webhook_url: str | None = None
    """The URL that is told of each call whose medium does not call anybody."""

    webhook_secret: Annotated[str, Sensitive] | None = attrs.field(default=None, repr=False)
    """The secret that signs the requests to `webhook_url`."""

    paused: bool | None = None
    """Whether no more of its calls are started."""

    total_count: int | None = None
    """The number of its calls."""

    completed_count: int | None = None
    """The number of its calls that were started or cannot be."""

    ended_at: datetime | None = None
    """When it ended; None while it has not."""


class NewScheduledCallBatch(TypedDict):
    """What `create` of a scheduled batch takes."""

    calls: Annotated[Sequence[NewScheduledCall], MinLen(1)]
    """The calls: one or more, in a request of at most 32 MB."""

    window_start: NotRequired[datetime | None]
    """When the window begins in which the calls are started; None if it has no beginning."""

    window_end: NotRequired[datetime | None]
    """When the window ends, and calls that were not started expire; None if it has no end."""

    throttle: NotRequired[str | None]
    """The name or the id of a call throttle that limits the calls; None for none."""

    webhook_url: NotRequired[_Url | None]
    """The URL to tell of each call whose medium does not call anybody: required if there are such calls, and refused
    if there are not."""

    webhook_secret: NotRequired[_Secret | None]
    """The secret that signs the requests to `webhook_url`; the API generates one if this is omitted."""

    paused: NotRequired[bool]
    """Whether no calls are started."""


class ScheduledCallBatchChanges(TypedDict, total=False):
    """What `update` of a scheduled batch takes: omitted fields keep their value, None clears."""

    calls: Annotated[Sequence[NewScheduledCall], MinLen(1)]
    """The calls: one or more, in a request of at most 32 MB."""

    window_start: datetime | None
    """When the window begins in which the calls are started; None if it has no beginning."""

    window_end: datetime | None
    """When the window ends, and calls that were not started expire; None if it has no end."""

    throttle: str | None
    """The name or the id of a call throttle that limits the calls; None for none."""

    webhook_url: _Url | None
    """The URL to tell of each call whose medium does not call anybody."""

    webhook_secret: _Secret | None
    """The secret that signs the requests to `webhook_url`."""

    paused: bool
    """Whether no more calls are started; this cannot be undone."""


class ScheduledCallFilters(ListOptions, total=False):
    """What `scheduled_calls` of a batch takes."""

    status: Annotated[ScheduledCallStatus, MinLen(1), InQuery] | None
    """Only calls of which this became."""
