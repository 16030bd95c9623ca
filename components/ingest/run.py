"""Ingest: any source to clean canonical tables in Parquet, and a report of what was dropped or repaired, and why."""

from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis import _
from ibis.expr.types import Table

from components.engines.engine import Engine, open_engine
from components.ingest import canonical, completejourney, movielens
from components.ingest.cleaning import (
    Source,
    first_of_key,
    flag_events,
    keep_sample,
    merge_lines,
    missing_values,
)
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.schema import ITEMS, PROMOTIONS, USERS
from model.data.time_split import cut_seconds, day
from model.errors import CheckFailed, InputError
from model.files import atomic_directory, write_json
from tfx_configs.settings import DataSettings, RunSettings

_ADAPTERS = {"complete_journey": completejourney.read, "movielens": movielens.read, "canonical": canonical.read}


def ingest(settings: str, tables_dir: str) -> dict[str, Any]:
    """Writes events/ (by month), items.parquet, users.parquet, promotions.parquet and ingest.json into `tables_dir`.

    Args:
        settings: RunSettings as JSON.
        tables_dir: replaced in one step, and only when everything was written.

    Returns:
        The ingest report: rows in, kept, dropped and repaired by reason, first and last event, cut.

    Raises:
        InputError: the source is unreadable, empty, lacks a column, or the cut date lies outside it.
        CheckFailed: more rows would be dropped than `max_dropped_percent` allows.
    """
    data = RunSettings.from_json(settings).data
    folder = Path(data.path) if data.path else completejourney.package_data()
    with open_engine(data) as engine:
        try:
            source = keep_sample(_ADAPTERS[data.source](engine, folder), data.sample_percent)
            with atomic_directory(Path(tables_dir)) as out:
                report = {"source": data.source, "engine": data.engine} | _write_events(engine, source, data, out)
                report["repaired"] |= {reason: _count(rows) for reason, rows in source.joined.items()}
                for name in (ITEMS.name, USERS.name, PROMOTIONS.name):
                    _write_table(engine, source, name, out, report)
                report["repaired"] = {reason: rows for reason, rows in report["repaired"].items() if rows}
                write_json(out / "ingest.json", report)
        except engine.failures as error:
            raise _damage(folder, error) or error from error
    return report


def _write_events(engine: Engine, source: Source, data: DataSettings, out: Path) -> dict[str, Any]:
    flagged, reasons = flag_events(source)
    watched = {f"watched_{i}": flagged[flag.get_name()].sum() for i, flag in enumerate(source.watch.values())}
    counts = _row(flagged.agg(rows=_.count(), **{name: _[name].sum() for name in reasons}, **watched))
    report = _drop_report(counts, reasons, data)
    kept = flagged.filter(~ibis.or_(*(flagged[name] for name in reasons)))
    events = engine.hold(merge_lines(kept))
    report |= _span(events, data)
    progress(f"{report['events']:,} events kept of {report['rows_in']:,}")
    by_month = events.mutate(month=_[c.TIME].strftime("%Y-%m"))
    engine.write(by_month, out / "events", [c.TIME, c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE], "month")
    merged = report["rows_in"] - sum(report["dropped"].values()) - report["events"]
    report["repaired"] = {"lines of one product in one basket, merged": merged}
    report["repaired"] |= dict(zip(source.watch, (counts[name] for name in watched), strict=True))
    if source.users is not None:
        known = _count(events.select(c.USER).distinct().semi_join(source.users, c.USER))
        report["repaired"]["shoppers without a row in users, attributes missing"] = report["users_seen"] - known
    return report


def _write_table(engine: Engine, source: Source, name: str, out: Path, report: dict[str, Any]) -> None:
    """Writes items, users or promotions, when the source has it; adds its rows and repairs to the report."""
    rows: Table | None = getattr(source, name)
    if rows is None:
        return
    table = next(table for table in (ITEMS, USERS, PROMOTIONS) if table.name == name)
    path = out / f"{name}.parquet"
    unique = name in source.unique
    engine.write(rows if unique else first_of_key(rows, table.key), path, () if name in source.ordered else table.key)
    report[name] = ds.dataset(path).count_rows()
    progress(f"{report[name]:,} {name}")
    if not unique:
        report["repaired"][f"{name} without a key or with one that repeats, left out"] = _count(rows) - report[name]
    if table.open:
        missing = missing_values(engine.read_parquet(path), table.key)
        report["repaired"] |= {f"{name} without {column}, marked missing": n for column, n in missing.items()}


def _drop_report(counts: dict[str, int], reasons: dict[str, str], data: DataSettings) -> dict[str, Any]:
    rows = counts["rows"]
    if rows == 0:
        raise InputError("expected at least one event, got none; check the events table and sample_percent")
    dropped = {reason: counts[name] for name, reason in reasons.items() if counts[name]}
    percent = 100 * sum(dropped.values()) / rows
    if percent > data.max_dropped_percent:
        worst = max(dropped, key=dropped.__getitem__)
        raise CheckFailed(
            f"expected at most {data.max_dropped_percent:g} % of event rows to be dropped, got {percent:.1f} % "
            f"(most: {worst}, {dropped[worst]:,} rows); fix the source or raise max_dropped_percent"
        )
    return {"rows_in": rows, "dropped": dropped, "dropped_percent": round(percent, 3)}


def _span(events: Table, data: DataSettings) -> dict[str, Any]:
    second = _[c.TIME].truncate("s").epoch_seconds()
    row = _row(
        events.agg(
            events=_.count(),
            first=second.min(),
            last=second.max(),
            purchases=(_[c.EVENT_TYPE] == c.PURCHASE).sum(),
            users_seen=_[c.USER].nunique(),
            items_seen=_[c.ITEM].nunique(),
        )
    )
    if row["purchases"] == 0:
        raise InputError(f"expected events of type {c.PURCHASE}, got none; set event_type or leave the column out")
    cut = cut_seconds(row["first"], row["last"], data)
    return row | {"first_event_s": row.pop("first"), "last_event_s": row.pop("last"), "cut_s": cut, "cut": day(cut)}


def _row(aggregated: Table) -> dict[str, int]:
    """The one row of an aggregation; the sum of no rows is 0."""
    return {name: int(value) for name, value in aggregated.execute().fillna(0).iloc[0].items()}


def _count(table: Table) -> int:
    return int(table.count().execute())


def _damage(folder: Path, error: Exception) -> InputError | None:
    """A query broke off: names the source's file that cannot be read to its end, if that was the cause."""
    said = " ".join(str(error).split())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        damage = _parquet_damage(path) if path.suffix == ".parquet" else said if str(path) in said else None
        if damage is not None:
            return InputError(f"{path}: expected a file readable to its end ({damage[:160]}); write it again")
    return None


def _parquet_damage(path: Path) -> str | None:
    try:
        for _batch in pq.ParquetFile(path).iter_batches():
            pass
    except (OSError, pa.ArrowException) as error:
        return " ".join(str(error).split())
    return None
