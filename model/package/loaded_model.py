"""Loads a model directory and answers requests with it. Evaluation and serving both come through here.

Shape legend: B requests, H history events of all requests together, C candidates, X exclusions, R retrieved.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from model.api import POPULAR_HERE, SOURCES, Answer, Ranked, Request, Unknown
from model.candidates.barred import Barred
from model.data.batch import Batch
from model.data.catalog import MISSING
from model.data.task import TaskKind
from model.kernels.compiler import digest
from model.kernels.tables import UNKNOWN, id_table, numbers
from model.package.eligibility import Eligibility, Mask, Terms, together
from model.package.engine import Engine
from model.package.golden import REQUESTS, SAMPLE, check_golden
from model.package.manifest import Manifest, verify
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import ITEMS, RerankPolicy, packaged_rerank
from model.rerank.reranker import Reranker
from model.rerank.shelves import joined, shelves
from tfx_configs.settings import MOST_CANDIDATES

_SIMILAR_TASTE = SOURCES[2]
MAX_BATCH = 64
"""Requests ranked at once."""
CAPPED = 50
"""Further items for the reranker where a cap may pass over some of them."""
FEWER_EVENTS = 200
"""Most recent events of a shopper that the quicker ranking uses."""
OnStage = Callable[[str, str, float], None]
"""(model version, stage: retrieve, rank or rerank, seconds)"""


def load(
    directory: Path, rules: Path | None = None, on_stage: OnStage | None = None, expected: str = ""
) -> "LoadedModel":
    """Verifies every checksum, loads, and asks golden answers again: all of them where the kernels are others than
    those that the model was made with.

    Args:
        rules: a rules file that takes the place of the packaged rules, and may change at any time.
        on_stage: called with the duration of each stage of each batch.
        expected: the version that it has to be (model.package.manifest.verify).

    Raises:
        ModelRefused: anything in the directory is off.
        InputError: the rules are.
    """
    manifest = verify(directory, expected)
    policy = RerankPolicy(packaged_rerank(directory), ItemValues(directory / ITEMS), rules)
    model = LoadedModel(directory, manifest, policy, on_stage)
    check_golden(directory, model.engine, SAMPLE if manifest.kernels == digest() else REQUESTS)
    return model


class LoadedModel:
    """Implements model.api.Model. Stateless after construction, so threads may share it.

    Example:
        `catalog` is that of the example of Catalog; everybody gets what is popular in it.

        >>> import tempfile
        >>> from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
        >>> from model.package.export import export
        >>> request = Request(user_id="ann", time_s=604_800, history_item=[], history_time=np.empty(0, np.int64))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manifest = export(
        ...         Path(folder) / "model", "popular_unseen", WholeCatalog(catalog, PopularUnseen(catalog)), catalog
        ...     )
        ...     load(Path(folder) / "model").recommend([request])[0].item_ids
        ['bread']
    """

    def __init__(
        self, directory: Path, manifest: Manifest, policy: RerankPolicy, on_stage: OnStage | None = None
    ) -> None:
        self.manifest = manifest
        self.engine = Engine(directory)
        self._policy = policy
        self._on_stage = on_stage
        self.version = manifest.version
        self.score_is_probability = manifest.score_is_probability
        self.half_life_days = manifest.half_life_days
        self.new_only = TaskKind(manifest.task).new_only
        catalog = self.engine.catalog
        self._items, self._user_codes = id_table(pa.array(catalog.item_ids)), catalog.user_codes
        self._eligibility = Eligibility(catalog, self._items, policy.values)
        self._stores = {str(store): n for n, store in enumerate(catalog.store_ids)}

    def recommend(self, requests: Sequence[Request], fewer: bool = False, ranked: int | None = None) -> list[Answer]:
        """One answer for each request, in order, none longer than its k. A second shelf is a request of its own.

        Args:
            ranked: candidates to score for each request; None: as many as the manifest states.
            fewer: quicker, from the last FEWER_EVENTS events and what is popular, without the towers' candidates.
        """
        asked = [shelf for request in requests for shelf in shelves(request)]
        answers: list[Answer] = []
        for start in range(0, len(asked), MAX_BATCH):
            batch = asked[start : start + MAX_BATCH]
            answers += self._answer(batch, fewer, self.manifest.ranked if ranked is None else ranked)
        return joined(requests, answers)

    def check(self, request: Request) -> None:
        """Raises InputError where it asks for an attribute, or a value, that no item has."""
        if request.within:
            self._eligibility.of(self._policy.current(), request)

    def terms(self, request: Request) -> Terms:
        """What may be listed for this request under the current rules."""
        reranker = self._policy.current()
        return Terms(items=self._items, mask=self._eligibility.of(reranker, request), capped=reranker.caps)

    def shown(self, request: Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> Answer:
        """The answer from candidates ranked elsewhere, under the current rules.

        Args:
            item_C, reason_C: bytes, best first. score_C: float32, falling.
        """
        reranker = self._policy.current()
        mask = self._eligibility.of(reranker, request)
        listed = Ranked(
            item_ids=[item.decode() for item in item_C],
            scores=score_C.tolist(),
            reasons=[reason.decode() for reason in reason_C],
        )
        return self._assemble(reranker, request, mask, self._eligibility.only_allowed(mask, listed))

    def _answer(self, requests: Sequence[Request], fewer: bool, ranked: int) -> list[Answer]:
        begin = time.perf_counter()
        batch, reranker = self._batch(requests, FEWER_EVENTS if fewer else None), self._policy.current()
        everything = any(reranker.active(request) or request.detail or request.k_new for request in requests)
        retrieved_BR = self.engine.retrieve(batch, 0 if fewer else ranked)
        begin = self._took("retrieve", begin)
        k = MOST_CANDIDATES if everything else max(request.k for request in requests)
        masks = [self._eligibility.of(reranker, request) for request in requests]
        barred = self._barred(requests)._replace(allowed=together(masks))
        ranking = self.engine.recommend(batch, retrieved_BR, barred, ranked, k)
        begin = self._took("rank", begin)
        answers, first = [], 0
        for request, mask, end in zip(requests, masks, ranking.end_B, strict=True):
            listed = Ranked(
                item_ids=[self._items.name(item) for item in ranking.item_N[first:end].tolist()],
                scores=ranking.score_N[first:end].tolist(),
                reasons=[SOURCES[source] for source in ranking.source_N[first:end].tolist()],
            )
            answer = self._assemble(reranker, request, mask, listed)
            if request.detail:
                answer = dataclasses.replace(answer, ranked=listed, unknown=self._unknown(request))
            answers.append(answer)
            first = end
        self._took("rerank", begin)
        return answers

    def _assemble(self, reranker: Reranker, request: Request, mask: Mask, listed: Ranked) -> Answer:
        """What is shown of what was ranked: rules, re-ranking, and popular items where that leaves too few."""
        k = request.k
        if request.k_new:
            bought = set(request.history_item)
            full = listed.only([place for place, item in enumerate(listed.item_ids) if item in bought])
        else:
            wanted = k + CAPPED if reranker.caps else k
            full = self._eligibility.filled(mask, listed, wanted, request.barred(self.new_only))
        if reranker.active(request):
            scores = np.array(full.scores, np.float32)
            answer = reranker(request, _encoded(full.item_ids), scores, _encoded(full.reasons))
        else:
            answer = Answer(item_ids=full.item_ids[:k], scores=full.scores[:k], reasons=full.reasons[:k])
        if not request.history_item:
            reasons = [POPULAR_HERE if reason == _SIMILAR_TASTE else reason for reason in answer.reasons]
            answer = dataclasses.replace(answer, reasons=reasons)
        if len(full.item_ids) == len(listed.item_ids) or request.k_new:
            return answer
        candidates = set(listed.item_ids)
        return dataclasses.replace(answer, filled=sum(item not in candidates for item in answer.item_ids))

    def _unknown(self, request: Request) -> Unknown:
        codes_D = self._user_codes(request.attributes)
        known_H, known_X = (numbers(self._items, ids) != UNKNOWN for ids in (request.history_item, request.exclude))
        return Unknown(
            shopper=len(codes_D) > 0 and not codes_D.any(),
            store=request.store_id != "" and request.store_id not in self._stores,
            history_items=int((~known_H).sum()),
            exclude_items=int((~known_X).sum()),
        )

    def _took(self, stage: str, begin: float) -> float:
        """Reports the duration of a stage since `begin`; returns the time now."""
        now = time.perf_counter()
        if self._on_stage is not None:
            self._on_stage(self.version, stage, now - begin)
        return now

    def _batch(self, requests: Sequence[Request], events: int | None) -> Batch:
        """The requests with the last `events` of each history, or all; items that are not in the catalog left out."""
        last = slice(None) if events is None else slice(-events, None)
        histories = [request.history_item[last] for request in requests]
        item_H = numbers(self._items, [item for items in histories for item in items])
        time_H = np.concatenate([np.asarray(request.history_time[last], np.int64) for request in requests])
        row_H = np.repeat(np.arange(len(requests), dtype=np.int32), [len(items) for items in histories])
        store_H = np.concatenate([self._stores_of(request)[last] for request in requests])
        quantity_H = np.concatenate([_floats(r.history_quantity, 1.0, r)[last] for r in requests])
        price_H = np.concatenate([_floats(r.history_price, 0.0, r)[last] for r in requests])
        known_H = item_H != UNKNOWN
        if not known_H.all():
            item_H, time_H, row_H = item_H[known_H], time_H[known_H], row_H[known_H]
            store_H, quantity_H, price_H = store_H[known_H], quantity_H[known_H], price_H[known_H]
        return Batch(
            history_item_H=item_H,
            history_time_H=time_H,
            history_row_H=row_H,
            history_store_H=store_H,
            history_quantity_H=quantity_H,
            history_price_H=price_H,
            time_B=np.array([request.time_s for request in requests], np.int64),
            store_B=np.array([self._stores.get(request.store_id, MISSING) for request in requests], np.int32),
            user_BD=np.stack([self._user_codes(request.attributes) for request in requests]),
        )

    def _stores_of(self, request: Request) -> np.ndarray:
        """[H] int32 store of each event."""
        stores = request.history_store
        if stores is None:
            return np.full(len(request.history_item), MISSING, np.int32)
        return np.array([self._stores.get(name, MISSING) for name in stores.names], np.int32)[stores.code_H]

    def _barred(self, requests: Sequence[Request]) -> Barred:
        ids = [sorted(request.barred(self.new_only)) for request in requests]
        if not any(ids):
            return Barred.none(len(ids))
        item_X = numbers(self._items, [item for items in ids for item in items])
        return Barred(item_X, np.cumsum([len(items) for items in ids]))


def _floats(value_H: np.ndarray | None, default: float, request: Request) -> np.ndarray:
    """[H] float32 a value of each event, the default where the request has none."""
    return np.full(len(request.history_item), default, np.float32) if value_H is None else value_H


def _encoded(texts: Sequence[str]) -> np.ndarray:
    """[n] bytes objects, as rules compare them."""
    return np.array([text.encode() for text in texts], np.object_)
