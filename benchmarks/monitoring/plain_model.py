"""A ranker without training that the server can serve: personal frequency, as the ladder's rung of that name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model import api
from model.data.frequency import HALF_LIFE_DAYS
from model.serving.fallback.ladder import unranked


@dataclass(kw_only=True)
class PlainModel:
    """What the shopper bought most, lately; popular items fill up the list."""

    version: str
    popular: tuple[str, ...]
    score_is_probability: bool = False
    half_life_days: float = HALF_LIFE_DAYS

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        return [unranked(self, request, self.popular, personal=True)[0] for request in requests]

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        k = request.k
        items, reasons = ([value.decode() for value in values[:k]] for values in (item_C, reason_C))
        return api.Answer(item_ids=items, scores=[float(score) for score in score_C[:k]], reasons=reasons)
