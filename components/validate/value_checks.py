"""Checks on keys, ids and values that a TFDV schema cannot express. None changes its input."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, Severity
from components.validate import calendar_weeks as weeks
from components.validate.attributes import folded, whole_number
from components.validate.findings import finding
from components.validate.load_tables import KEY, Loaded
from model.data import columns as c
from tfx_configs.validation import ValidationSettings

MIN_ROWS = 20
"""Rows a day or week needs before its median counts."""
MIN_ITEM_ROWS = 5
"""Sales an item needs before it has a usual price."""


def duplicate_keys(loaded: Loaded, settings: ValidationSettings) -> list[Finding]:
    """Rows whose key repeats an earlier row's, with the day that most fall on (a day loaded twice); of all rows."""
    table, frame = loaded.table, loaded.frame if loaded.keys is None else loaded.keys
    repeated = frame.duplicated(list(table.key)) if loaded.keys is None else _repeated(frame[KEY])
    percent = 100.0 * repeated.mean()
    if not percent:
        return []
    where, whole_day = "", False
    if c.TIME in frame:
        day = weeks.days(frame[c.TIME])
        by_day = repeated.groupby(day).agg(["mean", "sum"])
        worst = int(by_day["mean"].to_numpy().argmax())
        whole_day = bool(by_day["mean"].iloc[worst] >= 0.4 and by_day["sum"].iloc[worst] >= MIN_ROWS)
        if whole_day:
            where = f", most on {weeks.date_text(int(by_day.index[worst]))}"
    severity: Severity = "stop" if whole_day or percent > settings.max_duplicate_percent else "warn"
    rows, column = int(repeated.sum()), "+".join(table.key)
    return [finding("duplicate_key", column, severity, table.name, rows=rows, percent=percent, where=where)]


def _repeated(keys: pd.Series) -> pd.Series:
    """[rows] bool: an earlier row has the same key. Sorting takes less time and memory than a hash table."""
    ordered = np.sort(keys.to_numpy())
    several = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(several):
        return pd.Series(False, keys.index)
    return keys[keys.isin(several)].duplicated().reindex(keys.index, fill_value=False)


