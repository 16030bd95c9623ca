"""What the monitor found, in words: for the terminal, and in part for the report."""

from collections.abc import Iterator
from typing import Any

MARKS = {"ok": "ok", "failed": "FAILED", "unknown": "–"}


def lines(report: dict[str, Any]) -> Iterator[str]:
    """What the terminal shows of monitor.json."""
    for window in report["windows"]:
        yield (f"{window['begin']} to {window['end']}: {window['visits']:,} visits, {window['purchases']:,} purchases")
    yield f"{'check':24} {'days':>4}  {'value':>10}  {'95 % interval':20} {'allowed':22} said"
    order = {"failed": 0, "ok": 1, "unknown": 2}
    for check in sorted(report["worst"], key=lambda one: order[one["status"]]):
        yield check_line(check)
        if check["status"] == "failed":
            yield f"  {check['what']}; {check['to_do']}"
    failed = ", ".join(report["failed"]) or "none"
    yield f"{len(report['worst'])} checks, failed: {failed}; not to be judged: {len(report['unknown'])}"
    due = report["retrain"]
    how = f", --start {due['start']}" if due["start"] else ""
    yield f"Training due: {due['train']}{how} ({'; '.join(due['reasons'])})"


def check_line(check: dict[str, Any]) -> str:
    """One check: its window, value, interval, what is allowed, what it said."""
    exact = check["value_low"] == check["value_high"]
    interval = "" if exact else f"{number(check['value_low'])} to {number(check['value_high'])}"
    said = MARKS[check["status"]] + (f" {check['why']}" if check["why"] else "")
    days = check["window_days"] or "now"
    return f"{check['check']:24} {days:>4}  {number(check['value']):>10}  {interval:20} {allowed(check):22} {said}"


def allowed(check: dict[str, Any]) -> str:
    """The limits in words."""
    low, high = check["low"], check["high"]
    if low is None and high is None:
        return ""
    if low is None:
        return f"at most {number(high)}"
    return f"at least {number(low)}" if high is None else f"{number(low)} to {number(high)}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
