"""The recommender: candidates, features, scores, the best k. Pure: no state, no clock.

Shape legend: B requests, R retrieved, C candidates of all requests together, F features, N entries of the pools,
d width of the towers.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from model.candidates.barred import Barred
from model.candidates.line import line_by_source
from model.candidates.pool import Listed, Pools
from model.data.batch import Batch, rows_of
from model.data.catalog import Catalog
from model.features.matrix import Features, Snapshot
from model.features.recent import RecentEvents
from model.kernels.arrays import writable
from model.kernels.selection import best_of_each
from model.ranking.networks import Networks
from tfx_configs.settings import CandidateSettings, FeatureSettings

SIEVE = 4
"""For each candidate wanted, this many that are best by the line go to the pre-ranker's network."""


class Candidates(NamedTuple):
    """Distinct (request, item) pairs, those of the first request first, each request's best first.

    Example:
        >>> Candidates(np.array([8, 2, 8]), np.array([0, 2, 2]), np.array([2, 3])).rows().tolist()
        [0, 0, 1]
    """

    item_C: np.ndarray
    source_C: np.ndarray
    """[C] int32 position in model.api.SOURCES."""
    end_B: np.ndarray
    """[B] int64 where each request's candidates end."""

    def rows(self) -> np.ndarray:
        """[C] which request."""
        return rows_of(self.end_B)


class Ranking(NamedTuple):
    """Answers, laid out as Candidates.

    Example:
        >>> candidates = Candidates(np.array([8, 2, 8]), np.array([0, 2, 2]), np.array([2, 3]))
        >>> ranking(candidates, np.array([0.1, 0.3, 0.2], np.float32), k=1).item_N.tolist()
        [2, 8]
    """

    item_N: np.ndarray
    score_N: np.ndarray
    source_N: np.ndarray
    end_B: np.ndarray


class Scorer(Protocol):
    """Gives candidates a score, higher is better: the trained ranker or a classical baseline."""

    logs: bool
    """Whether it reads features with their logs taken."""

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """[C] float32."""
        ...


class Recommends(Protocol):
    """What a model directory does: of networks, a baseline of features, or one of the whole catalog."""

    ranked: int
    """Candidates to score for each request."""
    scorer: Any

    @property
    def snapshot(self) -> Snapshot | None:
        """The catalog's facts that features read, if it reads features; what is written there is read from then on."""
        ...

    def query(self, batch: Batch) -> np.ndarray:
        """[B, d] float32 vectors for the index; d is 0 without towers."""
        ...

    def recommend(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, ranked: int, k: int) -> Ranking:
        """At most k items of each request, best first.

        Args:
            retrieved_BR: [B, R] int32 items from the towers, best first, -1 where there is none.
            ranked: candidates scored for each request.
        """
        ...


class NetworkScorer:
    """The trained ranker: the probability of a purchase on this trip."""

    logs = True

    def __init__(self, networks: Networks, catalog: Catalog) -> None:
        self._networks = networks
        self._vocabulary_I, self._attribute_IA = catalog.vocabulary_I, np.ascontiguousarray(catalog.attribute_IA)

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """As Scorer."""
        return self._networks.rank(dense_CF, *self.codes(batch, candidates))

    def codes(self, batch: Batch, candidates: Candidates) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(embedding row [C], attributes' codes [C, A], the shopper's [C, D]) of each candidate."""
        item_C = candidates.item_C
        return self._vocabulary_I[item_C], self._attribute_IA[item_C], batch.user_BD[candidates.rows()]


class Recommender:
    """Implements Recommends: candidates from all sources, ranked by `scorer`. Without networks, nothing is retrieved by
    vector, and candidates are chosen source by source.

    Example:
        `catalog` is that of the example of Catalog, `batch` of the example of Batch; a classical baseline ranks.

        >>> from model.baselines.frequency import personal_frequency
        >>> features, candidates = FeatureSettings(), CandidateSettings()
        >>> scorer = personal_frequency(Features(catalog, features).names)
        >>> recommender = Recommender(catalog, features, candidates, scorer)
        >>> nothing_retrieved = np.zeros((2, 0), np.int32)
        >>> answer = recommender.recommend(batch, nothing_retrieved, Barred.none(2), ranked=10, k=10)
        >>> answer.item_N.tolist(), answer.end_B.tolist()
        ([0, 1, 0], [1, 3])
    """

    def __init__(
        self,
        catalog: Catalog,
        features: FeatureSettings,
        candidates: CandidateSettings,
        scorer: Scorer | None = None,
        networks: Networks | None = None,
    ) -> None:
        """scorer: None: that of the networks."""
        self.features = Features(catalog, features)
        self.pools = Pools(catalog, candidates, self.features)
        self.limit, self.ranked = candidates.limit, candidates.ranked
        self.networks = networks
        self.scorer = scorer or (NetworkScorer(networks, catalog) if networks is not None else None)
        self._recent = RecentEvents(catalog)

    @property
    def snapshot(self) -> Snapshot:
        """As Recommends.snapshot."""
        return self.features.snapshot

    def query(self, batch: Batch) -> np.ndarray:
        """As Recommends.query."""
        if self.networks is None:
            return np.zeros((len(batch.time_B), 0), np.float32)
        return self.networks.query(self._recent(batch))

    def listed(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, most: int) -> Listed:
        """At most `most` entries of each request's pool, best by the pre-ranker's line first."""
        line = self.networks.line if self.networks is not None else line_by_source()
        return self.pools(batch, retrieved_BR, barred, line, most)

    def candidates(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, limit: int) -> Candidates:
        """The `limit` most promising of each request's pool."""
        if self.networks is None:
            listed = self.listed(batch, retrieved_BR, barred, limit)
            return Candidates(listed.item_N, listed.source_N, listed.end_B)
        listed = self.listed(batch, retrieved_BR, barred, SIEVE * limit)
        score_N = listed.line_N + self.networks.prerank(listed.input_NJ) if len(listed.line_N) else listed.line_N
        best_N, end_B = best_positions(score_N, listed.end_B, limit)
        return Candidates(listed.item_N[best_N], listed.source_N[best_N], end_B)

    def recommend(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, ranked: int, k: int) -> Ranking:
        """As Recommends.recommend."""
        assert self.scorer is not None, "a recommender that trains lists candidates and does not rank"
        candidates = self.candidates(batch, retrieved_BR, barred, ranked)
        dense_CF = self.features(batch, candidates.item_C, candidates.end_B, self.scorer.logs)
        score_C = self.scorer(dense_CF, batch, candidates) if len(dense_CF) else np.zeros(0, np.float32)
        return ranking(candidates, score_C, k)


def ranking(candidates: Candidates, score_C: np.ndarray, k: int) -> Ranking:
    """The k best of each request by score, ties in the order of the candidates."""
    best_N, end_B = best_positions(score_C, candidates.end_B, k)
    return Ranking(candidates.item_C[best_N], score_C[best_N], candidates.source_C[best_N], end_B)


def best_positions(score_N: np.ndarray, end_B: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(positions of the k best scores of each request, ties in their order; [B] where each request's end)"""
    best_N, best_end_B = np.empty(len(score_N), np.int64), np.empty(len(end_B), np.int64)
    size = best_of_each(writable(score_N, np.float32), writable(end_B, np.int64), int(k), best_N, best_end_B)
    return best_N[:size], best_end_B
