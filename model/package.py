"""Loads a model directory and answers requests with it. Evaluation and serving both come through here.

Shape legend: B requests, H history events of all requests together, d width of the towers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.api import Answer, Request
from model.backend import tf
from model.index import ExactIndex
from model.manifest import Manifest, verify

MAX_BATCH = 64
"""Requests run through the graph at once."""


def load(directory: Path) -> "LoadedModel":
    """Verifies every checksum, then loads.

    Raises:
        ModelRefused: anything in the directory is off.
    """
    return LoadedModel(directory, verify(directory))


class LoadedModel:
    """Implements model.api.Model. Stateless after construction, so threads may share it."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self.version = manifest.version
        self.score_is_probability = manifest.score_is_probability
        self._saved = tf.saved_model.load(str(directory / "saved_model"))
        self._embed = self._saved.signatures["embed"]
        self._recommend = self._saved.signatures["recommend"]
        self._index = ExactIndex.load(directory / "index") if manifest.retrieved else None

    def recommend(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer for each request, in order, none longer than its k."""
        answers: list[Answer] = []
        for start in range(0, len(requests), MAX_BATCH):
            answers += self._answer(requests[start : start + MAX_BATCH])
        return answers

    def _answer(self, requests: Sequence[Request]) -> list[Answer]:
        inputs = _inputs(requests)
        excluded = [(item, row) for row, request in enumerate(requests) for item in request.exclude]
        found = self._recommend(
            **inputs,
            retrieved=self._retrieve(inputs, len(requests)),
            exclude_item=tf.constant([item for item, _ in excluded], tf.string),
            exclude_row=tf.constant([row for _, row in excluded], tf.int32),
            k=tf.constant(max(request.k for request in requests), tf.int32),
        )
        item_Bk, score_Bk, reason_Bk = (found[name].numpy() for name in ("item_id", "score", "reason"))
        return [_one(item_Bk[row], score_Bk[row], reason_Bk[row], request.k) for row, request in enumerate(requests)]

    def _retrieve(self, inputs: dict[str, Any], requests: int) -> Any:
        if self._index is None:
            return tf.zeros([requests, 0], tf.int32)
        query_Bd = self._embed(**inputs)["query"].numpy()
        return tf.constant(self._index.search(query_Bd, self.manifest.retrieved))


def _inputs(requests: Sequence[Request]) -> dict[str, Any]:
    lengths = [len(request.history_item) for request in requests]
    items = [item for request in requests for item in request.history_item]
    times = np.concatenate([np.asarray(request.history_time, np.int64) for request in requests])
    return {
        "history_item": tf.constant(items, tf.string),
        "history_time": tf.constant(times, tf.int64),
        "history_row": tf.constant(np.repeat(np.arange(len(requests), dtype=np.int32), lengths)),
        "user_id": tf.constant([request.user_id for request in requests]),
        "store_id": tf.constant([request.store_id for request in requests]),
        "time": tf.constant([request.time_s for request in requests], tf.int64),
    }


def _one(items: np.ndarray, scores: np.ndarray, reasons: np.ndarray, k: int) -> Answer:
    size = min(k, int((items != b"").sum()))
    return Answer(
        item_ids=[item.decode() for item in items[:size]],
        scores=[float(score) for score in scores[:size]],
        reasons=[reason.decode() for reason in reasons[:size]],
    )