def known_items(events: pd.DataFrame, items: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """Events of items that the items table lacks."""
    unknown = ~events[c.ITEM].isin(set(items[c.ITEM]))
    percent = 100.0 * unknown.mean()
    if percent < 1.0:
        return []
    severity: Severity = "stop" if percent > settings.max_unknown_percent else "warn"
    ids = events[c.ITEM][unknown]
    hint = notation(ids, items[c.ITEM])
    return [finding("unknown_item", c.ITEM, severity, percent=percent, example=ids.iloc[0], notation=hint)]


def notation(ids: pd.Series | pd.Index, known_ids: pd.Series | pd.Index) -> str:
    """A remark where most of the ids are known ones in another case, as 12.0 for 12, or without leading zeros."""
    plain, known_plain = (pd.Series(side.unique(), dtype=object).astype(str) for side in (ids, known_ids))
    forms, known_forms = (folded(whole_number(side)).str.lstrip("0") for side in (plain, known_plain))
    alike = forms.isin(set(known_forms))
    if alike.mean() <= 0.5:
        return ""
    first = int(alike.to_numpy().argmax())
    twin = known_plain[known_forms == forms[first]].iloc[0]
    return f" (ids in another notation: {plain[first]!r} for {twin!r})"


def known_users(events: pd.DataFrame, users: pd.DataFrame) -> list[Finding]:
    """A users table none of whose shoppers ever appears. It may well cover only some shoppers."""
    if users[c.USER].isin(set(events[c.USER])).any():
        return []
    return [finding("unknown_user", c.USER, "warn", "users", rows=len(users), example=users[c.USER].iloc[0])]


def one_shopper_a_basket(events: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """Baskets that several shoppers share: the sign of shuffled user or basket ids."""
    pairs = events[[c.BASKET, c.USER]].drop_duplicates()
    shoppers = pairs.groupby(c.BASKET, sort=False).size()
    percent = 100.0 * (shoppers > 1).mean()
    if not percent:
        return []
    severity: Severity = "stop" if percent > settings.max_mixed_basket_percent else "warn"
    return [finding("mixed_baskets", c.USER, severity, percent=percent, example=shoppers.idxmax())]


def item_prices(events: pd.DataFrame) -> list[Finding]:
    """Weeks in which an item's id does not predict its price, though it does in the other weeks.

    For each week: median |d - median of d|, with d an event's log price less its item's median log price, over the
    same of plain log prices: about 0.2 in a shop, about 1 when ids were shuffled, unmoved by a change of unit.
    """
    rows = events[events[c.PRICE] > 0]
    rows = rows[rows.groupby(c.ITEM)[c.PRICE].transform("size") >= MIN_ITEM_ROWS]
    if len(rows) < 10 * MIN_ROWS:
        return []
    log_price = pd.Series(np.log(rows[c.PRICE].to_numpy()), index=rows.index)
    week = weeks.full_weeks(rows[c.TIME])
    own = log_price - log_price.groupby(rows[c.ITEM]).transform("median")
    spread = [(value - value.groupby(week).transform("median")).abs() for value in (own, log_price)]
    by_week = pd.DataFrame({"own": spread[0].groupby(week).median(), "any": spread[1].groupby(week).median()})
    by_week = by_week[(week.value_counts().sort_index() >= MIN_ROWS) & (by_week["any"] > 0)]
    ratio = by_week["own"] / by_week["any"]
    if len(ratio) < 3 or ratio.median() > 0.5 or ratio.max() < 0.8:
        return []
    start = weeks.week_starts(rows[c.TIME])[max(int(by_week.index[int(ratio.to_numpy().argmax())]), 0)]
    return [finding("item_prices", c.ITEM, usual=ratio.median(), distance=ratio.max(), start=start)]


def scale(events: pd.DataFrame, column: str, settings: ValidationSettings) -> list[Finding]:
    """A day or week whose median is many times that of the seven before: cents for euros, grams for pieces."""
    for name, period in (("day", weeks.days(events[c.TIME])), ("week", weeks.full_weeks(events[c.TIME]))):
        by_period = events[column].groupby(period).agg(["median", "size"])
        medians = by_period["median"][(by_period["size"] >= MIN_ROWS) & (by_period["median"] > 0)]
        before = medians.rolling(7, min_periods=2).median().shift(1)
        log_ratio = np.log((medians / before).fillna(1.0).to_numpy())
        if not len(log_ratio) or np.abs(log_ratio).max() <= np.log(settings.max_scale_ratio):
            continue
        worst = int(np.abs(log_ratio).argmax())
        where = int(medians.index[worst])
        date = weeks.date_text(where) if name == "day" else weeks.week_starts(events[c.TIME])[max(where, 0)]
        usual, median, ratio = before.iloc[worst], medians.iloc[worst], np.exp(log_ratio[worst])
        return [finding("scale", column, period=name, date=date, before=usual, median=median, ratio=ratio)]
    return []


def null_jump(events: pd.DataFrame, columns: Sequence[str], settings: ValidationSettings) -> list[Finding]:
    """Columns whose values went missing in some week, against the median week.

    Weeks before the first one with the usual values warn: the shop began to record the column then.
    """
    week = weeks.full_weeks(events[c.TIME])
    full = week >= 0
    out = []
    for column in columns:
        by_week = events[column].isna()[full].groupby(week[full]).agg(["mean", "size"])
        missing = 100.0 * by_week["mean"][by_week["size"] >= MIN_ROWS]
        usual = float(missing.median())
        jumped = (missing - usual > settings.max_null_jump_percent).to_numpy()
        if not jumped.any():
            continue
        begins = int(np.argmin(jumped))  # the first week as usual
        lost = missing[begins:] if jumped[begins:].any() else missing
        severity: Severity = "stop" if jumped[begins:].any() else "warn"
        start = weeks.week_starts(events[c.TIME])[int(lost.index[int(lost.to_numpy().argmax())])]
        out.append(finding("null_jump", column, severity, usual=usual, percent=lost.max(), start=start))
    return out


def type_jump(events: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """An event type whose share of some week is far above the median week's: types were lost or mapped otherwise."""
    week = weeks.full_weeks(events[c.TIME])
    full = week >= 0
    counts = pd.crosstab(week[full], events[c.EVENT_TYPE][full])
    counts = counts[counts.sum(axis=1) >= MIN_ROWS]
    if len(counts) < 4:
        return []
    share = 100.0 * counts.div(counts.sum(axis=1), axis=0)
    jump = (share - share.median()).max()
    if jump.max() <= settings.max_type_jump_percent:
        return []
    kind = str(jump.idxmax())
    of_kind = share[kind]
    start = weeks.week_starts(events[c.TIME])[int(of_kind.index[int(of_kind.to_numpy().argmax())])]
    usual, percent = of_kind.median(), of_kind.max()
    return [finding("type_jump", c.EVENT_TYPE, "warn", kind=kind, usual=usual, percent=percent, start=start)]


def promoted_items(promotions: pd.DataFrame, items: pd.DataFrame) -> list[Finding]:
    """Promotions of items that the items table lacks: they count for nothing."""
    unknown = ~promotions[c.ITEM].isin(set(items[c.ITEM]))
    percent = 100.0 * float(unknown.mean())
    if percent < 1.0:
        return []
    example = promotions[c.ITEM][unknown].iloc[0]
    return [finding("unknown_promoted", c.ITEM, "warn", "promotions", percent=percent, example=example)]
