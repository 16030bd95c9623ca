"""Teaches the pre-ranker which of the pool's entries are bought, from some of the ranker's trips.

Shape legend: B trips, R retrieved, P entries of the pool, F features.
"""

import numpy as np

from components.train.logistic import fit_logistic
from model.backend import tf
from model.inputs import Batch, TripReader
from model.matching import contains
from model.recommender import Recommender

TRIPS = 1500
"""Enough for a dozen weights; a trip brings about a thousand entries."""
STEP = 50


def train_preranker(
    recommender: Recommender, reader: TripReader, which: np.ndarray, retrieved: np.ndarray, seed: int
) -> dict[str, float]:
    """Sets the weights of the recommender's pre-ranker; what it finds in too little data stays near nothing.

    Args:
        which: [n] trips. retrieved: [n, R] int32 items from the towers for each of them.

    Returns:
        {"trips", "entries", "bought"}: what it learned from.
    """
    chosen = np.random.default_rng(seed).permutation(len(which))[:TRIPS]
    pool = tf.function(recommender.candidates.pool, reduce_retracing=True)
    nothing = tf.zeros([0], tf.int32)
    features, labels = [], []
    for start in range(0, len(chosen), STEP):
        rows = chosen[start : start + STEP]
        batch = Batch(*map(tf.convert_to_tensor, reader.batch(which[rows])))
        found, feature_PF = pool(batch, tf.constant(retrieved[rows]), nothing, nothing)
        item, row = reader.baskets(which[rows])
        features.append(feature_PF.numpy())
        labels.append(contains(found.row_C, found.item_C, row, item).numpy())
    feature_NF, bought_N = np.concatenate(features), np.concatenate(labels)
    preranker = recommender.candidates.preranker
    weight_F = fit_logistic(feature_NF, bought_N, np.zeros(feature_NF.shape[1]))
    preranker.weight_F.assign(weight_F.astype(np.float32))
    return {"trips": len(chosen), "entries": len(bought_N), "bought": int(bought_N.sum())}
