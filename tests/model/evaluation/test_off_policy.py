"""Estimates against hand-computed values; tests/benchmarks/test_offpolicy.py simulates a world of known truth."""

import dataclasses

import numpy as np
import pytest

from model.evaluation.off_policy import Shown, collect, compare
from model.rerank.reranker import explored
from tfx_configs.rerank import RerankSettings

DRAWS = RerankSettings(explore_percent=40, explore_place=2, explore_pool=2)


def _two() -> Shown:
    """Two requests: a certain item and one left to chance (p = 0.5); the other policy shows both of the first, and
    only the certain one of the second."""
    return Shown(
        request_M=np.array([0, 0, 1, 1]),
        propensity_M=np.array([1.0, 0.5, 1.0, 0.5]),
        target_M=np.array([1.0, 1.0, 1.0, 0.0]),
        bought_M=np.array([1.0, 1.0, 0.0, 1.0]),
        guess_M=np.array([0.5, 0.25, 0.5, 0.25]),
        shopper_N=np.array(["a", "b"]),
        places_N=np.array([2.0, 1.0]),
        direct_N=np.array([0.75, 0.5]),
    )


def test_the_estimates_match_hand_computed_values() -> None:
    comparison = compare(_two())
    assert comparison.logged.value == 1.5  # two bought, and one
    assert comparison.ips.value == 1.5  # (1 + 2) and 0
    assert comparison.snips.value == 1.0  # certain 1/2; by chance 2/2 = 1 of 1 a place, times 1/2 open place a request
    assert comparison.dr.value == pytest.approx((0.75 + 0.5 + 2 * 0.75 + 0.5 - 0.5) / 2)
    assert comparison.gain.value == pytest.approx(comparison.dr.value - comparison.logged.value)
    assert (comparison.effective, comparison.chances) == (1.0, 2)
    assert comparison.support == 1.0  # 2 certain and a weight of 2, of 3 places
    assert comparison.ips.se == pytest.approx(1.5)  # residuals 1.5 and -1.5: sqrt(2 * 4.5) / 2


def test_a_propensity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        compare(dataclasses.replace(_two(), propensity_M=np.zeros(4)))


def test_the_same_policy_is_worth_what_was_logged_when_nothing_was_left_to_chance() -> None:
    candidates = [(["a", "b", "c"], np.array([0.6, 0.4, 0.2]))] * 2
    shown = collect(
        [(["a", "b"], [])] * 2, candidates, [{"a", "c"}, set()], ["u", "v"], lambda ids, s, k: np.array([1, 1, 0])
    )
    comparison = compare(shown)
    assert comparison.logged.value == comparison.ips.value == comparison.snips.value == 0.5
    assert comparison.dr.value == pytest.approx(0.5) and comparison.effective == 0.0


def test_what_the_log_could_never_show_lowers_the_support() -> None:
    candidates = [(["a", "b"], np.array([0.6, 0.4]))] * 2
    shown = collect([(["a"], [])] * 2, candidates, [{"a"}, {"b"}], ["u", "v"], lambda ids, s, k: np.array([0.0, 1.0]))
    assert compare(shown).support == 0.0


def test_the_chances_of_all_ranks_by_hand() -> None:
    # Two shown; with 0.4 one of ranks 2, 3 moves to the second place, each as likely.
    np.testing.assert_allclose(explored(5, 2, DRAWS), [1.0, 0.6, 0.2, 0.2, 0.0])
    np.testing.assert_allclose(explored(3, 3, DRAWS), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(explored(5, 1, DRAWS), [1.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(explored(1, 2, DRAWS), [1.0])
