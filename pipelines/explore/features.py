"""The features of single candidates, by the kernels that rank.

Shape legend: H history events, C candidates.
"""

from collections.abc import Sequence

import numpy as np

from model.api import Request
from model.data.batch import Batch
from model.data.catalog import MISSING, Catalog
from model.features.matrix import Features
from model.features.records import Feature
from tfx_configs.settings import FeatureSettings

UNKNOWN = -1


class FeatureReader:
    """Feature values for (request, item) pairs on one catalog, as served."""

    def __init__(self, catalog: Catalog, settings: FeatureSettings) -> None:
        self.catalog = catalog
        self._features = Features(catalog, settings)
        self._item = {str(item): i for i, item in enumerate(catalog.item_ids)}
        self._store = {str(store): i for i, store in enumerate(catalog.store_ids)}

    @property
    def records(self) -> tuple[Feature, ...]:
        return self._features.records

    def __call__(self, request: Request, item_ids: Sequence[str]) -> list[dict[str, float]]:
        """{feature: value} of each item, before the log that some enter the ranker with; empty of an unknown item."""
        listed = [item for item in item_ids if item in self._item]
        item_C = np.array([self._item[item] for item in listed], np.int32)
        value_CF = self._features(self._batch(request), item_C, np.array([len(listed)]))
        rows = {
            item: dict(zip(self._features.names, values, strict=True))
            for item, values in zip(listed, value_CF.tolist(), strict=True)
        }
        return [rows.get(item, {}) for item in item_ids]

    def store(self, store_id: str) -> int:
        """Its position in the catalog; MISSING where it is not known."""
        return self._store.get(store_id, MISSING)

    def _batch(self, request: Request) -> Batch:
        index_H = np.array([self._item.get(item, UNKNOWN) for item in request.history_item], np.int32)
        known_H = index_H != UNKNOWN
        stores = request.history_store
        store_H = None if stores is None else np.array([self.store(store) for store in stores.texts()], np.int32)
        return Batch(
            history_item_H=index_H[known_H],
            history_time_H=np.asarray(request.history_time, np.int64)[known_H],
            history_row_H=np.zeros(int(known_H.sum()), np.int32),
            time_B=np.array([request.time_s], np.int64),
            store_B=np.array([self.store(request.store_id)], np.int32),
            user_BD=self.catalog.user_codes(request.attributes)[None],
            history_store_H=_only(store_H, known_H),
            history_quantity_H=_only(request.history_quantity, known_H),
            history_price_H=_only(request.history_price, known_H),
        )


def _only(value_H: np.ndarray | None, known_H: np.ndarray) -> np.ndarray | None:
    return None if value_H is None else value_H[known_H]
