"""What a product is called, and how it is found by its words.

Shape legend: I items, A columns of the items table.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from model.data import columns as c

TITLES = ("title", "name", "product_name", "description", "product_type")
"""Columns that a product is called by, the first that there is; else the one with the most different values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """`title`: what it is called. `detail`: what else is known, for telling it from others of the same title."""

    item_id: str
    title: str
    detail: str


class Products:
    """The items table of an examples artifact, in the order of the catalog."""

    def __init__(self, file: Path, item_ids: np.ndarray, popularity_I: np.ndarray) -> None:
        table = pq.read_table(file).to_pandas().astype(object).set_index(c.ITEM).reindex(item_ids)
        table = table.where(table.notna(), "")
        self.item_ids = item_ids
        self.position = {str(item): i for i, item in enumerate(item_ids)}
        self._popularity_I = popularity_I
        titles = _title(table.columns.tolist(), [table[name].nunique() for name in table.columns])
        self._title_I = table[titles].to_numpy(str) if titles else np.asarray(item_ids, str)
        self._columns = {name: table[name].to_numpy(str) for name in table.columns}
        self._details = [self._columns[name] for name in table.columns if name != titles and not name.endswith("_id")]
        self._text_I = np.array(
            [" ".join(row).lower() for row in zip(np.asarray(item_ids, str), *self._columns.values(), strict=True)]
        )

    def __getitem__(self, item_id: str) -> Product:
        """The product, also when the catalog does not know it."""
        at = self.position.get(item_id)
        if at is None:
            return Product(item_id=item_id, title=f"unknown product {item_id}", detail="")
        words = [str(values_I[at]) for values_I in self._details]
        title = str(self._title_I[at]) or item_id
        return Product(item_id=item_id, title=_calm(title), detail=" · ".join(_calm(word) for word in words if word))

    def __contains__(self, item_id: str) -> bool:
        return item_id in self.position

    def attribute(self, name: str, item_id: str) -> str:
        """One attribute of a product as the table has it; empty where there is none."""
        at = self.position.get(item_id)
        if at is None:
            return ""
        return _calm(str(self._columns[name][at])) if name in self._columns else ""

    def search(self, words: str, limit: int = 20) -> list[Product]:
        """Products that hold every word, the most popular first; no words: nothing."""
        wanted = words.lower().split()
        if not wanted:
            return []
        matches_I = np.ones(len(self._text_I), bool)
        for word in wanted:
            matches_I &= np.char.find(self._text_I, word) >= 0
        at = np.flatnonzero(matches_I)
        best = at[np.argsort(-self._popularity_I[at], kind="stable")][:limit]
        return [self[str(self.item_ids[i])] for i in best]


def _title(names: list[str], different: list[int]) -> str:
    named = next((name for name in TITLES if name in names), "")
    return named or (names[int(np.argmax(different))] if names else "")


def _calm(text: str) -> str:
    """A table that shouts is read more easily in sentence case."""
    return text.capitalize() if text.isupper() else text
