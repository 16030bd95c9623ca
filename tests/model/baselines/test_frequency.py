"""Each baseline with hand-computed values: one shopper on five items.
All shoppers lately: a 6 times, b 5, e 3 and d 1.

Shopper: a twice on day 60 (one trip) and once on day 64, b on days 64 and 68, d on day 68; asked on day 70.
"""

import math

import numpy as np
import pytest

from model.baselines.frequency import BASELINES, FILL, Baseline, Logistic
from model.features.matrix import Features
from model.ranking.recommender import Candidates
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog
from tfx_configs.settings import FeatureSettings

BOUGHT = (("a", 60), ("a", 60), ("a", 64), ("b", 64), ("b", 68), ("d", 68))
POPULARITY = {"a": 6, "b": 5, "d": 1, "e": 3, "z": 0}
RECENTLY = {"a": 2, "b": 4, "d": 0, "e": 3, "z": 0}


FEATURES = Features(small_catalog(), FeatureSettings(half_lives_days=(2.0, 4.0)))


def scored(baseline: Baseline) -> dict[str, float]:
    """{item: score}, best first."""
    asked, items = batch(Ask(day=70, bought=BOUGHT)), np.arange(len(ITEMS), dtype=np.int32)
    candidates = Candidates(items, np.zeros(len(items), np.int32), np.array([len(items)]))
    dense = FEATURES(asked, items, candidates.end_B, baseline.logs)
    scores = baseline(dense, asked, candidates)
    assert scores.dtype == np.float32
    return {ITEMS[i]: float(scores[i]) for i in np.argsort(-scores, kind="stable")}


def filled(**own: float) -> dict[str, float]:
    """What ties are broken and short lists filled with: popularity, a millionth of it."""
    return {item: own.get(item, 0.0) + FILL * bought for item, bought in POPULARITY.items()}


@pytest.mark.parametrize(
    ("name", "expected", "order"),
    [
        ("popularity", POPULARITY, "abedz"),
        ("recent_popularity", filled(**RECENTLY), "beadz"),
        ("last_basket", filled(b=1, d=1), "bdaez"),
        ("p_top_frequency", filled(a=3, b=2, d=1), "abdez"),
        ("gp_top_frequency", filled(a=3, b=2, d=1), "abdez"),
        # Halved every 4 days: 2 of 10 days, 1 of 6; 1 of 6 and 1 of 2; 1 of 2.
        ("personal_frequency", filled(a=2 * 2**-2.5 + 2**-1.5, b=2**-1.5 + 2**-0.5, d=2**-0.5), "badez"),
    ],
)
def test_a_baseline_scores_by_its_formula(name: str, expected: dict[str, float], order: str) -> None:
    scores = scored(BASELINES[name](FEATURES.names))
    assert scores == pytest.approx(expected, abs=1e-6)
    assert "".join(scores) == order


def test_only_the_purely_personal_one_leaves_lists_short() -> None:
    assert [name for name, baseline in BASELINES.items() if not baseline(FEATURES.names).fills] == ["p_top_frequency"]


def test_logistic_gives_what_was_bought_a_probability_and_lists_the_rest_below_by_popularity() -> None:
    """Log-odds log(1 + count) - log 4: of three purchases 1 to 1, of two 3 to 4, of one 2 to 4."""
    scores = scored(Logistic(FEATURES.names, {"own_count": 1.0, "one": -math.log(4)}))
    assert scores == pytest.approx({"a": 1 / 2, "b": 3 / 7, "d": 1 / 3, "e": -1 / 4, "z": -1.0})
    assert "".join(scores) == "abdez"


def test_logistic_weighs_features_with_logs_as_well_as_those_without() -> None:
    """Of three trips a was on two, b on two and d on one; a was bought thrice."""
    scores = scored(Logistic(FEATURES.names, {"own_trip_share": 3.0, "own_count": -1.0}))
    assert scores["a"] == pytest.approx(1 / (1 + math.exp(-(3.0 - math.log(4)))), rel=1e-5)
    assert scores["d"] == pytest.approx(1 / (1 + math.exp(-(1.0 - math.log(2)))), rel=1e-5)


def test_a_weight_far_from_zero_makes_a_probability_and_no_warning() -> None:
    scores = scored(Logistic(FEATURES.names, {"one": -1000.0}))
    assert scores["a"] == scores["b"] == scores["d"] == 0.0


def test_a_feature_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the name of a feature, got own_mood"):
        Logistic(FEATURES.names, {"own_mood": 1.0})
