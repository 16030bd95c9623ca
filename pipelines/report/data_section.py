"""What the model learned from, and whether it may be trusted."""

from collections.abc import Sequence
from datetime import date

from components.artifacts.validation import Distance, Finding
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale, columns
from components.reporting.page_parts import Figure, Note, Section, Table
from pipelines.local.summary import DataSummary
from pipelines.report.run_files import Sources

VERDICTS = {"ok": "Validation found nothing to object to.", "warn": "Validation lets it pass, with warnings."}
TONES = {"warn": "warn", "stop": "bad"}


def section(sources: Sources) -> Section | None:
    data = sources.summary.data
    if not data:
        return None
    lead = f"{data.rows:,} events of {data.users:,} shoppers and {data.items:,} products."
    report = sources.validation
    verdict = VERDICTS.get(report.verdict, "") if report else ""
    figures = [figure for figure in (_weeks(sources, data), _drift(report.drift if report else ())) if figure]
    tables = [table for table in (_rows(data), _findings(report.anomalies if report else ())) if table]
    return Section(
        id="data",
        title="The data",
        lead=f"{lead} {verdict}".strip(),
        figures=tuple(figures),
        notes=tuple(
            Note(
                word=finding.severity,
                title=f"{finding.table}.{finding.column}: {words.name(finding.check)}",
                text=words.shortened(f"expected {finding.expected}, received {finding.received}"),
                tone=TONES.get(finding.severity, ""),
            )
            for finding in (report.anomalies if report else ())
        ),
        tables=tuple(tables),
        page=sources.data_page,
        page_title="The whole data report: every column of every table",
    )


def _weeks(sources: Sources, data: DataSummary) -> Figure | None:
    if not sources.weeks:
        return None
    cut = date.fromisoformat(data.cut) if data.cut else None
    chart = columns(
        "Events by week",
        [f"week of {day}" for day, _ in sources.weeks],
        [events for _, events in sources.weeks],
        ["new" if cut and day >= cut else "old" for day, _ in sources.weeks],
        "events",
        (Key(shape="bar", tone="old", label="before the cut"), Key(shape="bar", tone="new", label="from the cut on")),
    )
    caption = "Gray weeks taught the model; blue weeks it never saw, they judge it and are replayed as traffic."
    return Figure(caption=caption, charts=(chart,))


def _drift(distances: Sequence[Distance]) -> Figure | None:
    if not distances:
        return None
    scale = Scale.over([value for distance in distances for value in (distance.value, distance.limit)])
    chart = Rows(
        title="Drift by feature",
        rows=tuple(
            Row(
                label=words.name(distance.feature),
                marks=(
                    Mark(shape="bar", x=0.0, x2=scale.at(distance.value), tone="bad" if distance.exceeds else "new"),
                    Mark(shape="tick", x=scale.at(distance.limit), tone="limit"),
                ),
                value=f"{distance.value:.3f} of {distance.limit:g}{', over' if distance.exceeds else ''}",
            )
            for distance in distances
        ),
        ticks=scale.ticks(),
        keys=(Key(shape="bar", tone="new", label="distance"), Key(shape="tick", tone="limit", label="limit")),
    )
    return Figure(
        caption="How far the latest weeks moved from the ones before; a bar past its mark is a warning.",
        charts=(chart,),
    )


def _rows(data: DataSummary) -> Table | None:
    if data.rows_in is None:
        return None
    rows_in, dropped = data.rows_in, data.dropped
    merged = rows_in - data.rows - sum(dropped.values())
    lines = [("rows that came in", rows_in), *((f"dropped: {why}", n) for why, n in dropped.items())]
    lines += [("merged: the same product twice in one basket", merged)] if merged else []
    lines += [("kept", data.rows)]
    return Table(
        title="Rows: in, dropped, kept",
        header=("what", "rows", "share"),
        rows=tuple((what, f"{n:,}", f"{100 * n / max(rows_in, 1):.2f} %") for what, n in lines),
        numeric=(1, 2),
    )


def _findings(findings: Sequence[Finding]) -> Table | None:
    keys = ("check", "table", "column", "severity", "expected", "received", "what_to_do")
    if not findings:
        return None
    return Table(
        title="Findings of the validation",
        header=tuple(words.name(key) for key in keys),
        rows=tuple(tuple(str(getattr(finding, key)) for key in keys) for finding in findings),
    )
