"""The whole recommender as one graph: candidates, features, scores, the best k. Pure: no state, no clock.

Shape legend: B requests, H history events, C candidates, R retrieved, X exclusions, I items, k answers, d width.
"""

from typing import Protocol

from model.data.batch import Batch
from model.data.catalog import Catalog
from model.features.graph import FeatureGraph
from model.features.joins import top_per_row
from model.networks.candidates import Candidates, CandidateUnion
from model.networks.pre_ranker import PreRanker
from model.networks.two_tower import QueryTower
from model.system.legacy_keras import Tensor, tf
from tfx_configs.settings import RunSettings


class Scorer(Protocol):
    """Anything that gives candidates a score, higher is better: the ranker or a classical baseline."""

    def __call__(
        self, graph: FeatureGraph, values: dict[str, Tensor], batch: Batch, candidates: Candidates
    ) -> Tensor: ...


class Recommends(Protocol):
    """What can be exported: the work of both signatures of a model directory (model/package/export.py)."""

    @property
    def ranked(self) -> int:
        """Candidates to score for each request."""
        ...

    def embed(self, batch: Batch) -> Tensor: ...

    def recommend(
        self,
        batch: Batch,
        retrieved_BR: Tensor,
        exclude_item_X: Tensor,
        exclude_row_X: Tensor,
        ranked: Tensor,
        k: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]: ...


class Recommender(tf.Module):
    """Implements Recommends: candidates from all sources, ranked by `scorer`. Without towers, nothing is retrieved by
    vector; without a pre-ranker that has learned, candidates are chosen source by source."""

    def __init__(
        self,
        catalog: Catalog,
        settings: RunSettings,
        scorer: Scorer,
        query_tower: QueryTower | None = None,
        preranker: PreRanker | None = None,
    ) -> None:
        super().__init__(name="recommender")
        self.features = FeatureGraph(catalog, settings.features)
        chooser = preranker or PreRanker(len(self.features.promotions.kinds))
        self.candidates = CandidateUnion(catalog, settings.candidates, self.features, chooser)
        self.scorer = scorer
        self.query_tower = query_tower

    @property
    def ranked(self) -> int:
        """Candidates to score for each request."""
        return self.candidates.ranked

    def embed(self, batch: Batch) -> Tensor:
        """[B, d] query vectors for the index; d is 0 without towers."""
        if self.query_tower is None:
            return tf.zeros([tf.shape(batch.time_B)[0], 0])
        return self.query_tower(batch)

    def recommend(
        self,
        batch: Batch,
        retrieved_BR: Tensor,
        exclude_item_X: Tensor,
        exclude_row_X: Tensor,
        ranked: Tensor,
        k: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(item [B, k] int32, score [B, k], source [B, k]), best first. A row with fewer
        candidates than others ends in -1 items; all rows may be shorter than k.

        Args:
            ranked: candidates scored for each request.
        """
        candidates = self.candidates(batch, retrieved_BR, exclude_item_X, exclude_row_X, ranked)
        values = self.features(batch, candidates.item_C, candidates.row_C)
        score_C = self.scorer(self.features, values, batch, candidates)
        best = top_per_row(candidates.row_C, score_C, k)
        row = tf.gather(candidates.row_C, best)
        requests = tf.shape(batch.time_B)[0]

        def dense(flat: Tensor, fill: Tensor) -> Tensor:
            ragged = tf.RaggedTensor.from_value_rowids(tf.gather(flat, best), row, nrows=tf.cast(requests, row.dtype))
            return ragged.to_tensor(default_value=fill)

        return dense(candidates.item_C, -1), dense(score_C, 0.0), dense(candidates.source_C, 0)
