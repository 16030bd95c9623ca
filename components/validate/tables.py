"""Reads the canonical tables as they lie on disk, without trusting them."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from components.validate.findings import Finding
from model.data import columns as c
from model.data import schema
from tfx_configs.units import DAY_S, HOUR_S

PARTITION = "month"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR, WEEKDAY, LOG_PRICE, LOG_QUANTITY = "hour", "weekday", "log_price", "log_quantity"
_CONVERSION_ERRORS = (pa.ArrowException, OSError, ValueError)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loaded:
    """One table in memory."""

    table: schema.Table
    frame: pd.DataFrame
    """The rows taken; times are float64 seconds since 1970, the events' partition column is left out."""
    types: dict[str, str]
    """Arrow type of each column."""
    rows: int
    """Rows in the files; more than len(frame) when every `stride`-th was taken."""
    stride: int
    partitions: pd.Series | None = None
    """[rows] the month=YYYY-MM directory each event lies in; None where the table is one file."""


def load(tables_dir: Path, table: schema.Table, max_rows: int) -> Loaded | Finding | None:
    """The table, or why it cannot be read, or None for an optional table that is not there.

    A table of more than `max_rows` rows is thinned to every k-th row, the same rows every time.
    """
    path = next((p for p in (tables_dir / table.name, tables_dir / f"{table.name}.parquet") if p.exists()), None)
    if path is None:
        return _unreadable(table, "a table", "none", "run ingest again") if table.required else None
    try:
        source = ds.dataset(path, format="parquet", partitioning="hive" if path.is_dir() else None)
        rows = source.count_rows()
        stride = max(1, -(-rows // max_rows))
        arrow = source.to_table() if stride == 1 else _every(source, stride)
        types = {field.name: str(field.type) for field in arrow.schema if field.name != PARTITION or path.is_file()}
        frame = pd.DataFrame({name: _to_pandas(arrow[name]) for name in types})
        partitions = (
            arrow[PARTITION].to_pandas().astype(str) if path.is_dir() and PARTITION in arrow.schema.names else None
        )
    except _CONVERSION_ERRORS as error:
        reason = str(error).splitlines()[0][:160]
        return _unreadable(
            table, "readable Parquet files", reason, "write the file again; it is damaged or not Parquet"
        )
    if rows == 0:
        return (
            _unreadable(table, "at least one row", "0 rows", "check the source of this table")
            if table.required
            else None
        )
    return Loaded(table=table, frame=frame, types=types, rows=rows, stride=stride, partitions=partitions)


def _unreadable(table: schema.Table, expected: str, received: str, what_to_do: str) -> Finding:
    return Finding(
        table=table.name,
        column="(file)",
        check="readable",
        severity="stop",
        expected=expected,
        received=received,
        what_to_do=what_to_do,
    )


def _every(source: ds.Dataset, stride: int) -> pa.Table:
    """Rows 0, stride, 2 * stride, ... in file order, read in batches so that the whole never is in memory."""
    taken, seen = [], 0
    for batch in source.to_batches():
        first = -seen % stride
        taken.append(batch.take(pa.array(np.arange(first, batch.num_rows, stride))))
        seen += batch.num_rows
    return pa.Table.from_batches(taken, source.schema)


def _to_pandas(column: pa.ChunkedArray) -> pd.Series:
    """Numbers and times as such, everything else as strings."""
    kind = column.type
    if pa.types.is_dictionary(kind) or not (
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_null(kind)
    ):
        column = column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us"))
        return pd.Series(column.cast(pa.int64()).to_pandas() / 1e6, dtype="float64")
    return column.to_pandas()


def with_derived(table: schema.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame TFDV sees: of events also hour, weekday, log(1 + price) and log(1 + quantity).

    Returned quantities count without their sign: sources write them either way.
    """
    out = frame.reset_index(drop=True)
    if table is not schema.EVENTS:
        return out
    if _is_number(out, c.TIME):
        day_s = out[c.TIME]
        out[HOUR] = day_s % DAY_S // HOUR_S
        weekday = (day_s // DAY_S + 3) % 7  # 1970-01-01 was a Thursday
        out[WEEKDAY] = weekday.map(dict(enumerate(WEEKDAYS)))
    if _is_number(out, c.QUANTITY) and c.EVENT_TYPE in out:
        out[c.QUANTITY] = out[c.QUANTITY].mask(out[c.EVENT_TYPE] == "return", out[c.QUANTITY].abs())
    for name, log_name in ((c.PRICE, LOG_PRICE), (c.QUANTITY, LOG_QUANTITY)):
        if _is_number(out, name):
            out[log_name] = np.log1p(out[name].where(out[name] >= 0))
    return out


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and pd.api.types.is_float_dtype(frame[name])
