import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultravox_async._http.keep_alive import IdleCloses, parse_keep_alive

UNKNOWN = 1.0
INSTANT = 0.1
MEMORY = 600.0

idle_times = st.floats(0, 1000)
apart = st.floats(INSTANT, 30)


def closes_of(*idle_times: float, apart: float = 1.0) -> tuple[IdleCloses, float]:
    """Return the record of closes after these idle times, and the time of the last one."""
    closes, now = IdleCloses(), 5.0
    for idle in idle_times:
        now += apart
        closes.record(idle, now)
    return closes, now


def test_without_any_information_a_second_is_safe() -> None:
    assert IdleCloses().limit(None, 5.0) == UNKNOWN


@given(idle=idle_times)
def test_half_the_idle_time_of_the_only_close_is_safe(idle: float) -> None:
    closes, now = closes_of(idle)
    assert closes.limit(None, now) == idle / 2


@given(advertised=idle_times)
def test_half_of_the_advertised_timeout_is_safe(advertised: float) -> None:
    assert IdleCloses().limit(advertised, 5.0) == advertised / 2


@given(idle=st.lists(idle_times, min_size=1, max_size=16), advertised=st.none() | idle_times, apart=apart)
def test_the_shortest_known_timeout_counts(idle: list[float], advertised: float | None, apart: float) -> None:
    closes, now = closes_of(*idle, apart=apart * 1.01)
    assert closes.limit(advertised, now) == min(idle if advertised is None else [*idle, advertised]) / 2


@given(idle=st.lists(idle_times, min_size=1), apart=st.floats(0, INSTANT / 200))
def test_of_closes_within_a_tenth_of_a_second_the_longest_idle_time_counts(idle: list[float], apart: float) -> None:
    closes, now = closes_of(*idle[:100], apart=apart)
    assert closes.limit(None, now) == max(idle[:100]) / 2


@given(idle=st.lists(st.floats(0.2, 60), min_size=20))
def test_closes_that_never_pause_do_not_all_count_as_one(idle: list[float]) -> None:
    closes, now = closes_of(*idle, apart=INSTANT / 10)
    assert closes.limit(None, now) <= max(idle[-15:]) / 2


@given(idle=st.lists(idle_times, max_size=16), advertised=st.none() | idle_times)
def test_closes_are_forgotten_after_ten_minutes(idle: list[float], advertised: float | None) -> None:
    closes, now = closes_of(*idle)
    assert closes.limit(advertised, now + MEMORY) == IdleCloses().limit(advertised, now)


@given(idle=st.floats(0, 1), later=st.lists(st.floats(1, 1000), min_size=16, max_size=40))
def test_a_close_is_forgotten_after_sixteen_others(idle: float, later: list[float]) -> None:
    closes, now = closes_of(idle, *later)
    assert closes.limit(None, now) == min(later[-16:]) / 2


@given(idle=st.lists(idle_times, min_size=1, max_size=5), later=st.floats(0, MEMORY - 6))
def test_a_close_is_remembered_for_ten_minutes(idle: list[float], later: float) -> None:
    closes, now = closes_of(*idle)
    assert closes.limit(None, now + later) == min(idle) / 2


@given(idle=st.floats(0.05, 1000))
def test_a_request_lost_on_an_idle_connection_counts_as_a_close(idle: float) -> None:
    closes = IdleCloses()
    closes.record_lost_request(idle, 5.0)
    assert closes.limit(None, 5.0) == idle / 2


@given(idle=st.floats(0, 0.05, exclude_max=True))
def test_a_request_lost_on_a_connection_that_was_just_used_does_not_count(idle: float) -> None:
    closes = IdleCloses()
    closes.record_lost_request(idle, 5.0)
    assert closes.limit(None, 5.0) == UNKNOWN


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("timeout=5", 5.0),
        ("timeout=5, max=1000", 5.0),
        ("max=1000,timeout=15", 15.0),
        ("Timeout = 20", 20.0),
        ('timeout="30"', 30.0),
        ("max=5 timeout=0", 0.0),
        ("", None),
        ("max=1000", None),
        ("timeout=", None),
        ("timeout=-5", None),
        ("timeout=soon", None),
        ("timeout=1234567890", None),
        ("timeout=٣", None),
        ("header-timeout=7", None),
    ],
)
def test_the_timeout_is_read_from_a_keep_alive_header(value: str, seconds: float | None) -> None:
    assert parse_keep_alive(value) == seconds


@given(
    seconds=st.integers(0, 999_999_999),
    before=st.sampled_from(["", "max=7, ", " "]),
    after=st.sampled_from(["", ", max=7"]),
)
def test_the_timeout_is_found_among_other_parameters(seconds: int, before: str, after: str) -> None:
    assert parse_keep_alive(f"{before}timeout={seconds}{after}") == seconds


@given(value=st.text())
def test_no_value_of_a_keep_alive_header_raises(value: str) -> None:
    seconds = parse_keep_alive(value)
    assert seconds is None or seconds >= 0
