"""What all classical rankers share: the past they learn from, requests as flat histories, and the best k of all items.

Items are numbered by how often they were bought before the cut, the most popular first. So equal scores go to the more
popular item, and lists too short are filled from the front.

Shape legend: B requests or shoppers, H history events of all of them together, P distinct (row, item) pairs,
I items bought before the cut.
"""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from model.api import Answer, Request
from model.data.trips import Trips
from tfx_configs.settings import FeatureSettings
from tfx_configs.units import DAY_S

BATCH = 128
"""Requests scored at once: a dense batch over 70,000 items is 36 MB."""


@dataclass(frozen=True, kw_only=True)
class Histories:
    """Histories of B shoppers, one after the other, oldest event first within each."""

    item_H: np.ndarray
    """[H] int64 column of the item, 0 the most popular."""
    row_H: np.ndarray
    """[H] int64 whose event, ascending."""
    age_H: np.ndarray
    """[H] float64 days before the shopper's moment, above 0."""
    trip_H: np.ndarray
    """[H] int64 number of the trip within the shopper's history, from 1."""
    trips_B: np.ndarray
    """[B] int64 trips of each shopper."""
    learned_B: np.ndarray
    """[B] int64 the same shopper's row in the past that was learned from; -1: not in it."""

    def __len__(self) -> int:
        return len(self.trips_B)

    def matrix(self, weight_H: np.ndarray, items: int) -> sp.csr_matrix:
        """[B, items] float32: the weights, summed over a shopper's events of an item."""
        weights = np.broadcast_to(weight_H, self.item_H.shape).astype(np.float32)
        return sp.csr_matrix((weights, (self.row_H, self.item_H)), shape=(len(self), items))

    def only(self, kept_H: np.ndarray) -> "Histories":
        """The same shoppers with some of their events; trips keep their numbers."""
        flat = {name: getattr(self, name)[kept_H] for name in ("item_H", "row_H", "age_H", "trip_H")}
        return Histories(**flat, trips_B=self.trips_B, learned_B=self.learned_B)


def histories(
    item_H: np.ndarray, time_H: np.ndarray, row_H: np.ndarray, moment_B: np.ndarray, learned_B: np.ndarray
) -> Histories:
    """Histories as of each moment; events further apart than the model's `trip_gap_hours` are different trips."""
    gap_s = FeatureSettings().trip_gap_hours * 3600
    first_H = np.ones(len(row_H), bool)
    first_H[1:] = (np.diff(row_H) > 0) | (np.diff(time_H) > gap_s)
    number_H, trips_B = np.cumsum(first_H), np.bincount(row_H[first_H], minlength=len(moment_B))
    return Histories(
        item_H=item_H.astype(np.int64),
        row_H=row_H.astype(np.int64),
        age_H=(moment_B[row_H] - time_H) / DAY_S,
        trip_H=number_H - (np.cumsum(trips_B) - trips_B)[row_H],
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
        """Learns from the histories of all shoppers as of the cut, `items` being known."""

    @abc.abstractmethod
    def score(self, asked: Histories) -> Any:
        """[B, I] float scores, dense or sparse; what is not above 0 is not recommended, only filled in."""

    @property
    def items(self) -> int:
        return len(self.item_ids)

    def fit(self, trips: Trips) -> Self:
        """Learns from what was bought, and not returned, strictly before `trips.cut_s`; returns itself."""
        kept = trips.kept_events(trips.cut_s)
        item, user = trips.event_item_E[kept], trips.event_user_E[kept]
        count = np.bincount(item, minlength=len(trips.item_ids))
        active = np.argsort(-count, kind="stable")[: int((count > 0).sum())]
        self.item_ids = trips.item_ids[active]
        self._column = {name: column for column, name in enumerate(self.item_ids.tolist())}
        self._row = {name: row for row, name in enumerate(trips.user_ids.tolist())}
        column = np.empty(len(count), np.int64)
        column[active] = np.arange(len(active))
        moment, rows = np.full(len(trips.user_ids), trips.cut_s), np.arange(len(trips.user_ids))
        self.learn(histories(column[item], trips.event_time_E[kept], user, moment, rows))
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
        """The requests' histories, without items that nobody had bought before the cut."""
        lengths = [len(request.history_item) for request in requests]
        item = np.array([self._column.get(i, -1) for request in requests for i in request.history_item], np.int64)
        time = np.concatenate([np.asarray(request.history_time, np.int64) for request in requests])
        row, known = np.repeat(np.arange(len(requests)), lengths), item >= 0
        moment = np.array([request.time_s for request in requests])
        learned = np.array([self._row.get(request.user_id, -1) for request in requests])
        return histories(item[known], time[known], row[known], moment, learned)

    def _answer(self, request: Request, scores: np.ndarray) -> Answer:
        excluded = {self._column[item] for item in request.barred() if item in self._column}
        best = [i for i in best_items(scores, request.k + len(excluded), self.fills).tolist() if i not in excluded]
        best = best[: request.k]
        return Answer(
            item_ids=self.item_ids[best].tolist(), scores=scores[best].tolist(), reasons=[self.version] * len(best)
        )


def best_items(scores: np.ndarray, k: int, fills: bool) -> np.ndarray:
    """At most k columns of [I] scores, best first, of those above 0; `fills`: then the first columns not yet there."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > k:
        values = scores[positive]
        positive = positive[values >= np.partition(values, len(values) - k)[len(values) - k]]
    best = positive[np.argsort(-scores[positive], kind="stable")][:k]
    if fills and len(best) < k:
        front = np.arange(min(k, len(scores)))
        best = np.concatenate([best, front[~np.isin(front, best)]])[:k]
    return best
