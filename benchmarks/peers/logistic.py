"""Logistic regression on how recently, how often and how regularly the shopper bought each item of the history.

Shape legend: B shoppers, H history events, P distinct (shopper, item) pairs, F features.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from benchmarks.peers.base import Histories, Peer
from components.train.calibration.logistic_regression import fit_logistic

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
    width = int(asked.item_H.max(initial=0)) + 1
    key_P, at_H = np.unique(asked.row_H * width + asked.item_H, return_inverse=True)
    row_P, item_P = np.divmod(key_P, width)
    count = np.bincount(at_H, minlength=len(key_P))
    decayed = np.bincount(at_H, 2.0 ** (-asked.age_H / half_life_days), minlength=len(key_P))
    last, first = np.full(len(key_P), np.inf), np.zeros(len(key_P))
    np.minimum.at(last, at_H, asked.age_H)
    np.maximum.at(first, at_H, asked.age_H)
    last_trip = np.zeros(len(key_P))
    last_trip[at_H[asked.in_last_trip_H]] = 1.0
    gap = (first - last) / np.maximum(count - 1, 1)
    overdue = np.where(gap > 0, last / np.maximum(gap, 0.5), 0.0)
    columns = [
        np.ones(len(key_P)),
        np.log1p(count),
        np.log1p(decayed),
        np.log1p(last),
        np.log1p(gap),
        np.log1p(overdue),
        count / asked.trips_B[row_P],
        last_trip,
    ]
    return Pairs(row_P, item_P, np.stack(columns, axis=1))


def _before(past: Histories, back: int) -> tuple[Histories, Histories]:
    """Histories as they were before each shopper's trip number (last - back), and the events of that trip."""
    target_H = (past.trips_B - back)[past.row_H]
    bought = past.only(past.trip_H == target_H)
    moment_B = past.moment_B.copy()
    np.minimum.at(moment_B, bought.row_H, bought.time_H)
    trips_B = np.maximum(past.trips_B - back - 1, 0)
    return dataclasses.replace(past.only(past.trip_H < target_H), moment_B=moment_B, trips_B=trips_B), bought
