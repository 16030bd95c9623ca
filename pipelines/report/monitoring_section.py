"""The monitor's section: every check beside its limits, quality by version, and the training that is due."""

from collections.abc import Sequence

from components.artifacts.monitor_report import CheckResult, Interval, QualitySlice
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows
from components.reporting.page_parts import Note, Section
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS

HITS = "hits_per_trip"
KEYS = (Key("dot", "new", "mean, with its 95 % interval"),)


def section(sources: Sources) -> Section | None:
    """Return the section; None where the service was not monitored."""
    text, report = TEXTS["monitoring"], sources.monitor
    if report is None:
        return None
    failed = [n for n, result in enumerate(report.worst) if result.status == "failed"]
    metrics = list(report.versions[0].metrics) if report.versions else []
    due, unknown = report.retrain, len(report.unknown)
    return text.section(
        "monitoring",
        text.figure("versions", _hits(report.versions)),
        *(_note(report.worst[n]) for n in failed),
        Note(word="training", title=f"due: {due.train}", text="; ".join(due.reasons)),
        text.table("checks", [_check(result) for result in report.worst], failed=failed),
        text.table("versions", [_slice(row, metrics) for row in report.versions], more=[*map(words.name, metrics)]),
        failed=len(failed),
        judged=len(report.worst) - unknown,
        now=report.now,
        unknown=unknown,
    )


def _note(result: CheckResult) -> Note:
    return Note(
        word=result.severity,
        title=f"{words.name(result.check)} is {number(result.value)}, allowed {allowed(result)}.",
        text=f"{result.what}: {result.to_do}.",
        tone="bad" if result.severity == "page" else "warn",
    )


def _hits(slices: Sequence[QualitySlice]) -> Rows | None:
    """Hits per trip of each version with its interval; None where none has one."""
    rows = [
        Row(
            words.shortened(version.version, 24),
            f"{hits.value:.2f} on {version.visits:,} visits",
            [Mark("span", hits.low, hits.high), Mark("dot", hits.value)],
        )
        for version in slices
        if version.slicing == "all" and (hits := version.metrics.get(HITS))
        if hits.low is not None and hits.high is not None
    ]
    return Rows.over("Hits per trip by version", rows, keys=KEYS) if rows else None


def _check(result: CheckResult) -> tuple[str, ...]:
    return (
        words.name(result.check),
        str(result.window_days or "now"),
        number(result.value),
        between(result.value_low, result.value_high),
        allowed(result),
        result.status + (f": {result.why}" if result.why else ""),
        result.basis.replace("`", ""),
    )


def _slice(row: QualitySlice, metrics: Sequence[str]) -> tuple[str, ...]:
    name = "all" if row.slicing == "all" else f"{row.slicing}: {row.slice}"
    figures = (_interval(row.metrics[metric]) for metric in metrics)
    return words.shortened(row.version, 24), name, f"{row.visits:,}", *figures


def _interval(figure: Interval | None) -> str:
    if figure is None:
        return ""
    spread = f" ({between(figure.low, figure.high)})" if figure.low != figure.high else ""
    return f"{number(figure.value)}{spread}"


def allowed(result: CheckResult) -> str:
    """Return the limits in words."""
    if result.low is None:
        return "" if result.high is None else f"at most {number(result.high)}"
    return f"at least {number(result.low)}" if result.high is None else between(result.low, result.high)


def between(low: float | None, high: float | None) -> str:
    """Return a range."""
    return f"{number(low)} to {number(high)}"


def number(value: float | None) -> str:
    """Return four significant digits, or a dash for no value."""
    return "–" if value is None else f"{value:.4g}"
