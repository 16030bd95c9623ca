"""Teaches the logistic baseline which of the items bought before are bought again.

Shape legend: N distinct (trip, item) pairs of the histories, F inputs.
"""

import numpy as np

from components.train.calibration.logistic_regression import fit_logistic
from model.baselines.frequency import own_inputs
from model.data.batch import Batch, TripReader
from model.features.graph import FeatureGraph
from model.features.joins import contains
from model.system.legacy_keras import tf

TRIPS = 1500
"""Enough for a dozen weights; a trip brings some hundred pairs."""
STEP = 50


def logistic_weights(graph: FeatureGraph, reader: TripReader, which: np.ndarray, seed: int) -> dict[str, float]:
    """The weights of model.baselines.frequency.Logistic, by name, from some of the trips `which`; without a history,
    all 0."""
    inputs = tf.function(
        lambda batch, item, row: own_inputs(graph, graph(batch, item, row)), autograph=False, reduce_retracing=True
    )
    chosen = np.random.default_rng(seed).permutation(which)[:TRIPS]
    names: tuple[str, ...] = ()
    features, labels = [], []
    for start in range(0, len(chosen), STEP):
        trips = chosen[start : start + STEP]
        batch = reader.batch(trips)
        row_N, item_N = np.unique([batch.history_row_H, batch.history_item_H], axis=1)
        values_of = inputs(Batch(*map(tf.convert_to_tensor, batch)), tf.constant(item_N), tf.constant(row_N))
        item, row = reader.baskets(trips)
        names = tuple(values_of)
        features.append(np.stack([values_of[name].numpy() for name in names], axis=1))
        labels.append(contains(row_N, item_N, row, item).numpy())
    x_NF, bought_N = np.concatenate(features), np.concatenate(labels)
    weight_F = fit_logistic(x_NF, bought_N, np.zeros(len(names)))
    return dict(zip(names, weight_F.tolist(), strict=True))
