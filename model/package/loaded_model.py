"""Loads a model directory and answers requests with it. Evaluation and serving both come through here.

Shape legend: B requests, H history events of all requests together, d width of the towers.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model.api import RECENT_EVENTS, Answer, Ranked, Request, Unknown
from model.package.manifest import Manifest, verify
from model.package.vector_index import load_index
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import ITEMS, RerankPolicy, packaged_rerank
from model.rerank.reranker import Reranker
from model.system.legacy_keras import Tensor, tf
from tfx_configs.settings import MOST_CANDIDATES

MAX_BATCH = 64
"""Requests run through the graph at once."""
FEWER_EVENTS = 200
"""Most recent events of a shopper that the quicker ranking uses."""
NEIGHBOURS = 6
"""Items wanted from the index for each candidate that is ranked; further ones are hardly ever among those."""

OnStage = Callable[[str, str, float], None]
"""(model version, stage: retrieve, rank or rerank, seconds)"""

Call = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
"""Inputs by name, as tensors of the signature's types -> outputs by name."""


def load(directory: Path, rules: Path | None = None, on_stage: OnStage | None = None) -> "LoadedModel":
    """Verifies every checksum, then loads.

    Args:
        rules: a rules file that takes the place of the packaged rules, and may change at any time.
        on_stage: called with the duration of each stage of each batch.

    Raises:
        ModelRefused: anything in the directory is off.
        InputError: the rules are.
    """
    manifest = verify(directory)
    policy = RerankPolicy(packaged_rerank(directory), ItemValues(directory / ITEMS), rules)
    return LoadedModel(directory, manifest, policy, on_stage)


