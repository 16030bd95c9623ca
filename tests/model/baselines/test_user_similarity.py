"""Scores by similar shoppers, hand-computed.

The past: u bought a and b on day 10, a and d on day 60; v a and b on day 20; w a on day 50.
"""

import numpy as np
import pytest

from model.baselines.user_similarity import TifuKnn, UpCf
from model.baselines.whole_catalog import CatalogScorer
from tests.model.small_catalog import ITEMS, Ask, batch

PAST = batch(
    Ask(day=63, bought=[("a", 10), ("b", 10), ("a", 60), ("d", 60)]),
    Ask(day=63, bought=[("a", 20), ("b", 20)]),
    Ask(day=63, bought=[("a", 50)]),
)
GAP_HOURS = 4.0


def scored(scorer: CatalogScorer, *bought: tuple[str, float], user: int = 0) -> dict[str, float]:
    """What is not 0. user: 0 a stranger, 1 u, 2 v, 3 w. A second shopper of the batch has bought nothing."""
    first, _ = scorer(batch(Ask(day=70, bought=bought, user=user), Ask(day=70)))
    return {ITEMS[i]: float(first[i]) for i in np.flatnonzero(first)}


def up_cf(recent: int = 100, locality: float = 1.0) -> UpCf:
    return UpCf.of(PAST, len(ITEMS), trip_gap_hours=GAP_HOURS, recent=recent, locality=locality, asymmetry=0.5)


def tifu(groups: int, within: float, between: float, neighbours: int, share: float) -> TifuKnn:
    decay = {"groups": groups, "within": within, "between": between}
    return TifuKnn.of(PAST, len(ITEMS), trip_gap_hours=GAP_HOURS, **decay, neighbours=neighbours, share=share)


def test_up_cf_weighs_neighbours_by_the_overlap_of_what_they_bought() -> None:
    """The asker has {a, d}. u: {a, b, d}, overlap 2 / sqrt(6); v: {a, b}, 1 / 2; w: {a}, 1 / sqrt(2).

    b is in half of u's baskets and in all of v's.
    """
    u, v, w = 2 / 6**0.5, 0.5, 1 / 2**0.5
    scores = scored(up_cf(), ("a", 61), ("d", 62))
    assert scores == pytest.approx({"a": 0.5 + u + v + w, "d": 0.5 + u / 2, "b": u / 2 + v})


def test_up_cf_reads_recent_baskets_and_near_neighbours_only() -> None:
    """u's last basket is {a, d}; to the third power, the overlaps are those of the test above."""
    u, v, w = (2 / 6**0.5) ** 3, 0.5**3, 0.5**1.5
    scores = scored(up_cf(recent=1, locality=3.0), ("a", 61), ("d", 62))
    assert scores == pytest.approx({"d": 1 + u, "a": u + v + w, "b": v})


def test_no_shopper_is_a_neighbour_of_themselves() -> None:
    history = [("a", 10), ("b", 10), ("a", 60), ("d", 60)]
    assert scored(up_cf(), *history, user=1)["d"] == pytest.approx(0.5)
    assert scored(up_cf(), *history, user=0)["d"] == pytest.approx(0.5 + 0.5)


def test_tifu_decays_within_and_between_groups() -> None:
    """Trips x1 x2 x3 in two groups: (x1) and (x2 x3). Within 0.5, between 0.8:
    group 1: x1; group 2: (0.5 x2 + x3) / 2; shopper: (0.8 x1 + (0.5 x2 + x3) / 2) / 2.
    """
    scorer = tifu(groups=2, within=0.5, between=0.8, neighbours=1, share=1.0)
    assert scored(scorer, ("a", 1), ("b", 2), ("d", 3)) == pytest.approx({"a": 0.4, "d": 0.25, "b": 0.125})


def test_tifu_mixes_in_the_nearest_shoppers() -> None:
    """Without decay in one group: u is a + b/2 + d/2, v is a + b, w is a; the asker's a is nearest to w, then to u."""
    scorer = tifu(groups=1, within=1.0, between=1.0, neighbours=2, share=0.6)
    assert scored(scorer, ("a", 1)) == pytest.approx({"a": 1.0, "b": 0.4 * 0.25, "d": 0.4 * 0.25})


def test_tifu_passes_over_the_asking_shopper() -> None:
    """w's nearest is u, not w."""
    scorer = tifu(groups=1, within=1.0, between=1.0, neighbours=1, share=0.6)
    assert scored(scorer, ("a", 50), user=3) == pytest.approx({"a": 1.0, "b": 0.4 * 0.5, "d": 0.4 * 0.5})
    assert scored(scorer, ("a", 50)) == pytest.approx({"a": 1.0})
