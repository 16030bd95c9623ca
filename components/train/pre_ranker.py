"""Teaches the pre-ranker which of the pool's entries are bought, from some of the ranker's trips.

Shape legend: B trips, P entries of the pool, N entries to learn from, F features, K kinds of promotion, R inputs of the
network.
"""

import numpy as np

from components.artifacts.training import PreRankerFit
from components.kfp_support.progress import progress
from components.train.calibration.logistic_regression import fit_logistic
from model.data.batch import Batch, TripReader
from model.features.joins import contains
from model.networks.candidates import Candidates
from model.networks.pre_ranker import READ, PreRanker
from model.networks.recommender import Recommender
from model.system.legacy_keras import Tensor, tf

TRIPS = 4000
"""Enough for a small network; a trip brings more than a thousand entries."""
NEGATIVES = 0.15
"""Share of the entries not bought that it learns from: the order of a trip's entries does not depend on it."""
STEP = 50
EPOCHS, BATCH, RATE = 3, 2048, 5e-3
"""Of the network; the rate falls to zero along a cosine."""


def train_preranker(
    recommender: Recommender, reader: TripReader, which: np.ndarray, retrieved: np.ndarray, seed: int
) -> PreRankerFit:
    """Sets the variables of the recommender's pre-ranker; what it finds in too little data stays near nothing.

    Args:
        which: [n] trips. retrieved: [n, k] int32 items from the towers for each of them.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(which))[:TRIPS]
    candidates, nothing = recommender.candidates, tf.zeros([0], tf.int32)

    @tf.function(autograph=False, reduce_retracing=True)
    def sample(batch: Batch, retrieved_BR: Tensor, item_L: Tensor, row_L: Tensor, draw: Tensor) -> tuple[Tensor, ...]:
        pool, feature_PF = candidates.pool(batch, retrieved_BR, nothing, nothing)
        bought_P = contains(pool.row_C, pool.item_C, row_L, item_L)
        sampled_P = bought_P | (tf.random.stateless_uniform(tf.shape(bought_P), draw) < NEGATIVES)
        sampled = Candidates(*(tf.boolean_mask(a, sampled_P) for a in pool))
        features = tf.boolean_mask(feature_PF, sampled_P)
        return features, candidates.promoted(batch, sampled), tf.boolean_mask(bought_P, sampled_P)

    parts = []
    for start in range(0, len(chosen), STEP):
        rows = chosen[start : start + STEP]
        batch = Batch(*map(tf.convert_to_tensor, reader.batch(which[rows])))
        item, row = map(tf.convert_to_tensor, reader.baskets(which[rows]))
        arrays = sample(batch, tf.constant(retrieved[rows]), item, row, tf.constant([seed, start]))
        parts.append([a.numpy() for a in arrays])
    feature_NF, on_NK, bought_N = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    preranker = candidates.preranker
    weight_F = fit_logistic(feature_NF, bought_N, np.zeros(feature_NF.shape[1]))
    preranker.line_F.assign(weight_F.astype(np.float32))
    input_NR = np.concatenate([feature_NF[:, :READ], on_NK], axis=1)
    loss = _fit_network(preranker, feature_NF @ preranker.line_F.numpy(), input_NR, bought_N, rng)
    progress(f"pre-ranker: {len(bought_N):,} entries of {len(chosen):,} trips, loss {loss:.4f}")
    return PreRankerFit(trips=len(chosen), entries=len(bought_N), bought=int(bought_N.sum()))


def _fit_network(
    preranker: PreRanker, line_N: np.ndarray, input_NR: np.ndarray, bought_N: np.ndarray, rng: np.random.Generator
) -> float:
    """Adds the network to the line by Adam on the log-loss; returns the mean loss of the last epoch.

    The last layer begins at zero, so that the network begins as nothing and with few entries stays little. It learns
    from standardised features; the first layer then takes the standardising in.
    """
    mean_R, scale_R = input_NR.mean(axis=0), np.maximum(input_NR.std(axis=0), 1e-3)
    input_NR, label_N = (input_NR - mean_R) / scale_R, bought_N.astype(np.float32)
    for kernel in preranker.kernels[:-1]:
        kernel.assign(rng.normal(0.0, np.sqrt(2.0 / kernel.shape[0]), kernel.shape))
    variables = [*preranker.kernels, *preranker.biases]
    steps = EPOCHS * -(-len(bought_N) // BATCH)
    optimizer = tf.keras.optimizers.legacy.Adam(tf.keras.optimizers.schedules.CosineDecay(RATE, steps))

    @tf.function(autograph=False, reduce_retracing=True)
    def step(x: Tensor, line: Tensor, y: Tensor) -> Tensor:
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
            loss = float(step(input_NR[rows], line_N[rows], label_N[rows]))
            if epoch == EPOCHS - 1:
                losses.append(loss)
    first = preranker.kernels[0].numpy() / scale_R[:, None]
    preranker.kernels[0].assign(first)
    preranker.biases[0].assign_sub(mean_R @ first)
    return float(np.mean(losses))
