"""Ingest: any source to clean canonical tables in Parquet, and a report of what was dropped and why."""

from pathlib import Path
from typing import Any

import ibis
from ibis import _

from components.ingest import canonical, completejourney
from components.ingest.cleaning import Source, flag_events, keep_sample, merge_lines
from components.progress import progress
from model import columns as c
from model.errors import CheckFailed, InputError
from model.files import atomic_directory, write_json
from model.timesplit import cut_seconds, day
from tfx_configs.settings import DataSettings, RunSettings


def ingest(settings: str, tables_dir: str) -> dict[str, Any]:
    """Writes events/ (by month), items.parquet, users.parquet, promotions.parquet and ingest.json into `tables_dir`.

    Args:
        settings: RunSettings as JSON.
        tables_dir: replaced in one step, and only when everything was written.

    Returns:
        The ingest report: rows in, kept, merged, dropped by reason, first and last event, cut.

    Raises:
        InputError: the source is unreadable, empty, lacks a column, or the cut date lies outside it.
        CheckFailed: more rows would be dropped than `max_dropped_percent` allows.
    """
    data = RunSettings.from_json(settings).data
    engine = ibis.duckdb.connect()
    engine.raw_sql("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    source = keep_sample(_open(engine, data), data.sample_percent)
    flagged, reasons = flag_events(source)
    counts = flagged.agg(rows=_.count(), **{name: _[name].sum() for name in reasons}).execute().iloc[0]
    report = _drop_report(counts, reasons, data)
    kept = flagged.filter(~ibis.or_(*(flagged[name] for name in reasons)))
    with atomic_directory(Path(tables_dir)) as out:
        events = engine.create_table("events_clean", merge_lines(kept.drop(*reasons)), temp=True)
        report |= _span(events, data)
        progress(f"{report['events']:,} events kept of {report['rows_in']:,}")
        engine.to_parquet(
            events.mutate(month=_[c.TIME].strftime("%Y-%m")).order_by(c.TIME, c.USER, c.BASKET, c.ITEM),
            out / "events",
            partition_by="month",
        )
        for name, table, key in (
            ("items", source.items, [c.ITEM]),
            ("users", source.users, [c.USER]),
            ("promotions", source.promotions, [c.ITEM, c.STORE, c.KIND, c.START]),
        ):
            if table is not None:
                clean = table.filter(*(table[k].notnull() for k in key)).distinct(on=key, keep="first")
                engine.to_parquet(clean.order_by(key), out / f"{name}.parquet")
                report[name] = int(engine.read_parquet(out / f"{name}.parquet").count().execute())
                progress(f"{report[name]:,} {name}")
        write_json(out / "ingest.json", report)
    return report


def _open(engine: ibis.BaseBackend, data: DataSettings) -> Source:
    return (
        completejourney.read(engine) if data.source == "complete_journey" else canonical.read(engine, Path(data.path))
    )


def _drop_report(counts: Any, reasons: dict[str, str], data: DataSettings) -> dict[str, Any]:
    rows = int(counts["rows"])
    if rows == 0:
        raise InputError("expected at least one event, got none; check the events table and sample_percent")
    dropped = {reason: int(counts[name]) for name, reason in reasons.items() if counts[name]}
    percent = 100 * sum(dropped.values()) / rows
    if percent > data.max_dropped_percent:
        worst = max(dropped, key=dropped.__getitem__)
        raise CheckFailed(
            f"expected at most {data.max_dropped_percent:g} % of event rows to be dropped, got {percent:.1f} % "
            f"(most: {worst}, {dropped[worst]:,} rows); mend the source or raise max_dropped_percent"
        )
    return {"source": data.source, "rows_in": rows, "dropped": dropped, "dropped_percent": round(percent, 3)}


def _span(events: ibis.Table, data: DataSettings) -> dict[str, Any]:
    span = events.agg(
        events=_.count(),
        first=_[c.TIME].epoch_seconds().min(),
        last=_[c.TIME].epoch_seconds().max(),
        purchases=(_[c.EVENT_TYPE] == c.PURCHASE).sum(),
        users_seen=_[c.USER].nunique(),
        items_seen=_[c.ITEM].nunique(),
    ).execute()
    row = {name: int(value) for name, value in span.iloc[0].items()}
    if row["purchases"] == 0:
        raise InputError(f"expected events of type {c.PURCHASE}, got none; set event_type or leave the column out")
    cut = cut_seconds(row["first"], row["last"], data)
    return row | {"first_event_s": row.pop("first"), "last_event_s": row.pop("last"), "cut_s": cut, "cut": day(cut)}
