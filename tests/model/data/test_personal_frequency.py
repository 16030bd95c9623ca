"""Personal frequency with hand-computed values."""

import numpy as np
import pytest

from model.data.personal_frequency import decay, top_frequency


def test_a_weight_halves_each_half_life_and_stays_1_without_one() -> None:
    ages = np.array([0.0, 30.0, 60.0])
    np.testing.assert_allclose(decay(ages, 30.0), [1.0, 0.5, 0.25])
    np.testing.assert_array_equal(decay(ages, float("inf")), [1.0, 1.0, 1.0])


def test_items_are_ranked_within_their_row_by_decayed_count_then_by_code() -> None:
    # Row 1 bought item 4 twice a half-life ago and item 9 once now: both count 1, so the smaller code comes first.
    row, item = np.array([1, 0, 1, 1, 0]), np.array([4, 7, 9, 4, 2])
    rows, items, counts = top_frequency(row, item, np.array([10.0, 20.0, 0.0, 10.0, 10.0]), 10.0)
    assert list(zip(rows.tolist(), items.tolist(), strict=True)) == [(0, 2), (0, 7), (1, 4), (1, 9)]
    assert counts.tolist() == [0.5, 0.25, 1.0, 1.0]


def test_the_order_of_events_does_not_matter_and_no_events_rank_nothing() -> None:
    rng = np.random.default_rng(3)
    row, item, age = rng.integers(0, 5, 200), rng.integers(0, 9, 200), rng.integers(0, 300, 200).astype(float)
    shuffled = rng.permutation(200)
    ranked, again = (top_frequency(row[which], item[which], age[which], 60.0) for which in (slice(None), shuffled))
    assert ranked[1].tolist() == again[1].tolist() and ranked[2] == pytest.approx(again[2])
    assert top_frequency(row[:0], item[:0], age[:0], 60.0)[1].tolist() == []
