"""All checks at one moment: the service's record against the baseline, window by window."""

import dataclasses
import math
from collections.abc import Iterator, Sequence

from components.artifacts.monitor_report import CheckDescription, CheckResult
from components.monitor.checks import tfdv_distances
from components.monitor.checks.freshness import ages
from components.monitor.checks.measurements import MEASURES, exact
from components.monitor.checks.table import AGES, CHECKS, DISTANCES, LIMITS, Check
from components.monitor.checks.tfdv_distances import Distances
from components.monitor.checks.thresholds import Limits, natural
from components.monitor.data.window import ServiceRecord, Window
from model.evaluation.clustered_errors import Estimate
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import HOUR_S

MARGIN = 1e-12
"""A figure this close to a limit is within it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckRun:
    """The results of all checks at one moment."""

    now_s: float
    results: list[CheckResult]
    windows: list[Window]
    """One a length, the longest last."""


def run_checks(
    record: ServiceRecord,
    moments: Sequence[float],
    *,
    with_distances: bool = True,
    checks: Sequence[Check] = CHECKS,
) -> list[CheckRun]:
    """Run the checks at each moment; nothing after a moment counts for it.

    A check that compares with the weeks before the cut, or with the log's own past, fails only when it also failed
    `confirm_hours` earlier; only failed checks are run for the earlier moment.

    Args:
        moments: unix seconds in data time.
        with_distances: also TFDV's distances, which take a child process of some ten seconds, one for all moments.
        checks: those of windows that are run; ages always are.
    """
    runs, hours = _run_once(record, moments, with_distances, checks), record.settings.confirm_hours
    doubtful = [run for run in runs if any(map(_may_be_chance, run.results))]
    if not hours or not doubtful:
        return runs
    failed = [result for run in doubtful for result in run.results if _may_be_chance(result)]
    again = [check for check in checks if any(result.check == check.name for result in failed)]
    earlier_s = [run.now_s - hours * HOUR_S for run in doubtful]
    earlier_runs = _run_once(record, earlier_s, any(result.group in DISTANCES for result in failed), again)
    for run, earlier in zip(doubtful, earlier_runs, strict=True):
        before = {(result.check, result.window_days) for result in earlier.results if result.status == "failed"}
        run.results[:] = [_confirmed(result, before, hours) for result in run.results]
    return runs


def judge(
    check: Check, estimate: Estimate | None, limits: Limits | None, *, window_days: int = 0, missing: str = ""
) -> CheckResult:
    """Compare a figure with its limits; failed: its whole 95 % interval is beyond a limit of the check's side.

    Args:
        window_days: of the window; 0 for a figure of the moment.
        missing: why nothing can be judged now, or empty.
    """
    low = limits.low if limits and check.side != "above" else -math.inf
    high = limits.high if limits and check.side != "below" else math.inf
    unmeasured = estimate is None or math.isnan(estimate.value) or math.isinf(estimate.se)
    why = missing or ("nothing to measure it on" if unmeasured else "")
    why = why or ("too few good windows to compare with" if limits is None else "")
    beyond = estimate is not None and (estimate.high < low - MARGIN or estimate.low > high + MARGIN)
    return CheckResult(
        check=check.name,
        **check.model_dump(include=set(CheckDescription.model_fields)),
        window_days=window_days,
        status="unknown" if why else "failed" if beyond else "ok",
        value=estimate.value if estimate else None,
        value_low=estimate.low if estimate else None,
        value_high=estimate.high if estimate else None,
        low=low,
        high=high,
        history=limits.history if limits else (),
        why=why,
    )


def _run_once(
    record: ServiceRecord, moments: Sequence[float], with_distances: bool, checks: Sequence[Check]
) -> list[CheckRun]:
    """Run the checks at each moment, without confirmation."""
    lengths, runs = record.settings.windows_days, []
    for now_s in moments:
        measured = ages(record, now_s)
        results = [judge(check, *measured[check.name]) for check in AGES if check.name in measured]
        windows = [record.window(now_s, days) for days in lengths]
        for days, window in zip(lengths, windows, strict=True):
            results += [_judge_window(check, window, days) for check in checks]
        runs.append(CheckRun(now_s=now_s, results=results, windows=windows))
    if with_distances:
        distances = iter(tfdv_distances.measure([window for run in runs for window in run.windows]))
        for run in runs:
            for days in lengths:
                run.results.extend(_judge_distances(next(distances), record.settings, days))
    return runs


def _judge_window(check: Check, window: Window, days: int) -> CheckResult:
    rows, least = len(window.visits), window.record.settings.min_visits
    missing = f"{rows} visits, below {least}" if check.needs_visits and rows < least else ""
    limits = LIMITS[check.limits](window, check.name)
    return judge(check, MEASURES[check.name](window), limits, window_days=days, missing=missing)


def _judge_distances(distances: Distances, settings: MonitorSettings, days: int) -> Iterator[CheckResult]:
    for kind, by_feature in distances.items():
        for feature, (now, *history) in by_feature.items():
            what = DISTANCES[kind].what.replace("each feature", feature)
            check = DISTANCES[kind].model_copy(update={"name": f"{kind}_{feature}", "what": what})
            factor = settings.least_distance_factor
            limits = natural(history, settings, settings.least_distance, least_factor=factor)
            yield judge(check, exact(now), limits, window_days=days)


def _may_be_chance(result: CheckResult) -> bool:
    """Return whether it failed by a limit that figures of good windows exceed now and then."""
    return result.status == "failed" and bool(result.window_days and result.history)


def _confirmed(result: CheckResult, failed_before: set[tuple[str, int]], hours: float) -> CheckResult:
    if not _may_be_chance(result) or (result.check, result.window_days) in failed_before:
        return result
    return result.model_copy(update={"status": "ok", "why": f"outside its limits, but not {hours:g} h ago"})
