"""Makes the ranker's scores probabilities: undoes the sampling of negatives, then straightens what is still bent.

Only trips before the cut are used. Both steps are one rising line on the log-odds, stored in the exported graph,
so the order of a list cannot change. The second is Platt scaling: Platt, "Probabilistic outputs for support vector
machines" (1999). Shape legend: B trips, R retrieved, N listed candidates.
"""

import dataclasses
import math

import numpy as np

from components.artifacts.training import Calibration
from components.train.calibration.logistic_regression import fit_logistic
from components.train.input_pipeline import batches
from components.train.ranker import RankingModel
from model.data.batch import TripReader
from model.features.joins import top_per_row
from model.networks.ranker import Ranker
from model.networks.recommender import Recommender
from model.system.legacy_keras import Tensor, tf
from tfx_configs.settings import TrainSettings

LISTED = 50
"""Candidates of each trip that the line is fitted on, best first: more than a list shows, but near it.

Of 600 candidates, 550 have hardly a chance; a line through all of them fits those and bends away at the top.
"""
PRIOR = 1.0
"""Precision of a normal prior around the identity: few observations move little, and none not at all."""
MIN_SLOPE = 0.1
"""A line as flat as this, or falling, means that the scores are uninformative: it is not used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platt:
    """calibrated log-odds = slope * log-odds + offset. The slope is positive, so no order changes."""

    slope: float = 1.0
    offset: float = 0.0

    def after(self, first: "Platt") -> "Platt":
        """The line that does what `first` and then this one do."""
        return Platt(slope=self.slope * first.slope, offset=self.slope * first.offset + self.offset)


def fit(logit_N: np.ndarray, bought_N: np.ndarray) -> Platt:
    """The line under which what was bought is most likely; the identity where that line would not rise.

    Args:
        logit_N: [N] float log-odds. bought_N: [N] bool or 0 and 1.
    """
    x_N2 = np.stack([logit_N, np.ones(len(logit_N))], axis=1)
    slope, offset = fit_logistic(x_N2, bought_N, np.array([1.0, 0.0]), PRIOR)
    return Platt(slope=float(slope), offset=float(offset)) if slope >= MIN_SLOPE else Platt()


def calibrate(
    recommender: Recommender,
    ranker: Ranker,
    reader: TripReader,
    valid: np.ndarray,
    retrieved: np.ndarray,
    settings: TrainSettings,
    first: Platt | None = None,
) -> Calibration:
    """Sets `slope` and `offset` of the ranker; returns the line that was fitted after `first`.

    Args:
        valid: [n] trips held out of training, before the cut; without any, `first` is the line.
        retrieved: [n, R] int32 items from the towers for each of them.
        first: the line to start from; None: the one that undoes the sampling.
    """
    first = first or Platt(offset=math.log(settings.negative_percent / 100))
    set_line(ranker, first)
    logit_N, bought_N = _listed(recommender, ranker, reader, valid, retrieved, settings.ranking_batch)
    line = fit(logit_N, bought_N)
    set_line(ranker, line.after(first))
    return Calibration(slope=line.slope, offset=line.offset, listed=len(logit_N), bought=int(bought_N.sum()))


def set_line(ranker: Ranker, line: Platt) -> None:
    """The ranker's log-odds become `line` of its raw logits."""
    ranker.slope.assign(line.slope)
    ranker.offset.assign(line.offset)


def _listed(
    recommender: Recommender, ranker: Ranker, reader: TripReader, valid: np.ndarray, retrieved: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(log-odds, bought): [N] each, the first LISTED candidates of each trip."""
    everything = RankingModel(recommender, ranker, negative_percent=100.0)

    @tf.function(autograph=False, reduce_retracing=True)
    def best(inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        batch, candidates, label_C, dense_CF = everything.sample(inputs)
        logit_C = ranker(dense_CF, candidates.item_C, tf.gather(batch.user_B, candidates.row_C))
        first = top_per_row(candidates.row_C, logit_C, LISTED)
        return tf.gather(logit_C, first), tf.gather(label_C, first)

    parts = [best(inputs) for inputs in batches(reader, valid, size, None, retrieved)] if len(valid) else []
    empty = np.empty(0, np.float32)
    logits, labels = ([part[n].numpy() for part in parts] or [empty] for n in (0, 1))
    return np.concatenate(logits), np.concatenate(labels) > 0
