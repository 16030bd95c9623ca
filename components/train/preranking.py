"""Teaches the pre-ranker which of the pool's entries are bought, from some of the ranker's trips.

Shape legend: B trips, P entries of the pool, N entries to learn from, F features, R those that the network reads.
"""

from typing import Any

import numpy as np

from components.progress import progress
from components.train.logistic import fit_logistic
from model.backend import tf
from model.inputs import Batch, TripReader
from model.matching import contains
from model.preranker import PreRanker
from model.recommender import Recommender

TRIPS = 4000
"""Enough for a small network; a trip brings more than a thousand entries."""
NEGATIVES = 0.15
"""Share of the entries not bought that it learns from: the order of a trip's entries does not depend on it."""
STEP = 50
EPOCHS, BATCH, RATE = 3, 2048, 5e-3
"""Of the network; the rate falls to zero along a cosine."""


def train_preranker(
    recommender: Recommender, reader: TripReader, which: np.ndarray, retrieved: np.ndarray, seed: int
) -> dict[str, float]:
    """Sets the variables of the recommender's pre-ranker; what it finds in too little data stays near nothing.

    Args:
        which: [n] trips. retrieved: [n, k] int32 items from the towers for each of them.

    Returns:
        {"trips", "entries", "bought"}: what it learned from.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(which))[:TRIPS]
    pool = tf.function(recommender.candidates.pool, reduce_retracing=True)
    nothing = tf.zeros([0], tf.int32)
    features, labels = [], []
    for start in range(0, len(chosen), STEP):
        rows = chosen[start : start + STEP]
        batch = Batch(*map(tf.convert_to_tensor, reader.batch(which[rows])))
        found, feature_PF = pool(batch, tf.constant(retrieved[rows]), nothing, nothing)
        item, row = reader.baskets(which[rows])
        bought_P = contains(found.row_C, found.item_C, row, item).numpy()
        kept_P = bought_P | (rng.random(len(bought_P)) < NEGATIVES)
        features.append(feature_PF.numpy()[kept_P])
        labels.append(bought_P[kept_P])
    feature_NF, bought_N = np.concatenate(features), np.concatenate(labels)
    preranker = recommender.candidates.preranker
    weight_F = fit_logistic(feature_NF, bought_N, np.zeros(feature_NF.shape[1]))
    preranker.line_F.assign(weight_F.astype(np.float32))
    loss = _fit_network(preranker, feature_NF, bought_N.astype(np.float32), rng)
    progress(f"pre-ranker: {len(bought_N):,} entries of {len(chosen):,} trips, loss {loss:.4f}")
    return {"trips": len(chosen), "entries": len(bought_N), "bought": int(bought_N.sum())}


def _fit_network(preranker: PreRanker, feature_NF: np.ndarray, bought_N: np.ndarray, rng: np.random.Generator) -> float:
    """Adds the network to the line by Adam on the log-loss; returns the mean loss of the last epoch.

    The last layer begins at zero, so that the network begins as nothing and with few entries stays little. It learns
    from standardised features; the first layer then takes the standardising in.
    """
    line_N = feature_NF @ preranker.line_F.numpy()
    read_NR = feature_NF[:, : preranker.read]
    mean_R, scale_R = read_NR.mean(axis=0), np.maximum(read_NR.std(axis=0), 1e-3)
    read_NR = (read_NR - mean_R) / scale_R
    for kernel in preranker.kernels[:-1]:
        kernel.assign(rng.normal(0.0, np.sqrt(2.0 / kernel.shape[0]), kernel.shape))
    variables = [*preranker.kernels, *preranker.biases]
    steps = EPOCHS * -(-len(bought_N) // BATCH)
    optimizer = tf.keras.optimizers.legacy.Adam(tf.keras.optimizers.schedules.CosineDecay(RATE, steps))

    @tf.function(reduce_retracing=True)
    def step(x: Any, line: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(variables)
            logits = line + preranker.network(x)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = []
    for epoch in range(EPOCHS):
        order = rng.permutation(len(bought_N))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            loss = float(step(read_NR[rows], line_N[rows], bought_N[rows]))
            if epoch == EPOCHS - 1:
                losses.append(loss)
    first = preranker.kernels[0].numpy() / scale_R[:, None]
    preranker.kernels[0].assign(first)
    preranker.biases[0].assign_sub(mean_R @ first)
    return float(np.mean(losses))
