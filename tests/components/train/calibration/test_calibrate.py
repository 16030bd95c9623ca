"""Calibration: hand-computed and simulated lines, and that no order changes."""

import math

import numpy as np
import pytest

from components.train.calibration import calibrate as calibration
from components.train.calibration.calibrate import MIN_SLOPE, Platt, calibrate, fit, set_line
from components.train.new_networks import new_networks, recommender_of
from model.data.batch import TripReader
from model.networks.ranker import Ranker
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
from tfx_configs.settings import RunSettings, TrainSettings

LOGITS = np.linspace(-4.0, 1.0, 20_000)


def bought(slope: float, offset: float) -> np.ndarray:
    chance = 1 / (1 + np.exp(-(slope * LOGITS + offset)))
    return np.random.default_rng(2).random(len(LOGITS)) < chance


def test_the_line_that_made_the_data_is_recovered() -> None:
    line = fit(LOGITS, bought(1.6, 0.9))
    assert (line.slope, line.offset) == pytest.approx((1.6, 0.9), abs=0.08)


def test_under_the_fitted_line_as_much_is_expected_as_was_bought() -> None:
    y = bought(0.5, -1.0)
    line = fit(LOGITS, y)
    expected = (1 / (1 + np.exp(-(line.slope * LOGITS + line.offset)))).sum()
    assert expected == pytest.approx(y.sum(), abs=2)


def test_a_constant_logit_moves_to_the_share_that_was_bought() -> None:
    """100,000 times the logit 0, a fifth bought: log(1/4), less what the prior holds back."""
    line = fit(np.zeros(100_000), np.arange(100_000) % 5 == 0)
    assert (line.slope, line.offset) == pytest.approx((1.0, math.log(1 / 4)), abs=1e-3)


def test_without_observations_nothing_moves_and_with_one_only_a_little() -> None:
    assert fit(np.empty(0), np.empty(0)) == Platt()
    line = fit(np.array([0.0]), np.array([1.0]))
    assert line.slope == 1.0 and 0 < line.offset < 0.5


def test_perfectly_separated_observations_have_a_finite_line() -> None:
    line = fit(np.array([-30.0, -20.0, 20.0, 30.0]), np.array([0, 0, 1, 1]))
    assert math.isfinite(line.slope) and line.slope >= MIN_SLOPE


def test_scores_that_point_the_wrong_way_are_left_alone() -> None:
    assert fit(LOGITS, ~bought(2.0, 3.0)) == Platt()


def test_a_line_for_shifted_logits_shifts_first() -> None:
    """2 (x + 3) + 1 = 2 x + 7."""
    assert Platt(slope=2.0, offset=1.0).after(Platt(offset=3.0)) == Platt(slope=2.0, offset=7.0)


def test_calibration_changes_the_numbers_and_never_the_order() -> None:
    tf.keras.utils.set_random_seed(3)
    ranker = Ranker(4, 5, (4,), (3,))
    dense = tf.random.stateless_normal([500, 4], seed=[1, 2])
    inputs = (dense, tf.range(500) % 5, tf.range(500)[:, None] % 4, tf.zeros([500, 1], tf.int32))
    before = ranker(*inputs).numpy()
    set_line(ranker, Platt(slope=1.7, offset=-0.6))
    after = ranker(*inputs).numpy()
    assert after == pytest.approx(1.7 * before - 0.6, abs=1e-5)
    score = tf.math.sigmoid(after).numpy()
    falling = score[np.argsort(-before, kind="stable")]
    assert (np.diff(falling) <= 1e-6).all() and np.ptp(falling) > 0.1  # two that are nearly equal may be rounded apart


def test_without_held_out_trips_only_the_sampling_of_negatives_is_undone() -> None:
    """One negative in ten was learned from: odds ten times too high, so log(0.1) is added to their logarithm."""
    catalog = small_catalog()
    networks = new_networks(RunSettings(), catalog)[1]
    recommender, ranker = recommender_of(RunSettings(), catalog, networks), networks.ranker
    trips = build_trips(purchases(("u1", 1, "a b"), ("u1", 9, "a")), catalog.item_ids, seconds(10), 100)
    none = np.empty(0, np.int64)
    report = calibrate(
        recommender,
        ranker,
        TripReader(trips, catalog),
        none,
        np.empty((0, 1), np.int32),
        TrainSettings(negative_percent=10.0),
    )
    assert (float(ranker.slope), float(ranker.offset)) == pytest.approx((1.0, math.log(0.1)))
    assert report.model_dump() == {"slope": 1.0, "offset": 0.0, "listed": 0, "bought": 0}


def test_the_line_is_fitted_on_the_best_of_each_held_out_trips_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shoppers buy what the ranker likes: every trip's list of two is read, in batches of any size, the same."""
    catalog = small_catalog()
    networks = new_networks(RunSettings(), catalog)[1]
    recommender = recommender_of(RunSettings(), catalog, networks)
    events = purchases(*((f"u{n}", day, items) for n in range(5) for day, items in ((60, "a b"), (68 + n, "b e"))))
    trips = build_trips(events, catalog.item_ids, seconds(90), 100)
    held_out = np.flatnonzero(trips.time_T >= seconds(68))
    retrieved = np.full((len(held_out), 1), ITEMS.index("d"), np.int32)
    monkeypatch.setattr(calibration, "LISTED", 2)
    reports = []
    for size in (1, 2, 100):
        settings = TrainSettings(ranking_batch=size)
        reports.append(
            calibrate(recommender, networks.ranker, TripReader(trips, catalog), held_out, retrieved, settings)
        )
    assert reports[0].listed == 2 * 5 and 0 < reports[0].bought <= 10
    assert all(report.model_dump() == pytest.approx(reports[0].model_dump(), rel=1e-4) for report in reports)
