"""Ingest: any source to clean canonical tables in Parquet, and a report of what was dropped or repaired, and why."""

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis import _
from ibis.expr.types import Table as Expr

from components.artifacts.tables import IngestReport, Tables
from components.engines.engine import Engine, one_line, open_engine
from components.ingest import canonical, completejourney, movielens
from components.ingest.cleaning import (
    Source,
    first_of_key,
    flag_events,
    keep_sample,
    merge_lines,
    missing_values,
)
from components.ingest.source_copy import local_directory
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.schema import ITEMS, PROMOTIONS, USERS, Table
from model.data.time_split import cut_seconds, day
from model.errors import CheckFailed, InputError, StageFailed
from model.files import atomic_directory
from tfx_configs.settings import DataSettings

_ADAPTERS = {"complete_journey": completejourney.read, "movielens": movielens.read}


def ingest(*, data: DataSettings, tables_dir: Path) -> IngestReport:
    """Writes the canonical tables of a source and the report on them (components/artifacts/tables.py).

    Args:
        tables_dir: replaced in one step, and only when everything was written.

    Raises:
        InputError: the source is unreadable, empty, lacks a column, or the cut date lies outside it.
        CheckFailed: more rows would be dropped than `max_dropped_percent` allows.
        StageFailed: the engine broke off, and no file is damaged.
    """
    path = data.path or str(completejourney.package_data())
    with local_directory(path) as folder, open_engine(data, folder, tables_dir.parent) as engine:
        try:
            source = keep_sample(_read(engine, folder, data), data.sample_percent)
            with atomic_directory(tables_dir) as fresh:
                report = _write_tables(engine, source, data, Tables(fresh))
                report.save(fresh)
        except engine.failures as error:
            raise _damage(folder, error) or StageFailed(
                f"ingest: expected {data.engine} to finish its queries, got {type(error).__name__}; if memory was "
                f"short, give it more with --set data.memory_gb={2 * data.memory_gb:g}"
            ) from error
    return report


def _read(engine: Engine, folder: Path, data: DataSettings) -> Source:
    source = (
        _ADAPTERS[data.source](engine, folder) if data.source in _ADAPTERS else canonical.read(engine, folder, data)
    )
    for file in source.files:
        progress(str(file))
    return source


def current_data(training: DataSettings | None, directory: str) -> DataSettings:
    """What the monitor ingests: the data of the training runs, or the canonical tables in `directory` where none run.

    Where training splits time does not concern the monitor; that day may lie outside of what the tables hold by now.
    """
    return (training or DataSettings(source="canonical", path=directory)).replace(cut_date=None)


def _write_tables(engine: Engine, source: Source, data: DataSettings, out: Tables) -> IngestReport:
    flagged, reasons = flag_events(source)
    watched = {f"watched_{i}": flagged[flag.get_name()].sum() for i, flag in enumerate(source.watch.values())}
    counts = _row(flagged.agg(rows=_.count(), **{name: _[name].sum() for name in reasons}, **watched))
    rows_in, dropped = counts["rows"], {reason: counts[name] for name, reason in reasons.items() if counts[name]}
    dropped_percent = _checked_percent(rows_in, dropped, data)
    events = engine.hold(merge_lines(flagged.filter(~ibis.or_(*(flagged[name] for name in reasons)))))
    totals = _totals(events)
    cut_s = cut_seconds(totals["first_event_s"], totals["last_event_s"], data)
    progress(f"{totals['events']:,} events remain of {rows_in:,}")
    by_month = events.mutate(month=_[c.TIME].strftime("%Y-%m"))
    engine.write(by_month, out.events, [c.TIME, c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE], "month")
    repaired = {"lines of one product in one basket, merged": rows_in - sum(dropped.values()) - totals["events"]}
    repaired |= dict(zip(source.watch, (counts[name] for name in watched), strict=True))
    if source.users is not None:
        described = _count(events.select(c.USER).distinct().semi_join(source.users, c.USER))
        repaired["shoppers without a row in users, attributes missing"] = totals["users_seen"] - described
    repaired |= {reason: _count(rows) for reason, rows in source.joined.items()}
    tables = ((ITEMS, source.items), (USERS, source.users), (PROMOTIONS, source.promotions))
    rows = {
        table.name: _write_table(engine, source, table, expression, out, repaired)
        for table, expression in tables
        if expression is not None
    }
    return IngestReport(
        source=data.source,
        engine=data.engine,
        rows_in=rows_in,
        dropped=dropped,
        dropped_percent=dropped_percent,
        repaired={reason: count for reason, count in repaired.items() if count},
        cut_s=cut_s,
        cut=day(cut_s),
        files=source.files,
        **totals,
        **rows,
    )


def _write_table(
    engine: Engine, source: Source, table: Table, rows: Expr, out: Tables, repaired: dict[str, int]
) -> int:
    """Writes items, users or promotions and adds its repairs to `repaired`; returns its rows."""
    name, path = table.name, out.file(table)
    unique = name in source.unique
    engine.write(rows if unique else first_of_key(rows, table.key), path, () if name in source.ordered else table.key)
    written = ds.dataset(path).count_rows()
    progress(f"{written:,} {name}")
    if not unique:
        repaired[f"{name} without a key or with one that repeats, left out"] = _count(rows) - written
    if table.open:
        missing = missing_values(engine.read_parquet(path), table.key)
        repaired |= {f"{name} without {column}, marked missing": count for column, count in missing.items()}
    return written


def _checked_percent(rows: int, dropped: dict[str, int], data: DataSettings) -> float:
    """Share of event rows dropped, percent."""
    if rows == 0:
        raise InputError("expected at least one event, got none; check the events table and sample_percent")
    percent = 100 * sum(dropped.values()) / rows
    if percent > data.max_dropped_percent:
        worst = max(dropped, key=dropped.__getitem__)
        raise CheckFailed(
            f"expected at most {data.max_dropped_percent:g} % of event rows to be dropped, got {percent:.1f} % "
            f"(most: {worst}, {dropped[worst]:,} rows); fix the source or raise max_dropped_percent"
        )
    return round(percent, 3)


def _totals(events: Expr) -> dict[str, int]:
    """{events, first_event_s, last_event_s, purchases, users_seen, items_seen}"""
    second = _[c.TIME].truncate("s").epoch_seconds()
    totals = _row(
        events.agg(
            events=_.count(),
            first_event_s=second.min(),
            last_event_s=second.max(),
            purchases=(_[c.EVENT_TYPE] == c.PURCHASE).sum(),
            users_seen=_[c.USER].nunique(),
            items_seen=_[c.ITEM].nunique(),
        )
    )
    if totals["purchases"] == 0:
        raise InputError(f"expected events of type {c.PURCHASE}, got none; set event_type or leave the column out")
    return totals


def _row(aggregated: Expr) -> dict[str, int]:
    """The one row of an aggregation; the sum of no rows is 0."""
    return {name: int(value) for name, value in aggregated.execute().fillna(0).iloc[0].items()}


def _count(table: Expr) -> int:
    return int(table.count().execute())


def _damage(folder: Path, error: Exception) -> InputError | None:
    """Names the source's file that cannot be read to its end, if that is why a query failed."""
    message = one_line(error)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if _is_damaged(path) if path.suffix == ".parquet" else str(path) in message:
            return InputError(f"{path}: expected a file readable to its end, got one that is damaged; write it again")
    return None


def _is_damaged(path: Path) -> bool:
    try:
        for _batch in pq.ParquetFile(path).iter_batches():
            pass
    except (OSError, pa.ArrowException):
        return True
    return False
