"""A directory of the user's own canonical tables (Parquet or CSV), checked and filled up to the full schema."""

from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
from ibis.expr.types import Column as Expression
from ibis.expr.types import Table as Expr

from components.engines.engine import Engine, readable
from components.ingest.cleaning import Source, calendar_day, not_finite
from model.data import columns as c
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, USERS, Column, Table, Type
from model.errors import InputError


def read(engine: Engine, folder: Path) -> Source:
    """The canonical tables in `folder`. Raises InputError naming file and column when something is off."""
    if not folder.is_dir():
        raise InputError(f"expected a directory with events.parquet and items.parquet, got {folder}")
    tables = {table.name: _read_table(engine, folder, table) for table in (EVENTS, ITEMS, USERS, PROMOTIONS)}
    events, items = tables["events"], tables["items"]
    assert events is not None and items is not None
    return Source(events=events, items=items, users=tables["users"], promotions=tables["promotions"])


def _read_table(engine: Engine, folder: Path, table: Table) -> Expr | None:
    path = _find(folder, table)
    if path is None:
        return None
    typed = [column.name for column in table.columns if column.type in (Type.NUMBER, Type.TIME)]
    raw = engine.read_csv(path, typed) if path.suffix == ".csv" else engine.read_parquet(path)
    with readable(path, "Parquet"):
        empty = _rows(raw) == 0
    if empty:
        raise InputError(f"{path}: expected at least one row, got an empty table; leave the file out or fill it")
    canonical = {column.name: _column(raw, column, path) for column in table.columns}
    extra = {name: raw[name].cast("string") for name in raw.columns if table.open and name not in canonical}
    return raw.select(**canonical, **extra)


def _rows(raw: Expr) -> int:
    """Number of rows. Reads every column to its end, so that a damaged file is found here, where its name is known."""
    counts = {f"column_{i}": raw[name].count() for i, name in enumerate(raw.columns)}
    return int(raw.agg(rows=raw.count(), **counts).execute()["rows"].iloc[0])


def _find(folder: Path, table: Table) -> Path | None:
    for name in (f"{table.name}.parquet", f"{table.name}.csv", table.name):
        if (folder / name).exists():
            return folder / name
    if table.required:
        raise InputError(f"{folder}: expected {table.name}.parquet, not found; write one row per {_ROW[table.name]}")
    return None


_ROW = {"events": "product bought", "items": "product"}


def _column(raw: Expr, column: Column, path: Path) -> Expression:
    if column.name not in raw.columns:
        if column.required:
            raise InputError(f"{path}: expected column {column.name}, found {', '.join(raw.columns)}; rename or add it")
        if column.name == c.BASKET:
            return calendar_day(raw[c.USER].cast("string"), _column(raw, EVENTS.column(c.TIME), path))
        return ibis.literal(column.default, type=_STORED[column.type])
    value = raw[column.name]
    if column.type is Type.TIME:
        return _time(value, column, path)
    if column.type is Type.NUMBER and not isinstance(value.type(), dt.Numeric):
        raise InputError(f"{path}: expected numbers in {column.name}, got {value.type()}; convert the column")
    value = value.cast(_STORED[column.type])
    if column.type is Type.NUMBER and column.nullable:
        value = ibis.ifelse(not_finite(value), ibis.null("float64"), value)
    return value


_STORED = {Type.ID: "string", Type.CATEGORY: "string", Type.NUMBER: "float64", Type.TIME: "timestamp(6)"}


def _time(value: Expression, column: Column, path: Path) -> Expression:
    """Timestamps and dates as they are (zones turned to UTC), integers as unix seconds."""
    kind = value.type()
    if isinstance(kind, dt.Integer):
        return value.as_timestamp("s").cast("timestamp(6)")
    if isinstance(kind, dt.Timestamp | dt.Date):
        return value.cast("timestamp(6)")
    raise InputError(f"{path}: expected timestamps or unix seconds in {column.name}, got {kind}; convert the column")
