"""Hand-computed values. One shopper, basket {1, 2, 3, 4}, of which 3 and 4 were never bought before."""

import math

import numpy as np
import pytest

from model.evaluation import ranking_metrics as metrics

BASKET = np.array([1, 2, 3, 4])
HISTORY = np.array([1, 2, 9, 1])


def hits(*rows: list[int]) -> metrics.Hits:
    return metrics.find_hits(np.array(rows), [BASKET] * len(rows), [HISTORY] * len(rows))


def test_recall_counts_hits_in_the_first_k_over_the_basket() -> None:
    found_hits = hits([1, 8, 3, 2])
    assert metrics.recall(found_hits, 2).tolist() == [0.25]
    assert metrics.recall(found_hits, 4).tolist() == [0.75]


def test_ndcg_discounts_by_position_and_a_perfect_list_has_one() -> None:
    found_hits = hits([1, 8, 3, 7], [4, 3, 2, 1])
    ideal = 1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)
    assert metrics.ndcg(found_hits, 4) == pytest.approx([(1 + 1 / 2) / ideal, 1.0])


def test_ndcg_ideal_stops_at_k_and_at_the_basket() -> None:
    assert metrics.ndcg(hits([1, 2, 8, 8]), 2).tolist() == [1.0]
    one_item = metrics.find_hits(np.array([[5, 1, 8]]), [np.array([1])], [np.array([], int)])
    assert metrics.ndcg(one_item, 3) == pytest.approx([1 / math.log2(3)])


def test_ndcg_of_a_list_shorter_than_k_is_measured_against_k() -> None:
    ideal = 1 + 1 / math.log2(3) + 1 / 2 + 1 / math.log2(5)
    assert metrics.ndcg(hits([1, 2]), 10) == pytest.approx([(1 + 1 / math.log2(3)) / ideal])


def test_personal_hit_ratio_asks_for_any_hit() -> None:
    assert metrics.phr(hits([8, 1], [8, 7]), 2).tolist() == [1.0, 0.0]
    assert metrics.phr(hits([8, 1]), 1).tolist() == [0.0]


def test_explore_and_repeat_recall_split_the_basket_by_the_history() -> None:
    found_hits = hits([3, 1, 2, 8])
    assert metrics.explore_recall(found_hits, 4).tolist() == [0.5]
    assert metrics.repeat_recall(found_hits, 4).tolist() == [1.0]


def test_a_recall_over_nothing_is_undefined_and_left_out_of_the_mean() -> None:
    items = np.array([[1, 2], [1, 8]])
    found_hits = metrics.find_hits(items, [np.array([1]), np.array([1, 5])], [np.array([1]), np.array([1])])
    explore = metrics.explore_recall(found_hits, 2)
    assert np.isnan(explore[0]) and explore[1] == 0.0
    assert metrics.mean_defined(np.array([np.nan, 0.2, 0.4])) == pytest.approx(0.3)
    assert math.isnan(metrics.mean_defined(np.array([np.nan])))


def test_padding_is_no_hit_and_is_not_covered() -> None:
    items = np.array([[1, metrics.NO_ITEM], [1, 2]])
    assert metrics.coverage(items, 2, active_items=8) == 0.25
    assert metrics.coverage(items, 1, active_items=8) == 0.125
    assert metrics.find_hits(items, [np.array([-1])] * 2, [np.array([], int)] * 2).hit_TK.sum() == 0


def test_novelty_is_the_mean_of_how_few_shoppers_bought_what_is_listed() -> None:
    """Of 8 shoppers all, four, one and none bought items 0 to 3: 0, 1, 3 and 3 bits."""
    bits = metrics.self_information(np.array([8, 4, 1, 0]), 8)
    assert bits.tolist() == [0.0, 1.0, 3.0, 3.0]
    items = np.array([[1, 2, 0], [3, metrics.NO_ITEM, metrics.NO_ITEM], [metrics.NO_ITEM] * 3])
    found_hits = metrics.find_hits(items, [BASKET] * 3, [HISTORY] * 3, bits)
    assert metrics.novelty(found_hits, 2)[:2].tolist() == [2.0, 3.0] and np.isnan(metrics.novelty(found_hits, 2)[2])
    assert metrics.novelty(found_hits, 3)[0] == pytest.approx(4 / 3)
    assert np.isnan(metrics.novelty(hits([1, 2]), 2)).all()


