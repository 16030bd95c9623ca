"""What the model learned from, and whether it may be trusted."""

from datetime import date
from typing import Any

from pipelines.local.summary import DataSummary
from pipelines.report import number_format as words
from pipelines.report.charts import Key, Mark, Row, Rows, Scale, columns
from pipelines.report.page_parts import Figure, Note, Section, Table
from pipelines.report.run_files import Sources

VERDICTS = {"ok": "Validation found nothing to object to.", "warn": "Validation lets it pass, with warnings."}
TONES = {"warn": "warn", "stop": "bad"}


def section(sources: Sources) -> Section | None:
    data = sources.summary.data
    if not data:
        return None
    lead = f"{data.rows:,} events of {data.users:,} shoppers and {data.items:,} products."
    verdict = VERDICTS.get(sources.anomalies.get("verdict", ""), "")
    figures = [figure for figure in (_weeks(sources, data), _drift(sources)) if figure]
    tables = [table for table in (_rows(data), _anomalies(sources)) if table]
    return Section(
        id="data",
        title="The data",
        lead=f"{lead} {verdict}".strip(),
        figures=tuple(figures),
        notes=tuple(
            Note(
                word=one["severity"],
                title=f"{one['table']}.{one['column']}: {words.name(one['check'])}",
                text=words.shortened(f"expected {one['expected']}, received {one['received']}"),
                tone=TONES.get(one["severity"], ""),
            )
            for one in sources.anomalies.get("anomalies", [])
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
    says = "Gray weeks taught the model; blue weeks it never saw, they judge it and are replayed as traffic."
    return Figure(says=says, charts=(chart,))


def _drift(sources: Sources) -> Figure | None:
    drift: list[dict[str, Any]] = sources.anomalies.get("drift", [])
    if not drift:
        return None
    scale = Scale.over([value for one in drift for value in (one["value"], one["limit"])])
    chart = Rows(
        title="Drift by feature",
        rows=tuple(
            Row(
                label=words.name(one["feature"]),
                marks=(
                    Mark(shape="bar", x=0.0, x2=scale.at(one["value"]), tone=_tone(one)),
                    Mark(shape="tick", x=scale.at(one["limit"]), tone="limit"),
                ),
                value=f"{one['value']:.3f} of {one['limit']:g}{', over' if one['value'] > one['limit'] else ''}",
            )
            for one in drift
        ),
        ticks=scale.ticks(),
        keys=(Key(shape="bar", tone="new", label="distance"), Key(shape="tick", tone="limit", label="limit")),
    )
    return Figure(
        says="How far the latest weeks moved from the ones before; a bar past its mark is a warning.", charts=(chart,)
    )


def _tone(one: dict[str, Any]) -> str:
    return "bad" if one["value"] > one["limit"] else "new"


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


def _anomalies(sources: Sources) -> Table | None:
    found: list[dict[str, Any]] = sources.anomalies.get("anomalies", [])
    keys = ("check", "table", "column", "severity", "expected", "received", "what_to_do")
    if not found:
        return None
    return Table(
        title="Findings of the validation",
        header=tuple(words.name(key) for key in keys),
        rows=tuple(tuple(str(one.get(key, "")) for key in keys) for one in found),
    )
