"""A model opened to be explained: it answers as it serves, and facts of its catalog can be taken away for a moment.

Shape legend: C items, N moments of the promotion calendar.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.api import Answer, Request
from model.data.catalog import MISSING
from model.features.promotion_calendar import HOURS
from model.package.loaded_model import LoadedModel
from model.package.manifest import verify
from model.rerank.item_attributes import ItemValues
from model.rerank.policy import ITEMS, RerankPolicy, packaged_rerank
from tfx_configs.settings import MOST_CANDIDATES
from tfx_configs.units import HOUR_S


class OpenedModel(LoadedModel):
    """The very recommender that serves. Not for several threads at once: its catalog can be changed for a moment."""

    def __init__(self, directory: Path) -> None:
        """Verifies and loads. Raises ModelRefused when anything in the directory is off."""
        manifest = verify(directory)
        super().__init__(directory, manifest, RerankPolicy(packaged_rerank(directory), ItemValues(directory / ITEMS)))
        self._facts = self.engine.recommender.snapshot

    @property
    def kind(self) -> str:
        return self.manifest.kind

    def everything(self, requests: Sequence[Request]) -> list[Answer]:
        """All candidates of each request, best first."""
        return self.recommend([replace(request, k=MOST_CANDIDATES, detail=False) for request in requests])

    def without_purchases(self, item_C: np.ndarray) -> AbstractContextManager[None]:
        """Within the block the model believes that no shopper bought these items lately.

        Args:
            item_C: [C] int positions in the catalog.
        """
        facts = self._facts
        return _zero((facts.recent_WI[-1], facts.decayed_WI[-1]) if facts else (), item_C)

    def nothing_promoted(self, item_C: np.ndarray, store: int, time_s: int) -> AbstractContextManager[None]:
        """Within the block no promotion of these items runs in this store, nor in all stores, at this time.

        Args:
            item_C: [C] int positions in the catalog.
            store: its position in Catalog.store_ids; MISSING where it is not known.
        """
        if self._facts is None:
            return nullcontext()
        place_C = np.concatenate([place * self.manifest.items + item_C.astype(np.int64) for place in {store, MISSING}])
        at_C = np.searchsorted(self._facts.change_N, place_C * HOURS + time_s // HOUR_S, side="right") - 1
        return _zero((self._facts.running_N,), np.unique(at_C))


@contextmanager
def _zero(arrays: tuple[np.ndarray, ...], at_C: np.ndarray) -> Iterator[None]:
    """Zeros in these places of every array until the block ends."""
    before = [array[at_C] for array in arrays]
    try:
        for array in arrays:
            array[at_C] = 0
        yield
    finally:
        for array, values in zip(arrays, before, strict=True):
            array[at_C] = values