def test_scores_that_come_true_have_no_calibration_error() -> None:
    """Ten pairs at 0.2 with two hits, ten at 0.5 with five; in two bins."""
    score, bought = np.repeat([0.2, 0.5], 10)[None], np.array([1] * 2 + [0] * 8 + [1] * 5 + [0] * 5, bool)[None]
    curve = metrics.reliability(score, bought, 20, bins=2)
    assert [(part.expected, part.bought, part.size) for part in curve] == [
        (pytest.approx(0.2), 0.2, 10),
        (0.5, 0.5, 10),
    ]
    assert metrics.calibration_error(curve) == pytest.approx(0.0) and metrics.calibration_ratio(curve) == 1.0


def test_the_calibration_error_weighs_each_bin_by_its_size_and_the_ratio_has_the_direction() -> None:
    """Bins {0.1, 0.3, 0.5} and {0.7, 0.9}: expected 0.3 and 0.8, bought 1/3 and 1; 3/5 of 1/30 and 2/5 of 0.2."""
    score, bought = np.array([[0.9, 0.1, 0.7], [0.5, 0.3, np.nan]]), np.array([[1, 0, 1], [1, 0, 0]], bool)
    curve = metrics.reliability(score, bought, 3, bins=2)
    assert metrics.calibration_error(curve) == pytest.approx(3 / 5 / 30 + 2 / 5 * 0.2)
    assert metrics.calibration_ratio(curve) == pytest.approx(2.5 / 3)
    assert metrics.reliability(score, bought, 1, bins=10) == [
        metrics.Bin(expected=0.5, bought=1.0, size=1),
        metrics.Bin(expected=0.9, bought=1.0, size=1),
    ]


def test_without_recommendations_or_purchases_calibration_is_undefined() -> None:
    assert math.isnan(metrics.calibration_error([])) and math.isnan(metrics.calibration_ratio([]))
    never = metrics.reliability(np.array([[0.5]]), np.array([[False]]), 10)
    assert metrics.calibration_error(never) == 0.5 and math.isnan(metrics.calibration_ratio(never))


def test_every_reported_metric_has_one_value_a_trip() -> None:
    values = metrics.by_trip(hits([1, 2], [8, 7], [3, 4]))
    assert set(values) == set(metrics.PER_TRIP) and all(v.shape == (3,) for v in values.values())


def test_equal_lists_differ_by_zero_with_a_zero_interval() -> None:
    same = np.array([0.1, 0.5, 0.3])
    assert metrics.paired_delta(same, same, seed=1, rounds=50) == metrics.Interval(
        delta_pct=0.0, low_pct=0.0, high_pct=0.0
    )


def test_a_constant_gain_has_an_interval_of_no_width() -> None:
    reference = np.array([0.1, 0.5, 0.3, np.nan])
    interval = metrics.paired_delta(1.1 * reference, reference, seed=1, rounds=50)
    assert [interval.delta_pct, interval.low_pct, interval.high_pct] == pytest.approx([10.0, 10.0, 10.0])


def test_the_interval_agrees_with_the_normal_approximation() -> None:
    rng = np.random.default_rng(3)
    reference = rng.uniform(0.2, 1.0, 400)
    candidate = reference + rng.normal(0.05, 0.2, 400)
    interval = metrics.paired_delta(candidate, reference, seed=1, rounds=2000)
    ratio = candidate.mean() / reference.mean()
    half = 196.0 * np.std(candidate - ratio * reference) / reference.mean() / math.sqrt(400)
    assert interval.low_pct == pytest.approx(interval.delta_pct - half, abs=0.15 * half)
    assert interval.high_pct == pytest.approx(interval.delta_pct + half, abs=0.15 * half)
    assert interval == metrics.paired_delta(candidate, reference, seed=1, rounds=2000)


def test_against_a_reference_of_zero_the_difference_is_undefined() -> None:
    assert math.isnan(metrics.paired_delta(np.array([0.5]), np.array([0.0]), seed=1, rounds=10).delta_pct)


def test_a_mean_is_inside_its_interval_and_undefined_trips_are_left_out() -> None:
    interval = metrics.mean_interval(np.array([0.0, 1.0, np.nan, 1.0, 0.0]), seed=1, rounds=200)
    assert interval["mean"] == 0.5 and 0.0 <= interval["low"] < 0.5 < interval["high"] <= 1.0
    assert math.isnan(metrics.mean_interval(np.array([np.nan]), seed=1, rounds=200)["low"])
