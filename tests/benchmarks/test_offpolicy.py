"""Off-policy estimates in a simulated world whose truth is known."""

import math

import numpy as np
import pytest

from benchmarks.offpolicy.__main__ import case, log, make, policies
from model.rerank.reranker import explored
from tfx_configs.rerank import RerankSettings

DRAWS = RerankSettings(explore_percent=40, explore_place=2, explore_pool=2)


def test_the_chances_of_all_ranks_are_those_that_the_re_ranker_logs() -> None:
    world = make(3, 20, 1)
    settings = RerankSettings(explore_percent=40, explore_place=5, explore_pool=10)
    same = lambda ids, score_C, k: explored(len(score_C), k, settings)  # noqa: E731
    shown = log(world, settings, 300, same, np.random.default_rng(1))
    np.testing.assert_allclose(shown.propensity_M, shown.target_M)


@pytest.mark.parametrize("policy", list(policies(DRAWS)))
def test_intervals_hold_the_truth_and_estimates_are_not_biased(policy: str) -> None:
    settings = RerankSettings(explore_percent=30, explore_place=10, explore_pool=10)
    result = case(make(50, 40, 7), settings, policy, rounds=60, requests=400)
    for way, judged in result["ways"].items():
        assert abs(judged["bias"]) <= 3.5 * judged["bias_se"], way
        assert judged["coverage"] >= 0.85, way  # 60 rounds of 0.95: fewer than 0.85 once in a thousand
        assert math.isfinite(judged["width"])
