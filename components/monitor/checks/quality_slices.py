"""Quality by version, and within a version by slice, with intervals: for people, and never judged alone."""

import dataclasses
from typing import Any

import pandas as pd

from components.monitor.checks import measurements as measures
from components.monitor.checks.results import finite
from components.monitor.data.window import Window
from model.data import columns as c
from model.evaluation.clustered_errors import Estimate

TOP_STORES = 4
MEASURES = {
    "join_share": measures.join_share,
    "hits_per_trip": measures.hits_per_trip,
    "recall@10": measures.recall,
    "calibration_ratio": measures.calibration,
    "coverage": measures.coverage,
    "list_overlap": measures.overlap,
    "repetition": measures.repetition,
    "explore_share": measures.explore,
    "fallback_share": measures.fallback,
}


def by_version(window: Window, min_visits: int) -> list[dict[str, Any]]:
    """Rows {version, slicing, slice, visits, METRIC: {value, low, high} or None}; no slices below `min_visits`."""
    rows = []
    for version in sorted(window.closed["version"].unique()):
        part = _only(window, "version", version)
        rows.append(_row(part, str(version), "all", "all"))
        for slicing, values in _slicings(part).items():
            for value in sorted(values.unique()):
                rows_of = part.closed[values == value]
                one = dataclasses.replace(part, closed=rows_of, visits=rows_of)
                if len(one.closed) >= min_visits:
                    rows.append(_row(one, str(version), slicing, str(value)))
    return rows


def _slicings(window: Window) -> dict[str, pd.Series]:
    """{slicing: the slice of each closed visit}."""
    closed = window.closed
    known = closed[c.USER].map(window.seen.users) < window.known_before_s
    stores = closed[c.STORE].value_counts().index[:TOP_STORES]
    found = {
        "shopper": known.map({True: "known", False: "new"}),
        "store": closed[c.STORE].where(closed[c.STORE].isin(stores), "other"),
        "basket": pd.cut(closed["basket"], [-1, 0, 4, 14, float("inf")], labels=["none", "1 to 4", "5 to 14", "15 up"]),
    }
    return {name: values.astype(str) for name, values in found.items() if values.nunique() > 1}


def _only(window: Window, column: str, value: str) -> Window:
    return dataclasses.replace(
        window,
        visits=window.visits[window.visits[column] == value],
        closed=window.closed[window.closed[column] == value],
    )


def _row(window: Window, version: str, slicing: str, name: str) -> dict[str, Any]:
    told = {metric: _told(measure(window)) for metric, measure in MEASURES.items()}
    return {"version": version, "slicing": slicing, "slice": name, "visits": len(window.closed)} | told


def _told(found: Estimate | None) -> dict[str, float | None] | None:
    if found is None or finite(found.value) is None:
        return None
    return {"value": finite(found.value), "low": finite(found.low), "high": finite(found.high)}
