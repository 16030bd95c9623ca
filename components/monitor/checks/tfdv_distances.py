"""Skew of requests against training and drift of purchases week against week, measured by TFDV in its environment."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.kfp_support.environments import call
from components.monitor.data.baseline import PURCHASES, VISITS, WEEK_S
from components.monitor.data.window import Spans, Window, special_spans
from model.data import columns as c

MEASURE = "components.tfdv.window_distances:distances"
VISIT_COLUMNS, PURCHASE_COLUMNS = [c.USER, "time_s", c.STORE], [c.TIME, c.EVENT_TYPE, c.QUANTITY, c.PRICE, c.STORE]

Distances = dict[str, dict[str, list[float]]]
"""{skew or drift: {feature: [the window's own distance, those of the windows before the cut, newest first]}}."""


def measure(windows: Sequence[Window]) -> list[Distances]:
    """Measure the distances of each window of one record, in one child process for all of them.

    What falls on a closed or unusual day of the window or of the week before it is left out, everywhere in the same
    hours. Windows before the cut that follow on a week with such a day are left out as a whole.
    """
    if not windows:
        return []
    record = windows[0].record
    usual = [
        [past for past in window.before_cut if not special_spans(past.begin_s - WEEK_S, past.end_s, record.settings)]
        for window in windows
    ]
    spans = {
        f"{n}/{m}": _moved(compared(window), each.begin_s - window.begin_s)
        for n, (window, before) in enumerate(zip(windows, usual, strict=True))
        for m, each in enumerate([window, *before])
    }
    with tempfile.TemporaryDirectory(prefix="aisle-monitor-") as scratch:
        ours = [Path(scratch) / VISITS, Path(scratch) / PURCHASES]
        record.visits[VISIT_COLUMNS].to_parquet(ours[0], index=False)
        record.purchases[PURCHASE_COLUMNS].to_parquet(ours[1], index=False)
        kwargs = {
            "training_stats": str(record.baseline.stats or ""),
            "visits": [str(record.baseline.path / VISITS), str(ours[0])],
            "purchases": [str(record.baseline.path / PURCHASES), str(ours[1])],
            "spans": spans,
            "time_zone": record.settings.time_zone,
        }
        measured = call("validate", MEASURE, kwargs)
    return [
        {
            kind: _by_feature([by_window[f"{n}/{m}"] for m in range(len(before) + 1)])
            for kind, by_window in measured.items()
        }
        for n, before in enumerate(usual)
    ]


def compared(window: Window) -> Spans:
    """Return the parts of the window that are ordinary, and were a week before."""
    begin_s, end_s, settings = window.begin_s, window.end_s, window.record.settings
    week_before = special_spans(begin_s - WEEK_S, end_s - WEEK_S, settings)
    parts, at_s = [], begin_s
    for shut_s, open_s in sorted((*special_spans(begin_s, end_s, settings), *_moved(week_before, WEEK_S))):
        if shut_s > at_s:
            parts.append((at_s, shut_s))
        at_s = max(at_s, open_s)
    return (*parts, (at_s, end_s)) if at_s < end_s else tuple(parts)


def _moved(spans: Spans, by_s: float) -> Spans:
    return tuple((begin_s + by_s, end_s + by_s) for begin_s, end_s in spans)


def _by_feature(distances: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """Return the distances of each feature of the first window, over the windows that have it."""
    return {feature: [each[feature] for each in distances if feature in each] for feature in distances[0]}
