"""A model directory opened for looking at: it answers as it serves, and its popularity counts can be set to nothing.

Shape legend: I items, X cells of the popularity table.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from model.api import Answer, Request
from model.backend import tf
from model.item_values import ItemValues
from model.manifest import Manifest, verify
from model.package import ALL, LoadedModel
from model.rerank_policy import ITEMS, RerankPolicy, packaged_rerank


class OpenedModel(LoadedModel):
    """The very graph that serves. Not for several threads at once: `nobody_bought` changes it for a moment."""

    def __init__(self, directory: Path, manifest: Manifest, policy: RerankPolicy) -> None:
        super().__init__(directory, manifest, policy)
        features = self._saved._recommender.features
        self._popularity: tuple[Any, ...] = (features.recent_X, features.decayed_X)

    @property
    def kind(self) -> str:
        return self.manifest.kind

    def everything(self, requests: Sequence[Request]) -> list[Answer]:
        """All candidates of each request, best first."""
        asked = [
            Request(
                user_id=request.user_id,
                time_s=request.time_s,
                history_item=request.history_item,
                history_time=request.history_time,
                store_id=request.store_id,
                k=ALL,
                exclude=request.exclude,
            )
            for request in requests
        ]
        return self.recommend(asked)

    @contextmanager
    def nobody_bought(self, item_I: np.ndarray) -> Iterator[None]:
        """Within the block the model believes that nobody bought these items (int positions) lately."""
        cells_X = tf.constant(item_I[:, None], tf.int64)
        before = [tf.gather_nd(variable, cells_X) for variable in self._popularity]
        try:
            for variable, values_X in zip(self._popularity, before, strict=True):
                variable.scatter_nd_update(cells_X, tf.zeros_like(values_X))
            yield
        finally:
            for variable, values_X in zip(self._popularity, before, strict=True):
                variable.scatter_nd_update(cells_X, values_X)


def open_model(directory: Path) -> OpenedModel:
    """Verifies and loads. Raises ModelRefused when anything in the directory is off."""
    manifest = verify(directory)
    return OpenedModel(
        directory, manifest, RerankPolicy(packaged_rerank(directory), ItemValues(directory / ITEMS), None)
    )
