"""What all classical rankers share: the past they learn from, requests as flat histories, and the best k of all items.

Items are numbered by how often they were bought before the cut, the most popular first. So equal scores go to the more
popular item, and lists too short are filled with the most popular.

Shape legend: B requests or shoppers, H history events of all of them together, P distinct (row, item) pairs,
I items bought before the cut.
"""

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from components.train.past import Past
from model.api import Answer, Request
from model.baselines.whole_catalog import CatalogScorer
from model.data.batch import Batch
from model.data.trips import Trips
from tfx_configs.settings import FeatureSettings
from tfx_configs.units import DAY_S

BATCH = 128
"""Requests scored at once: a dense batch over 70,000 items is 36 MB."""
GAP_HOURS = FeatureSettings().trip_gap_hours
"""Events further apart are of different trips, as in the model."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Histories:
    """Histories of B shoppers, one after the other, oldest event first within each."""

    item_H: np.ndarray
    """[H] int64 column of the item, 0 the most popular."""
    time_H: np.ndarray
    """[H] int64 unix seconds, before the shopper's moment."""
    row_H: np.ndarray
    """[H] int64 whose event, ascending."""
    trip_H: np.ndarray
    """[H] int64 number of the trip within the shopper's history, from 1."""
    moment_B: np.ndarray
    """[B] int64 unix seconds at which each shopper asks."""
    trips_B: np.ndarray
    """[B] int64 trips of each shopper."""
    learned_B: np.ndarray
    """[B] int64 the same shopper's row in the past that was learned from; -1: not in it."""

    def __len__(self) -> int:
        return len(self.trips_B)

    @property
    def age_H(self) -> np.ndarray:
        """[H] float64 days before the shopper's moment, above 0."""
        return np.asarray((self.moment_B[self.row_H] - self.time_H) / DAY_S)

    @property
    def in_last_trip_H(self) -> np.ndarray:
        """[H] bool."""
        return np.asarray(self.trip_H == self.trips_B[self.row_H])

    def matrix(self, weight_H: np.ndarray, items: int) -> sp.csr_matrix:
        """[B, items] float32: the weights, summed over a shopper's events of an item."""
        weights = np.broadcast_to(weight_H, self.item_H.shape).astype(np.float32)
        return sp.csr_matrix((weights, (self.row_H, self.item_H)), shape=(len(self), items))

    def only(self, chosen_H: np.ndarray) -> "Histories":
        """The same shoppers with some of their events; trips keep their numbers."""
        return dataclasses.replace(
            self, **{name: getattr(self, name)[chosen_H] for name in ("item_H", "time_H", "row_H", "trip_H")}
        )

    def batch(self) -> Batch:
        """The same for the product's scorers, whose shoppers are those of the past."""
        return Batch(
            history_item_H=self.item_H.astype(np.int32),
            history_time_H=self.time_H.astype(np.int64),
            history_row_H=self.row_H.astype(np.int32),
            time_B=self.moment_B,
            store_B=np.zeros(len(self), np.int32),
            user_BD=np.zeros((len(self), 0), np.int32),
            user_B=(self.learned_B + 1).astype(np.int32),
        )


def histories(
    item_H: np.ndarray, time_H: np.ndarray, row_H: np.ndarray, moment_B: np.ndarray, learned_B: np.ndarray
) -> Histories:
    """Histories as of each moment."""
    first_H = np.ones(len(row_H), bool)
    first_H[1:] = (np.diff(row_H) > 0) | (np.diff(time_H) > GAP_HOURS * 3600)
    number_H, trips_B = np.cumsum(first_H), np.bincount(row_H[first_H], minlength=len(moment_B))
    return Histories(
        item_H=item_H.astype(np.int64),
        time_H=time_H,
        row_H=row_H.astype(np.int64),
        trip_H=number_H - (np.cumsum(trips_B) - trips_B)[row_H],
        moment_B=moment_B,
        trips_B=trips_B,
        learned_B=learned_B,
    )


