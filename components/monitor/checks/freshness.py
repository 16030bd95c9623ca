"""How old the newest row of each table is, and the model. A table is stale when it is twice as old as it ever was."""

import numpy as np
import pandas as pd

from components.monitor.checks.thresholds import Limits
from components.monitor.data.baseline import Reference
from components.monitor.data.window import Live, day_spans
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S, HOUR_S

ROOM = 2.0
"""A table may be this many times as old as it ever was in the weeks before the cut."""
LEAST_HOURS = 1.0
"""Nothing is stale before this."""


def hours(
    live: Live, reference: Reference, starts: "pd.Series[float]", now_s: float, settings: MonitorSettings
) -> dict[str, tuple[float, Limits]]:
    """{check: (age in hours, limits)} of requests, purchases, promotions and the model. Closed days do not count.

    Args:
        starts: moments at which promotions start, unix seconds, ascending.
    """
    out = {}
    tables = [("purchases_age_hours", reference.purchases[c.TIME], live.purchases[c.TIME])]
    if live.logged:
        tables.insert(0, ("requests_age_hours", reference.visits["time_s"], live.visits["time_s"]))
    for name, seen, now in tables:
        newest_s = float(now[now <= now_s].max()) if (now <= now_s).any() else float(seen.max())
        gaps = np.diff(_open_s(np.unique(seen.to_numpy(float)), settings))
        newest_open_s, now_open_s = _open_s(np.array([newest_s, now_s]), settings)
        out[name] = _aged(now_open_s - newest_open_s, float(gaps.max()) if len(gaps) else 0.0)
    started = starts[starts <= now_s]
    if reference.promotion_gap_s and len(started):
        out["promotions_age_hours"] = _aged(now_s - float(started.iloc[-1]), reference.promotion_gap_s)
    age_h = (now_s - reference.cut_s) / HOUR_S
    out["model_age_hours"] = (age_h, Limits(high=settings.max_model_age_days * DAY_S / HOUR_S))
    return out


def _open_s(moments: np.ndarray, settings: MonitorSettings) -> np.ndarray:
    """Moments on a clock that stands still on closed days; in any order, seconds."""
    out = moments.copy()
    for begin_s, end_s in day_spans(-np.inf, np.inf, settings.closed_days, settings.time_zone):
        out -= np.clip(moments - begin_s, 0, end_s - begin_s)
    return out


def _aged(age_s: float, longest_gap_s: float) -> tuple[float, Limits]:
    known = longest_gap_s / HOUR_S
    return age_s / HOUR_S, Limits(high=max(ROOM * known, LEAST_HOURS), history=(known,))
