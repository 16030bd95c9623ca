"""Measurements: one figure of one window with its error, or None where the window has nothing to measure it on.

The same functions measure the service's log and the weeks before the cut. Shares and means are ratios of sums, with
standard errors clustered by shopper (model/evaluation/clustered_errors.py); counts and medians have no error of their
own. The first line of a docstring describes the figure in reports and in docs/monitoring.md.
"""

import numpy as np
import pandas as pd

from components.monitor.data.visits import K
from components.monitor.data.window import Window
from model.data import columns as c
from model.evaluation.clustered_errors import Estimate, list_overlap, ratio
from tfx_configs.units import MINUTE_S

MIN_DETAILED = 5
"""With fewer visits logged in detail nothing is measured on them."""
SPREAD = 50
"""Lists whose coverage is measured: the more lists, the smaller their share of distinct items. Fewer are not judged."""
MIN_OPEN_DAYS = 0.5
"""A shorter window is too short to count in."""


def exact(value: float) -> Estimate:
    """Return a figure without an error."""
    return Estimate(value=float(value), se=0.0)


def visits(window: Window) -> Estimate | None:
    """Visits a day, closed and unusual days aside."""
    return _daily(window, window.visits["time_s"])


def purchases(window: Window) -> Estimate | None:
    """Items bought a day, closed and unusual days aside."""
    return _daily(window, window.purchases[c.TIME])


def without_store(window: Window) -> Estimate | None:
    """Share of visits that name no store."""
    return _share(window.visits, window.visits[c.STORE] == "")


def unknown_stores(window: Window) -> Estimate | None:
    """Share of visits in a store that the model's training never saw."""
    named = window.visits[window.visits[c.STORE] != ""]
    return _share(named, _new(named[c.STORE], window.record.baseline.stores, window))


def new_shoppers(window: Window) -> Estimate | None:
    """Share of visits by shoppers that the model's training never saw."""
    return _share(window.visits, _new(window.visits[c.USER], window.record.baseline.users, window))


def new_items(window: Window) -> Estimate | None:
    """Share of purchases of items never bought before the model's cut."""
    return _share(window.purchases, _new(window.purchases[c.ITEM], window.record.baseline.items, window))


def unknown_items(window: Window) -> Estimate | None:
    """Share of purchases of items that are not in the model's catalog at all."""
    return _share(window.purchases, ~window.purchases[c.ITEM].isin(window.record.baseline.items.index))


def without_price(window: Window) -> Estimate | None:
    """Share of purchases without a price."""
    return _share(window.purchases, window.purchases[c.PRICE].isna())


def stateless(window: Window) -> Estimate | None:
    """Share of visits by known shoppers that were answered without their history."""
    return _flag(window.visits, "stateless")


def lagging(window: Window) -> Estimate | None:
    """Share of visits, logged in detail, whose history lacked the shopper's last purchase."""
    detailed = "lagging" in window.visits and window.visits["lagging"].notna().sum()
    return _flag(window.visits, "lagging") if detailed >= MIN_DETAILED else None


def early(window: Window) -> Estimate | None:
    """Share of visits that asked about a moment after the server's clock."""
    return _flag(window.visits, "early")


def fallback(window: Window) -> Estimate | None:
    """Share of answers made by less than the whole model."""
    return _flag(window.visits, "fallback")


def clock(window: Window) -> Estimate | None:
    """Median minutes from a visit to the shopper's nearest purchase; negative: the purchase comes first."""
    offsets_s = window.closed["offset_s"].dropna()
    return exact(offsets_s.median() / MINUTE_S) if len(offsets_s) else None


def join_share(window: Window) -> Estimate | None:
    """Share of closed visits that ended with a purchase."""
    return _share(window.closed, window.closed["basket"] > 0)


def hits_per_trip(window: Window) -> Estimate | None:
    """Items shown and then bought, per visit that ended with a purchase."""
    rows = _answered(window)
    return _mean(rows, rows["hits"])


def recall(window: Window) -> Estimate | None:
    """Share of a basket that was shown, mean over visits that ended with a purchase."""
    rows = _answered(window)
    return _mean(rows, rows["hits"] / rows["basket"])


def calibration(window: Window) -> Estimate | None:
    """Purchases that the scores promised over those made, of what was shown in visits that ended with a purchase."""
    return _ratio(_answered(window), "promised", "hits")


def overlap(window: Window) -> Estimate | None:
    """Share of a shopper's list that another shopper's has too, mean over pairs; each shopper's last list."""
    rows = window.visits.dropna(subset=["items"])
    lists = dict(zip(rows[c.USER], rows["items"], strict=True))
    return exact(list_overlap(lists.values())) if len(lists) > 1 else None


def coverage(window: Window) -> Estimate | None:
    """Distinct items in SPREAD lists that are spread evenly over the window, over all places in them."""
    rows = window.visits.dropna(subset=["items"])
    if len(rows) < SPREAD:
        return None
    shown = [item for items in rows["items"].iloc[np.linspace(0, len(rows) - 1, SPREAD).astype(int)] for item in items]
    return exact(len(set(shown)) / len(shown)) if shown else None


def repetition(window: Window) -> Estimate | None:
    """Share of a list that the same shopper's list before had too."""
    return _ratio(window.visits, "repeated", "listed")


def explore(window: Window) -> Estimate | None:
    """Share of what is shown that the shopper had never bought."""
    return _ratio(window.visits, "new", "listed")


def short(window: Window) -> Estimate | None:
    """Share of answers with fewer than K items."""
    rows = window.visits.dropna(subset=["listed"])
    return _share(rows, rows["listed"] < K)


def _daily(window: Window, moments: pd.Series) -> Estimate | None:
    if window.open_days < MIN_OPEN_DAYS:
        return None
    return exact(window.ordinary(moments).sum() / window.open_days)


def _answered(window: Window) -> pd.DataFrame:
    closed = window.closed[window.ordinary(window.closed["time_s"])]
    return closed[(closed["basket"] > 0) & closed["hits"].notna()]


def _new(ids: pd.Series, first_s: "pd.Series[float]", window: Window) -> pd.Series:
    """Return whether each id had no event before the window's model was trained."""
    return ~(ids.map(first_s) < window.known_before_s)


def _ratio(rows: pd.DataFrame, part: str, whole: str) -> Estimate | None:
    """Return the sum of one column over that of another, on rows that have the first."""
    rows = rows.dropna(subset=[part]) if part in rows else rows.iloc[:0]
    if not rows[whole].sum():
        return None
    return ratio(rows[part].to_numpy(float), rows[whole].to_numpy(float), rows[c.USER].to_numpy())


def _flag(rows: pd.DataFrame, column: str) -> Estimate | None:
    rows = rows.dropna(subset=[column]) if column in rows else rows.iloc[:0]
    return _mean(rows, rows[column]) if len(rows) else None


def _share(rows: pd.DataFrame, true: pd.Series | np.ndarray) -> Estimate | None:
    return _mean(rows, true.astype(float))


def _mean(rows: pd.DataFrame, value: pd.Series | np.ndarray) -> Estimate | None:
    if not len(rows):
        return None
    return ratio(np.asarray(value, float), np.ones(len(rows)), rows[c.USER].to_numpy())
