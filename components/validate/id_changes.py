"""Ids of items and shoppers against those of the blessed span: renamed, exchanged, or priced in another unit."""

import dataclasses

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, Severity
from components.tfdv.derived_columns import LOG_PRICE
from components.validate.findings import finding
from components.validate.value_checks import MIN_ITEM_ROWS, notation
from model.data import columns as c
from tfx_configs.validation import ValidationSettings

MAX_APART_DAYS = 365
"""A reference that ends so long before this span begins no longer stops a run for its ids or its volume."""
MIN_ITEMS = 20
"""Fewer items with a price on both sides do not represent all."""
MAX_MOVED = 0.5
"""Typical distance of an item's price from the reference's, over that of any two items: 0.02 between spans of The
Complete Journey (benchmarks/data/drift.py), about 1 when ids were shuffled."""


def by_id(training: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row an id: sales, and the median log price over the sales that have one (NaN without)."""
    priced = LOG_PRICE in training  # derived only where prices are numbers
    log_price = np.log(training[c.PRICE].where(training[c.PRICE] > 0)) if priced else pd.Series(np.nan, training.index)
    groups = log_price.groupby(training[column])
    return pd.DataFrame({"sales": groups.size(), "log_price": groups.median()})


def unknown(
    column: str, before: pd.DataFrame, after: pd.DataFrame, usual: float, settings: ValidationSettings
) -> list[Finding]:
    """Far fewer sales than usual are of ids that the reference had: ids were renamed.

    Args:
        usual: what returning_percent was in the reference, percent.
    """
    new = ~after.index.isin(before.index)
    percent = unknown_percent(before, after)
    least, least_of_all = (
        usual * (100.0 - limit) / 100.0 for limit in (settings.max_unknown_percent, settings.max_renamed_percent)
    )
    if 100.0 - percent >= least:
        return []
    severity: Severity = "stop" if 100.0 - percent < least_of_all else "warn"
    example, hint = after.index[new][0], notation(after.index[new], before.index)
    return [finding("reference_ids", column, severity, least=least, percent=percent, example=example, notation=hint)]


def prices(before: pd.DataFrame, after: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """Prices of the same items in another unit, or ids exchanged among the items."""
    change = price_change(before, after)
    if change is None:
        return []
    out, (ratio, moved) = [], change
    if abs(np.log(ratio)) > np.log(settings.max_scale_ratio):
        out.append(finding("reference_scale", c.PRICE, ratio=ratio))
    if moved > MAX_MOVED:
        out.append(finding("reference_prices", c.ITEM, most=MAX_MOVED, moved=moved))
    return out


def returning_percent(training: pd.DataFrame, column: str) -> float:
    """Sales of the later half of the events whose id the earlier half had, percent: low where ids come and go."""
    later = training[c.TIME].rank(method="first") > len(training) / 2
    if not later.any():
        return 100.0
    return float(100.0 * training[column][later].isin(set(training[column][~later])).mean())


def unknown_percent(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Share of the sales now whose id the reference never had, percent."""
    return float(100.0 * after["sales"][~after.index.isin(before.index)].sum() / after["sales"].sum())


def price_change(before: pd.DataFrame, after: pd.DataFrame) -> tuple[float, float] | None:
    """(ratio, moved): how prices of the same items changed altogether, and how far items moved among themselves.

    With d an item's median log price less its median in the reference: ratio is exp(median d); moved is the median of
    |d - median d| over that of |p - median p|, p the items' log prices in the reference. None for too few items.
    """
    both = before.join(after, how="inner", lsuffix="_was", rsuffix="_is").dropna()
    both = both[(both["sales_was"] >= MIN_ITEM_ROWS) & (both["sales_is"] >= MIN_ITEM_ROWS)]
    if len(both) < MIN_ITEMS:
        return None
    was, change = both["log_price_was"], both["log_price_is"] - both["log_price_was"]
    spread = float((was - was.median()).abs().median())
    moved = float((change - change.median()).abs().median()) / spread if spread > 0 else 0.0
    return float(np.exp(change.median())), moved


def softened(findings: list[Finding], days_apart: int) -> list[Finding]:
    """The findings, as warnings where more than MAX_APART_DAYS lie between the reference and this span."""
    old = days_apart > MAX_APART_DAYS
    return [dataclasses.replace(stop, severity="warn") for stop in findings] if old else findings
