"""Measurements: one figure of one window with its error, or None where the window has nothing to measure it on.

The same functions measure the service's log and the weeks before the cut. Shares and means are ratios of sums, with
standard errors clustered by shopper (model/evaluation/clustered_errors.py); counts and medians have no error of their
own. checks.yaml describes each figure.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from components.monitor.data.visits import K
from components.monitor.data.window import Window
from model.data import columns as c
from model.evaluation.clustered_errors import Estimate, list_overlap, ratio
from tfx_configs.units import MINUTE_S

Measure = Callable[[Window], Estimate | None]
MIN_DETAILED = 5
"""With fewer visits logged in detail nothing is measured on them."""
SPREAD = 50
"""Lists whose coverage is measured: the more lists, the smaller their share of distinct items. Fewer are not judged."""
MIN_OPEN_DAYS = 0.5
"""A shorter window is too short to count in."""


def exact(value: float) -> Estimate:
    """Return a figure without an error."""
    return Estimate(value=float(value), se=0.0)


def _lagging(window: Window) -> Estimate | None:
    detailed = "lagging" in window.visits and window.visits["lagging"].notna().sum()
    return _flag(window, "lagging") if detailed >= MIN_DETAILED else None


def _clock(window: Window) -> Estimate | None:
    offsets_s = window.closed["offset_s"].dropna()
    return exact(offsets_s.median() / MINUTE_S) if len(offsets_s) else None


def _recall(window: Window) -> Estimate | None:
    rows = _answered(window)
    return _mean(rows, rows["hits"] / rows["basket"])


def _overlap(window: Window) -> Estimate | None:
    rows = window.visits.dropna(subset=["items"])
    lists = dict(zip(rows[c.USER], rows["items"], strict=True))
    return exact(list_overlap(lists.values())) if len(lists) > 1 else None


def _coverage(window: Window) -> Estimate | None:
    rows = window.visits.dropna(subset=["items"])
    if len(rows) < SPREAD:
        return None
    shown = [item for items in rows["items"].iloc[np.linspace(0, len(rows) - 1, SPREAD).astype(int)] for item in items]
    return exact(len(set(shown)) / len(shown)) if shown else None


def _daily(window: Window, moments: pd.Series) -> Estimate | None:
    if window.open_days < MIN_OPEN_DAYS:
        return None
    return exact(window.ordinary(moments).sum() / window.open_days)


def _answered(window: Window) -> pd.DataFrame:
    closed = window.closed[window.ordinary(window.closed["time_s"])]
    return closed[(closed["basket"] > 0) & closed["hits"].notna()]


def _new(window: Window, rows: pd.DataFrame, column: str, first_s: "pd.Series[float]") -> Estimate | None:
    """Return the share of rows whose id had no event before the window's model was trained."""
    return _mean(rows, ~(rows[column].map(first_s) < window.known_before_s))


def _ratio(rows: pd.DataFrame, part: str, whole: str) -> Estimate | None:
    """Return the sum of one column over that of another, on rows that have the first."""
    rows = rows.dropna(subset=[part]) if part in rows else rows.iloc[:0]
    if not rows[whole].sum():
        return None
    return ratio(rows[part].to_numpy(float), rows[whole].to_numpy(float), rows[c.USER].to_numpy())


def _flag(window: Window, column: str) -> Estimate | None:
    """Return the share of visits with a 1 in the column, of those that have it."""
    rows = window.visits.dropna(subset=[column]) if column in window.visits else window.visits.iloc[:0]
    return _mean(rows, rows[column]) if len(rows) else None


def _named(window: Window) -> pd.DataFrame:
    """Return the visits that name a store."""
    return window.visits[window.visits[c.STORE] != ""]


def _listed(window: Window) -> pd.DataFrame:
    """Return the visits whose list is in the log."""
    return window.visits.dropna(subset=["listed"])


def _mean(rows: pd.DataFrame, value: pd.Series | np.ndarray) -> Estimate | None:
    if not len(rows):
        return None
    return ratio(np.asarray(value, float), np.ones(len(rows)), rows[c.USER].to_numpy())


MEASURES: dict[str, Measure] = {
    "visits": lambda window: _daily(window, window.visits["time_s"]),
    "visits_without_store": lambda window: _mean(window.visits, window.visits[c.STORE] == ""),
    "visits_unknown_store": lambda window: _new(window, _named(window), c.STORE, window.record.baseline.stores),
    "visits_new_shopper": lambda window: _new(window, window.visits, c.USER, window.record.baseline.users),
    "visits_without_state": lambda window: _flag(window, "stateless"),
    "visits_stale_state": _lagging,
    "visits_from_the_future": lambda window: _flag(window, "early"),
    "clock_minutes": _clock,
    "fallback_share": lambda window: _flag(window, "fallback"),
    "purchases": lambda window: _daily(window, window.purchases[c.TIME]),
    "purchases_new_item": lambda window: _new(window, window.purchases, c.ITEM, window.record.baseline.items),
    "purchases_unknown_item": lambda window: _mean(
        window.purchases, ~window.purchases[c.ITEM].isin(window.record.baseline.items.index)
    ),
    "purchases_without_price": lambda window: _mean(window.purchases, window.purchases[c.PRICE].isna()),
    "join_share": lambda window: _mean(window.closed, window.closed["basket"] > 0),
    "hits_per_trip": lambda window: _mean(_answered(window), _answered(window)["hits"]),
    "recall@10": _recall,
    "calibration_ratio": lambda window: _ratio(_answered(window), "promised", "hits"),
    "list_overlap": _overlap,
    "coverage": _coverage,
    "repetition": lambda window: _ratio(window.visits, "repeated", "listed"),
    "explore_share": lambda window: _ratio(window.visits, "new", "listed"),
    "short_lists": lambda window: _mean(_listed(window), _listed(window)["listed"] < K),
}
"""{check: its measurement}; checks.yaml describes what each measures."""
