"""Teaches the logistic baseline which of the items bought before are bought again.

Shape legend: N distinct (trip, item) pairs of the histories, F inputs.
"""

from collections.abc import Sequence

import numpy as np

from components.train.calibration.logistic_regression import fit_logistic
from model.baselines.frequency import CONSTANT, own_inputs
from model.data.batch import TripReader, ends
from model.data.membership import contains
from model.features.matrix import Features

TRIPS = 1500
"""Enough for a dozen weights; a trip brings some hundred pairs."""
STEP = 50


def logistic_weights(
    features: Features, reader: TripReader, which: np.ndarray, seed: int, names: Sequence[str] | None = None
) -> dict[str, float]:
    """The weights of model.baselines.frequency.Logistic, by name, from some of the trips `which`; without a history,
    all 0.

    Args:
        names: of the inputs; None: own_inputs.
    """
    chosen = np.random.default_rng(seed).permutation(which)[:TRIPS]
    names = own_inputs(features.names) if names is None else names
    columns = [features.names.index(name) for name in names]
    inputs, labels = [], []
    for start in range(0, len(chosen), STEP):
        trips = chosen[start : start + STEP]
        batch = reader.batch(trips)
        row_N, item_N = np.unique([batch.history_row_H, batch.history_item_H], axis=1)
        end_B = ends(row_N, len(trips))
        inputs.append(features(batch, item_N, end_B, logs=True)[:, columns])
        item, row = reader.baskets(trips)
        labels.append(contains(row_N, item_N, row, item))
    own_NF, bought_N = np.concatenate(inputs), np.concatenate(labels)
    x_NF = np.concatenate([np.ones((len(own_NF), 1)), own_NF], axis=1)
    weight_F = fit_logistic(x_NF, bought_N, np.zeros(x_NF.shape[1]))
    return dict(zip((CONSTANT, *names), weight_F.tolist(), strict=True))
