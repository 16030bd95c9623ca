"""The pre-ranker: which candidates are worth the ranker's time. Two straight lines, one for what was bought before.

Shape legend: P entries of the pool, F features.
"""

from typing import Any

import numpy as np

from model.backend import tf

OWN = ("bought", "decayed_60d", "decayed_365d", "last_days")
"""Of what the shopper bought before: 1, its purchases halved every 60 and 365 days, days since the last; else 0."""
EVERY = ("popularity", "repurchase", "affinity", "place")
"""Of every entry: purchases by everybody, share of buyers who came back, the shopper's purchases of its first
attribute, and its place in the towers' list. All but the share enter as log(1 + x)."""
NAMES = (*OWN, *EVERY, *(f"bought_{name}" for name in EVERY), "one")
BY_SOURCE = {"bought": 100.0, "decayed_60d": 10.0, "place": -1.0, "popularity": 1e-4}
"""Before anything is learned: what was bought before by its decayed count, then the towers', then the popular."""


class PreRanker(tf.Module):
    """A logistic regression; training sets its weights (components/train/preranking.py)."""

    def __init__(self) -> None:
        super().__init__(name="preranker")
        weights = np.array([BY_SOURCE.get(name, 0.0) for name in NAMES], np.float32)
        self.weight_F = tf.Variable(weights, trainable=False, name="weights")

    def __call__(self, feature_PF: Any) -> Any:
        """[P] float32 log-odds of a purchase on this trip."""
        return tf.linalg.matvec(feature_PF, self.weight_F)


def inputs(own_PO: Any, every_PE: Any) -> Any:
    """[P, F] in the order of NAMES. The first column of `own_PO` is 1 for what was bought before and 0 for the rest."""
    return tf.concat([own_PO, every_PE, own_PO[:, :1] * every_PE, tf.ones_like(own_PO[:, :1])], axis=1)
