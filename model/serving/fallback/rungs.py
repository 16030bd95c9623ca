"""The fallback ladder's rungs, and the two that need no ranking: what this shopper buys most, what everybody buys."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from model import api
from model.api import SOURCES, Rung
from tfx_configs.units import DAY_S

HALF_LIFE_DAYS = 120.0
FILL = 1e-6
"""Score below which the popular items follow the shopper's own."""

_OWN, _POPULAR = SOURCES[0], SOURCES[-1]


class ServedModel(api.Model, Protocol):
    """What serving needs from a loaded model (model.package.loaded_model.LoadedModel)."""

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        """As api.Model; `fewer`: from the shopper's recent items and the popular ones only, quicker."""
        ...

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        """The answer from ranked candidates (bytes, float, bytes, best first): rules and re-ranking applied."""
        ...


def unranked(
    model: ServedModel, request: api.Request, popular: Sequence[str], personal: bool
) -> tuple[api.Answer, Rung]:
    """The answer without the graph, in well under a millisecond, under the same rules.

    Personal frequency: each purchase halves every HALF_LIFE_DAYS, and popular items follow. A shopper without a history
    gets the popular items either way, as does a request for what is new alone, and the rung says so.

    Args:
        popular: best first.
    """
    scores: dict[str, float] = {}
    if personal and not request.new_only:
        age_H = (request.time_s - np.asarray(request.history_time, np.float64)) / DAY_S
        for item, weight in zip(request.history_item, np.exp2(-age_H / HALF_LIFE_DAYS).tolist(), strict=True):
            scores[item] = scores.get(item, 0.0) + weight
    rung = Rung.PERSONAL if scores else Rung.POPULAR
    excluded = request.barred()
    found = [
        (FILL + total / (1 + total), item, _OWN)
        for item, total in sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
        if item not in excluded
    ]
    excluded.update(scores)
    found += [(FILL / (1 + place), item, _POPULAR) for place, item in enumerate(popular) if item not in excluded]
    score_C, item_C, reason_C = zip(*found, strict=True) if found else ((), (), ())
    answer = model.shown(
        request,
        np.array([item.encode() for item in item_C], dtype=np.object_),
        np.array(score_C, dtype=np.float32),
        np.array([reason.encode() for reason in reason_C], dtype=np.object_),
    )
    return answer, rung
