"""Skew of requests against training and drift of purchases week against week, measured by TFDV in its environment."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from components.environments import call
from components.monitor.reference import Reference
from components.monitor.window import Live, Window
from model import columns as c

MEASURE = "components.validate.windows:distances"
VISITS, PURCHASES = [c.USER, "time_s", c.STORE], [c.TIME, c.EVENT_TYPE, c.QUANTITY, c.PRICE, c.STORE]
NOW = "now"

Found = dict[str, dict[str, list[float]]]
"""{skew or drift: {feature: [the window's own distance, those of the windows before the cut, newest first]}}."""


def measure(windows: Sequence[tuple[Window, Sequence[Window]]], live: Live, reference: Reference) -> list[Found]:
    """For each (window, the same before the cut) its distances; one child process for all of them."""
    spans = {
        f"{n}/{NOW if m < 0 else m}": (one.begin_s, one.end_s)
        for n, (window, before) in enumerate(windows)
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
        }
        found = call("validate", MEASURE, kwargs)
    return [_of(found, n, len(before)) for n, (_, before) in enumerate(windows)]


def _of(found: dict[str, dict[str, dict[str, float]]], n: int, before: int) -> Found:
    out: Found = {}
    for kind, by_window in found.items():
        now = by_window[f"{n}/{NOW}"]
        out[kind] = {
            feature: [value] + [past[feature] for m in range(before) if feature in (past := by_window[f"{n}/{m}"])]
            for feature, value in now.items()
        }
    return out
