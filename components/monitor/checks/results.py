"""What a check said, and how all of them together are told."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Literal

from components.monitor.checks.thresholds import Limits
from model.evaluation.clustered_errors import Estimate
from tfx_configs.monitoring import Severity

Status = Literal["ok", "failed", "unknown"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One check of one window."""

    check: str
    group: str
    severity: Severity
    window_days: int
    """0: of the moment."""
    status: Status
    value: float | None
    value_low: float | None
    value_high: float | None
    """The value's 95 % interval; the value itself where it has no error."""
    low: float | None
    high: float | None
    """What is allowed; None: no bound."""
    history: tuple[float, ...]
    """The same figure of windows known to be good, newest first."""
    what: str
    basis: str
    """Where the limits come from."""
    to_do: str
    why: str = ""
    """Of an unknown one: what was missing. Of an ok one that is outside its limits: why it is ok."""


def judge(
    estimate: Estimate | None, limits: Limits | None, side: Literal["low", "high", "both"], few: str
) -> tuple[dict[str, Any], Status, str]:
    """(figures, status, why). Failed: the whole 95 % interval lies beyond a limit that is asked for.

    few: why nothing can be judged now, or empty.
    """
    low = limits.low if limits and side in ("low", "both") else -math.inf
    high = limits.high if limits and side in ("high", "both") else math.inf
    figures = {
        "value": finite(estimate.value) if estimate else None,
        "value_low": finite(estimate.low) if estimate else None,
        "value_high": finite(estimate.high) if estimate else None,
        "low": finite(low),
        "high": finite(high),
        "history": limits.history if limits else (),
    }
    if few:
        return figures, "unknown", few
    if estimate is None or math.isnan(estimate.value) or math.isinf(estimate.se):
        return figures, "unknown", "nothing to measure it on"
    if limits is None:
        return figures, "unknown", "too few good windows to compare with"
    beyond = estimate.high < low - 1e-12 or estimate.low > high + 1e-12
    return figures, "failed" if beyond else "ok", ""


def worst(results: Iterable[Result]) -> list[Result]:
    """One result a check: a failed one before an ok one before an unknown one, the shorter window first."""
    order = {"failed": 0, "ok": 1, "unknown": 2}
    found: dict[str, Result] = {}
    for result in sorted(results, key=lambda one: (order[one.status], one.window_days)):
        found.setdefault(result.check, result)
    return list(found.values())


def finite(value: float) -> float | None:
    """The value; None for what JSON cannot say."""
    return float(value) if math.isfinite(value) else None
