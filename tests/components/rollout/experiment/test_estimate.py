"""The estimate: with hand-computed values on four shoppers, and against the truth over many simulated experiments."""

import math

import numpy as np
import pytest

from components.rollout.experiment.estimate import Shoppers, arms, effect, explained, linearized
from tests.components.rollout.experiment.shop import shop

RUNS = 600


def _shoppers(treated: list[int], hits: list[float], trips: list[int], past: list[list[float]]) -> Shoppers:
    return Shoppers(
        treated_S=np.array(treated, bool),
        hits_S=np.array(hits, float),
        trips_S=np.array(trips, float),
        past_SP=np.array(past, float),
    )


def test_hits_are_linearized_around_the_ratio_of_sums() -> None:
    # R = 6 / 4, m = 2: (2 - 1.5 * 1) / 2 and (4 - 1.5 * 3) / 2.
    assert linearized(np.array([2.0, 4.0]), np.array([1.0, 3.0])).tolist() == [0.25, -0.25]


def test_without_a_past_the_error_is_that_of_the_mean() -> None:
    control, treatment, rho_squared = arms(_shoppers([0, 0, 1, 1], [1, 3, 2, 6], [1, 1, 1, 1], [[], [], [], []]))
    assert (control.mean, treatment.mean, rho_squared) == (2, 4, 0)
    # Values -1, 1: variance 2 of 2 shoppers; values -2, 2: variance 8.
    assert (control.se, treatment.se) == pytest.approx((1, 2))
    assert (control.adjusted, treatment.adjusted) == (2, 4)


def test_a_fully_predictive_past_leaves_no_error_and_corrects_an_unlucky_split() -> None:
    # Hits are the past exactly; the treated happen to have bought more before.
    control, treatment, rho_squared = arms(_shoppers([0, 0, 1, 1], [1, 3, 2, 6], [1, 1, 1, 1], [[1], [3], [2], [6]]))
    assert rho_squared == pytest.approx(1)
    assert (control.se, treatment.se) == pytest.approx((0, 0))
    assert (control.adjusted, treatment.adjusted) == pytest.approx((3, 3))  # the mean past of all four


def test_a_past_that_is_the_same_for_all_changes_nothing() -> None:
    plain = arms(_shoppers([0, 0, 1, 1], [1, 3, 2, 6], [1, 2, 1, 2], [[], [], [], []]))
    same = arms(_shoppers([0, 0, 1, 1], [1, 3, 2, 6], [1, 2, 1, 2], [[1, 7]] * 4))
    assert same == plain


def test_an_arm_with_one_shopper_or_without_hits_has_no_estimate() -> None:
    assert effect(_shoppers([0, 0, 1], [1, 1, 1], [1, 1, 1], [[], [], []]), 0.05) is None
    assert effect(_shoppers([0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1], [[], [], [], []]), 0.05) is None


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected arrays of one length"):
        _shoppers([0, 1], [1], [1, 1], [[], []])


@pytest.mark.parametrize(("lift", "share"), [(1.0, 0.5), (1.1, 0.5), (0.9, 0.1)])
def test_intervals_cover_the_truth_as_often_as_stated_and_the_past_makes_them_narrower(
    lift: float, share: float
) -> None:
    rng = np.random.default_rng(5)
    covered, always, widths, rhos = np.zeros(2), 0, [], []
    for _ in range(RUNS):
        effects = [effect(shop(rng, 1500, lift, share), 0.05, adjust) for adjust in (False, True)]
        assert effects[0] is not None and effects[1] is not None
        covered += [estimate.low <= lift <= estimate.high for estimate in effects if estimate is not None]
        always += effects[1].always_low <= lift <= effects[1].always_high
        widths.append([math.log(estimate.high / estimate.low) for estimate in effects if estimate is not None])
        rhos.append(effects[1].rho_squared)
    # Four standard deviations of Binomial(600, 0.95) below and above: 0.914 to 0.986.
    assert ((covered / RUNS > 0.914) & (covered / RUNS < 0.986)).all()
    assert always / RUNS > 0.99
    plain, adjusted = np.mean(widths, axis=0)
    assert np.mean(rhos) > 0.25
    assert adjusted / plain == pytest.approx(math.sqrt(1 - np.mean(rhos)), rel=0.02)


def test_what_the_past_explains_of_noise_is_nothing() -> None:
    rng = np.random.default_rng(5)
    assert explained(rng.normal(size=5000), rng.normal(size=(5000, 2))) < 0.002
    assert explained(np.ones(5), np.ones((5, 1))) == 0
