"""The simulation on a tiny population whose answers are known."""

import numpy as np
import pytest

from benchmarks.harness.page import render
from benchmarks.rollout.__main__ import design_effect, simulate
from benchmarks.rollout.simulation import Real, fixed, month, real_trips, roll_out
from tests.components.rollout.decision.weekly import DAY_S, weekly_trips
from tfx_configs.rollout import RolloutSettings

PLAN = RolloutSettings(min_outcome_ratio=0.9)


def _real(shoppers: int = 50, trips: int = 4) -> Real:
    """Every shopper has as many trips, with 1 or 3 hits by turns."""
    number = np.arange(shoppers * trips)
    return Real(user_T=number % shoppers, time_T=number * DAY_S, hits_T=1 + 2 * (number // shoppers % 2))


def test_a_month_has_every_drawn_shoppers_trips_in_time_order() -> None:
    world = month(_real(), 10, 0.0, np.random.default_rng(1))
    assert np.bincount(world.user_T).tolist() == [4] * 10
    assert sorted(world.stable_T.tolist()) == [1] * 20 + [3] * 20
    assert world.stable_T[:10].tolist() == [1] * 10
    assert (world.canary_T == world.stable_T).all()


def test_a_loss_takes_that_share_of_the_hits() -> None:
    world = month(_real(), 10_000, 0.1, np.random.default_rng(1))
    assert world.canary_T.mean() / world.stable_T.mean() == pytest.approx(0.9, abs=0.01)


def test_personal_frequency_hits_both_items_of_shoppers_who_always_buy_the_same() -> None:
    real = real_trips(weekly_trips())
    assert set(real.hits_T) == {2}
    assert (np.diff(real.time_T) >= 0).all()


def test_independent_trips_have_no_design_effect_and_equal_ones_have_that_of_their_number() -> None:
    # Shopper means differ, trips of one shopper do not: four trips count as one.
    same = Real(user_T=np.repeat([0, 1], 4), time_T=np.arange(8), hits_T=np.repeat([1, 3], 4))
    assert design_effect(same) == pytest.approx(4.0)


def test_a_worse_model_is_rolled_back_and_an_identical_one_promoted() -> None:
    rng = np.random.default_rng(1)
    ends = {
        loss: [roll_out(month(_real(), 3000, loss, rng), PLAN, 500).state for _ in range(10)] for loss in (0.0, 0.3)
    }
    assert set(ends[0.3]) == {"rolled_back"}
    assert ends[0.0].count("promoted") >= 9
    assert fixed(month(_real(), 3000, 0.3, rng), 4000, 500, peeked=False).requests == 4000
    assert fixed(month(_real(), 3000, 0.3, rng), 4000, 500, peeked=True).requests < 4000


def test_the_result_has_what_the_page_tells() -> None:
    figures = simulate(_real(), rounds=3, shoppers=3000)
    load = {"weight_change_ms": 9.0, "weight_change_max_ms": 20.0, "weight_changes": 9, "requests": 50, "lost": 0}
    about = {"measured": "2026-01-01T00:00:00", "hardware": {"cores": 2}, "load_rps": 900.0}
    page = render("rollout/rollout", figures | load | about)
    assert "| always valid, asked all the time (Aisle) | 0.0 % | 100.0 % |" in page
    assert "50 requests, 0 lost" in page
