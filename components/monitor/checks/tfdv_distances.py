"""Skew of requests against training and drift of purchases week against week, measured by TFDV in its environment."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.kfp_support.environments import call
from components.monitor.data.baseline import WEEK_S, Reference
from components.monitor.data.window import Live, Spans, Window, special_spans
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings

MEASURE = "components.tfdv.window_distances:distances"
VISITS, PURCHASES = [c.USER, "time_s", c.STORE], [c.TIME, c.EVENT_TYPE, c.QUANTITY, c.PRICE, c.STORE]
NOW = "now"

Found = dict[str, dict[str, list[float]]]
"""{skew or drift: {feature: [the window's own distance, those of the windows before the cut, newest first]}}."""


def measure(
    windows: Sequence[tuple[Window, Sequence[Window]]], live: Live, reference: Reference, settings: MonitorSettings
) -> list[Found]:
    """For each (window, the same before the cut) its distances; one child process for all of them.

    What falls on a closed or unusual day of the window or of the week before it is left out, everywhere in the same
    hours. Windows before the cut that follow on a week with such a day are left out as a whole.
    """
    usual = [
        (window, [one for one in before if not special_spans(one.begin_s - WEEK_S, one.end_s, settings)])
        for window, before in windows
    ]
    spans = {
        f"{n}/{NOW if m < 0 else m}": _moved(compared(window, settings), one.begin_s - window.begin_s)
        for n, (window, before) in enumerate(usual)
        for m, one in enumerate([window, *before], start=-1)
    }
    with tempfile.TemporaryDirectory(prefix="aisle-monitor-") as scratch:
        ours = [Path(scratch) / "visits.parquet", Path(scratch) / "purchases.parquet"]
        live.visits[VISITS].to_parquet(ours[0], index=False)
        live.purchases[PURCHASES].to_parquet(ours[1], index=False)
        kwargs = {
            "training_stats": str(reference.stats or ""),
            "visits": [str(reference.path / "visits.parquet"), str(ours[0])],
            "purchases": [str(reference.path / "purchases.parquet"), str(ours[1])],
            "spans": spans,
            "time_zone": settings.time_zone,
        }
        found = call("validate", MEASURE, kwargs)
    return [_of(found, n, len(before)) for n, (_, before) in enumerate(usual)]


def compared(window: Window, settings: MonitorSettings) -> Spans:
    """The parts of the window that are ordinary, and were a week before."""
    begin_s, end_s = window.begin_s, window.end_s
    week_before = special_spans(begin_s - WEEK_S, end_s - WEEK_S, settings)
    parts, at_s = [], begin_s
    for shut_s, open_s in sorted((*special_spans(begin_s, end_s, settings), *_moved(week_before, WEEK_S))):
        if shut_s > at_s:
            parts.append((at_s, shut_s))
        at_s = max(at_s, open_s)
    return (*parts, (at_s, end_s)) if at_s < end_s else tuple(parts)


def _moved(spans: Spans, by_s: float) -> Spans:
    return tuple((begin_s + by_s, end_s + by_s) for begin_s, end_s in spans)


def _of(found: dict[str, dict[str, dict[str, float]]], n: int, before: int) -> Found:
    out: Found = {}
    for kind, by_window in found.items():
        now = by_window[f"{n}/{NOW}"]
        out[kind] = {
            feature: [value] + [past[feature] for m in range(before) if feature in (past := by_window[f"{n}/{m}"])]
            for feature, value in now.items()
        }
    return out
