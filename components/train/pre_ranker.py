"""Teaches the pre-ranker which of the pool's entries are bought, from some of the ranker's trips.

Shape legend: B trips, N entries to learn from, J inputs.
"""

import numpy as np

from components.artifacts.training import PreRankerFit
from components.kfp_support.progress import progress
from components.train.calibration.logistic_regression import fit_logistic
from components.train.samples import uniform
from components.train.schedule import PRE_RANKER, schedule
from model.candidates.barred import Barred
from model.candidates.line import line_inputs
from model.data.batch import TripReader, rows_of
from model.data.membership import contains
from model.networks.pre_ranker import PreRanker
from model.ranking.recommender import Recommender
from model.system.legacy_keras import Tensor, tf

TRIPS = 4000
"""Enough for a small network; a trip brings more than a thousand entries."""
NEGATIVES = 0.15
"""Share of the entries not bought that it learns from: the order of a trip's entries does not depend on it."""
STEP = 50
ALL = 1 << 30
"""More than a pool has."""
RATE = 5e-3
"""At the start; it falls to zero along a cosine."""


def train_preranker(
    recommender: Recommender,
    preranker: PreRanker,
    reader: TripReader,
    which: np.ndarray,
    retrieved: np.ndarray,
    seed: int,
) -> PreRankerFit:
    """Sets the variables of the pre-ranker; what it finds in too little data stays near nothing.

    Args:
        recommender: lists the pools. which: [n] trips. retrieved: [n, R] int32 items from the towers for each of them.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(which))[:TRIPS]
    parts = [
        _entries(recommender, reader, which[rows], retrieved[rows], seed)
        for rows in np.split(chosen, range(STEP, len(chosen), STEP))
    ]
    input_NJ, bought_N = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    line_NF = line_inputs(input_NJ)
    weight_F = fit_logistic(line_NF, bought_N, np.zeros(line_NF.shape[1]))
    preranker.line_F.assign(weight_F.astype(np.float32))
    loss = _fit_network(preranker, line_NF @ preranker.line_F.numpy(), input_NJ, bought_N, rng)
    progress(f"pre-ranker: {len(bought_N):,} entries of {len(chosen):,} trips, loss {loss:.4f}")
    return PreRankerFit(trips=len(chosen), entries=len(bought_N), bought=int(bought_N.sum()))


def _entries(
    recommender: Recommender, reader: TripReader, trip_B: np.ndarray, retrieved_BR: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """([N, J] inputs, [N] bool bought) of the trips' pools: what was bought, and a share of the rest."""
    batch = reader.batch(trip_B)
    listed = recommender.listed(batch, retrieved_BR, Barred.by_task(reader.trips.task, batch), ALL)
    row_N = rows_of(listed.end_B)
    item_L, row_L = reader.baskets(trip_B)
    bought_N = contains(row_N, listed.item_N, row_L, item_L)
    kept_N = bought_N | (uniform(seed, 0, trip_B[row_N], listed.item_N) < NEGATIVES)
    return listed.input_NJ[kept_N], bought_N[kept_N]


def _fit_network(
    preranker: PreRanker, line_N: np.ndarray, input_NJ: np.ndarray, bought_N: np.ndarray, rng: np.random.Generator
) -> float:
    """Adds the network to the line by Adam on the log-loss; returns the mean loss of the last epoch.

    The last layer begins at zero, so that the network begins as nothing and with few entries stays little. It learns
    from standardised features; the first layer then takes the standardising in.
    """
    mean_J, scale_J = input_NJ.mean(axis=0), np.maximum(input_NJ.std(axis=0), 1e-3)
    input_NJ, label_N = (input_NJ - mean_J) / scale_J, bought_N.astype(np.float32)
    for kernel in preranker.kernels[:-1]:
        kernel.assign(rng.normal(0.0, np.sqrt(2.0 / kernel.shape[0]), kernel.shape))
    variables = [*preranker.kernels, *preranker.biases]
    plan = schedule(len(bought_N), PRE_RANKER, None, None)
    falling = tf.keras.optimizers.schedules.CosineDecay(RATE, plan.steps(len(bought_N)))
    optimizer = tf.keras.optimizers.legacy.Adam(falling)

    @tf.function(autograph=False, reduce_retracing=True)
    def step(x: Tensor, line: Tensor, y: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(variables)
            logits = line + preranker(x)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = []
    for epoch in range(plan.epochs):
        order = rng.permutation(len(bought_N))
        for start in range(0, len(order), plan.batch):
            rows = order[start : start + plan.batch]
            loss = float(step(input_NJ[rows], line_N[rows], label_N[rows]))
            if epoch == plan.epochs - 1:
                losses.append(loss)
    first = preranker.kernels[0].numpy() / scale_J[:, None]
    preranker.kernels[0].assign(first)
    preranker.biases[0].assign_sub(mean_J @ first)
    return float(np.mean(losses))
