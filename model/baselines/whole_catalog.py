"""Recommends by a score that every item of the catalog has: no candidates, and no features of them.

Shape legend: B requests, H history events, I items, P scored entries, Q items by popularity, N listed items of all
requests together.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from model.api import SOURCES
from model.candidates.barred import AGAIN, NEVER, Barred
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.features.matrix import Histories
from model.kernels.tables import UNKNOWN
from model.ranking.recommender import Ranking

_OWN, _SIMILAR, _POPULAR = map(SOURCES.index, ("bought_before", "similar_taste", "popular"))


class CatalogScorer(Protocol):
    """What scores all items by the history alone."""

    def __call__(self, batch: Batch) -> np.ndarray:
        """[B, I] float32; an item whose score is not above 0 is only filled in."""
        ...


class WholeCatalog:
    """Implements model.ranking.recommender.Recommends: what `scorer` puts above 0, then what is popular, which also
    decides between equal scores."""

    def __init__(self, catalog: Catalog, scorer: CatalogScorer) -> None:
        """catalog: as served; what is popular is from its last snapshot."""
        self.scorer = scorer
        self._scored = _POPULAR if isinstance(scorer, PopularUnseen) else _SIMILAR
        self.ranked = catalog.items
        popularity_I = catalog.decayed_WI[-1]
        self._by_popularity_Q = np.argsort(-popularity_I, kind="stable").astype(np.int32)
        self._place_I = np.argsort(self._by_popularity_Q)
        popular = int((popularity_I > 0).sum())
        self._popular_Q = self._by_popularity_Q[:popular]
        self._fill_Q = np.float32(-1.0) / (np.float32(1.0) + popularity_I[self._popular_Q])

    @property
    def snapshot(self) -> None:
        """As Recommends.snapshot: there are no features."""
        return None

    def query(self, batch: Batch) -> np.ndarray:
        """[B, 0]: nothing is retrieved by vector."""
        return np.zeros((len(batch.time_B), 0), np.float32)

    def recommend(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, ranked: int, k: int) -> Ranking:
        """As Recommends.recommend. What is filled in has a score below 0, and what no shopper buys is not listed."""
        score_BI, most, begin = self.scorer(batch), min(ranked, k), 0
        lists = [(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))]
        for row, events in each_history(batch):
            end = barred.end_B[row]
            item, score = self._best(score_BI[row], left_out(barred, row, begin, batch.history_item_H[events]), most)
            bought = np.isin(item, batch.history_item_H[events])
            source = np.where(bought, _OWN, np.where(score > 0, self._scored, _POPULAR)).astype(np.int32)
            lists.append((item, score, source))
            begin = end
        item_N, score_N, source_N = (np.concatenate(parts) for parts in zip(*lists, strict=True))
        return Ranking(item_N, score_N, source_N, np.cumsum([len(item) for item, _, _ in lists])[1:])

    def _best(self, score_I: np.ndarray, barred_X: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
        """(item, score) of at most `most`, best first."""
        score_Q = score_I[self._by_popularity_Q]
        score_Q[self._place_I[barred_X[barred_X != UNKNOWN]]] = np.nan
        scored = np.flatnonzero(score_Q > 0)
        first = scored[best(score_Q[scored], most)]
        # What is popular is in the order of its score already.
        others = score_Q[: len(self._popular_Q)]
        filled = np.flatnonzero(~(others > 0) & ~np.isnan(others))[: most - len(first)]
        item = np.concatenate([self._by_popularity_Q[first], self._popular_Q[filled]])
        return item, np.concatenate([score_Q[first], self._fill_Q[filled]])


class PopularUnseen:
    """What everybody bought, halved every 28 days, without what the shopper bought before.

    Where nothing is bought twice, plain popularity spends its places on what the shopper has already.
    """

    def __init__(self, popularity_I: np.ndarray) -> None:
        """popularity_I: float32 decayed purchases of everybody, as of the last snapshot."""
        self._popularity_I = popularity_I

    def __call__(self, batch: Batch) -> np.ndarray:
        """As CatalogScorer."""
        score_BI = np.tile(self._popularity_I, (len(batch.time_B), 1))
        score_BI[batch.history_row_H, batch.history_item_H] = 0.0
        return score_BI


def left_out(barred: Barred, row: int, begin: int, bought_H: np.ndarray) -> np.ndarray:
    """[X] int32 items that must not be listed to a request, whose own exclusions begin there."""
    barred_X, allowed = barred.item_X[begin : barred.end_B[row]], barred.allowed
    if not len(allowed.mask_B) or allowed.mask_B[row] < 0:
        return barred_X
    may_I = allowed.may_MI[allowed.mask_B[row]]
    again = np.setdiff1d(np.flatnonzero(may_I == AGAIN), bought_H)
    return np.concatenate([barred_X, np.flatnonzero(may_I == NEVER), again])


def each_history(batch: Batch) -> Iterator[tuple[int, slice]]:
    """(request, where its events are)."""
    begin = 0
    for row, end in enumerate(Histories.of(batch).end_B.tolist()):
        yield row, slice(begin, end)
        begin = end


def best(score_P: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k highest scores, highest first, ties by position. NumPy, for long lists: as a kernel it would
    take minutes where golden answers are computed by plain Python (model/kernels/compiler.py)."""
    if k >= len(score_P):
        return np.argsort(-score_P, kind="stable")
    at = np.flatnonzero(score_P >= np.partition(score_P, len(score_P) - k)[len(score_P) - k]) if k else np.zeros(0, int)
    return at[np.argsort(-score_P[at], kind="stable")][:k]
