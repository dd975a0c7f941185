from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import cast

import attrs
import pytest

from ultravox_async import ConfigurationError, RateLimit, RetryPolicy, Timeout

NO_POSITIVE_NUMBERS = [
    pytest.param(0, id="zero"),
    pytest.param(-1.0, id="negative"),
    pytest.param(float("nan"), id="nan"),
    pytest.param(float("inf"), id="infinity"),
    pytest.param(10**400, id="an int that no float can hold"),
    pytest.param(True, id="a bool"),
    pytest.param("5", id="a string"),
    pytest.param(Decimal(5), id="a Decimal"),
    pytest.param(Fraction(1, 2), id="a Fraction"),
]
SECONDS: list[tuple[Callable[..., object], str]] = [
    (Timeout, "connect"),
    (Timeout, "read"),
    (Timeout, "total"),
    (RetryPolicy, "base_delay"),
    (RetryPolicy, "max_delay"),
    (RateLimit, "requests_per_second"),
    (RateLimit, "calls_per_second"),
    (RateLimit, "calls_per_minute"),
]


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Timeout() == Timeout(connect=5.0, read=30.0, total=120.0)
    assert RetryPolicy() == RetryPolicy(
        max_attempts=4, base_delay=0.5, max_delay=60.0, max_cool_down=300.0, patience=60.0
    )
    assert RateLimit() == RateLimit(
        requests_per_second=200.0, adaptive=True, calls_per_second=None, calls_per_minute=None
    )


def test_a_rate_may_be_given_by_position() -> None:
    assert RateLimit(5).requests_per_second == 5


def test_no_rate_means_no_pacing() -> None:
    assert RateLimit(None).requests_per_second is None


@pytest.mark.parametrize(("cls", "name"), SECONDS)
@pytest.mark.parametrize("value", [1, 0.001, 1e9])
def test_a_finite_number_above_zero_is_kept_as_it_is(cls: Callable[..., object], name: str, value: float) -> None:
    assert getattr(cls(**{name: value}), name) == value


@pytest.mark.parametrize(("cls", "name"), SECONDS)
@pytest.mark.parametrize("value", NO_POSITIVE_NUMBERS)
def test_a_value_that_is_not_a_finite_number_above_zero_is_refused_by_name(
    cls: Callable[..., object], name: str, value: object
) -> None:
    with pytest.raises(ConfigurationError, match=rf"\.{name} takes a finite number above 0"):
        cls(**{name: value})


@pytest.mark.parametrize("cls_and_name", SECONDS[:-3])
def test_only_a_rate_may_be_none(cls_and_name: tuple[Callable[..., object], str]) -> None:
    cls, name = cls_and_name
    with pytest.raises(ConfigurationError, match=rf"\.{name} takes a finite number above 0, not None"):
        cls(**{name: None})


def test_patience_may_be_zero() -> None:
    assert RetryPolicy(patience=0).patience == 0


@pytest.mark.parametrize("value", [None, *NO_POSITIVE_NUMBERS[1:]])
def test_a_patience_that_is_not_a_finite_number_of_seconds_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\.patience takes a finite number of at least 0, not "):
        RetryPolicy(patience=cast("float", value))


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_whether_a_rate_adapts_is_true_or_false(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"RateLimit\.adaptive takes True or False, not "):
        RateLimit(adaptive=cast("bool", value))


def test_one_attempt_is_the_minimum() -> None:
    assert RetryPolicy(max_attempts=1).max_attempts == 1


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "3", None])
def test_a_number_of_attempts_that_is_not_a_whole_number_above_zero_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\.max_attempts takes a whole number of at least 1"):
        RetryPolicy(max_attempts=cast("int", value))


@pytest.mark.parametrize(("cls", "name"), [*SECONDS, (RetryPolicy, "max_attempts")])
def test_settings_are_frozen(cls: Callable[..., object], name: str) -> None:
    settings = cls()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(settings, name, 1)
