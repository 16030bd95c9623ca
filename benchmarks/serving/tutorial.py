"""The two SavedModels that a tutorial would give, which the peers of the serving benchmark serve.

TFRS's BruteForce over embeddings by user id, then a small network over (user, item) for each candidate, as many as
Aisle ranks. Weights are random: only the work counts here, not the answers. Nothing here needs a model server: each
peer brings its own.

Shape legend: B requests, C candidates, K answered items.
"""

from pathlib import Path
from typing import Any

import numpy as np

from model.system.legacy_keras import tf

WIDTH = 32
LAYERS = (128, 64)
NAME = "aisle"
K = 10
BATCH = 8
"""Most requests at once, of a server that batches."""


class Tutorial:
    """Both SavedModels."""

    def __init__(self, directory: Path) -> None:
        self._retrieval = tf.saved_model.load(str(directory / "retrieval"))
        self._ranking = tf.saved_model.load(str(directory / "ranking"))

    def best(self, user_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """([B, K] item ids as bytes, [B, K] float32 scores) of user ids as bytes or str."""
        user_B = tf.constant(user_B)
        _, item_BC = self._retrieval(user_B)
        user_BC = tf.repeat(user_B, tf.shape(item_BC)[1])
        score_BC = self._ranking({"user_id": user_BC, "item_id": tf.reshape(item_BC, [-1])}).numpy()
        score_BC = score_BC.reshape(item_BC.shape)
        best_BK = np.argsort(-score_BC, axis=1)[:, :K]
        return np.take_along_axis(item_BC.numpy(), best_BK, 1), np.take_along_axis(score_BC, best_BK, 1)


class _Ranking(tf.keras.Model):
    def __init__(self, users: np.ndarray, items: np.ndarray) -> None:
        super().__init__()
        self._user, self._item = _embedding(users), _embedding(items)
        self._network = tf.keras.Sequential([tf.keras.layers.Dense(width, "relu") for width in LAYERS])
        self._last = tf.keras.layers.Dense(1)

    def call(self, inputs: dict[str, Any]) -> Any:
        pair = tf.concat([self._user(inputs["user_id"]), self._item(inputs["item_id"])], axis=1)
        return self._last(self._network(pair))


def _embedding(ids: np.ndarray) -> Any:
    lookup = tf.keras.layers.StringLookup(vocabulary=ids, mask_token=None)
    return tf.keras.Sequential([lookup, tf.keras.layers.Embedding(len(ids) + 1, WIDTH)])


def build(directory: str, items: str, users: str, candidates: str) -> None:
    """Saves both models, of random weights, for so many of each."""
    from model.networks.tfrs import tfrs  # a server does not need it

    item_ids, user_ids = np.arange(int(items)).astype(str), np.arange(int(users)).astype(str)
    index = tfrs.layers.factorized_top_k.BruteForce(_embedding(user_ids), k=int(candidates))
    vectors = np.random.default_rng(7).normal(size=(len(item_ids), WIDTH)).astype(np.float32)
    index.index(tf.constant(vectors), tf.constant(item_ids))
    index(tf.constant(["1"]))
    tf.saved_model.save(index, f"{directory}/retrieval")
    ranking = _Ranking(user_ids, item_ids)
    ranking({"user_id": tf.constant(["1"]), "item_id": tf.constant(["1"])})
    tf.saved_model.save(ranking, f"{directory}/ranking")
