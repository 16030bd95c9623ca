"""The monitor's section: every check beside its limits, quality by version, and the training that is due."""

from collections.abc import Sequence

from components.artifacts.monitor_report import CheckResult, Interval, QualitySlice
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Note, Section, Table
from pipelines.report.monitor_lines import allowed, between, number
from pipelines.report.run_files import Sources

HITS = "hits_per_trip"


def section(sources: Sources) -> Section | None:
    """Return the section; None where the service was not monitored."""
    report = sources.monitor
    if report is None:
        return None
    failed = [result for result in report.worst if result.status == "failed"]
    judged = len(report.worst) - len(report.unknown)
    lead = f"{len(failed) or 'None'} of {judged} checks failed as of {report.now}."
    if report.unknown:
        lead += f" {words.count(len(report.unknown), 'check has', 'checks have')} too little to be judged on yet."
    due = report.retrain
    return Section(
        id="monitoring",
        title="Monitoring",
        lead=f"{lead} Limits come from how much the same figures moved in the weeks before the cut.",
        figures=_figures(report.versions),
        notes=(*map(_note, failed), Note(word="training", title=f"due: {due.train}", text="; ".join(due.reasons))),
        tables=(_checks(report.worst), *_slices(report.versions)),
    )


def _note(result: CheckResult) -> Note:
    return Note(
        word=result.severity,
        title=f"{words.name(result.check)} is {number(result.value)}, allowed {allowed(result)}.",
        text=f"{result.what}: {result.to_do}.",
        tone="bad" if result.severity == "page" else "warn",
    )


def _figures(slices: Sequence[QualitySlice]) -> tuple[Figure, ...]:
    """Hits per trip of each version with its interval."""
    shown = [
        (version, hits, hits.low, hits.high)
        for version in slices
        if version.slicing == "all" and (hits := version.metrics.get(HITS)) and hits.low is not None
        if hits.high is not None
    ]
    if not shown:
        return ()
    scale = Scale.over([high for *_, high in shown])
    chart = Rows(
        title="Hits per trip by version",
        rows=tuple(
            Row(
                label=words.shortened(version.version, 24),
                marks=(
                    Mark(shape="span", x=scale.at(low), x2=scale.at(high)),
                    Mark(shape="dot", x=scale.at(hits.value)),
                ),
                value=f"{hits.value:.2f} on {version.visits:,} visits",
            )
            for version, hits, low, high in shown
        ),
        ticks=scale.ticks(),
        keys=(Key(shape="dot", tone="new", label="mean, with its 95 % interval"),),
    )
    caption = "Items that were shown and then bought, by what answered; the intervals count shoppers, not requests."
    return (Figure(caption=caption, charts=(chart,)),)


def _checks(results: Sequence[CheckResult]) -> Table:
    return Table(
        title="Every check",
        header=("check", "days", "value", "interval", "allowed", "status", "limit comes from"),
        rows=tuple(
            (
                words.name(result.check),
                str(result.window_days or "now"),
                number(result.value),
                between(result.value_low, result.value_high),
                allowed(result),
                result.status + (f": {result.why}" if result.why else ""),
                result.basis.replace("`", ""),
            )
            for result in results
        ),
        numeric=(1, 2),
        failed=tuple(n for n, result in enumerate(results) if result.status == "failed"),
    )


def _slices(slices: Sequence[QualitySlice]) -> tuple[Table, ...]:
    if not slices:
        return ()
    metrics = list(slices[0].metrics)
    return (
        Table(
            title="By version and slice",
            header=("version", "slice", "visits", *map(words.name, metrics)),
            rows=tuple(
                (
                    words.shortened(row.version, 24),
                    "all" if row.slicing == "all" else f"{row.slicing}: {row.slice}",
                    f"{row.visits:,}",
                    *(_interval(row.metrics[metric]) for metric in metrics),
                )
                for row in slices
            ),
            numeric=(2,),
        ),
    )


def _interval(figure: Interval | None) -> str:
    if figure is None:
        return ""
    spread = f" ({between(figure.low, figure.high)})" if figure.low != figure.high else ""
    return f"{number(figure.value)}{spread}"
