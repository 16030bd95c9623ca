"""Purchases out of the canonical events, as outcomes and as counts."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from components.artifacts.tables import Tables
from model.data import columns as c
from model.data.labels import is_positive
from model.data.schema import EVENTS, PROMOTIONS
from model.errors import InputError
from model.system import object_store
from tfx_configs.labels import LabelSettings

COLUMNS = (c.USER, c.ITEM, c.TIME, c.EVENT_TYPE, c.QUANTITY, c.PRICE, c.STORE)
"""And request_id, which older tables lack."""


def read(tables: Path | str, since_s: float, until_s: float, labels: LabelSettings) -> pd.DataFrame:
    """Read positive events with since_s <= event_time < until_s in time order; event_time as float unix seconds.

    Args:
        tables: directory of canonical tables as ingest writes them, with events/ or events.parquet in it, or
            s3://bucket/path of such a directory.

    Raises:
        InputError: there are no events, or they are not in ingest's form.
    """
    source = _events(tables)
    missing = [name for name in COLUMNS if name not in source.schema.names]
    kind = None if missing else source.schema.field(c.TIME).type
    if missing or not pa.types.is_timestamp(kind):
        actual = f"no {missing[0]}" if missing else f"{c.TIME} of type {kind}"
        raise InputError(f"{tables}: expected events as ingest writes them, found {actual}; name the tables of a run")
    span = [pa.scalar(pd.Timestamp(moment, unit="s"), type=kind) for moment in (since_s, until_s)]
    wanted = (ds.field(c.TIME) >= span[0]) & (ds.field(c.TIME) < span[1])
    wanted &= is_positive(ds.field, labels)
    names = [name for name in (*COLUMNS, c.REQUEST) if name in source.schema.names]
    rows = source.to_table(columns=names, filter=wanted).to_pandas()
    rows[c.TIME] = rows[c.TIME].astype("datetime64[us]").astype("int64") / 1e6
    for name in (c.USER, c.ITEM, c.STORE, c.EVENT_TYPE):
        rows[name] = rows[name].astype(str)
    return rows.sort_values(c.TIME, kind="stable").reset_index(drop=True)


def _events(tables: Path | str) -> ds.Dataset:
    """The events table; raises InputError when there is none."""
    if object_store.is_url(tables):
        store, files = object_store.files(str(tables))
        parts = [file for file in files if file.endswith(".parquet") and f"/{EVENTS}" in file]
        if parts:
            return ds.dataset(parts, format="parquet", filesystem=store)
    elif (path := Tables(Path(tables)).path(EVENTS)) is not None:
        return ds.dataset(path, format="parquet", partitioning="hive" if path.is_dir() else None)
    raise InputError(f"tables: expected events in {tables}, found none; run ingest")


def promotion_starts(tables: Path) -> pd.Series:
    """Return the distinct moments at which promotions start, float unix seconds, ascending; empty without any."""
    path = Tables(tables).path(PROMOTIONS)
    if path is None:
        return pd.Series([], dtype=float)
    start = ds.dataset(path).to_table(columns=[c.START])[c.START].unique().to_pandas()
    return (start.astype("datetime64[us]").astype("int64") / 1e6).sort_values(ignore_index=True)
