"""How many shoppers: hand-computed, and whether as many detect the effect."""

import numpy as np
import pytest

from components.rollout.experiment.estimate import effect
from components.rollout.experiment.size import Baseline, Visits, baseline, days_needed, shoppers_needed
from tests.components.rollout.experiment.shop import shop

UNIT = Baseline(mean=1.0, sd=1.0, rho=0.6)


def test_a_tenth_of_a_unit_takes_the_textbook_sample() -> None:
    # (1.95996 + 0.84162)^2 * 2 / log(1.1)^2 = 1728.06 in each half, and 1414.1 with log(0.9).
    assert shoppers_needed(UNIT, 0.1, 0.8, 0.05) == (1729, 1729)
    assert shoppers_needed(UNIT, -0.1, 0.8, 0.05) == (1415, 1415)


def test_the_past_saves_the_share_of_shoppers_that_it_explains() -> None:
    assert shoppers_needed(UNIT, 0.1, 0.8, 0.05, rho=UNIT.rho) == (1106, 1106)  # 1728.06 * 0.64 = 1105.96


def test_an_uneven_split_takes_more_in_all() -> None:
    # 7.8489 / log(1.1)^2 / (0.9 * 0.1) = 9600.3 in all.
    assert shoppers_needed(UNIT, 0.1, 0.8, 0.05, share_percent=10) == (8641, 961)


def test_the_baseline_of_three_shoppers() -> None:
    measured = baseline(np.array([1.0, 2.0, 3.0]), np.ones(3), np.array([[1.0], [2.0], [3.0]]))
    assert measured == Baseline(mean=2.0, sd=1.0, rho=1.0, shoppers=3)
    with pytest.raises(ValueError, match="expected two shoppers and a hit, got 1 and 1"):
        baseline(np.ones(1), np.ones(1), np.zeros((1, 0)))


@pytest.mark.parametrize("adjust", [False, True])
def test_as_many_shoppers_see_the_effect_as_often_as_was_asked_for(adjust: bool) -> None:
    rng = np.random.default_rng(3)
    before = shop(rng, 50_000)
    measured = baseline(before.hits_S, before.trips_S, before.past_SP)
    count = sum(shoppers_needed(measured, 0.15, 0.8, 0.05, rho=measured.rho if adjust else 0.0))
    detected = 0
    for _ in range(500):
        estimate = effect(shop(rng, count, 1.15), 0.05, adjust)
        detected += estimate is not None and estimate.low > 1
    assert detected / 500 == pytest.approx(0.8, abs=0.072)  # four standard deviations of Binomial(500, 0.8)


def test_the_days_are_those_until_enough_shoppers_have_come() -> None:
    # Ten new shoppers a day with 0 or 2 hits each: mean 1, variance n / (n - 1); both halves take 3,458 of them.
    day_V = np.repeat(np.arange(400), 10)
    hits_V = np.tile([0.0, 2.0], 2000)
    visits = Visits(day_V=day_V, user_V=np.arange(4000), hits_V=hits_V)
    assert days_needed(visits, 0.1, 0.8, 0.05) == 346
    first = Visits(day_V=day_V[:1000], user_V=np.arange(1000), hits_V=hits_V[:1000])
    assert days_needed(first, 0.1, 0.8, 0.05) is None
