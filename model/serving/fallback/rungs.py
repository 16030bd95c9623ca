"""The two rungs of the fallback ladder that need no ranking: what this shopper buys most, what all shoppers buy."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from model import api
from model.api import SOURCES, Rung
from model.data.frequency import top_frequency
from tfx_configs.units import DAY_S

FILL = 1e-6
"""Score below which the popular items follow the shopper's own."""

_OWN, _POPULAR = SOURCES[0], SOURCES[-1]


class ServedModel(api.Model, Protocol):
    """What serving needs from a loaded model (model.package.loaded_model.LoadedModel)."""

    half_life_days: float
    """Of personal frequency, in days."""

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

    Personal frequency: each purchase halves every `half_life_days` of the model, and popular items follow. A shopper
    without a history gets the popular items either way, as does a request for new items alone; the rung shows which.

    Args:
        popular: best first.
    """
    own = _own_counts(request, model.half_life_days) if personal and not request.new_only else []
    rung = Rung.PERSONAL if own else Rung.POPULAR
    excluded = request.barred()
    ranked = [(FILL + count / (1 + count), item, _OWN) for item, count in own if item not in excluded]
    excluded.update(item for item, _ in own)
    ranked += [(FILL / (1 + place), item, _POPULAR) for place, item in enumerate(popular) if item not in excluded]
    score_C, item_C, reason_C = zip(*ranked, strict=True) if ranked else ((), (), ())
    answer = model.shown(
        request,
        np.array([item.encode() for item in item_C], dtype=np.object_),
        np.array(score_C, dtype=np.float32),
        np.array([reason.encode() for reason in reason_C], dtype=np.object_),
    )
    return answer, rung


def _own_counts(request: api.Request, half_life_days: float) -> list[tuple[str, float]]:
    """(item, decayed count) of the shopper's history, best first, equal counts by item id."""
    names = sorted(set(request.history_item))
    code = {name: n for n, name in enumerate(names)}
    item_H = np.array([code[name] for name in request.history_item], np.int64)
    age_H = (request.time_s - np.asarray(request.history_time, np.float64)) / DAY_S
    _, item_P, count_P = top_frequency(np.zeros_like(item_H), item_H, age_H, half_life_days)
    return [(names[item], count) for item, count in zip(item_P.tolist(), count_P.tolist(), strict=True)]
