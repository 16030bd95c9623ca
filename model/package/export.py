"""Writes a recommender as a model directory: SavedModel with string inputs, vector index, manifest.

Shape legend: B requests, H history events, X exclusions, R retrieved, I items, k answers, d width.
"""

from pathlib import Path
from typing import Any

import numpy as np

from model.api import SOURCES
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.data.personal_frequency import HALF_LIFE_DAYS
from model.files import atomic_directory, write_json, write_text
from model.networks.recommender import Recommends
from model.networks.weights import of_recommender
from model.package.manifest import TRAINING, Manifest, draft, write_manifest
from model.package.model_card import NAME as CARD
from model.package.model_card import model_card
from model.package.vector_index import Index
from model.rerank.policy import package_rerank
from model.system.legacy_keras import Tensor, tf
from tfx_configs.rerank import RerankSettings

CODING = "coding.json"
"""Is in the directory of a model that a training can go on from (components/train/parent_model.py)."""
REQUEST = (
    tf.TensorSpec([None], tf.string, "history_item"),
    tf.TensorSpec([None], tf.int64, "history_time"),
    tf.TensorSpec([None], tf.int32, "history_row"),
    tf.TensorSpec([None], tf.string, "user_id"),
    tf.TensorSpec([None], tf.string, "store_id"),
    tf.TensorSpec([None], tf.int64, "time"),
)
"""What describes the requests, in both signatures."""


class Serving(tf.Module):
    """The signatures: ids as strings in, ids as strings out; unknown ids take the place kept for the unknown.

    Example:
        `catalog` is that of the example of Catalog.

        >>> from model.baselines.whole_catalog import WholeCatalog
        >>> serving = Serving(WholeCatalog(catalog, scorer=None), catalog)
        >>> known = serving.is_known(tf.constant(["milk", "tea"]), tf.constant(["ann", "bob"]), tf.constant(["", ""]))
        >>> known["item"].numpy().tolist()
        [True, False]
    """

    def __init__(self, recommender: Recommends, catalog: Catalog) -> None:
        super().__init__(name="serving")
        self.recommender = recommender
        self.weights = of_recommender(recommender)
        self._item_ids = tf.Variable(catalog.item_ids.astype(str), trainable=False, name="item_ids")
        self._sources = tf.constant(SOURCES)
        self._items = _table(catalog.item_ids, 0, -1)
        self._stores = _table(catalog.store_ids, 0, 0)
        self._users = _table(catalog.user_ids, 1, 0)

    def _batch(
        self, item_H: Tensor, time_H: Tensor, row_H: Tensor, user_B: Tensor, store_B: Tensor, time_B: Tensor
    ) -> Batch:
        index_H = self._items.lookup(item_H)
        in_catalog_H = index_H >= 0
        return Batch(
            history_item_H=tf.boolean_mask(index_H, in_catalog_H),
            history_time_H=tf.boolean_mask(time_H, in_catalog_H),
            history_row_H=tf.boolean_mask(row_H, in_catalog_H),
            time_B=time_B,
            store_B=self._stores.lookup(store_B),
            user_B=self._users.lookup(user_B),
        )

    @tf.function(autograph=False, input_signature=REQUEST)
    def embed(self, *request: Tensor) -> dict[str, Tensor]:
        """{"query": [B, d]}: what the index is searched with."""
        return {"query": self.recommender.embed(self._batch(*request))}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, "item_id"),
            tf.TensorSpec([None], tf.string, "user_id"),
            tf.TensorSpec([None], tf.string, "store_id"),
        ],
    )
    def is_known(self, item_id: Tensor, user_id: Tensor, store_id: Tensor) -> dict[str, Tensor]:
        """{"item", "user", "store"}: whether the model knows each of them; no store is none that it knows."""
        return {
            "item": self._items.lookup(item_id) >= 0,
            "user": self._users.lookup(user_id) > 0,
            "store": self._stores.lookup(store_id) > 0,
        }

    @tf.function(
        autograph=False,
        input_signature=[
            *REQUEST,
            tf.TensorSpec([None, None], tf.int32, "retrieved"),
            tf.TensorSpec([None], tf.string, "exclude_item"),
            tf.TensorSpec([None], tf.int32, "exclude_row"),
            tf.TensorSpec([], tf.int32, "ranked"),
            tf.TensorSpec([], tf.int32, "k"),
        ],
    )
    def recommend(self, *inputs: Tensor) -> dict[str, Tensor]:
        """{"item_id", "score", "reason"}: [B, at most k], best first; item_id is empty where candidates ran out."""
        *request, retrieved, exclude_item, exclude_row, ranked, k = inputs
        batch, exclude = self._batch(*request), self._items.lookup(exclude_item)
        item, score, source = self.recommender.recommend(batch, retrieved, exclude, exclude_row, ranked, k)
        item_id = tf.where(item >= 0, tf.gather(self._item_ids, tf.maximum(item, 0)), "")
        return {"item_id": item_id, "score": score, "reason": tf.gather(self._sources, source)}


def export(
    directory: Path,
    kind: str,
    recommender: Recommends,
    catalog: Catalog,
    *,
    retrieved: int = 0,
    index: Index | None = None,
    training: dict[str, Any] | None = None,
    coding: dict[str, Any] | None = None,
    score_is_probability: bool = False,
    rerank: RerankSettings | None = None,
    items: Path | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Manifest:
    """Writes the model directory in one step.

    Args:
        directory: replaced.
        kind: what is in it: "aisle" or a baseline's name.
        recommender: built on `catalog`.
        catalog: the snapshot as served.
        retrieved: items fetched from the index for each request.
        index: over the towers' item vectors.
        training: how it was trained, kept as TRAINING.
        coding: what a later training needs besides the weights to go on from them, kept as CODING.
        score_is_probability: see Manifest.
        rerank: what is done with the ranked list; of it, only the rules where scores are no probabilities.
        items: the items table as Parquet, for the rules; without it, none are packaged.
        half_life_days: see Manifest.
    """
    serving = Serving(recommender, catalog)
    with atomic_directory(directory) as out:
        signatures = {
            "embed": serving.embed.get_concrete_function(),
            "recommend": serving.recommend.get_concrete_function(),
            "known": serving.is_known.get_concrete_function(),
        }
        tf.saved_model.save(serving, str(out / "saved_model"), signatures=signatures)
        if index is not None:
            index.save(out / "index")
        if training is not None:
            write_json(out / TRAINING, training)
        if coding is not None:
            write_json(out / CODING, coding)
        if rerank is not None and items is not None:
            package_rerank(out, rerank if score_is_probability else rerank.rules_only(), items)
        facts: dict[str, Any] = {
            "kind": kind,
            "cut_s": int(catalog.snapshot_W[-1]),
            "items": catalog.items,
            "retrieved": retrieved if index is not None else 0,
            "ranked": recommender.ranked,
            "score_is_probability": score_is_probability,
            "index": index.about if index is not None else {},
            "half_life_days": half_life_days,
        }
        write_text(out / CARD, model_card(draft(**facts), training=training))
        return write_manifest(out, **facts)


def _table(ids: np.ndarray, first: int, default: int) -> tf.lookup.StaticHashTable:
    """String id to position, counted from `first`; `default` for the unknown. TensorFlow refuses an empty table."""
    position_of = {str(name): first + n for n, name in enumerate(ids)} or {"": default}
    keys, values = tf.constant(list(position_of)), tf.constant(list(position_of.values()), tf.int32)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)
