"""Takes the causes of listed items away, one at a time, and ranks again with the model itself.

Nothing is approximated and nothing adds up: an effect is what happens to an item when one fact is not so and all else
is as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from model.api import Answer, Request
from model.data.catalog import MISSING, Catalog
from model.package.explainable_model import OpenedModel
from pipelines.explore.features import FeatureReader
from pipelines.explore.products import Products
from pipelines.explore.reasons import Candidate, Cause, causes_of
from tfx_configs.units import HOUR_S

COUNTS = 0.05
"""A cause counts when without it the score is smaller by this share."""
MANY_ALIKE = 0.10
"""An attribute value that more of the catalog has than this is no reason for a product."""
ALIKE = 2
"""Attributes that are reasons for one product, at most."""
IN_CATALOG = ("popular", "promotion")
"""Causes that are taken away in the catalog, not in the request."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What happens to an item when one cause is taken away. Ranks count from 1; None: no candidate any more."""

    cause: str
    words: str
    neutral: str
    score: float
    score_without: float
    rank: int
    rank_without: int | None

    @property
    def share(self) -> float:
        """Of the score that is gone without the cause; below 0 where the score is larger without it."""
        return (self.score - self.score_without) / self.score if self.score else 0.0

    @property
    def counts(self) -> bool:
        return self.share >= COUNTS

    @property
    def against(self) -> bool:
        return self.share <= -COUNTS


class Examiner:
    """Finds the causes of items and measures them."""

    def __init__(self, catalog: Catalog, reader: FeatureReader, products: Products, trip_gap_hours: float) -> None:
        self._catalog, self._reader, self._products = catalog, reader, products
        self._gap_s = trip_gap_hours * HOUR_S
        sizes = catalog.attribute_sizes
        self._frequency = [
            np.bincount(catalog.attribute_IA[:, a], minlength=sizes[a]) / max(catalog.items, 1)
            for a in range(len(catalog.attribute_names))
        ]
        self._causes = causes_of(catalog.attribute_names)

    def __call__(self, model: OpenedModel, request: Request, item_ids: Sequence[str]) -> dict[str, list[Measured]]:
        """{item: its causes, those first that the score would miss most}; ids of the request's own candidates."""
        base = model.everything([request])[0]
        facts = [
            (candidate, cause, words)
            for candidate in self._candidates(request, item_ids)
            for cause in self._causes
            if (words := cause.words(candidate))
        ]
        answers = self._answers(model, request, [(candidate, cause) for candidate, cause, _ in facts])
        measured: dict[str, list[Measured]] = {item: [] for item in item_ids}
        for candidate, cause, words in facts:
            answer = answers[cause.name, candidate.item_id]
            measured[candidate.item_id].append(_effect(candidate.item_id, cause, words, base, answer))
        return {item: sorted(effects, key=lambda effect: -effect.share) for item, effects in measured.items()}

    def _candidates(self, request: Request, item_ids: Sequence[str]) -> list[Candidate]:
        """Each item as the features see it; those that the catalog lacks are left out."""
        names = ", ".join(name.replace("_", " ") for name in self._catalog.user_attribute_names)
        bought = {self._products.position[i] for i in set(request.history_item) if i in self._products}
        return [
            Candidate(
                item_id=item,
                values=values,
                alike=self._alike(item, bought),
                store_id=request.store_id,
                last_trip_s=self._last_trip_s(request),
                household=f"the household's {names} are known" if request.attributes else "",
            )
            for item, values in zip(item_ids, self._reader(request, item_ids), strict=True)
            if values
        ]

    def _answers(
        self, model: OpenedModel, request: Request, facts: Sequence[tuple[Candidate, Cause]]
    ) -> dict[tuple[str, str], Answer]:
        """The whole list without each cause, by (cause, item).

        What is in the catalog is taken away from all items at once: a score knows no other item's promotion.
        """
        requests = {(cause.name, item.item_id): cause.without(request, item) for item, cause in facts}
        changed = {key: without for key, without in requests.items() if without}
        answers = dict(zip(changed, model.everything(list(changed.values())), strict=True))
        for kind in IN_CATALOG:
            keys = [key for key in requests if key[0] == kind]
            if not keys:
                continue
            item_C = np.array([self._products.position[item] for _, item in keys])
            store = self._reader.store(request.store_id)
            popular = kind == "popular"
            with model.without_purchases(item_C) if popular else model.nothing_promoted(item_C, store, request.time_s):
                answers |= dict.fromkeys(keys, model.everything([request])[0])
        return answers

    def _alike(self, item: str, bought: set[int]) -> dict[str, tuple[str, frozenset[str]]]:
        """The first attributes whose value is rare enough to be a reason, and what else of it was bought."""
        codes_IA, at = self._catalog.attribute_IA, self._products.position[item]
        others, alike = np.array(sorted(bought - {at}), np.int64), {}
        for a, name in enumerate(self._catalog.attribute_names):
            code = codes_IA[at, a]
            same = others[codes_IA[others, a] == code]
            if code != MISSING and self._frequency[a][code] <= MANY_ALIKE and len(same):
                ids = frozenset(str(self._products.item_ids[i]) for i in same)
                alike[name] = (self._products.attribute(name, item), ids)
        return dict(islice(alike.items(), ALIKE))

    def _last_trip_s(self, request: Request) -> int:
        """When the last trip before this one began: the first event after the last long gap, the basket left out."""
        times = np.asarray(request.history_time, np.int64)[: len(request.history_time) - len(request.exclude)]
        if not len(times):
            return 0
        gaps = np.flatnonzero(np.diff(times) > self._gap_s)
        return int(times[gaps[-1] + 1] if len(gaps) else times[0])


def _effect(item_id: str, cause: Cause, words: str, base: Answer, without: Answer) -> Measured:
    at = base.item_ids.index(item_id)
    score, rank, rest = 0.0, None, np.delete(np.array(base.scores), at)
    if item_id in without.item_ids:
        place = without.item_ids.index(item_id)
        score = without.scores[place]
        rank = int((rest > score).sum()) + 1 if cause.kind in IN_CATALOG else place + 1
    return Measured(
        cause=cause.name,
        words=words,
        neutral=cause.neutral,
        score=base.scores[at],
        score_without=score,
        rank=at + 1,
        rank_without=rank,
    )
