"""Ingest: any source to clean canonical tables in Parquet, and a report of what was dropped or repaired, and why."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis import _
from ibis.expr.types import Table as Expr

from components.artifacts.tables import IngestReport, Tables
from components.engines.engine import Engine, one_line, open_engine
from components.ingest import canonical, completejourney, movielens
from components.ingest.cleaning import (
    GUEST,
    MENDED,
    Source,
    first_of_key,
    flag_events,
    keep_sample,
    mend_events,
    mend_promotions,
    merge_lines,
    missing_values,
    separate_guests,
)
from components.ingest.load_checks import dominant_shoppers, exact_duplicates
from components.ingest.source_copy import local_directory
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.schema import ITEMS, PROMOTIONS, USERS, Table
from model.data.time_split import cut_seconds, day
from model.errors import CheckFailed, InputError, StageFailed
from model.files import atomic_directory
from tfx_configs.labels import EVENT_TYPES
from tfx_configs.settings import DataSettings

_ADAPTERS = {"complete_journey": completejourney.read, "movielens": movielens.read}


def ingest(*, data: DataSettings, tables_dir: Path, positive_types: Sequence[str] | None = None) -> IngestReport:
    """Writes the canonical tables of a source and the report on them (components/artifacts/tables.py).

    Args:
        tables_dir: replaced in one step, and only when everything was written.
        positive_types: those of the label policy; a shop without any such event is refused. None: any that there can
            be.

    Raises:
        InputError: the source is unreadable, empty, lacks a column, or the cut date lies outside it.
        CheckFailed: more rows would be dropped than `max_dropped_percent` allows.
        StageFailed: the engine broke off, and no file is damaged.
    """
    path = data.path or str(completejourney.package_data())
    with local_directory(path) as folder, open_engine(data, folder, tables_dir.parent) as engine:
        try:
            mended = separate_guests(mend_events(_read(engine, folder, data)), data.guest_ids)
            source = keep_sample(mended, data.sample_percent)
            with atomic_directory(tables_dir) as fresh:
                report = _write_tables(engine, source, data, positive_types, Tables(fresh))
                report.save(fresh)
        except InputError as error:
            raise InputError(str(error).replace(str(folder), path)) from error  # of a copy the reader knows nothing
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


def _write_tables(
    engine: Engine, source: Source, data: DataSettings, positive_types: Sequence[str] | None, out: Tables
) -> IngestReport:
    flagged, reasons = flag_events(source)
    watched = {f"watched_{i}": flagged[flag.get_name()].sum() for i, flag in enumerate(source.watch.values())}
    missing = {f"missing_{name}": flagged[f"missing_{name}"].sum() for name in MENDED}
    counts = _row(flagged.agg(rows=_.count(), **{name: _[name].sum() for name in reasons}, **watched, **missing))
    rows_in, dropped = counts["rows"], {reason: counts[name] for name, reason in reasons.items() if counts[name]}
    dropped_percent = _checked_percent(rows_in, dropped, data)
    lines = flagged.filter(~ibis.or_(*(flagged[name] for name in reasons)))
    events = engine.hold(merge_lines(lines))
    if sum(dropped.values()) == rows_in:
        worst = max(dropped, key=dropped.__getitem__)
        raise InputError(
            f"events: expected at least one row that can be used, got {rows_in:,} that cannot (most: {worst}, "
            f"{dropped[worst]:,} rows); correct them in the source"
        )
    totals = _totals(events, positive_types or EVENT_TYPES)
    cut_s = cut_seconds(totals["first_event_s"], totals["last_event_s"], data)
    progress(f"{totals['events']:,} events remain of {rows_in:,}")
    by_month = events.mutate(month=_[c.TIME].strftime("%Y-%m"))
    engine.write(by_month, out.events, [c.TIME, c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE], "month")
    usable = rows_in - sum(dropped.values())
    duplicates = exact_duplicates(lines, usable)
    repaired = {
        "exact copies of a line, merged": duplicates,
        "lines of one product in one basket, merged": usable - duplicates - totals["events"],
    }
    repaired |= dict(zip(source.watch, (counts[name] for name in watched), strict=True))
    visits = int(lines.filter(_[GUEST])[c.USER].nunique().execute()) if data.guest_ids else 0
    if source.users is not None:
        described = _count(events.select(c.USER).distinct().semi_join(source.users, c.USER))
        repaired["shoppers without a row in users, attributes missing"] = totals["users_seen"] - visits - described
    repaired |= {reason: _count(rows) for reason, rows in source.joined.items()}
    tables = ((ITEMS, source.items), (USERS, source.users), (PROMOTIONS, source.promotions))
    rows = {
        table.name: _write_table(engine, source, table, expression, out, repaired)
        for table, expression in tables
        if expression is not None
    }
    report = IngestReport(
        source=data.source,
        engine=data.engine,
        rows_in=rows_in,
        dropped=dropped,
        dropped_percent=dropped_percent,
        repaired={reason: count for reason, count in repaired.items() if count},
        cut_s=cut_s,
        cut=day(cut_s),
        files=source.files,
        missing={name: n for name in MENDED if (n := counts[f"missing_{name}"]) and (n < rows_in or name != c.PRICE)},
        unlisted=_count(events.anti_join(source.items, c.ITEM)),
        guest_visits=visits,
        exact_duplicate_percent=round(100 * duplicates / usable, 3),
        dominant_shoppers=dominant_shoppers(events),
        **totals,
        **rows,
    )
    for finding in report.findings:
        progress(f"warning: {finding.line()}")
    return report


def _write_table(
    engine: Engine, source: Source, table: Table, rows: Expr, out: Tables, repaired: dict[str, int]
) -> int:
    """Writes items, users or promotions and adds its repairs to `repaired`; returns its rows."""
    name, path = table.name, out.file(table)
    unique = name in source.unique
    if table is PROMOTIONS and not unique:
        lasting, repairs = mend_promotions(rows)
        repaired |= _row(rows.agg(**{reason: flag.sum() for reason, flag in repairs.items()}))
        rows = lasting
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
        without = (
            f", or go on without them: --set data.max_dropped_percent={math.ceil(percent)}" if percent < 100 else ""
        )
        raise CheckFailed(
            f"expected at most {data.max_dropped_percent:g} % of event rows to be dropped, got {percent:.1f} % "
            f"(most: {worst}, {dropped[worst]:,} rows); fix the source{without}"
        )
    return round(percent, 3)


def _totals(events: Expr, positive_types: Sequence[str]) -> dict[str, int]:
    """{events, first_event_s, last_event_s, purchases, returns, users_seen, items_seen}"""
    second, kind = _[c.TIME].truncate("s").epoch_seconds(), _[c.EVENT_TYPE]
    totals = _row(
        events.agg(
            events=_.count(),
            first_event_s=second.min(),
            last_event_s=second.max(),
            purchases=(kind == c.PURCHASE).sum(),
            returns=(kind == c.RETURN).sum(),
            users_seen=_[c.USER].nunique(),
            items_seen=_[c.ITEM].nunique(),
        )
    )
    if not _count(events.filter(kind.isin(list(positive_types)))):
        raise InputError(_nothing_positive(events, positive_types))
    return totals


def _nothing_positive(events: Expr, positive_types: Sequence[str]) -> str:
    """What the events are instead, and the setting that learns from them."""
    kinds = events.group_by(c.EVENT_TYPE).agg(rows=_.count()).order_by(ibis.desc("rows"), c.EVENT_TYPE).execute()
    counts = dict(zip(kinds[c.EVENT_TYPE], kinds["rows"], strict=True))
    usable = [kind for kind in counts if kind in EVENT_TYPES]
    help_ = (
        f"to learn from and be judged on {' and '.join(usable)}: --set 'labels.positive_types={json.dumps(usable)}'"
        if usable
        else "purchases have a quantity above zero, and event_type purchase where there is that column"
    )
    listed = ", ".join(f"{rows:,} of type {kind}" for kind, rows in counts.items())
    return f"events: expected events of type {' or '.join(positive_types)}, got none ({listed}); {help_}"


def _row(aggregated: Expr) -> dict[str, int]:
    """The one row of an aggregation; the sum of no rows is 0."""
    return {name: 0 if pd.isna(value) else int(value) for name, value in aggregated.execute().iloc[0].items()}


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
