"""The data report: one HTML file that needs no network and no script."""

import string
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.artifacts.validation import Distance, Finding, verdict_of
from components.tfdv.statistics import Stats, name_of
from components.validate import calendar_weeks as weeks
from components.validate import charts
from components.validate.load_tables import Loaded
from model.data import columns as c
from model.data import schema

_TEMPLATE = Path(__file__).with_name("page.html")
_HEADLINES = {"ok": "No findings.", "warn": "Usable, with warnings.", "stop": "Stopped."}
_TOP_VALUES = 3


def render(
    tables: Mapping[str, Loaded],
    stats: Mapping[str, Stats],
    findings: Sequence[Finding],
    distances: Sequence[Distance],
    weekly_drift: Mapping[str, Sequence[float | None]],
    moves: Sequence[Distance] = (),
) -> str:
    """The whole page: findings first, then events, drift by week and from the blessed span (`moves`), then columns."""
    outcome = verdict_of(findings)
    rows = ", ".join(f"{table.rows:,} {name}" for name, table in tables.items())
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        verdict=outcome,
        headline=_HEADLINES[outcome],
        rows=f"{rows}." if rows else "",
        findings="\n".join(_finding(finding) for finding in findings) or "<p>Nothing to report.</p>",
        charts=_events_by_week(tables, findings) + _drift(distances, weekly_drift) + _moves(moves),
        tables="\n".join(_table(tables[name], stats[name]) for name in tables),
    )


def _finding(finding: Finding) -> str:
    parts = (("Expected", finding.expected), ("Received", finding.received), ("What to do", finding.what_to_do))
    listed = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in parts)
    return (
        f'<article class="finding {finding.severity}"><span class="word {finding.severity}">{finding.severity}</span> '
        f"<strong>{escape(finding.table)}.{escape(finding.column)}</strong> "
        f'<span class="soft">{escape(finding.check)}</span><dl>{listed}</dl></article>'
    )


def _events_by_week(tables: Mapping[str, Loaded], findings: Sequence[Finding]) -> str:
    untimely = any(f.column == c.TIME and f.severity == "stop" and f.check.startswith("tfdv:") for f in findings)
    if "events" not in tables or untimely or c.TIME not in tables["events"].frame:
        return ""
    time_s = tables["events"].frame[c.TIME].dropna()
    week = weeks.full_weeks(time_s)
    starts = weeks.week_starts(time_s)
    counts = np.bincount(week[week >= 0], minlength=len(starts)) * tables["events"].stride
    if not starts:
        return ""
    alt = f"Events in each of {len(starts)} weeks, from {counts.min():,} to {counts.max():,}"
    chart = charts.bars([float(n) for n in counts], [f"week of {start}" for start in starts], alt)
    return f"<h2>Events by week</h2><section><figure>{chart}<figcaption>{alt}.</figcaption></figure></section>"


def _drift(distances: Sequence[Distance], weekly: Mapping[str, Sequence[float | None]]) -> str:
    if not distances:
        return ""
    figures = []
    for distance in distances:
        values = weekly.get(distance.feature, [])
        known = [value for value in values if value is not None]
        if not known or max(known) == 0:
            continue
        labels = [f"{len(values) - index - 1} weeks before the last" for index in range(len(values) - 1)] + [
            "last week"
        ]
        alt = f"{distance.feature}: distance of each training week from the week before, at most {max(known):.3f}"
        chart = charts.line(values, labels, distance.limit, alt)
        figures.append(f"<figure>{chart}<figcaption>{escape(alt)}</figcaption></figure>")
    return (
        "<h2>Drift</h2><section><p class='soft'>The last days of the training span against all days before them. "
        "The charts compare single weeks, which move more than the span that the limit is for.</p>"
        f'{_distances(distances)}<div class="grid">{"".join(figures)}</div></section>'
    )


def _moves(moves: Sequence[Distance]) -> str:
    if not moves:
        return ""
    words = "<p class='soft'>This run's training span against that of the blessed model.</p>"
    return f"<h2>Since the blessed model</h2><section>{words}{_distances(moves)}</section>"


def _distances(distances: Sequence[Distance]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(d.feature)}</th><td class="n">{d.value:.3f}</td>'
        f'<td class="n">{d.limit:g}</td></tr>'
        for d in distances
    )
    head = '<tr><th>feature</th><th class="n">distance</th><th class="n">limit</th></tr>'
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _table(loaded: Loaded, stats: Stats) -> str:
    features = {name_of(feature): feature for feature in stats.datasets[0].features}
    empty = [name for name in loaded.types if name not in features]
    rows = [_column(name, loaded, feature) for name, feature in features.items()]
    rows += [
        f'<tr><th scope="row">{escape(n)}</th><td>{loaded.types[n]}</td><td class="n">100 %</td></tr>' for n in empty
    ]
    sampled = f", statistics of every {loaded.stride}th row" if loaded.stride > 1 else ""
    head = '<tr><th>column</th><th>type</th><th class="n">missing</th><th class="n">uniques, about</th>'
    return (
        f"<section><h3>{loaded.table.name}</h3>"
        f"<p class='soft'>{loaded.rows:,} rows, {len(loaded.types)} columns{sampled}</p>"
        f'<div class="scroll"><table><thead>{head}<th>distribution</th><th>range or top values</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _column(name: str, loaded: Loaded, feature: statistics_pb2.FeatureNameStatistics) -> str:
    numeric = feature.WhichOneof("stats") == "num_stats"
    common = feature.num_stats.common_stats if numeric else feature.string_stats.common_stats
    missing = 100.0 * common.num_missing / max(1, common.num_missing + common.num_non_missing)
    if numeric:
        values = [bucket.sample_count for bucket in feature.num_stats.histograms[0].buckets]
        uniques, words = "", _range(name, loaded.table, feature.num_stats)
    else:
        top = feature.string_stats.top_values
        values = [bucket.sample_count for bucket in feature.string_stats.rank_histogram.buckets][:20]
        uniques = charts.number(feature.string_stats.unique)
        words = ", ".join(value.value or "(empty)" for value in top[:_TOP_VALUES])
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(loaded.types.get(name, "derived"))}</td>'
        f'<td class="n">{missing:.3g} %</td><td class="n">{uniques}</td>'
        f'<td>{charts.spark(values, f"distribution of {name}")}</td><td class="values">{escape(words)}</td></tr>'
    )


def _range(name: str, table: schema.Table, stats: statistics_pb2.NumericStatistics) -> str:
    times = {column.name for column in table.columns if column.type is schema.Type.TIME}
    if name in times:
        return " to ".join(str(np.datetime64(int(value), "s")).replace("T", " ") for value in (stats.min, stats.max))
    return f"{charts.number(stats.min)} to {charts.number(stats.max)}, median {charts.number(stats.median)}"