class Peer(abc.ABC):
    """A classical ranker behind model.api.Model, ranking every item that was bought before the cut."""

    fills = True
    """Whether popular items fill a list that is too short."""
    score_is_probability = False

    def __init__(self) -> None:
        self.version = type(self).__name__
        self.item_ids: np.ndarray = np.empty(0, dtype=object)

    @abc.abstractmethod
    def learn(self, past: Histories) -> None:
        """Learns from the histories of all shoppers as of the cut, whose number of `items` is set."""

    @abc.abstractmethod
    def score(self, asked: Histories) -> Any:
        """[B, I] float scores, dense or sparse; what is not above 0 is not recommended, only filled in."""

    @property
    def items(self) -> int:
        return len(self.item_ids)

    def fit(self, trips: Trips) -> Self:
        """Learns from what was bought, and not returned, strictly before `trips.cut_s`; returns itself."""
        learned_E = trips.kept_events(trips.cut_s)
        item, user = trips.event_item_E[learned_E], trips.event_user_E[learned_E]
        count = np.bincount(item, minlength=len(trips.item_ids))
        order = np.argsort(-count, kind="stable")
        self.item_ids = trips.item_ids[order[: int((count > 0).sum())]]
        self._column = {name: column for column, name in enumerate(self.item_ids.tolist())}
        self._row = {name: row for row, name in enumerate(trips.user_ids.tolist())}
        moment, rows = np.full(len(trips.user_ids), trips.cut_s), np.arange(len(trips.user_ids))
        self.learn(histories(np.argsort(order)[item], trips.event_time_E[learned_E], user, moment, rows))
        return self

    def recommend(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer for each request, in order."""
        answers = []
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            scores = self.score(self._asked(part))
            rows = scores.toarray() if sp.issparse(scores) else scores
            answers += [self._answer(request, row) for request, row in zip(part, rows, strict=True)]
        return answers

    def _asked(self, requests: Sequence[Request]) -> Histories:
        """The requests' histories, without items that no shopper had bought before the cut."""
        lengths = [len(request.history_item) for request in requests]
        item = np.array([self._column.get(i, -1) for request in requests for i in request.history_item], np.int64)
        time = np.concatenate([np.asarray(request.history_time, np.int64) for request in requests])
        row, listed = np.repeat(np.arange(len(requests)), lengths), item >= 0
        moment = np.array([request.time_s for request in requests])
        learned = np.array([self._row.get(request.user_id, -1) for request in requests])
        return histories(item[listed], time[listed], row[listed], moment, learned)

    def _answer(self, request: Request, scores: np.ndarray) -> Answer:
        excluded = {self._column[item] for item in request.barred() if item in self._column}
        best = [i for i in best_items(scores, request.k + len(excluded), self.fills).tolist() if i not in excluded]
        best = best[: request.k]
        return Answer(
            item_ids=self.item_ids[best].tolist(), scores=scores[best].tolist(), reasons=[self.version] * len(best)
        )


class Exported(Peer):
    """A ranker of the product (components/train/baselines/similarity.py), with settings of its own."""

    def __init__(self, make: Callable[..., CatalogScorer], seed: int = 7, **settings: Any) -> None:
        super().__init__()
        self._make, self._seed, self._settings = make, seed, settings

    def learn(self, past: Histories) -> None:
        learned = Past(
            batch=past.batch(),
            items=self.items,
            popular_A=np.arange(self.items),
            column_H=past.item_H,
            trip_gap_hours=GAP_HOURS,
            seed=self._seed,
        )
        self._scorer = self._make(learned, **self._settings)

    def score(self, asked: Histories) -> np.ndarray:
        return np.asarray(self._scorer(asked.batch()))


def best_items(scores: np.ndarray, k: int, fills: bool) -> np.ndarray:
    """At most k columns of [I] scores, best first, of those above 0; `fills`: then the first columns not yet there."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > k:
        values = scores[positive]
        positive = positive[values >= np.partition(values, len(values) - k)[len(values) - k]]
    best = positive[np.argsort(-scores[positive], kind="stable")][:k]
    if fills and len(best) < k:
        popular = np.arange(min(k, len(scores)))
        best = np.concatenate([best, popular[~np.isin(popular, best)]])[:k]
    return best
