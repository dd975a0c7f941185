from tests.campaign.mutated import GENUINE, Tally, mutate


def test_of_hundreds_of_mutated_requests_none_is_accepted_that_is_not_what_was_signed() -> None:
    tally = mutate(500)
    assert tally.passed, str(tally)
    assert set(tally.outcomes) == {"accepted", "headers", "signature", "timestamp"}
    assert sum(tally.outcomes.values()) >= 500


def test_the_request_that_is_mutated_is_accepted() -> None:
    tally = Tally()
    tally.add(GENUINE)
    assert tally.outcomes == {"accepted": 1}
