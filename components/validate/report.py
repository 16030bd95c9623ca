"""The data report: findings, events and drift by week, and every column of every table."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts.validation import Distance, Finding, Verdict, verdict_of
from components.reporting import number_format
from components.reporting.charts import columns, curve_with_limit, sparkline
from components.reporting.html_page import render as render_page
from components.reporting.page_parts import Cell, Figure, Note, Page, Section, Table
from components.tfdv.statistics import Stats, common_of, name_of
from components.validate import calendar_weeks as weeks
from components.validate.load_tables import Loaded
from model.data import columns as c
from model.data import schema

_HEADLINES: dict[Verdict, tuple[str, str]] = {
    "ok": ("No findings.", "good"),
    "warn": ("Usable, with warnings.", "warn"),
    "stop": ("Stopped.", "bad"),
}
_TOP_VALUES = 3


def render(
    tables: Mapping[str, Loaded],
    stats: Mapping[str, Stats],
    findings: Sequence[Finding],
    distances: Sequence[Distance],
    weekly_drift: Mapping[str, Sequence[float | None]],
    moves: Sequence[Distance] = (),
) -> str:
    """The HTML of the page.

    Args:
        tables: the tables that were loaded, by name.
        stats: their statistics, by name.
        findings: the worst first.
        distances: drift within the training span.
        weekly_drift: {feature: distance of each training week from the week before; None where it was not measured}.
        moves: distances of this training span from that of the blessed model.
    """
    outcome = verdict_of(findings)
    headline, tone = _HEADLINES[outcome]
    rows = ", ".join(f"{table.rows:,} {name}" for name, table in tables.items())
    notes = tuple(_note(finding) for finding in findings)
    sections = chain(
        [Section(id="findings", title="Findings", lead="" if notes else "Nothing to report.", notes=notes)],
        _events_by_week(tables, findings),
        _drift(distances, weekly_drift),
        _moves(moves),
        (_table(tables[name], stats[name]) for name in tables),
    )
    return render_page(
        Page(
            title=f"Data report: {outcome}",
            subject="data report",
            headline=headline,
            tone=tone,
            lead=f"{rows}." if rows else "",
            sections=tuple(sections),
        )
    )


def _note(finding: Finding) -> Note:
    return Note(
        word=finding.severity,
        title=f"{finding.table}.{finding.column}",
        text=finding.check,
        details=(("Expected", finding.expected), ("Received", finding.received), ("What to do", finding.what_to_do)),
        tone="bad" if finding.severity == "stop" else "warn",
    )


def _events_by_week(tables: Mapping[str, Loaded], findings: Sequence[Finding]) -> Iterator[Section]:
    untimely = any(f.column == c.TIME and f.severity == "stop" and f.check.startswith("tfdv:") for f in findings)
    if "events" not in tables or untimely or c.TIME not in tables["events"].frame:
        return
    time_s = tables["events"].frame[c.TIME].dropna()
    starts = weeks.week_starts(time_s)
    if not starts:
        return
    week = weeks.full_weeks(time_s)
    counts = np.bincount(week[week >= 0], minlength=len(starts)) * tables["events"].stride
    labels, tones = [f"week of {start}" for start in starts], ["new"] * len(starts)
    chart = columns("Events in each week", labels, counts.tolist(), tones, "events")
    caption = f"Events in each of {len(starts)} weeks, from {counts.min():,} to {counts.max():,}."
    yield Section(id="weeks", title="Events by week", figures=(Figure(caption=caption, charts=(chart,)),))


def _drift(distances: Sequence[Distance], weekly: Mapping[str, Sequence[float | None]]) -> Iterator[Section]:
    if not distances:
        return
    figures = []
    for distance in distances:
        values = weekly.get(distance.feature, [])
        measured = [value for value in values if value is not None]
        if measured and max(measured) > 0:
            caption = f"{distance.feature}: each training week from the week before, at most {max(measured):.3f}"
            labels = [*(f"{n} weeks before the last" for n in range(len(values) - 1, 0, -1)), "last week"]
            chart = curve_with_limit(distance.feature, labels, values, distance.limit)
            figures.append(Figure(caption=caption, charts=(chart,)))
    yield Section(
        id="drift",
        title="Drift",
        lead="The last days of the training span against all days before them. The charts compare single weeks, which "
        "move more than the span that the limit is for.",
        figures=tuple(figures),
        tables=(_distances("Distance of each feature", distances),),
    )


def _moves(moves: Sequence[Distance]) -> Iterator[Section]:
    if moves:
        yield Section(
            id="moves",
            title="Since the blessed model",
            lead="This run's training span against that of the blessed model.",
            tables=(_distances("Distance of each feature from the blessed model's data", moves),),
        )


def _distances(title: str, distances: Sequence[Distance]) -> Table:
    rows = tuple((d.feature, f"{d.value:.3f}", f"{d.limit:g}") for d in distances)
    return Table(title=title, header=("feature", "distance", "limit"), rows=rows, numeric=(1, 2), folded=False)


def _table(loaded: Loaded, stats: Stats) -> Section:
    features = {name_of(feature): feature for feature in stats.datasets[0].features}
    rows = [_column(name, loaded, feature) for name, feature in features.items()]
    rows += [(name, loaded.types[name], "100 %", "", "", "") for name in loaded.types if name not in features]
    sampled = f", plain checks of every {loaded.stride}th row" if loaded.stride > 1 else ""
    name = loaded.table.name
    header = ("column", "type", "missing", "uniques, about", "distribution", "range or top values")
    table = Table(title=f"Columns of {name}", header=header, rows=tuple(rows), numeric=(2, 3), folded=False)
    lead = f"{loaded.rows:,} rows, {len(loaded.types)} columns{sampled}"
    return Section(id=f"table-{name}", title=f"Table {name}", lead=lead, tables=(table,))


def _column(name: str, loaded: Loaded, feature: statistics_pb2.FeatureNameStatistics) -> tuple[Cell, ...]:
    numeric = feature.WhichOneof("stats") == "num_stats"
    common = common_of(feature)
    missing = 100.0 * common.num_missing / max(1, common.num_missing + common.num_non_missing)
    if numeric:
        values = [bucket.sample_count for bucket in feature.num_stats.histograms[0].buckets]
        uniques, words = "", _range(name, loaded.table, feature.num_stats)
    else:
        top = feature.string_stats.top_values
        values = [bucket.sample_count for bucket in feature.string_stats.rank_histogram.buckets][:20]
        uniques = number_format.compact(feature.string_stats.unique)
        words = ", ".join(value.value or "(empty)" for value in top[:_TOP_VALUES])
    shape = sparkline(values, f"distribution of {name}")
    return name, loaded.types.get(name, "derived"), f"{missing:.3g} %", uniques, shape, words


def _range(name: str, table: schema.Table, stats: statistics_pb2.NumericStatistics) -> str:
    times = {column.name for column in table.columns if column.type is schema.Type.TIME}
    if name in times:
        return " to ".join(str(np.datetime64(int(value), "s")).replace("T", " ") for value in (stats.min, stats.max))
    low, high, median = (number_format.compact(value) for value in (stats.min, stats.max, stats.median))
    return f"{low} to {high}, median {median}"
