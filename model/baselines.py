"""Classical rankers as scorers: they go through the same candidates, export, evaluation and serving as the model."""

from typing import Any

from model.backend import tf
from model.candidates import Candidates
from model.features import FeatureGraph
from model.inputs import Batch

FILL = 1e-6
"""Weight of popularity where it only breaks ties and fills short lists."""


class Popularity(tf.Module):
    """What everybody bought most, halved every 28 days."""

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        return values["popularity"]


class PersonalFrequency(tf.Module):
    """P-TopFreq with decay: what this shopper bought most, each purchase halved at the longest half-life.

    Hu et al., "Modeling personalized item frequency information for next-basket recommendation" (SIGIR 2020).
    """

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        longest = graph.settings.half_lives_days[-1]
        return values[f"own_decayed_{longest:g}d"] + FILL * values["popularity"]


BASELINES: dict[str, type[tf.Module]] = {"popularity": Popularity, "personal_frequency": PersonalFrequency}
