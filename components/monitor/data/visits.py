"""Requests as the checks look at them: one row a visit, with plain numbers of what was shown and what came of it.

Columns of what `judged` returns, NaN where it is not known:

    user_id, time_s, store_id, version
    listed, hits, basket   items shown in the first K places, those of them bought, all items bought (distinct)
    promised               sum of the scores shown, where the version's scores are probabilities
    new                    items shown that the shopper had not bought before
    repeated               items shown that the shopper's list before had too
    offset_s               outcomes.offsets
    stateless              1 when the shopper's history was not found, though training knew the shopper
    lagging                1 when the history the model was given lacks the shopper's last purchase
    early                  1 when the moment asked about lies after the server's own clock
    fallback               1 when less than the whole model answered
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from components.monitor.data import attribution as outcomes
from model.data import columns as c
from model.request_log import reader as request_log
from tfx_configs.monitoring import MonitorSettings

K = 10
GRACE_S = 600
"""A purchase this fresh need not be in the store yet."""
CLOCK_S = 60
"""A request may be this far ahead of the server's clock."""
FULL, FOUND, BOUGHT_BEFORE = "full", "found", "bought_before"
"""Values in the request log: the whole model answered; the store knew the shopper; why an item was shown."""
READ = (c.REQUEST, "version", c.USER, "time_s", "logged_s", c.STORE, "rung", "state", "item_ids", "scores", "reasons")
DETAIL, NEW_ONLY = "history_times", "new_only"


def read(log: Path | str, since_s: float, until_s: float) -> pd.DataFrame:
    """The request log's rows in a span, with the columns that are looked at here. Raises InputError without a log.

    Lists of new items alone are left out: they stand beside a shopper's list, and few of them end in the basket.
    """
    rows = request_log.read(log, int(since_s), int(until_s), columns=[*READ, DETAIL, NEW_ONLY]).to_pandas()
    return rows[~rows.pop(NEW_ONLY).eq(True)].reset_index(drop=True)


def none() -> pd.DataFrame:
    """Such rows, of which there are none."""
    return request_log.SCHEMA.empty_table().select([*READ, DETAIL]).to_pandas()


def judged(
    requests: pd.DataFrame,
    purchases: pd.DataFrame,
    known_users: Collection[str],
    probable: Collection[str],
    settings: MonitorSettings,
) -> pd.DataFrame:
    """One row a visit. Outcomes of visits that are not closed yet are what there is so far: the caller leaves them out.

    Args:
        requests: as `read` gives them; item_ids may be None.
        purchases: user_id, item_id, event_time in unix seconds, from some days before the first request on.
        known_users: shoppers of the training span.
        probable: versions whose scores are probabilities.
    """
    visits = outcomes.first_of_visits(requests, settings.visit_minutes)
    out = visits[[c.USER, "time_s", c.STORE, "version"]].copy()
    lists = [None if row is None else list(row[:K]) for row in visits["item_ids"]]
    baskets = outcomes.baskets(visits, purchases, settings)
    out["listed"] = [np.nan if row is None else float(len(row)) for row in lists]
    out["basket"] = [float(len(basket)) for basket in baskets]
    out["hits"] = [
        np.nan if row is None else float(len(basket & set(row))) for row, basket in zip(lists, baskets, strict=True)
    ]
    out["items"] = pd.Series(lists, index=out.index, dtype=object)
    out["repeated"] = _repeated(visits[c.USER].to_numpy(), lists)
    out["offset_s"] = outcomes.offsets(visits, purchases, settings)
    if "scores" not in visits:
        return out
    out["promised"] = [
        float(np.sum(row[:K])) if version in probable else np.nan
        for row, version in zip(visits["scores"], visits["version"], strict=True)
    ]
    out["new"] = [float(sum(reason != BOUGHT_BEFORE for reason in row[:K])) for row in visits["reasons"]]
    known = visits[c.USER].isin(set(known_users))
    out["stateless"] = np.where(known, (visits["state"] != FOUND).astype(float), np.nan)
    out["early"] = (visits["time_s"] > visits["logged_s"] + CLOCK_S).astype(float)
    out["fallback"] = (visits["rung"] != FULL).astype(float)
    out["lagging"] = _lagging(visits, purchases)
    return out


def _repeated(user_V: np.ndarray, lists: list[list[str] | None]) -> np.ndarray:
    """[V] items that the same shopper's list before had too; NaN for a first list."""
    out, before = np.full(len(lists), np.nan), dict[str, set[str]]()
    for n, (user, row) in enumerate(zip(user_V, lists, strict=True)):
        if row is None:
            continue
        shown = set(row)
        if user in before:
            out[n] = len(shown & before[user])
        before[user] = shown
    return out


def _lagging(visits: pd.DataFrame, purchases: pd.DataFrame) -> np.ndarray:
    """[V] of visits logged in detail, for shoppers who bought before."""
    newest = np.array([np.nan if row is None or not len(row) else float(row[-1]) for row in visits[DETAIL]], float)
    detailed = np.array([row is not None for row in visits[DETAIL]], bool)
    last = outcomes.last_purchase(visits, purchases, GRACE_S)
    behind = np.nan_to_num(newest, nan=-np.inf) < last
    return np.where(detailed & ~np.isnan(last), behind.astype(float), np.nan)
