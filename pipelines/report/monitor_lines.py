"""The monitor's report as lines for the terminal, and in part for the run report."""

from collections.abc import Iterator

from components.artifacts.monitor_report import CheckResult, MonitorReport

MARKS = {"ok": "ok", "failed": "FAILED", "unknown": "–"}


def lines(report: MonitorReport) -> Iterator[str]:
    """Yield the lines for the terminal."""
    for window in report.windows:
        yield f"{window.begin} to {window.end}: {window.visits:,} visits, {window.purchases:,} purchases"
    yield f"{'check':24} {'days':>4}  {'value':>10}  {'95 % interval':20} {'allowed':22} status"
    for result in report.worst:
        yield check_line(result)
        if result.status == "failed":
            yield f"  {result.what}; {result.to_do}"
    failed = ", ".join(report.failed) or "none"
    yield f"{len(report.worst)} checks, failed: {failed}; not to be judged: {len(report.unknown)}"
    yield f"Training due: {report.retrain.train} ({'; '.join(report.retrain.reasons)})"


def check_line(result: CheckResult) -> str:
    """Return one check: its window, value, interval, limits and status."""
    interval = "" if result.value_low == result.value_high else between(result.value_low, result.value_high)
    status = MARKS[result.status] + (f" {result.why}" if result.why else "")
    days, value = result.window_days or "now", number(result.value)
    return f"{result.check:24} {days:>4}  {value:>10}  {interval:20} {allowed(result):22} {status}"


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
