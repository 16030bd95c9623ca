"""Against a reference: the training span of the run that made the blessed model.

A fault that was there from the first day (all prices in cents, all ids remapped) is normal within one span; only
an earlier span shows it. Each validation leaves what the next one compares with.
"""

import numpy as np
import pandas as pd

from components.artifacts.validation import Distance, Finding, Severity, Span, Validation
from components.tfdv import statistics
from components.tfdv.derived_columns import LOG_PRICE
from components.tfdv.distances import NUMERIC, drift_of_stats, of_events
from components.validate import calendar_weeks as weeks
from components.validate.drift import drifted, with_limits
from components.validate.findings import finding
from components.validate.value_checks import MIN_ITEM_ROWS, notation
from model.data import columns as c
from model.errors import InputError
from tfx_configs.validation import ValidationSettings

KNOWN = (c.ITEM, c.USER)
"""Id columns that are compared."""
TAIL = 0.001
"""Share of the values cut off at either end."""
MIN_ITEMS = 20
"""Fewer items with a price on both sides do not represent all."""
MAX_MOVED = 0.5
"""Typical distance of an item's price from the reference's, over that of any two items: 0.02 between spans of The
Complete Journey (benchmarks/data/drift.py), about 1 when ids were shuffled."""


def write(training: pd.DataFrame, out: Validation, stride: int = 1) -> None:
    """Writes what a later run compares with.

    Args:
        training: events before the cut with the derived columns.
        stride: it is every stride-th row of them.
    """
    ranges = {
        name: (float(training[name].quantile(TAIL)), float(training[name].quantile(1 - TAIL)))
        for name in NUMERIC
        if name in training and training[name].notna().any()
    }
    statistics.write(_statistics(training, ranges), out.drift_stats)
    for column in KNOWN:
        by_id(training, column).to_parquet(out.training_ids(column))
    Span(events=stride * len(training), days=span_days(training)).save(out.directory)


def find(
    training: pd.DataFrame, reference: Validation, settings: ValidationSettings, stride: int = 1
) -> tuple[list[Finding], list[Distance]]:
    """How the training events (every stride-th row) differ from those of the reference, which `write` wrote.

    Raises InputError when it holds no reference.
    """
    span = reference.span
    if span is None or not reference.drift_stats.is_file():
        raise InputError(
            f"reference_dir: expected {reference.drift_stats.name} in {reference.directory}, found none; "
            "pass the validation output of the run that made the stable model, or nothing"
        )
    before = statistics.read(reference.drift_stats)
    distances = with_limits(drift_of_stats(before, _statistics(training, _ranges(before))), settings)
    out = drifted(distances, "reference_drift", settings)
    for column in KNOWN:
        if column not in training:
            continue
        before_ids, ids = pd.read_parquet(reference.training_ids(column)), by_id(training, column)
        out += _unknown(column, before_ids, ids, settings)
        if column == c.ITEM:
            out += _prices(before_ids, ids, settings)
    out += _volume(volume_ratio(span, stride * len(training), span_days(training)), settings)
    return out, distances


def _statistics(training: pd.DataFrame, ranges: dict[str, tuple[float, float]]) -> statistics.Stats:
    """Statistics with every number cut to its range, so that both sides have the same histogram edges."""
    frame = of_events(training).copy()
    for name, (low, high) in ranges.items():
        if name in frame:
            frame[name] = frame[name].clip(low, high)
    return statistics.compute(frame)


def _ranges(stats: statistics.Stats) -> dict[str, tuple[float, float]]:
    return {
        statistics.name_of(feature): (feature.num_stats.min, feature.num_stats.max)
        for feature in stats.datasets[0].features
        if feature.HasField("num_stats")
    }


def by_id(training: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row an id: sales, and the median log price over the sales that have one (NaN without)."""
    priced = LOG_PRICE in training  # derived only where prices are numbers
    log_price = np.log(training[c.PRICE].where(training[c.PRICE] > 0)) if priced else pd.Series(np.nan, training.index)
    groups = log_price.groupby(training[column])
    return pd.DataFrame({"sales": groups.size(), "log_price": groups.median()})


def _unknown(column: str, before: pd.DataFrame, after: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """Most sales are of ids that the reference never had: ids were renamed."""
    new = ~after.index.isin(before.index)
    percent = unknown_percent(before, after)
    if percent <= settings.max_unknown_percent:
        return []
    severity: Severity = "stop" if percent > settings.max_renamed_percent else "warn"
    least, example, hint = (
        100 - settings.max_unknown_percent,
        after.index[new][0],
        notation(after.index[new], before.index),
    )
    return [finding("reference_ids", column, severity, least=least, percent=percent, example=example, notation=hint)]


def _prices(before: pd.DataFrame, after: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
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


def _volume(ratio: float, settings: ValidationSettings) -> list[Finding]:
    """Far fewer or far more events a day: half of the feed is missing, or it is another one."""
    beyond = max(ratio, 1 / ratio) / settings.max_volume_ratio
    if beyond <= 1:
        return []
    severity: Severity = "stop" if beyond > settings.stop_drift_factor else "warn"
    return [finding("reference_volume", c.TIME, severity, most=settings.max_volume_ratio, ratio=ratio)]


def volume_ratio(span: Span, events: int, days: int) -> float:
    """Events a day now over those of the reference."""
    return (events / days) / (span.events / span.days)


def span_days(training: pd.DataFrame) -> int:
    """From the first day with events to the last."""
    day = weeks.days(training[c.TIME])
    return int(day.max() - day.min()) + 1


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
