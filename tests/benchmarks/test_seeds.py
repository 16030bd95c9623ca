"""Means and leads over seeds, with values that can be worked out by hand."""

import numpy as np
import pytest

from benchmarks.harness.seeds import Pair, lead, mean_interval

SHOPPERS = np.arange(200)


def test_the_mean_is_over_seeds_and_over_trips_where_it_is_defined() -> None:
    value_SN = np.array([[1.0, 0.0, np.nan], [0.0, 0.0, np.nan]])
    assert mean_interval(value_SN, seed=1)["mean"] == 0.25


def test_the_interval_is_wider_where_seeds_differ() -> None:
    same = np.tile(np.arange(200) % 2, (3, 1)).astype(float)
    other = same + np.array([[-0.3], [0.0], [0.3]])
    widths = [mean_interval(value_SN, seed=1) for value_SN in (same, other)]
    narrow, wide = (width["high"] - width["low"] for width in widths)
    assert widths[0]["mean"] == pytest.approx(widths[1]["mean"]) and wide > 2 * narrow


def test_a_lead_is_in_percent_of_the_reference_and_without_spread_where_all_trips_agree() -> None:
    pair = Pair(SHOPPERS, np.full((3, 200), 0.3), np.full((1, 200), 0.2))
    assert lead([pair], seed=1) == pytest.approx({"delta_pct": 50.0, "low_pct": 50.0, "high_pct": 50.0})


def test_the_lead_of_several_cuts_is_their_average_over_the_same_shoppers() -> None:
    """Where a shopper who decides the lead is drawn, he is drawn at both cuts: their spreads do not cancel."""
    rng = np.random.default_rng(3)
    reference_1N = np.full((1, 200), 1.0)
    one = Pair(SHOPPERS, reference_1N + rng.normal(size=(1, 200)), reference_1N)
    other = Pair(SHOPPERS, one.candidate_SN, reference_1N)
    single, both = lead([one], seed=1), lead([one, other], seed=1)
    assert both == pytest.approx(single)
    assert lead([one, one._replace(candidate_SN=reference_1N)], seed=1)["delta_pct"] == pytest.approx(
        (single["delta_pct"] or 0.0) / 2
    )


def test_nothing_is_said_over_a_reference_that_never_hits() -> None:
    pair = Pair(SHOPPERS, np.ones((1, 200)), np.zeros((1, 200)))
    assert set(lead([pair], seed=1).values()) == {None}
