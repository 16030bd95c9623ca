import numpy as np
import pytest

from components.rollout.decision.split_test import probabilities, split_always_valid_p, split_p_value


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


def test_without_shoppers_no_split_is_contradicted() -> None:
    assert split_p_value(0, 0, 10) == 1


def test_the_always_valid_p_is_the_ratio_of_likelihoods_with_hand_computed_values() -> None:
    # 2 of 2 at 10 %: 0.1^2 / B(3, 1) = 0.01 / (1/3).
    assert split_always_valid_p(2, 2, 10) == pytest.approx(0.03)
    # 1 of 2 at 50 %: 0.25 / B(2, 2) = 0.25 * 6, above 1.
    assert split_always_valid_p(1, 2, 50) == 1.0
    assert split_always_valid_p(0, 0, 10) == 1.0
    assert split_always_valid_p(49, 50, 100) == split_always_valid_p(1, 50, 0) == 0.0
    assert split_always_valid_p(50, 50, 100) == 1.0


def test_looking_after_every_shopper_does_not_find_a_mismatch_that_is_not_there() -> None:
    draws = np.random.default_rng(7).random((300, 500)) < 0.1
    canary = draws.cumsum(axis=1)
    alarms = [any(split_always_valid_p(int(c), n, 10) < 0.05 for n, c in enumerate(row, 1)) for row in canary]
    assert sum(alarms) <= 0.05 * 300
    assert split_always_valid_p(100, 500, 10) < 1e-6


def test_small_distributions_with_hand_computed_values() -> None:
    assert probabilities(4, 0.5) * 16 == pytest.approx([1, 4, 6, 4, 1])
    assert probabilities(2, 0.1) * 100 == pytest.approx([81, 18, 1])
    assert probabilities(0, 0.3) == pytest.approx([1])


def test_certainty_is_exact() -> None:
    assert probabilities(3, 0.0).tolist() == [1, 0, 0, 0]
    assert probabilities(3, 1.0).tolist() == [0, 0, 0, 1]


def test_a_large_distribution_sums_to_one() -> None:
    assert probabilities(100_000, 0.1).sum() == pytest.approx(1)
