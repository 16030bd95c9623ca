"""What the model learned from, and whether it may be trusted."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import date

from components.artifacts.validation import Distance, Finding
from components.reporting import number_format as words
from components.reporting.charts import Columns, Key, Mark, Row, Rows, columns
from components.reporting.page_parts import Note, Section
from pipelines.local.summary import DataSummary
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS

TONES = {"warn": "warn", "stop": "bad"}
FINDING = ("check", "table", "column", "severity", "expected", "received", "what_to_do")


def section(sources: Sources) -> Section | None:
    text, data, report = TEXTS["data"], sources.summary.data, sources.validation
    if not data:
        return None
    findings = report.anomalies if report else ()
    made = text.section(
        "data",
        text.figure("weeks", _weeks(sources, data)),
        text.figure("drift", _drift(report.drift) if report and report.drift else None),
        *_files(sources),
        *map(_note, findings),
        text.table("rows", list(_rows(data))),
        text.table("findings", [[str(getattr(finding, key)) for key in FINDING] for finding in findings]),
        data=data,
        verdict=report.verdict if report else "",
    )
    title = "The whole data report: every column of every table"
    return dataclasses.replace(made, page=sources.data_page, page_title=title)


def _files(sources: Sources) -> list[Note]:
    files = sources.ingest.files if sources.ingest else ()
    return [Note(word="read", title="How the files are written", text="; ".join(map(str, files)))] if files else []


def _note(finding: Finding) -> Note:
    return Note(
        word=finding.severity,
        title=f"{finding.table}.{finding.column}: {words.name(finding.check)}",
        text=words.shortened(f"expected {finding.expected}, received {finding.received}"),
        tone=TONES.get(finding.severity, ""),
    )


def _weeks(sources: Sources, data: DataSummary) -> Columns | None:
    if not sources.weeks:
        return None
    cut = date.fromisoformat(data.cut) if data.cut else None
    return columns(
        "Events by week",
        [f"week of {day}" for day, _ in sources.weeks],
        [events for _, events in sources.weeks],
        ["new" if cut and day >= cut else "old" for day, _ in sources.weeks],
        "events",
        (Key("bar", "old", "before the cut"), Key("bar", "new", "from the cut on")),
    )


def _drift(distances: Sequence[Distance]) -> Rows:
    rows = [
        Row(
            words.name(distance.feature),
            f"{distance.value:.3f} of {distance.limit:g}{', over' if distance.exceeds else ''}",
            [
                Mark("bar", 0.0, distance.value, "bad" if distance.exceeds else "new"),
                Mark("tick", distance.limit, tone="limit"),
            ],
        )
        for distance in distances
    ]
    return Rows.over("Drift by feature", rows, keys=(Key("bar", "new", "distance"), Key("tick", "limit", "limit")))


def _rows(data: DataSummary) -> Iterator[tuple[str, str, str]]:
    """(what, rows, share) of those that came in; nothing where they were not counted."""
    if data.rows_in is None:
        return
    merged = data.rows_in - data.rows - sum(data.dropped.values())
    lines = {"rows that came in": data.rows_in} | {f"dropped: {why}": rows for why, rows in data.dropped.items()}
    lines |= {"merged: the same product twice in one basket": merged} if merged else {}
    for what, rows in (lines | {"kept": data.rows}).items():
        yield what, f"{rows:,}", f"{100 * rows / max(data.rows_in, 1):.2f} %"
