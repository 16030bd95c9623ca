"""Classical rankers as scorers: they go through the same candidates, export, evaluation and serving as the model.

Shape legend: C candidates, F features.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from model.data.batch import Batch
from model.ranking.recommender import Candidates

FILL = 1e-6
"""Weight of popularity where it only breaks ties and fills short lists."""
CONSTANT = "one"
"""Name of the input that is always 1."""


class Baseline:
    """Implements model.ranking.recommender.Scorer."""

    logs = False
    fills = True
    """Whether popular items are listed after what the shopper bought before."""

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """[C] float32."""
        raise NotImplementedError


class Feature(Baseline):
    """One feature of the candidate; popularity breaks ties and fills short lists."""

    def __init__(self, names: Sequence[str], feature: str, fill: float = FILL, fills: bool = True) -> None:
        """names: of all features, in order. fill: the weight of popularity. fills: see Baseline."""
        self.feature, self.fill, self.fills = feature, fill, fills
        self._column, self._popularity = _column(names, feature), _column(names, "popularity")

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """As Scorer."""
        return dense_CF[:, self._column] + np.float32(self.fill) * dense_CF[:, self._popularity]


def personal_frequency(names: Sequence[str]) -> Feature:
    """P-TopFreq with decay: what this shopper bought most, each purchase halved at the longest half-life.

    Hu et al., "Modeling personalized item frequency information for next-basket recommendation" (SIGIR 2020).
    """
    return Feature(names, [name for name in names if name.startswith("own_decayed_")][-1])


class Logistic(Baseline):
    """Logistic regression on how recently, how often and how regularly the shopper bought the item, then popularity.

    Recency, frequency and rhythm go back to Fader et al., "Counting Your Customers the Easy Way" (2005).
    """

    logs = True

    def __init__(self, names: Sequence[str], weights: Mapping[str, float]) -> None:
        """`weights`: by the names of `own_inputs` (components/train/baselines/logistic.py learns them)."""
        self.weights = dict(weights)
        self._weight_of = {_column(names, name): weight for name, weight in weights.items() if name != CONSTANT}
        self._constant = np.float32(weights.get(CONSTANT, 0.0))
        self._count, self._popularity = _column(names, "own_count"), _column(names, "popularity")

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """As Scorer. What was never bought has -1 / (1 + popularity)."""
        odds_C = np.full(len(dense_CF), self._constant)
        for column, weight in self._weight_of.items():
            odds_C += np.float32(weight) * dense_CF[:, column]
        chance_C = np.exp(-np.logaddexp(np.float32(0.0), -odds_C))
        # The logarithm of 1 + popularity is what was read.
        return np.where(dense_CF[:, self._count] > 0, chance_C, -np.exp(-dense_CF[:, self._popularity]))


def own_inputs(names: Sequence[str]) -> tuple[str, ...]:
    """The features of what the shopper did with the item itself, which the logistic baseline weighs."""
    return tuple(name for name in names if name.startswith("own_"))


def _column(names: Sequence[str], name: str) -> int:
    """Raises ValueError where no feature has that name."""
    if name not in names:
        raise ValueError(f"expected the name of a feature, got {name}")
    return list(names).index(name)


BASELINES: dict[str, Callable[[Sequence[str]], Baseline]] = {
    # What everybody bought most, halved every 28 days.
    "popularity": partial(Feature, feature="popularity", fill=0.0),
    # In the last 7 days: Ji et al., "A Re-visit of the Popularity Baseline in Recommender Systems" (SIGIR 2020).
    "recent_popularity": partial(Feature, feature="recent_popularity"),
    "last_basket": partial(Feature, feature="own_in_last_trip"),
    # P-TopFreq and GP-TopFreq: Li et al., "A Next Basket Recommendation Reality Check" (TOIS 2023).
    "p_top_frequency": partial(Feature, feature="own_count", fills=False),
    "gp_top_frequency": partial(Feature, feature="own_count"),
    "personal_frequency": personal_frequency,
}
"""Those that learn nothing, each from the names of the features (model.features.matrix.Features.names)."""
LOGISTIC = "logistic"
