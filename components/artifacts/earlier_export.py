"""Canonical tables as a shop's export: what a run would have been given at an earlier moment."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from components.artifacts.tables import Tables
from model.data import columns as c
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, USERS
from model.files import atomic_directory


def export(tables: Tables, path: Path, before: datetime | None = None) -> None:
    """Writes the tables to `path` in one step, events before a moment only; what is there already stays."""
    if path.exists():
        return
    with atomic_directory(path) as out:
        events = ds.dataset(tables.events, format="parquet")
        wanted = None
        if before is not None:
            wanted = ds.field(c.TIME) < pa.scalar(before, type=events.schema.field(c.TIME).type)
        rows = events.to_table(columns=list(EVENTS.names), filter=wanted)
        pq.write_table(rows, out / f"{EVENTS.name}.parquet")
        for table in (ITEMS, USERS, PROMOTIONS):
            if (file := tables.path(table)) is not None:
                pq.write_table(pq.read_table(file), out / f"{table.name}.parquet")
