"""Makes the ranker's scores probabilities: undoes the sampling of negatives, then straightens what is still bent.

Only trips before the cut are used. Both steps are one rising line on the log-odds, stored in the exported network,
so the order of a list cannot change. The second is Platt scaling: Platt, "Probabilistic outputs for support vector
machines" (1999). Shape legend: B trips, R retrieved, N listed candidates.
"""

import dataclasses
import math

import numpy as np

from components.artifacts.training import Calibration
from components.train.calibration.logistic_regression import fit_logistic
from components.train.samples import RANKER_INPUTS, RankingSamples
from model.data.batch import TripReader, ends
from model.networks.ranker import Ranker
from model.ranking.recommender import Recommender, best_positions
from model.system.legacy_keras import tf
from tfx_configs.settings import TrainSettings

LISTED = 50
"""Candidates of each trip that the line is fitted on, best first: more than a list shows, but near it.

Of 600 candidates, 550 have hardly a chance; a line through all of them fits those and bends away at the top.
"""
BATCH = 64
"""Trips that are scored at once."""
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
    logit_N, bought_N = _listed(recommender, ranker, reader, valid, retrieved, BATCH)
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
    every = RankingSamples(recommender, reader, valid, retrieved, seed=0)  # nothing is drawn
    logits, labels = [np.empty(0, np.float32)], [np.empty(0, bool)]
    for rows in np.split(np.arange(len(valid)), range(size, len(valid), size)) if len(valid) else ():
        inputs = every(rows, 0)
        logit_C = ranker(*(tf.constant(inputs[name]) for name in RANKER_INPUTS)).numpy()
        first, _ = best_positions(logit_C, ends(inputs["row_C"], len(rows)), LISTED)
        logits.append(logit_C[first])
        labels.append(inputs["label_C"][first] > 0)
    return np.concatenate(logits), np.concatenate(labels)
