"""What networks learn from: trips as arrays, made by the kernels that serve.

Shape legend: B trips, N bought items of all trips, R retrieved, C candidates, A and D attributes of items and shoppers,
F features.
"""

import numpy as np

from model.candidates.barred import Barred
from model.data.batch import Batch, TripReader
from model.data.membership import contains
from model.ranking.recommender import Candidates, NetworkScorer, Recommender

_MIX_1, _MIX_2, _STEP = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15)
RANKER_INPUTS = ("dense_CF", "vocabulary_C", "attribute_CA", "user_CD")
"""Of a sample, what model.networks.ranker.Ranker is called with."""


class RankingSamples:
    """Candidates of trips as the ranker learns from them: every positive, a share of the rest.

    Of some trips everything that the shopper bought before is barred, as in a request for what is new: of all where
    that is the task. What is drawn
    depends on the seed, the epoch, the trip and the item alone: not on the batch, nor on the worker.
    """

    def __init__(
        self,
        recommender: Recommender,
        reader: TripReader,
        which: np.ndarray,
        retrieved: np.ndarray,
        seed: int,
        negative_percent: float = 100.0,
        new_only_percent: float = 0.0,
    ) -> None:
        """which: [n] trips. retrieved: [n, R] int32 items from the towers for each of them."""
        assert isinstance(recommender.scorer, NetworkScorer), "baselines do not learn from samples"
        self._recommender, self._scorer, self._reader = recommender, recommender.scorer, reader
        self._which, self._retrieved, self._seed = which, retrieved, seed
        self._keep = negative_percent / 100
        self._new_only = 1.0 if reader.trips.task.new_only else new_only_percent / 100

    def __call__(self, rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
        """{dense_CF, vocabulary_C, attribute_CA, user_CD, label_C, row_C, trip_B} of these of the trips."""
        trip_B = self._which[rows]
        batch, candidates, label_C = self.candidates(rows, epoch)
        dense_CF = self._recommender.features(batch, candidates.item_C, candidates.end_B, logs=True)
        inputs = zip(RANKER_INPUTS, (dense_CF, *self._scorer.codes(batch, candidates)), strict=True)
        return dict(inputs) | {
            "label_C": label_C.astype(np.float32),
            "row_C": candidates.rows().astype(np.int32),
            "trip_B": trip_B,
        }

    def candidates(self, rows: np.ndarray, epoch: int) -> tuple[Batch, Candidates, np.ndarray]:
        """(batch, candidates, [C] bool whether each was bought on the trip)"""
        trip_B = self._which[rows]
        batch = self._reader.batch(trip_B)
        barred_B = uniform(self._seed, epoch, trip_B, np.full(len(trip_B), -1)) < self._new_only
        item_C, source_C, end_B = every = self._recommender.candidates(
            batch, self._retrieved[rows], Barred.histories(batch, barred_B), self._recommender.limit
        )
        row_C = every.rows()
        item_N, row_N = self._reader.baskets(trip_B)
        bought_C = contains(row_C, item_C, row_N, item_N)
        kept_C = bought_C | (uniform(self._seed, epoch, trip_B[row_C], item_C) < self._keep)
        end_B = np.cumsum(np.bincount(row_C[kept_C], minlength=len(trip_B)))
        return batch, Candidates(item_C[kept_C], source_C[kept_C], end_B), bought_C[kept_C]


def uniform(seed: int, epoch: int, trip_N: np.ndarray, item_N: np.ndarray) -> np.ndarray:
    """[N] float64 in [0, 1) that only the arguments decide: splitmix64, Steele et al., "Fast splittable pseudorandom
    number generators" (OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        x = np.asarray(trip_N).astype(np.uint64) * _STEP + np.asarray(item_N).astype(np.uint64)
        for part in (seed, epoch):
            x = _mixed(x + np.uint64(part) * _STEP)
    return (x >> np.uint64(11)) / 2.0**53


def _mixed(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))
