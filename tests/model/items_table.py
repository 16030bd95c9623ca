"""A small items table on disk, for rules and diversity."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.rerank.item_attributes import ItemValues


def write_items(path: Path, ids: Sequence[str], **columns: Sequence[str | None]) -> Path:
    """Writes items.parquet with the given attributes into the directory; returns its path."""
    path.mkdir(parents=True, exist_ok=True)
    fields: Mapping[str, pa.Array] = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    pq.write_table(pa.table({"item_id": pa.array(ids, pa.string()), **fields}), path / "items.parquet")
    return path / "items.parquet"


def item_values(path: Path, ids: Sequence[str], **columns: Sequence[str | None]) -> ItemValues:
    """The same, ready to be asked."""
    return ItemValues(write_items(path, ids, **columns))
