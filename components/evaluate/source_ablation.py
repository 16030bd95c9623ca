"""What each candidate source is worth: the candidate's own ranking again, without what that source brought.

Shape legend: N judged trips, R ranked candidates of the longest list, K places counted.
"""

from collections.abc import Sequence

import numpy as np

from components.artifacts.evaluation import SourceLoss
from components.evaluate.metrics_report import Judged, paired
from model.api import SOURCES, Ranked
from model.evaluation import ranking_metrics as metrics
from tfx_configs.evaluation import GATE_METRICS, EvaluationSettings

PLACES = 10


def without_each(
    ranked: Sequence[Ranked], item_ids: np.ndarray, judged: Judged, plan: EvaluationSettings
) -> list[SourceLoss]:
    """One a source that brought anything, in order of SOURCES.

    An item of several sources counts for the first, as in the answers' reasons. Scores stay as they are: the places of
    what is taken away go to the next ones. Nothing is learned again, so this is what a source brings to this model.

    Args:
        ranked: N lists of everything that was ranked, before rules and re-ranking; none where the model reports none.
        item_ids: [I] of all items, in the order of their indices.
    """
    if not ranked:
        return []
    index = {item: i for i, item in enumerate(item_ids.tolist())}
    longest = max(len(answer.item_ids) for answer in ranked)
    item_NR = np.full((len(ranked), longest), metrics.NO_ITEM, np.int64)
    source_NR = np.full((len(ranked), longest), "", dtype=object)
    for row, answer in enumerate(ranked):
        item_NR[row, : len(answer.item_ids)] = [index.get(item, metrics.NO_ITEM) for item in answer.item_ids]
        source_NR[row, : len(answer.reasons)] = answer.reasons
    hits = judged.hits(item_NR[:, :PLACES])
    whole, first_NK = metrics.by_trip(hits), source_NR[:, :PLACES]
    metrics_of_rest = (*GATE_METRICS, metrics.EXPLORE_RECALL)
    losses = []
    for source in SOURCES:
        if not (source_NR == source).any():
            continue
        rest = metrics.by_trip(judged.hits(_first(item_NR, source_NR != source)))
        losses.append(
            SourceLoss(
                source=source,
                listed_percent=_percent((first_NK == source).sum(), (first_NK != "").sum()),
                hit_percent=_percent((hits.hit_TK & (first_NK == source)).sum(), hits.hit_TK.sum()),
                without=paired({"rest": rest, "whole": whole}, "rest", plan, metrics_of_rest)["whole"],
            )
        )
    return losses


def _first(item_NR: np.ndarray, kept_NR: np.ndarray) -> np.ndarray:
    """[N, K]: the first places among those kept, in order, padded with NO_ITEM."""
    order_NR = np.argsort(~kept_NR, axis=1, kind="stable")[:, :PLACES]
    items_NK = np.take_along_axis(item_NR, order_NR, axis=1)
    return np.where(np.take_along_axis(kept_NR, order_NR, axis=1), items_NK, metrics.NO_ITEM)


def _percent(part: float, whole: float) -> float:
    return 100.0 * float(part) / float(whole) if whole else 0.0
