"""Reads the canonical tables as they lie on disk, without trusting them."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from components.artifacts.tables import Tables
from components.artifacts.validation import Finding
from components.tfdv.arrow_values import to_pandas
from components.validate.findings import finding
from model.data import columns as c
from model.data import schema

PARTITION = "month"
KEY = "key"
FILE = "(file)"
"""In the place of a column, of a finding on the whole table."""
_CONVERSION_ERRORS = (pa.ArrowException, OSError, ValueError)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of a hash is lost when it is multiplied."""


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
    keys: pd.DataFrame | None = None
    """[all rows] KEY, a hash of the row's key, and of events the time; None where `frame` has all rows or lacks a part
    of the key."""
    partitions: pd.Series | None = None
    """[rows] the month=YYYY-MM directory each event lies in; None where the table is one file."""


def load(tables: Tables, table: schema.Table, max_rows: int) -> Loaded | Finding | None:
    """The table, or why it cannot be read, or None for an optional table that is missing or empty.

    A table of more than `max_rows` rows is thinned to every k-th row, the same rows every time.
    """
    path = tables.path(table)
    if path is None:
        return finding("absent", FILE, table=table.name) if table.required else None
    try:
        source = _dataset(path)
        rows = source.count_rows()
        stride = max(1, -(-rows // max_rows))
        arrow, keys = (source.to_table(), None) if stride == 1 else _every(source, stride, table)
        parted = path.is_dir() and PARTITION in arrow.schema.names
        types = {field.name: _type(field) for field in arrow.schema if field.name != PARTITION or not parted}
        frame = pd.DataFrame({name: _plain(to_pandas(arrow[name])) for name in types})
        partitions = arrow[PARTITION].to_pandas().astype(str) if parted else None
    except _CONVERSION_ERRORS as error:
        return finding("unreadable", FILE, table=table.name, reason=str(error).splitlines()[0][:160])
    if rows == 0:
        return finding("empty", FILE, table=table.name) if table.required else None
    return Loaded(table=table, frame=frame, types=types, rows=rows, stride=stride, keys=keys, partitions=partitions)


def _dataset(path: Path) -> ds.Dataset:
    """The files, their texts as codes of dictionaries: each different text is read, and hashed, once."""
    partitioning = "hive" if path.is_dir() else None
    texts = {field.name for field in ds.dataset(path, format="parquet").schema if pa.types.is_string(field.type)}
    return ds.dataset(path, format=ds.ParquetFileFormat(dictionary_columns=texts), partitioning=partitioning)


def _type(field: pa.Field) -> str:
    """The type in the file."""
    return str(field.type.value_type if pa.types.is_dictionary(field.type) else field.type)


def _plain(values: pd.Series) -> pd.Series:
    """The values without codes."""
    return values.astype(object) if isinstance(values.dtype, pd.CategoricalDtype) else values


def _every(source: ds.Dataset, stride: int, table: schema.Table) -> tuple[pa.Table, pd.DataFrame | None]:
    """Rows 0, stride, 2 * stride, ... in file order, and the keys of all rows; the whole never is in memory."""
    taken, keys, position = [], [], 0
    for batch in source.to_batches():
        first = -position % stride
        taken.append(batch.take(pa.array(np.arange(first, batch.num_rows, stride))))
        position += batch.num_rows
        if set(table.key) <= set(source.schema.names):
            keys.append(_keys(batch, table))
    return pa.Table.from_batches(taken, source.schema), pd.concat(keys, ignore_index=True) if keys else None


def _keys(batch: pa.RecordBatch, table: schema.Table) -> pd.DataFrame:
    hashed = np.zeros(batch.num_rows, np.uint64)
    for name in table.key:
        hashed = hashed * _FACTOR + _hashes(batch.column(name))
    out = pd.DataFrame({KEY: hashed})
    if c.TIME in batch.schema.names and pa.types.is_timestamp(batch.schema.field(c.TIME).type):
        out[c.TIME] = to_pandas(pa.chunked_array([batch.column(c.TIME)]))
    return out


def _hashes(column: pa.Array) -> np.ndarray:
    """[rows] uint64, equal for equal values."""
    if not pa.types.is_dictionary(column.type):
        return pd.util.hash_array(to_pandas(pa.chunked_array([column])).to_numpy(), categorize=False)
    texts = column.dictionary.to_numpy(zero_copy_only=False)
    of_texts = np.append(pd.util.hash_array(texts, categorize=False), _FACTOR)  # the last one: of no text
    return of_texts[column.indices.fill_null(len(texts)).to_numpy()]
