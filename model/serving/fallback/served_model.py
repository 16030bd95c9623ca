"""What serving needs from a loaded model."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from model import api
from model.serving.contract import Terms


class ServedModel(api.Model, Protocol):
    """What serving needs from a loaded model (model.package.loaded_model.LoadedModel)."""

    half_life_days: float
    """Of personal frequency, in days."""
    new_only: bool
    """Whether the history is left out where a request leaves it open."""

    def recommend(self, requests: Sequence[api.Request], fewer: bool = False) -> list[api.Answer]:
        """As api.Model; `fewer`: from the shopper's recent items and the popular ones only, quicker."""
        ...

    def check(self, request: api.Request) -> None:
        """Raises InputError where it asks for what the catalog does not have."""
        ...

    def terms(self, request: api.Request) -> Terms:
        """What may be listed for this request under the current rules."""
        ...

    def shown(self, request: api.Request, item_C: np.ndarray, score_C: np.ndarray, reason_C: np.ndarray) -> api.Answer:
        """The answer from ranked candidates (bytes, float, bytes, best first): rules and re-ranking applied."""
        ...
