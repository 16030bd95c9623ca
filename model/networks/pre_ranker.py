"""The pre-ranker: which candidates are worth the ranker's time. A straight line for all of them, and for the best by
that line what a small network adds.

Shape legend: P entries of the pool, F features, K kinds of promotion, N inputs of the network.
"""

from itertools import pairwise

import numpy as np

from model.system.legacy_keras import Tensor, tf

OWN = ("bought", "decayed_60d", "decayed_365d", "last_days")
"""Of what the shopper bought before: 1, its purchases halved every 60 and 365 days, days since the last; else 0."""
EVERY = ("popularity", "repurchase", "affinity", "affinity_share", "affinity_last_days", "place")
"""Of every entry: purchases by everybody, share of buyers who came back; of its first attribute the shopper's
purchases, their share of all the shopper's, and days since the last; its place in the towers' list. The shares enter as
they are, the others as log(1 + x)."""
NAMES = (*OWN, *EVERY, *(f"bought_{name}" for name in EVERY), "one")
READ = len(OWN) + len(EVERY)
"""Columns that the network reads, the first ones, and besides one for each kind of promotion."""
BY_SOURCE = {"bought": 100.0, "decayed_60d": 10.0, "place": -1.0, "popularity": 1e-4}
"""Before anything is learned: what was bought before by its decayed count, then the towers', then the popular."""
HIDDEN = (32, 16)


class PreRanker(tf.Module):
    """Log-odds of a purchase; training sets all variables (components/train/pre_ranker.py)."""

    def __init__(self, kinds: int) -> None:
        """kinds: of promotion."""
        super().__init__(name="preranker")
        weights = np.array([BY_SOURCE.get(name, 0.0) for name in NAMES], np.float32)
        self.line_F = tf.Variable(weights, trainable=False, name="line")
        widths = (READ + kinds, *HIDDEN, 1)
        self.kernels = [_zeros(n, m, name=f"kernel_{i}") for i, (n, m) in enumerate(pairwise(widths))]
        self.biases = [_zeros(m, name=f"bias_{i}") for i, m in enumerate(widths[1:])]

    def line(self, feature_PF: Tensor) -> Tensor:
        """[P] float32 log-odds of a purchase on this trip, roughly."""
        return tf.linalg.matvec(feature_PF, self.line_F)

    def __call__(self, feature_PF: Tensor, on_PK: Tensor) -> Tensor:
        """[P] float32 log-odds of a purchase on this trip.

        Args:
            on_PK: [P, K] float32, 1 where that kind of promotion runs in this store now.
        """
        return self.line(feature_PF) + self.network(tf.concat([feature_PF[:, :READ], on_PK], axis=1))

    def network(self, input_PN: Tensor) -> Tensor:
        """[P] float32: what is added to the line."""
        hidden = input_PN
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            hidden = tf.nn.relu(hidden @ kernel + bias)
        return (hidden @ self.kernels[-1] + self.biases[-1])[:, 0]


def inputs(own_PO: Tensor, every_PE: Tensor) -> Tensor:
    """[P, F] in the order of NAMES. The first column of `own_PO` is 1 for what was bought before, 0 for the rest."""
    return tf.concat([own_PO, every_PE, own_PO[:, :1] * every_PE, tf.ones_like(own_PO[:, :1])], axis=1)


def _zeros(*shape: int, name: str) -> Tensor:
    return tf.Variable(tf.zeros(shape), trainable=False, name=name)
