"""A directory of a shop's own tables (Parquet or CSV), as it exports them, filled up to the full schema."""

import datetime
from pathlib import Path

import ibis
from ibis import _
from ibis.expr.types import BooleanColumn
from ibis.expr.types import Table as Expr

from components.engines.engine import Engine
from components.ingest.cleaning import Source
from components.ingest.names import check_used, shown
from components.ingest.table_reader import TableReader
from model.data import columns as c
from model.data.schema import EVENTS, ITEMS, PROMOTIONS, TABLES, USERS, Table
from model.errors import InputError
from tfx_configs.settings import DataSettings
from tfx_configs.units import DAY_S

ENDINGS = (".parquet", ".csv", ".tsv", ".txt", "")
"""Of a table's file; none: a directory of Parquet files."""
FIRST_YEAR = 1990
"""Times before it are errors: unix time 0, or a date that was never filled in."""
_ROW = {"events": "product bought", "items": "product"}
_MIDDLE = (0.0005, 0.9995)
"""Quantiles between which 99.9 % of the times are."""
_LEAST_SPAN_DAYS = 365


def read(engine: Engine, folder: Path, data: DataSettings) -> Source:
    """The canonical tables in `folder`. Raises InputError naming file and column when something is off."""
    readers = open_tables(engine, folder, data)
    check_used(data.columns, {reader.table.name: reader.raw.columns for reader in readers})
    tables = {reader.table.name: reader.read() for reader in readers}
    events = tables[EVENTS.name]
    far = _far_away(events.rows)
    rows = events.rows.mutate(**{c.TIME: ibis.ifelse(far, ibis.null("timestamp(6)"), _[c.TIME]), "far_away": far})
    unreadable = {name: rows[flag] for name, flag in events.unreadable.items()}
    watch = {f"{c.PRICE} unreadable, missing instead": unreadable.pop(c.PRICE)} if c.PRICE in unreadable else {}
    drop = {f"{name} unreadable": flag for name, flag in unreadable.items()}
    far_reason = f"{c.TIME} before {FIRST_YEAR}, after tomorrow or far from all others"
    others = {name: table.rows.drop(*table.unreadable.values()) for name, table in tables.items()}
    return Source(
        events=rows,
        items=others[ITEMS.name],
        users=others.get(USERS.name),
        promotions=others.get(PROMOTIONS.name),
        drop=drop | {far_reason: rows["far_away"]},
        watch=watch,
        joined={} if events.ignored is None else {"events of a type that is set to ignore, left out": events.ignored},
        files=tuple(table.form for table in tables.values()),
    )


def open_tables(engine: Engine, folder: Path, data: DataSettings) -> list[TableReader]:
    """A reader of each table that is there, events first. Raises InputError when a required one is not."""
    if not folder.is_dir():
        raise InputError(f"expected a directory with events.parquet and items.parquet, got {folder}")
    return [
        TableReader.open(engine, path, table, data) for table in TABLES if (path := _find(folder, table)) is not None
    ]


def _find(folder: Path, table: Table) -> Path | None:
    names = {f"{table.name}{ending}" for ending in ENDINGS}
    paths = sorted(path for path in folder.iterdir() if path.name.lower() in names and path.exists())
    if len(paths) > 1:
        raise InputError(
            f"{folder}: expected one file for the table {table.name}, got {shown(path.name for path in paths)}; "
            "remove all but one"
        )
    if not paths and table.required:
        there = shown(sorted(path.name for path in folder.iterdir())) or "an empty directory"
        raise InputError(
            f"{folder}: expected {table.name}.parquet or {table.name}.csv, found {there}; name one so, with one row "
            f"per {_ROW[table.name]}"
        )
    return paths[0] if paths else None


def _far_away(events: Expr) -> BooleanColumn:
    """Times that nothing happened at: before 1990, after tomorrow, or further from the span of the middle 99.9 % than
    that span is long (a year at least)."""
    first = datetime.datetime(FIRST_YEAR, 1, 1, tzinfo=datetime.UTC)
    last = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    second = events[c.TIME].epoch_seconds()
    possible = second.between(int(first.timestamp()), int(last.timestamp()))
    day = ibis.ifelse(possible, second // DAY_S, ibis.null("int64"))
    span = events.agg(low=day.quantile(_MIDDLE[0]), high=day.quantile(_MIDDLE[1])).execute().iloc[0]
    if span.isna().any():
        return (~possible).fill_null(False)
    width = max(span["high"] - span["low"], _LEAST_SPAN_DAYS)
    return (~possible | ~day.between(span["low"] - width, span["high"] + width)).fill_null(False)
