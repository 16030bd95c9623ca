"""The predictor that a tutorial would give: a retrieval SavedModel, then a ranking SavedModel, one request at a time.

TFRS's BruteForce over embeddings by user id, then a small network over (user, item) for each candidate; KServe's
predict is synchronous, as in KServe's own examples. Weights are random: only the work counts here, not the answers.

`python -m benchmarks.serving_peer DIRECTORY ITEMS USERS PORT`
"""

import sys
from pathlib import Path
from typing import Any

import kserve
import numpy as np
from kserve.protocol.infer_type import InferOutput

from model.backend import tf
from model.serving.loopback import bind_to_loopback
from model.tfrs import tfrs

WIDTH = 32
CANDIDATES = 500
LAYERS = (128, 64)
NAME = "aisle"


class Tutorial(kserve.Model):
    """Both SavedModels behind the v2 protocol: user_id in, the ten best out."""

    def __init__(self, directory: Path) -> None:
        super().__init__(NAME)
        self._retrieval = tf.saved_model.load(str(directory / "retrieval"))
        self._ranking = tf.saved_model.load(str(directory / "ranking"))
        self.ready = True

    def predict(self, payload: kserve.InferRequest, headers: dict[str, str] | None = None) -> kserve.InferResponse:
        user = payload.inputs[0].as_numpy()[:1]
        _, item_BC = self._retrieval(tf.constant(user))
        item_C = item_BC[0]
        score_C = self._ranking({"user_id": tf.repeat(tf.constant(user), CANDIDATES), "item_id": item_C}).numpy()
        best = np.argsort(-score_C[:, 0])[:10]
        outputs = [
            InferOutput("item_id", [10], "BYTES", data=item_C.numpy()[best]),
            InferOutput("score", [10], "FP32", data=score_C[best, 0]),
        ]
        return kserve.InferResponse(payload.id or "1", NAME, outputs)


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


def build(directory: Path, items: int, users: int) -> None:
    """Saves both models, of random weights."""
    item_ids, user_ids = np.arange(items).astype(str), np.arange(users).astype(str)
    index = tfrs.layers.factorized_top_k.BruteForce(_embedding(user_ids), k=CANDIDATES)
    vectors = np.random.default_rng(7).normal(size=(items, WIDTH)).astype(np.float32)
    index.index(tf.constant(vectors), tf.constant(item_ids))
    index(tf.constant(["1"]))
    tf.saved_model.save(index, str(directory / "retrieval"))
    ranking = _Ranking(user_ids, item_ids)
    ranking({"user_id": tf.constant(["1"]), "item_id": tf.constant(["1"])})
    tf.saved_model.save(ranking, str(directory / "ranking"))


def main(directory: str, items: str, users: str, port: str) -> None:
    """Builds, loads and serves until SIGTERM."""
    build(Path(directory), int(items), int(users))
    bind_to_loopback()
    server = kserve.ModelServer(http_port=int(port), enable_grpc=False, workers=1, enable_latency_logging=False)
    server.start([Tutorial(Path(directory))])


if __name__ == "__main__":
    main(*sys.argv[1:])
