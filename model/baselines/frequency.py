"""Classical rankers as scorers: they go through the same candidates, export, evaluation and serving as the model.

Shape legend: C candidates.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from model.data.batch import Batch
from model.features.graph import FeatureGraph
from model.networks.candidates import Candidates
from model.system.legacy_keras import tf

FILL = 1e-6
"""Weight of popularity where it only breaks ties and fills short lists."""


class Baseline(tf.Module):
    """A scorer of candidates (see model/networks/recommender.py)."""

    fills = True
    """Whether popular items are listed after what the shopper bought before."""

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        """[C] float32. `values`: the features before the log."""
        raise NotImplementedError


class Feature(Baseline):
    """One feature of the candidate; popularity breaks ties and fills short lists."""

    def __init__(self, feature: str, fill: float = FILL, fills: bool = True) -> None:
        """fill: the weight of popularity. fills: see Baseline."""
        super().__init__(name=feature)
        self._feature, self._fill, self.fills = feature, fill, fills

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        score_C = values[self._feature]
        return score_C + self._fill * values["popularity"] if self._fill else score_C


class PersonalFrequency(Baseline):
    """P-TopFreq with decay: what this shopper bought most, each purchase halved at the longest half-life.

    Hu et al., "Modeling personalized item frequency information for next-basket recommendation" (SIGIR 2020).
    """

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        longest = graph.settings.half_lives_days[-1]
        return values[f"own_decayed_{longest:g}d"] + FILL * values["popularity"]


class Logistic(Baseline):
    """Logistic regression on how recently, how often and how regularly the shopper bought the item, then popularity.

    Recency, frequency and rhythm go back to Fader et al., "Counting Your Customers the Easy Way" (2005).
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        """`weights`: by the names of `own_inputs` (components/train/baselines/logistic.py learns them)."""
        super().__init__(name="logistic")
        self._weights = dict(weights)

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        inputs = own_inputs(graph, values)
        chance_C = tf.math.sigmoid(tf.add_n([weight * inputs[name] for name, weight in self._weights.items()]))
        return tf.where(values["own_count"] > 0, chance_C, -1.0 / (1.0 + values["popularity"]))


def own_inputs(graph: FeatureGraph, values: dict[str, Any]) -> dict[str, Any]:
    """{name: [C] float32}: the features of what the shopper did with the item itself, logs taken, and `one`."""
    inputs = {"one": tf.ones_like(values["own_count"])}
    for record in graph.records:
        if record.name.startswith("own_"):
            value_C = values[record.name]
            inputs[record.name] = tf.math.log1p(tf.maximum(value_C, 0.0)) if record.log else value_C
    return inputs


BASELINES: dict[str, Callable[[], Baseline]] = {
    # What everybody bought most, halved every 28 days.
    "popularity": partial(Feature, "popularity", fill=0.0),
    # In the last 7 days: Ji et al., "A Re-visit of the Popularity Baseline in Recommender Systems" (SIGIR 2020).
    "recent_popularity": partial(Feature, "recent_popularity"),
    "last_basket": partial(Feature, "own_in_last_trip"),
    # P-TopFreq and GP-TopFreq: Li et al., "A Next Basket Recommendation Reality Check" (TOIS 2023).
    "p_top_frequency": partial(Feature, "own_count", fills=False),
    "gp_top_frequency": partial(Feature, "own_count"),
    "personal_frequency": PersonalFrequency,
}
"""Those that learn nothing."""
LOGISTIC = "logistic"
