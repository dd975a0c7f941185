"""Durations as the API writes them. A leaf module: it imports nothing of the package."""

import re
from datetime import timedelta

_SECONDS = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s", re.ASCII)
# Django REST framework's form of a duration; the API's schema says of some durations only that they are strings. No
# more days are read than can be written in twelve digits of seconds; a timedelta cannot hold all of nine digits.
_CLOCK = re.compile(r"(-?)(?:([0-9]{1,7}) )?([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Return the duration that a text such as ``12.5s`` or ``00:00:12.5`` stands for; None if it is not one.

    What is shorter than a microsecond is lost.
    """
    if match := _SECONDS.fullmatch(text):
        sign, seconds, fraction = match.groups()
        size = timedelta(seconds=int(seconds), microseconds=_microseconds(fraction))
    elif match := _CLOCK.fullmatch(text):
        sign, days, hours, minutes, seconds, fraction = match.groups()
        size = timedelta(
            days=int(days or 0),
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds),
            microseconds=_microseconds(fraction),
        )
    else:
        return None
    return -size if sign else size


def format_duration(duration: timedelta) -> str:
    """Return a duration as the API takes it: seconds with an ``s``, for example ``90s`` or ``0.25s``."""
    sign = "-" if duration < timedelta(0) else ""
    size = abs(duration)
    whole, microseconds = size.days * 86400 + size.seconds, size.microseconds
    fraction = f".{microseconds:06d}".rstrip("0") if microseconds else ""
    return f"{sign}{whole}{fraction}s"


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "").ljust(6, "0")[:6])
