"""Quality by version, and within a version by slice, with intervals: for people, and never judged alone."""

import dataclasses
import math
from collections.abc import Iterator

import pandas as pd

from components.artifacts.monitor_report import Interval, QualitySlice
from components.monitor.checks.measurements import MEASURES
from components.monitor.data.window import Window
from model.data import columns as c

TOP_STORES = 4
METRICS = (
    *("join_share", "hits_per_trip", "recall@10", "calibration_ratio"),
    *("coverage", "list_overlap", "repetition", "explore_share", "fallback_share"),
)
"""Checks whose figures are shown."""


def by_version(window: Window, min_visits: int) -> Iterator[QualitySlice]:
    """Yield each version as a whole, then its slices of at least `min_visits` closed visits."""
    for version in sorted(window.closed["version"].unique()):
        answered = dataclasses.replace(
            window,
            visits=window.visits[window.visits["version"] == version],
            closed=window.closed[window.closed["version"] == version],
        )
        yield _quality(answered, str(version), "all", "all")
        for slicing, values in _slicings(answered).items():
            for value in sorted(values.unique()):
                rows = answered.closed[values == value]
                if len(rows) >= min_visits:
                    part = dataclasses.replace(answered, closed=rows, visits=rows)
                    yield _quality(part, str(version), slicing, str(value))


def _slicings(window: Window) -> dict[str, pd.Series]:
    """Return {slicing: the slice of each closed visit}."""
    closed = window.closed
    trained = closed[c.USER].map(window.record.baseline.users) < window.known_before_s
    stores = closed[c.STORE].value_counts().index[:TOP_STORES]
    slicings = {
        "shopper": trained.map({True: "known", False: "new"}),
        "store": closed[c.STORE].where(closed[c.STORE].isin(stores), "other"),
        "basket": pd.cut(closed["basket"], [-1, 0, 4, 14, float("inf")], labels=["none", "1 to 4", "5 to 14", "15 up"]),
    }
    return {name: values.astype(str) for name, values in slicings.items() if values.nunique() > 1}


def _quality(window: Window, version: str, slicing: str, name: str) -> QualitySlice:
    metrics: dict[str, Interval | None] = dict.fromkeys(METRICS)
    for metric in METRICS:
        estimate = MEASURES[metric](window)
        if estimate is not None and math.isfinite(estimate.value):
            metrics[metric] = Interval(value=estimate.value, low=estimate.low, high=estimate.high)
    return QualitySlice(version=version, slicing=slicing, slice=name, visits=len(window.closed), metrics=metrics)
