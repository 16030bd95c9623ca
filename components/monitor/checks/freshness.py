"""Age of the newest row of each table, and of the model. A table is stale when it is twice as old as ever before."""

import numpy as np

from components.monitor.checks.measurements import exact
from components.monitor.checks.thresholds import Limits
from components.monitor.data.window import ServiceRecord, day_spans
from model.data import columns as c
from model.evaluation.clustered_errors import Estimate
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S, HOUR_S

ROOM = 2.0
"""A table may be this many times as old as it ever was in the weeks before the cut."""
LEAST_HOURS = 1.0
"""Nothing is stale before this."""


def ages(record: ServiceRecord, now_s: float) -> dict[str, tuple[Estimate, Limits]]:
    """Return {check: (hours, limits)} of requests, purchases, promotions and the model. Closed days do not count."""
    baseline, settings = record.baseline, record.settings
    age_h = (now_s - baseline.cut_s) / HOUR_S
    of_check = {"model_age_hours": (exact(age_h), Limits(high=settings.max_model_age_days * DAY_S / HOUR_S))}
    tables = {"purchases_age_hours": (baseline.purchases[c.TIME], record.purchases[c.TIME])}
    if record.logged:
        tables["requests_age_hours"] = (baseline.visits["time_s"], record.visits["time_s"])
    for name, (before_cut, since_cut) in tables.items():
        arrived = since_cut[since_cut <= now_s]
        newest_s = float(arrived.max()) if len(arrived) else float(before_cut.max())
        gaps = np.diff(_open_s(np.unique(before_cut.to_numpy(float)), settings))
        newest_open_s, now_open_s = _open_s(np.array([newest_s, now_s]), settings)
        of_check[name] = _aged(now_open_s - newest_open_s, float(gaps.max()) if len(gaps) else 0.0)
    started = record.promotion_starts[record.promotion_starts <= now_s]
    if baseline.facts.promotion_gap_s and len(started):
        of_check["promotions_age_hours"] = _aged(now_s - float(started.iloc[-1]), baseline.facts.promotion_gap_s)
    return of_check


def _open_s(moments: np.ndarray, settings: MonitorSettings) -> np.ndarray:
    """Return moments, in any order, on a clock that stops on closed days, seconds."""
    out = moments.copy()
    for begin_s, end_s in day_spans(-np.inf, np.inf, settings.closed_days, settings.time_zone):
        out -= np.clip(moments - begin_s, 0, end_s - begin_s)
    return out


def _aged(age_s: float, longest_gap_s: float) -> tuple[Estimate, Limits]:
    gap_h = longest_gap_s / HOUR_S
    return exact(age_s / HOUR_S), Limits(high=max(ROOM * gap_h, LEAST_HOURS), history=(gap_h,))
