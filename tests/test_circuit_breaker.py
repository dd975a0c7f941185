import pytest

from ultravox_async._http.circuit_breaker import CircuitBreaker


def opened(at: float = 1.0) -> CircuitBreaker:
    """Return the circuit of a client that began at 0 and met its first failure at `at`, and no success."""
    circuit = CircuitBreaker(now=0.0)
    for _ in range(3):
        circuit.note_failure(at, None)
    return circuit


def test_three_failures_and_no_success_for_a_second_are_an_outage() -> None:
    circuit = CircuitBreaker(now=0.0)
    begins = [circuit.note_failure(1.0, None) for _ in range(3)]
    assert begins == [False, False, True]
    assert circuit.open


def test_failures_within_a_second_of_a_success_are_no_outage() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_success(5.0)
    for _ in range(100):
        circuit.note_failure(5.9, None)
    assert not circuit.open


def test_two_failures_are_no_outage_however_long_they_last() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_failure(1.0, None)
    circuit.note_failure(1000.0, None)
    assert not circuit.open


def test_a_success_ends_an_outage_and_says_so_once() -> None:
    circuit = opened()
    assert [circuit.note_success(9.0), circuit.note_success(9.0)] == [True, False]
    assert not circuit.open


def test_failures_before_a_success_do_not_count() -> None:
    circuit = CircuitBreaker(now=0.0)
    circuit.note_failure(2.0, None)
    circuit.note_failure(2.0, None)
    circuit.note_success(2.0)
    circuit.note_failure(4.0, None)
    circuit.note_failure(4.0, None)
    assert not circuit.open


def test_background_work_is_not_held_back_without_an_outage() -> None:
    assert CircuitBreaker(now=0.0).admits_at() == -float("inf")


def test_at_most_five_probes_are_admitted_in_a_second() -> None:
    circuit = opened(at=1.0)
    admitted: list[float] = []
    now = 1.0
    while now < 11.0:
        now = max(now + 0.001, circuit.admits_at())
        circuit.note_admitted(now)
        admitted.append(now)
    assert all(later - first >= 1.0 for first, later in zip(admitted, admitted[5:], strict=False))
    assert len(admitted) > 10
    assert circuit.probes == len(admitted)


def test_an_outage_of_a_client_that_was_idle_for_long_begins_with_its_first_failure() -> None:
    assert opened(at=3600.0).lasts(3601.0) == 1.0


def test_time_for_which_the_server_asked_to_wait_is_no_part_of_an_outage() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, 100.0)
    assert circuit.admits_at() == 102.0
    assert circuit.lasts(110.0) == pytest.approx(9.0)


def test_a_shorter_announcement_within_a_longer_one_changes_nothing() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, 100.0)
    lasts = circuit.lasts(110.0)
    circuit.note_failure(3.0, 10.0)
    assert circuit.admits_at() == 102.0
    assert circuit.lasts(110.0) == lasts


def test_announcements_that_overlap_count_once() -> None:
    circuit = opened(at=1.0)
    circuit.note_failure(2.0, 100.0)
    circuit.note_failure(52.0, 100.0)
    assert circuit.lasts(152.0) == pytest.approx(1.0)


def test_no_outage_has_no_duration() -> None:
    assert CircuitBreaker(now=0.0).lasts(100.0) == 0.0


def test_outages_are_counted() -> None:
    circuit = opened(at=1.0)
    circuit.note_success(5.0)
    for _ in range(3):
        circuit.note_failure(9.0, None)
    assert circuit.outages == 2
