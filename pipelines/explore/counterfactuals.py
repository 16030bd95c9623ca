"""Takes the causes of listed items away, one at a time, and ranks again with the model itself.

Nothing is approximated and nothing adds up: an effect is what happens to an item when one fact is not so and all else
is as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.api import Answer, Request
from model.data.catalog import MISSING, Catalog
from model.package.explainable_model import OpenedModel
from pipelines.explore.features import FeatureReader
from pipelines.explore.products import Products
from pipelines.explore.reasons import POPULAR, PROMOTION, Cause, Seen, causes_of
from tfx_configs.units import HOUR_S

COUNTS = 0.05
"""A cause counts when without it the score is smaller by this share."""
MANY_ALIKE = 0.10
"""An attribute value that more of the catalog has than this says nothing about a product."""
ALIKE = 2
"""Attributes told of a product."""


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
        found = [(seen, cause) for seen in self.seen(request, item_ids) for cause in self._causes if cause.says(seen)]
        answers = self._answers(model, request, found)
        measured: dict[str, list[Measured]] = {item: [] for item in item_ids}
        for seen, cause in found:
            answer = answers[cause.name, seen.item_id]
            measured[seen.item_id].append(_effect(seen, cause, base, answer))
        return {item: sorted(effects, key=lambda effect: -effect.share) for item, effects in measured.items()}

    def seen(self, request: Request, item_ids: Sequence[str]) -> list[Seen]:
        """Each item as the features see it."""
        last = self._last_trip_s(request)
        known = int(self._catalog.user_rows(np.array([request.user_id]))[0]) != MISSING
        names = ", ".join(name.replace("_", " ") for name in self._catalog.user_attribute_names)
        bought = {self._products.position[i] for i in set(request.history_item) if i in self._products}
        return [
            Seen(
                item_id=item,
                values=values,
                alike=self._alike(item, bought),
                store_id=request.store_id,
                last_trip_s=last,
                household=f"the household's {names} are known" if known else "",
            )
            for item, values in zip(item_ids, self._reader(request, item_ids), strict=True)
        ]

    def _answers(
        self, model: OpenedModel, request: Request, found: list[tuple[Seen, Cause]]
    ) -> dict[tuple[str, str], Answer]:
        """The whole list without each cause, by (cause, item).

        What stands in the catalog is taken away from all items at once: a score knows no other item's promotion.
        """
        asked = {(cause.name, seen.item_id): cause.without(request, seen) for seen, cause in found if cause.without}
        answers = dict(zip(asked, model.everything(list(asked.values())), strict=True))
        for cause in (POPULAR, PROMOTION):
            items = [seen.item_id for seen, told in found if told is cause]
            if items:
                item_C = np.array([self._products.position[item] for item in items])
                store = self._reader.store(request.store_id)
                popular = cause is POPULAR
                with (
                    model.without_purchases(item_C)
                    if popular
                    else model.nothing_promoted(item_C, store, request.time_s)
                ):
                    answers |= dict.fromkeys([(cause.name, item) for item in items], model.everything([request])[0])
        return answers

    def _alike(self, item: str, bought: set[int]) -> dict[str, tuple[str, frozenset[str]]]:
        """The first attributes whose value is rare enough to say something, and what else of it was bought."""
        codes_IA, at, found = self._catalog.attribute_IA, self._products.position.get(item), {}
        others = np.array(sorted(bought - {at}), np.int64)
        if at is None or not len(others):
            return {}
        for a, name in enumerate(self._catalog.attribute_names):
            code = codes_IA[at, a]
            same = others[codes_IA[others, a] == code]
            if code == MISSING or self._frequency[a][code] > MANY_ALIKE or not len(same):
                continue
            ids = frozenset(str(self._products.item_ids[i]) for i in same)
            found[name] = (self._products.attribute(name, item), ids)
            if len(found) == ALIKE:
                break
        return found

    def _last_trip_s(self, request: Request) -> int:
        """When the last trip before this one began: the first event after the last long gap, the basket left out."""
        times = np.asarray(request.history_time, np.int64)[: len(request.history_time) - len(request.exclude)]
        if not len(times):
            return 0
        gaps = np.flatnonzero(np.diff(times) > self._gap_s)
        return int(times[gaps[-1] + 1] if len(gaps) else times[0])


def _effect(seen: Seen, cause: Cause, base: Answer, without: Answer) -> Measured:
    at = base.item_ids.index(seen.item_id)
    score = base.scores[at]
    rank: int | None = None
    new = 0.0
    if seen.item_id in without.item_ids:
        there = without.item_ids.index(seen.item_id)
        new = without.scores[there]
        others = np.delete(np.array(base.scores), at)
        rank = int((others > new).sum()) + 1 if cause.without is None else there + 1
    return Measured(
        cause=cause.name,
        words=cause.says(seen),
        neutral=cause.neutral,
        score=score,
        score_without=new,
        rank=at + 1,
        rank_without=rank,
    )
