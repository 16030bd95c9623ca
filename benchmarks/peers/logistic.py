"""Logistic regression on how recently, how often and how regularly the shopper bought each item of the history.

Shape legend: B shoppers, H history events, P distinct (shopper, item) pairs, F features.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp

from benchmarks.peers.base import Histories, Peer
from components.train.calibration.logistic_regression import fit_logistic
from model.data.personal_frequency import decay

FEATURES = ("constant", "count", "decayed", "last_days", "gap_days", "overdue", "trip_share", "in_last_trip")


class Pairs(NamedTuple):
    """Features of the distinct (shopper, item) pairs of some histories."""

    row_P: np.ndarray
    item_P: np.ndarray
    feature_PF: np.ndarray


class Logistic(Peer):
    """Eight parameters, fitted by Newton's method on the last `trips` trips of each shopper before the cut.

    The kan-rec repository reports what such a model reaches on The Complete Journey; recency, frequency and the buyer's
    rhythm go back to Fader et al., "Counting Your Customers the Easy Way" (2005).
    """

    def __init__(self, trips: int = 3, l2: float = 1.0, half_life_days: float = 60.0) -> None:
        super().__init__()
        self.trips, self.l2, self.half_life_days = trips, l2, half_life_days

    def learn(self, past: Histories) -> None:
        features, labels = [], []
        for back in range(self.trips):
            asked, bought = _before(past, back)
            recent = pairs(asked, self.half_life_days)
            basket = bought.row_H * self.items + bought.item_H
            features.append(recent.feature_PF)
            labels.append(np.isin(recent.row_P * self.items + recent.item_P, basket))
        precision_F = np.where(np.array(FEATURES) == "constant", 0.0, self.l2)
        prior_F = np.zeros(len(FEATURES))
        self.weight_F = fit_logistic(np.concatenate(features), np.concatenate(labels), prior_F, precision_F)

    def score(self, asked: Histories) -> sp.csr_matrix:
        recent = pairs(asked, self.half_life_days)
        chance_P = 1 / (1 + np.exp(-recent.feature_PF @ self.weight_F))
        shape = (len(asked), self.items)
        return sp.csr_matrix((chance_P.astype(np.float32), (recent.row_P, recent.item_P)), shape=shape)


def pairs(asked: Histories, half_life_days: float) -> Pairs:
    """Every item of every history with its FEATURES; days and counts as log(1 + x)."""
    events = {"row": asked.row_H, "item": asked.item_H, "age": asked.age_H, "last_trip": asked.in_last_trip_H}
    by_pair = pd.DataFrame(events | {"decayed": decay(asked.age_H, half_life_days)}).groupby(["row", "item"])
    last, count = by_pair["age"].min(), by_pair.size()
    gap: pd.Series[float] = (by_pair["age"].max() - last) / np.maximum(count - 1, 1)
    overdue = np.where(gap > 0, last / np.maximum(gap, 0.5), 0.0)
    row_P, item_P = (last.index.get_level_values(name).to_numpy() for name in ("row", "item"))
    logs = [np.log1p(part) for part in (count, by_pair["decayed"].sum(), last, gap, overdue)]
    columns = [np.ones(len(last)), *logs, count / asked.trips_B[row_P], by_pair["last_trip"].max()]
    return Pairs(row_P, item_P, np.stack(columns, axis=1).astype(float))


def _before(past: Histories, back: int) -> tuple[Histories, Histories]:
    """Histories as they were before each shopper's trip number (last - back), and the events of that trip."""
    target_H = (past.trips_B - back)[past.row_H]
    bought = past.only(past.trip_H == target_H)
    moment_B = past.moment_B.copy()
    np.minimum.at(moment_B, bought.row_H, bought.time_H)
    trips_B = np.maximum(past.trips_B - back - 1, 0)
    return dataclasses.replace(past.only(past.trip_H < target_H), moment_B=moment_B, trips_B=trips_B), bought
