import pytest

from ultravox_async._http.circuit_breaker import CircuitBreaker


def opened(at: float = 1.0) -> CircuitBreaker:
    """Return a circuit breaker, used from 0.0 on, whose outage has begun with failures at `at`."""
    circuit = CircuitBreaker(now=0.0)
    for _ in range(3):
        circuit.note_failure(at, "503", None)
    return circuit


def test_three_failures_and_no_success_for_a_second_are_an_outage() -> None:
    circuit = CircuitBreaker(now=0.0)
    begins = [circuit.note_failure(1.0, "503", None) for _ in range(3)]
    assert begins == [False, False, True]
    assert circuit.open


def test_failures_within_a_second_of_a_success_are_not_an_outage() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_success(5.0)
    for _ in range(100):
        circuit.note_failure(5.9, "503", None)
    assert not circuit.open


def test_failures_of_one_request_are_no_outage() -> None:
    circuit = CircuitBreaker(now=0.0)
    for attempt in range(10):
        circuit.note_failure(1.0 + attempt, "500", None, counts=attempt == 0)
    assert not circuit.open


def test_an_outage_can_begin_with_a_failure_that_does_not_count() -> None:
    circuit = CircuitBreaker(now=0.0)
    for _ in range(3):
        circuit.note_failure(0.5, "500", None)
    assert circuit.note_failure(1.5, "500", None, counts=False)


def test_two_failures_are_not_an_outage_however_far_apart_they_are() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_failure(1.0, "503", None)
    circuit.note_failure(1000.0, "503", None)
    assert not circuit.open


def test_a_success_ends_an_outage_and_the_next_one_does_not() -> None:
    circuit = opened()
    assert [circuit.note_success(9.0), circuit.note_success(9.0)] == [True, False]
    assert not circuit.open


def test_failures_before_a_success_do_not_count() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_failure(2.0, "503", None)
    circuit.note_failure(2.0, "503", None)
    circuit.note_success(2.0)
    circuit.note_failure(4.0, "503", None)
    circuit.note_failure(4.0, "503", None)
    assert not circuit.open


def test_without_an_outage_background_requests_are_not_held_back() -> None:
    assert CircuitBreaker(now=0.0).admits_at() == -float("inf")


def test_at_most_five_probes_are_admitted_in_a_second() -> None:
    circuit = opened(at=1.0)
    admitted: list[float] = []
    now = 1.0
    while now < 11.0:
        now = max(now + 0.001, circuit.admits_at())
        circuit.note_admitted(now)
        circuit.note_failure(now, "503", None)
        admitted.append(now)
    assert all(later - first >= 1.0 for first, later in zip(admitted, admitted[5:], strict=False))
    assert len(admitted) > 10
    assert circuit.probes == len(admitted)


def test_an_outage_after_a_long_idle_time_begins_with_the_first_failure() -> None:
    assert opened(at=3600.0).lasts(3601.0) == 1.0


def test_the_time_of_a_retry_after_does_not_count_as_outage() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, "503", 100.0)
    assert circuit.admits_at() == 102.0
    assert circuit.lasts(110.0) == pytest.approx(9.0)


def test_a_retry_after_that_ends_before_an_earlier_one_changes_nothing() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, "503", 100.0)
    lasts = circuit.lasts(110.0)
    circuit.note_failure(3.0, "503", 10.0)
    assert circuit.admits_at() == 102.0
    assert circuit.lasts(110.0) == lasts


def test_overlapping_retry_afters_count_once() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, "503", 100.0)
    circuit.note_failure(52.0, "503", 100.0)
    assert circuit.lasts(152.0) == pytest.approx(1.0)


def test_probes_without_an_outcome_make_the_next_ones_rarer() -> None:
    circuit = opened(at=1.0)
    now = 2.0
    gaps: list[float] = []
    for _ in range(8):
        circuit.note_admitted(now)
        gaps.append(circuit.admits_at() - now)
        now = circuit.admits_at()
    assert gaps == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]


def test_probes_that_fail_make_room_for_others() -> None:
    circuit = opened(at=1.0)
    for now in (2.0, 3.0, 4.0):
        circuit.note_admitted(now)
        circuit.note_failure(now + 0.1, "503", None)
        assert circuit.admits_at() - now == 0.25


def test_a_failure_after_a_time_without_requests_begins_another_outage() -> None:
    circuit = opened(at=1.0)
    assert circuit.note_failure(3601.0, "503", None)
    assert circuit.lasts(3602.0) == 1.0
    assert circuit.outages == 2


def test_a_pause_that_the_server_asked_for_is_not_a_time_without_requests() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, "503", 100.0)
    assert not circuit.note_failure(102.1, "503", 100.0)
    assert circuit.outages == 1


def test_after_half_a_second_a_failure_is_no_longer_recent() -> None:
    circuit = opened(at=1.0)
    assert circuit.failed_lately(1.49)
    assert not circuit.failed_lately(1.5)


def test_without_an_outage_the_duration_is_zero() -> None:
    assert CircuitBreaker(now=0.0).lasts(100.0) == 0.0


def test_outages_are_counted() -> None:
    circuit = opened(at=1.0)
    circuit.note_success(5.0)
    for _ in range(3):
        circuit.note_failure(9.0, "503", None)
    assert circuit.outages == 2
