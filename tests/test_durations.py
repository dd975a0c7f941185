from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultravox_async._wire.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("90s", 90.0),
        ("12.5s", 12.5),
        ("0.000001s", 0.000001),
        ("1.123456789s", 1.123456),
        ("-0.5s", -0.5),
        ("00:01:30", 90.0),
        ("00:00:00.25", 0.25),
        ("2 03:04:05", 2 * 86400 + 3 * 3600 + 4 * 60 + 5),
        ("-00:00:01.5", -1.5),
        ("9999999 99:59:59", 9999999 * 86400 + 99 * 3600 + 59 * 60 + 59),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "5",
        "5 s",
        "5m",
        "1e3s",
        "5s ",
        "\u0665s",
        "1:2:3",
        "9999999999999s",
        "PT5S",
        "10000000 00:00:00",
        "999999999 24:00:00",
    ],
)
def test_a_text_that_is_not_a_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(minutes=1, seconds=30), "90s"),
        (timedelta(milliseconds=250), "0.25s"),
        (timedelta(microseconds=1), "0.000001s"),
        (timedelta(days=1), "86400s"),
        (timedelta(seconds=-1.5), "-1.5s"),
    ],
)
def test_a_duration_is_written_in_seconds(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


def test_the_longest_duration_that_is_read_is_read_again_after_it_was_written() -> None:
    longest = parse_duration("9999999 99:59:59.999999")
    assert longest is not None
    assert parse_duration(format_duration(longest)) == longest


@given(st.timedeltas(timedelta(days=-10000), timedelta(days=10000)))
def test_what_is_written_is_read_again(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
