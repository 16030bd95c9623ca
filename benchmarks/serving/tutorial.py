"""The two SavedModels that a tutorial would give, which the peers of the serving benchmark serve.

TFRS's BruteForce over embeddings by user id, then a small network over (user, item) for each candidate. Weights are
random: only the work counts here, not the answers. Nothing here needs a model server: each peer brings its own.
"""

from pathlib import Path
from typing import Any

import numpy as np

from model.networks.tfrs import tfrs
from model.system.legacy_keras import tf

WIDTH = 32
CANDIDATES = 500
LAYERS = (128, 64)
NAME = "aisle"
K = 10


class Tutorial:
    """Both SavedModels, one request at a time."""

    def __init__(self, directory: Path) -> None:
        self._retrieval = tf.saved_model.load(str(directory / "retrieval"))
        self._ranking = tf.saved_model.load(str(directory / "ranking"))

    def best(self, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """([K] item ids as bytes, [K] float32 scores) of [1] user id."""
        _, item_BC = self._retrieval(tf.constant(user))
        item_C = item_BC[0]
        score_C = self._ranking({"user_id": tf.repeat(tf.constant(user), CANDIDATES), "item_id": item_C}).numpy()
        best = np.argsort(-score_C[:, 0])[:K]
        return item_C.numpy()[best], score_C[best, 0]


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


def build(directory: str, items: str, users: str) -> None:
    """Saves both models, of random weights, for so many of each."""
    item_ids, user_ids = np.arange(int(items)).astype(str), np.arange(int(users)).astype(str)
    index = tfrs.layers.factorized_top_k.BruteForce(_embedding(user_ids), k=CANDIDATES)
    vectors = np.random.default_rng(7).normal(size=(len(item_ids), WIDTH)).astype(np.float32)
    index.index(tf.constant(vectors), tf.constant(item_ids))
    index(tf.constant(["1"]))
    tf.saved_model.save(index, f"{directory}/retrieval")
    ranking = _Ranking(user_ids, item_ids)
    ranking({"user_id": tf.constant(["1"]), "item_id": tf.constant(["1"])})
    tf.saved_model.save(ranking, f"{directory}/ranking")
