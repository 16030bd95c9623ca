"""What the monitor said: every check beside what is allowed, quality by version, and what training is due."""

from typing import Any

from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Note, Section, Table
from pipelines.report.monitor_lines import allowed, number
from pipelines.report.run_files import Sources


def section(sources: Sources) -> Section | None:
    report = sources.monitor
    if not report:
        return None
    checks: list[dict[str, Any]] = report["worst"]
    failed = [check for check in checks if check["status"] == "failed"]
    judged = sum(check["status"] != "unknown" for check in checks)
    lead = (
        f"{len(failed)} of {judged} checks failed as of {report['now']}."
        if failed
        else f"None of {judged} checks failed as of {report['now']}."
    )
    if report["unknown"]:
        lead += f" {words.count(len(report['unknown']), 'check has', 'checks have')} too little to be judged on yet."
    return Section(
        id="monitoring",
        title="Monitoring",
        lead=f"{lead} Limits come from how much the same figures moved in the weeks before the cut.",
        figures=_figures(report["versions"]),
        notes=(*_notes(failed), _retrain(report["retrain"])),
        tables=(_checks(checks), *_slices(report["versions"])),
    )


def _notes(failed: list[dict[str, Any]]) -> tuple[Note, ...]:
    return tuple(
        Note(
            word=check["severity"],
            title=f"{words.name(check['check'])} is {number(check['value'])}, allowed {allowed(check)}.",
            text=f"{check['what']}: {check['to_do']}.",
            tone="bad" if check["severity"] == "page" else "warn",
        )
        for check in failed
    )


def _retrain(due: dict[str, Any]) -> Note:
    return Note(word="training", title=f"due: {due['train']}", text="; ".join(due["reasons"]))


def _figures(rows: list[dict[str, Any]]) -> tuple[Figure, ...]:
    """Hits per trip of each version with its interval."""
    whole = [row for row in rows if row["slicing"] == "all" and row["hits_per_trip"]]
    known = [row for row in whole if row["hits_per_trip"]["high"] is not None]
    if not known:
        return ()
    scale = Scale.over([row["hits_per_trip"]["high"] for row in known])
    chart = Rows(
        title="Hits per trip by version",
        rows=tuple(
            Row(
                label=words.shortened(row["version"], 24),
                marks=(
                    Mark(
                        shape="span",
                        x=scale.at(row["hits_per_trip"]["low"]),
                        x2=scale.at(row["hits_per_trip"]["high"]),
                    ),
                    Mark(shape="dot", x=scale.at(row["hits_per_trip"]["value"])),
                ),
                value=f"{row['hits_per_trip']['value']:.2f} on {row['visits']:,} visits",
            )
            for row in known
        ),
        ticks=scale.ticks(),
        keys=(Key(shape="dot", tone="new", label="mean, with its 95 % interval"),),
    )
    caption = "Items that were shown and then bought, by what answered; the intervals count shoppers, not requests."
    return (Figure(caption=caption, charts=(chart,)),)


def _checks(checks: list[dict[str, Any]]) -> Table:
    order = {"failed": 0, "ok": 1, "unknown": 2}
    rows = sorted(checks, key=lambda check: order[check["status"]])
    return Table(
        title="Every check",
        header=("check", "days", "value", "interval", "allowed", "said", "limit comes from"),
        rows=tuple(
            (
                words.name(check["check"]),
                str(check["window_days"] or "now"),
                number(check["value"]),
                f"{number(check['value_low'])} to {number(check['value_high'])}",
                allowed(check),
                check["status"] + (f": {check['why']}" if check["why"] else ""),
                check["basis"].replace("`", ""),
            )
            for check in rows
        ),
        numeric=(1, 2),
        failed=tuple(n for n, check in enumerate(rows) if check["status"] == "failed"),
    )


def _slices(rows: list[dict[str, Any]]) -> tuple[Table, ...]:
    if not rows:
        return ()
    metrics = [name for name in rows[0] if name not in ("version", "slicing", "slice", "visits")]

    def told(found: dict[str, float | None] | None) -> str:
        if not found:
            return ""
        spread = f" ({number(found['low'])} to {number(found['high'])})" if found["low"] != found["high"] else ""
        return f"{number(found['value'])}{spread}"

    return (
        Table(
            title="By version and slice",
            header=("version", "slice", "visits", *(words.name(metric) for metric in metrics)),
            rows=tuple(
                (
                    words.shortened(row["version"], 24),
                    "all" if row["slicing"] == "all" else f"{row['slicing']}: {row['slice']}",
                    f"{row['visits']:,}",
                    *(told(row[metric]) for metric in metrics),
                )
                for row in rows
            ),
            numeric=(2,),
        ),
    )
