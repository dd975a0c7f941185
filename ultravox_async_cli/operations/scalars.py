"""Reads numbers, times and durations as people write them."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from ultravox_async_cli.terminal import as_shown

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", re.ASCII)
_A_TIME: Final = "a time such as 2026-07-01T12:00+02:00"


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("takes true or false")
    return text == "true"


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"takes a whole number, not {as_shown(text)}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"takes a number, not {as_shown(text)}") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        # A time without an offset is meant as the person's clock shows it.
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError, OSError):  # it is no time, or none that the system knows
        raise ValueError(f"takes {_A_TIME}, not {as_shown(text)}") from None


def _day(text: str) -> date:
    """Return a date, or a moment: where the package takes a date, it takes a moment too."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return _moment(text)
    except ValueError:
        raise ValueError(f"takes a date such as 2026-07-01, or {_A_TIME}, not {as_shown(text)}") from None


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"takes a time of day such as 17:30, not {as_shown(text)}") from None


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"takes a duration such as 90s, 5m or 1h30m, not {as_shown(text)}")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    try:
        return timedelta(days, seconds, hours=hours, minutes=minutes)
    except OverflowError:
        raise ValueError(f"takes a duration of at most {timedelta.max.days} days, not {as_shown(text)}") from None


READERS: Final[Mapping[Any, Callable[[str], object]]] = {
    bool: _truth,
    int: _whole,
    float: _number,
    datetime: _moment,
    date: _day,
    time: _time_of_day,
    timedelta: _duration,
}
"""A function for each type; it raises ValueError with what it takes."""
