"""Drift: how far the distribution of each event feature moved between two stretches of time, held against limits."""

import itertools
from collections.abc import Mapping

import pandas as pd

from components.artifacts.validation import Distance, Finding, Severity
from components.tfdv import statistics, value_counts
from components.tfdv.derived_columns import HOUR, WEEKDAY
from components.tfdv.distances import COMPARED, NUMERIC, common_ranges, drift_of_stats, of_events, with_one_range
from components.validate.findings import finding
from model.data import columns as c
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

WARN_ONLY = (HOUR, WEEKDAY)
"""When people shop may change at any time; it breaks nothing."""
EARLIER, RECENT = "earlier", "recent"
MIN_ROWS = 1000
"""Fewer rows on either side make a distance of noise."""


def with_limits(distances: Mapping[str, float], settings: ValidationSettings) -> list[Distance]:
    """The distances with their limits."""
    return [
        Distance(
            feature=name,
            value=value,
            limit=settings.max_drift_numeric if name in NUMERIC else settings.max_drift_category,
        )
        for name, value in distances.items()
    ]


def drifted(distances: list[Distance], check: str, settings: ValidationSettings) -> list[Finding]:
    """One finding of `check` for each distance beyond its limit."""
    findings = []
    for distance in distances:
        if distance.exceeds:
            far = distance.value > distance.limit * settings.stop_drift_factor
            severity: Severity = "stop" if far and distance.feature not in WARN_ONLY else "warn"
            measure = "Jensen-Shannon divergence" if distance.feature in NUMERIC else "L-infinity distance"
            value, limit, days = distance.value, distance.limit, settings.drift_days
            text = finding(check, distance.feature, severity, distance=value, limit=limit, measure=measure, days=days)
            findings.append(text)
    return findings


def by_week(events: pd.DataFrame, weeks: int = 26) -> dict[str, list[float | None]]:
    """{feature: distance of each of the last `weeks` weeks from the week before it}, oldest first."""
    end = _next_midnight(events[c.TIME].max())
    spans = [_span(events, end - (k + 1) * 7 * DAY_S, end - k * 7 * DAY_S) for k in range(weeks, -1, -1)]
    filled = iter(with_one_range([span for span in spans if len(span) >= MIN_ROWS]))
    measured = [value_counts.of_frame(next(filled)) if len(span) >= MIN_ROWS else None for span in spans]
    steps = [
        drift_of_stats(before, after) if before and after else {} for before, after in itertools.pairwise(measured)
    ]
    measured_names = sorted({name for step in steps for name in step})
    return {name: [step.get(name) for step in steps] for name in measured_names}


def spans(events: pd.DataFrame, settings: ValidationSettings) -> dict[str, statistics.Selection]:
    """{EARLIER, RECENT: training events before, and in, their last `drift_days` days}, to be measured for `find`.

    Empty when either side is shorter than a week or has fewer than MIN_ROWS rows.
    """
    end = _next_midnight(events[c.TIME].max())
    split = end - settings.drift_days * DAY_S
    earlier, recent = _span(events, 0, split), _span(events, split, end)
    too_short = events[c.TIME].min() > split - 7 * DAY_S
    if too_short or min(len(earlier), len(recent)) < MIN_ROWS:
        return {}
    ranges = common_ranges([earlier, recent])
    return {
        name: statistics.Selection(begin_s=begin_s, end_s=end_s, columns=COMPARED, ranges=ranges)
        for name, begin_s, end_s in ((EARLIER, 0.0, split), (RECENT, split, end))
    }


def find(
    measured: Mapping[str, statistics.Stats], settings: ValidationSettings
) -> tuple[list[Finding], list[Distance]]:
    """Features whose recent days moved too far from the earlier ones; nothing where `spans` was empty."""
    if RECENT not in measured:
        return [], []
    distances = with_limits(drift_of_stats(measured[EARLIER], measured[RECENT]), settings)
    return drifted(distances, "drift", settings), distances


def _span(events: pd.DataFrame, begin_s: float, end_s: float) -> pd.DataFrame:
    return of_events(events[(events[c.TIME] >= begin_s) & (events[c.TIME] < end_s)])


def _next_midnight(time_s: float) -> float:
    return (time_s // DAY_S + 1) * DAY_S
