"""What the columns of an export would be taken for, and the mappings that their names suggest."""

from pathlib import Path
from typing import Any

import ibis
from ibis.expr.types import Table as Expr

from components.artifacts.artifact import Record
from components.engines.engine import Engine
from components.ingest.canonical import open_tables
from components.ingest.names import canonical_name, shown, suggested_columns, suggested_words
from components.ingest.table_reader import TableReader
from model.data import columns as c
from model.data.schema import EVENTS
from tfx_configs.settings import DataSettings

EXAMPLES = 3
_FIRST_ROWS = 1000


class ColumnView(Record):
    """One column of a file."""

    name: str
    kind: str
    """Type in the file."""
    taken_for: str
    """Our column, `attribute`, or empty where nothing reads it."""
    missing_percent: float
    examples: str


class TableView(Record):
    """One table of an export."""

    table: str
    file: str
    rows: int
    columns: tuple[ColumnView, ...]


def survey(engine: Engine, folder: Path, data: DataSettings) -> tuple[tuple[TableView, ...], DataSettings]:
    """(views of the tables, the settings with what the names of columns and event types suggest added).

    Raises:
        InputError: a table that must be there is not, or cannot be read.
    """
    readers = open_tables(engine, folder, data)
    columns: dict[str, str] = dict(data.columns)
    for reader in readers:
        for theirs, ours in suggested_columns(reader.table, reader.raw.columns, columns).items():
            columns[theirs if columns.get(theirs, ours) == ours else f"{reader.table.name}.{theirs}"] = ours
    words = dict(data.event_types)
    for reader in readers:
        if reader.table is EVENTS:
            words |= suggested_words(_words(reader, columns), words)
    views = tuple(_view(reader, columns) for reader in readers)
    return views, data.replace(columns=columns, event_types=words)


def _view(reader: TableReader, columns: dict[str, str]) -> TableView:
    raw = reader.raw
    counts = _counts(raw)
    head = raw.limit(_FIRST_ROWS).execute()
    views = []
    for place, name in enumerate(raw.columns):
        examples = head[name].dropna().astype(str).drop_duplicates()[:EXAMPLES]
        views.append(
            ColumnView(
                name=name,
                kind=str(raw[name].type()).removeprefix("!"),
                taken_for=_taken_for(reader, columns, name),
                missing_percent=round(100 * (1 - counts[f"column_{place}"] / max(counts["rows"], 1)), 1),
                examples=shown(examples),
            )
        )
    return TableView(table=reader.table.name, file=reader.path.name, rows=counts["rows"], columns=tuple(views))


def _counts(raw: Expr) -> dict[str, int]:
    filled: dict[str, Any] = {f"column_{place}": raw[name].count() for place, name in enumerate(raw.columns)}
    row = raw.agg(rows=raw.count(), **filled).execute().iloc[0]
    return {name: int(value) for name, value in row.items()}


def _taken_for(reader: TableReader, columns: dict[str, str], name: str) -> str:
    ours = canonical_name(reader.table, name, columns)
    if ours in reader.table.names:
        return ours
    return "attribute" if reader.table.open else ""


def _words(reader: TableReader, columns: dict[str, str]) -> dict[str, int]:
    """{event type as the export has it: rows}; none where no column holds them."""
    named = [name for name in reader.raw.columns if _taken_for(reader, columns, name) == c.EVENT_TYPE]
    if not named:
        return {}
    rows = reader.raw.group_by(word=reader.raw[named[0]].cast("string")).agg(rows=ibis._.count()).execute()
    return {word: int(count) for word, count in zip(rows["word"], rows["rows"], strict=True) if isinstance(word, str)}
