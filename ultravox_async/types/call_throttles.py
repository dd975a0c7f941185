"""Call throttles: how many calls may be created in a period of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypedDict

import attrs
from annotated_types import Interval, MaxLen

from ultravox_async.types._object import WireObject


@attrs.define
class CallThrottleRule(WireObject):
    """A limit of a call throttle (schema ``CallThrottleRule``)."""

    max_calls: Annotated[int, Interval(ge=1, le=100)]
    """The number of calls that may be created in the window, 1 to 100."""

    window_seconds: Annotated[int, Interval(ge=1, le=86_400)]
    """The length of the sliding window, in seconds, 1 to 86,400."""


@attrs.define
class CallThrottle(WireObject):
    """A call throttle, as ``GET /api/call_throttles/{throttle_id}`` returns it (schema ``CallThrottle``)."""

    throttle_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    name: str
    """Its name. A call is created under it by its name or its id."""

    rules: list[CallThrottleRule] = attrs.field(factory=list[CallThrottleRule])
    """Its limits, all of which apply."""


class NewCallThrottle(TypedDict):
    """What `create` and `replace` of a call throttle take."""

    name: Annotated[str, MaxLen(64)]
    """Its name."""

    rules: Sequence[CallThrottleRule]
    """Its limits, all of which apply."""


class CallThrottleChanges(TypedDict, total=False):
    """What `update` of a call throttle takes: omitted fields keep their value."""

    name: Annotated[str, MaxLen(64)]
    """Its name."""

    rules: Sequence[CallThrottleRule]
    """Its limits, all of which apply."""