class LoadedModel:
    """Implements model.api.Model. Stateless after construction, so threads may share it.

    Example:
        `catalog` is that of the example of Catalog; everybody gets what is popular in it.

        >>> import tempfile
        >>> from model.baselines.whole_catalog import WholeCatalog
        >>> from model.package.export import export
        >>> def score(batch):
        ...     return tf.zeros([tf.shape(batch.time_B)[0], catalog.items])
        >>> request = Request(user_id="ann", time_s=604_800, history_item=[], history_time=np.empty(0, np.int64))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manifest = export(Path(folder) / "model", "popularity", WholeCatalog(catalog, score), catalog)
        ...     load(Path(folder) / "model").recommend([request])[0].item_ids
        ['bread']
    """

    def __init__(
        self, directory: Path, manifest: Manifest, policy: RerankPolicy, on_stage: OnStage | None = None
    ) -> None:
        self.manifest = manifest
        self._policy = policy
        self._on_stage = on_stage
        self.version = manifest.version
        self.score_is_probability = manifest.score_is_probability
        self.half_life_days = manifest.half_life_days
        self._saved = tf.saved_model.load(str(directory / "saved_model"))
        self._embed, self._recommend = (direct(self._saved.signatures[name]) for name in ("embed", "recommend"))
        self._known = self._saved.signatures["known"]
        self._index = load_index(directory / "index") if manifest.retrieved else None

    def recommend(self, requests: Sequence[Request], fewer: bool = False, ranked: int | None = None) -> list[Answer]:
        """One answer for each request, in order, none longer than its k.

        Args:
            ranked: candidates to score for each request; None: as many as the manifest states.
            fewer: quicker, from the last FEWER_EVENTS events and what is popular, without the towers' candidates.
        """
        answers: list[Answer] = []
        for start in range(0, len(requests), MAX_BATCH):
            batch = requests[start : start + MAX_BATCH]
            answers += self._answer(batch, fewer, self.manifest.ranked if ranked is None else ranked)
        return answers

    def shown(self, request: Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> Answer:
        """The answer from candidates ranked elsewhere, under the current rules.

        Args:
            item_C, reason_C: bytes, best first. score_C: float32, falling.
        """
        return self._policy.current()(request, item_C, score_C, reason_C)

    def _answer(self, requests: Sequence[Request], fewer: bool, ranked: int) -> list[Answer]:
        begin = time.perf_counter()
        inputs, reranker = _inputs(requests, FEWER_EVENTS if fewer else None), self._policy.current()
        excluded = [(item, row) for row, request in enumerate(requests) for item in request.barred()]
        everything = reranker.active or any(request.detail for request in requests)
        retrieved = tf.zeros([len(requests), 0], tf.int32) if fewer else self._retrieve(requests, ranked)
        begin = self._took("retrieve", begin)
        inputs |= {
            "retrieved": retrieved,
            "exclude_item": tf.constant([item for item, _ in excluded], tf.string),
            "exclude_row": tf.constant([row for _, row in excluded], tf.int32),
            "ranked": tf.constant(ranked, tf.int32),
            "k": tf.constant(MOST_CANDIDATES if everything else max(request.k for request in requests), tf.int32),
        }
        outputs = self._recommend(inputs)
        item_Bk, score_Bk, reason_Bk = (outputs[name].numpy() for name in ("item_id", "score", "reason"))
        begin = self._took("rank", begin)
        size_B = (item_Bk != b"").sum(axis=1)
        answers = [
            self._assemble(reranker, request, item_Bk[row, :size], score_Bk[row, :size], reason_Bk[row, :size])
            for row, (request, size) in enumerate(zip(requests, size_B, strict=True))
        ]
        self._took("rerank", begin)
        return answers

    def _assemble(
        self, reranker: Reranker, request: Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray
    ) -> Answer:
        """What is shown; where the request asks for it, with all that was ranked and what was unknown."""
        answer = reranker(request, item_C, score_C, reason_C)
        if not request.detail:
            return answer
        items, reasons = ([value.decode() for value in values.tolist()] for values in (item_C, reason_C))
        ranked = Ranked(item_ids=items, scores=score_C.tolist(), reasons=reasons)
        return dataclasses.replace(answer, ranked=ranked, unknown=self._unknown(request))

    def _unknown(self, request: Request) -> Unknown:
        is_known = self._known(
            item_id=tf.constant([*request.history_item, *request.exclude], tf.string),
            user_id=tf.constant([request.user_id]),
            store_id=tf.constant([request.store_id]),
        )
        known_H, known_X = np.split(is_known["item"].numpy(), [len(request.history_item)])
        return Unknown(
            shopper=not is_known["user"].numpy()[0],
            store=request.store_id != "" and not is_known["store"].numpy()[0],
            history_items=int((~known_H).sum()),
            exclude_items=int((~known_X).sum()),
        )

    def _took(self, stage: str, begin: float) -> float:
        """Reports the duration of a stage since `begin`; returns the time now."""
        now = time.perf_counter()
        if self._on_stage is not None:
            self._on_stage(self.version, stage, now - begin)
        return now

    def _retrieve(self, requests: Sequence[Request], ranked: int) -> Tensor:
        if self._index is None:
            return tf.zeros([len(requests), 0], tf.int32)
        query_Bd = self._embed(_inputs(requests, RECENT_EVENTS))["query"].numpy()
        return tf.constant(self._index.search(query_Bd, min(self.manifest.retrieved, NEIGHBOURS * ranked)))


def _inputs(requests: Sequence[Request], events: int | None) -> dict[str, Tensor]:
    """The signatures' inputs, with the last `events` of each history, or all."""
    last = slice(None) if events is None else slice(-events, None)
    lengths = [len(request.history_item[last]) for request in requests]
    items = [item for request in requests for item in request.history_item[last]]
    times = np.concatenate([np.asarray(request.history_time[last], np.int64) for request in requests])
    return {
        "history_item": tf.constant(items, tf.string),
        "history_time": tf.constant(times, tf.int64),
        "history_row": tf.constant(np.repeat(np.arange(len(requests), dtype=np.int32), lengths)),
        "user_id": tf.constant([request.user_id for request in requests]),
        "store_id": tf.constant([request.store_id for request in requests]),
        "time": tf.constant([request.time_s for request in requests], tf.int64),
    }


def direct(signature: Any) -> Call:
    """Calls it without the checks of its arguments, which take as long as some of a small batch's work."""
    captured, quick = signature.captured_inputs, signature.inference_fn.call_flat
    names = [tensor.op.name for tensor in signature.inputs[: len(signature.inputs) - len(captured)]]
    outputs = sorted(signature.structured_outputs)

    def call(inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(zip(outputs, quick(*[inputs[name] for name in names], *captured), strict=True))

    return call
