"""By what calls are chosen, where calls are listed and where their use is summed up."""

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Annotated, TypedDict

from annotated_types import MinLen

from ultravox_async.types._markers import UUID, InQuery


class CallConditions(TypedDict, total=False):
    """Which calls are meant: those that fulfil all of the conditions."""

    agent_ids: Annotated[Sequence[Annotated[str, UUID]], InQuery] | None
    """Only calls of these agents."""

    duration_min: Annotated[timedelta, InQuery] | None
    """Only calls that lasted at least so long."""

    duration_max: Annotated[timedelta, InQuery] | None
    """Only calls that lasted at most so long."""

    from_date: Annotated[date, InQuery] | None
    """Only calls created at this moment or later: a date, which means its beginning, or a datetime with a time zone.

    The API does not document in which time zone the day of a date begins.
    """

    to_date: Annotated[date, InQuery] | None
    """Only calls created until this moment: a date, which means its end, or a datetime with a time zone."""

    time_of_day_start: Annotated[time, InQuery] | None
    """Only calls created at this time of day or later, on whatever day."""

    time_of_day_end: Annotated[time, InQuery] | None
    """Only calls created until this time of day, on whatever day."""

    metadata: Annotated[Mapping[str, str], InQuery] | None
    """Only calls with these values in their metadata."""

    search: Annotated[str, MinLen(1), InQuery] | None
    """Only calls in which this text is found."""

    voice_id: Annotated[str, UUID, InQuery] | None
    """Only calls with this voice."""
