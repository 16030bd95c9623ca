import pytest

from components.rollout.split import split_p_value


def test_the_p_value_is_the_probability_of_every_outcome_no_likelier_than_the_one_seen() -> None:
    # Binomial(4, 1/2): 1, 4, 6, 4, 1 sixteenths. As unlikely as 0: 0 and 4. As unlikely as 1: all but 2.
    assert split_p_value(0, 4, 50) == pytest.approx(2 / 16)
    assert split_p_value(1, 4, 50) == pytest.approx(10 / 16)
    assert split_p_value(2, 4, 50) == pytest.approx(1)
    # Binomial(2, 1/10): 81, 18, 1 hundredths.
    assert split_p_value(2, 2, 10) == pytest.approx(0.01)
    assert split_p_value(1, 2, 10) == pytest.approx(0.19)


def test_at_100_percent_one_shopper_on_the_other_side_is_proof() -> None:
    assert split_p_value(50, 50, 100) == 1
    assert split_p_value(49, 50, 100) == 0


def test_nothing_seen_contradicts_nothing() -> None:
    assert split_p_value(0, 0, 10) == 1
