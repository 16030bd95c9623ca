"""The request log as the checks read it: one row a visit, with numbers of what was shown and what was bought then.

Columns that `with_outcomes` returns, NaN where the value is unknown:

    user_id, time_s, store_id, version
    listed, hits, basket   items shown in the first K places, those of them bought, all items bought (distinct)
    promised               sum of the scores shown, where the version's scores are probabilities
    new                    items shown that the shopper had not bought before
    repeated               items shown that the shopper's list before had too
    offset_s               attribution.offsets
    stateless              1 when the store had no history of a shopper of the training
    lagging                1 when the history that the model received lacks the shopper's last purchase
    early                  1 when the moment of the request is after the server's own clock
    fallback               1 when less than the whole model answered
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from model.data import columns as c
from model.request_log import attribution
from model.request_log import reader as request_log
from tfx_configs.monitoring import MonitorSettings

K = 10
GRACE_S = 600
"""A purchase this fresh need not be in the store yet."""
CLOCK_S = 60
"""A request may be this far ahead of the server's clock."""
FULL, IN_STORE, BOUGHT_BEFORE = "full", "found", "bought_before"
"""Values in the request log: the whole model answered; the store had the shopper's history; why an item was shown."""
READ = (c.REQUEST, "version", c.USER, "time_s", "logged_s", c.STORE, "rung", "state", "item_ids", "scores", "reasons")
DETAIL, NEW_ONLY = "history_times", "new_only"


def read(log: Path | str, since_s: float, until_s: float) -> pd.DataFrame:
    """Reads the request log's rows in a span, with the columns of this file. Raises InputError without a log.

    Lists of new items alone are left out: they are shown beside a shopper's list, and few of them end in the basket.
    """
    rows = request_log.read(log, int(since_s), int(until_s), columns=[*READ, DETAIL, NEW_ONLY]).to_pandas()
    return rows[~rows.pop(NEW_ONLY).eq(True)].reset_index(drop=True)


def none() -> pd.DataFrame:
    """Return no rows, with the columns of `read`."""
    return request_log.SCHEMA.empty_table().select([*READ, DETAIL]).to_pandas()


def with_outcomes(
    requests: pd.DataFrame,
    purchases: pd.DataFrame,
    trained_users: Collection[str],
    probable: Collection[str],
    settings: MonitorSettings,
) -> pd.DataFrame:
    """Joins requests with purchases: one row a visit. Outcomes of visits that are not closed yet are partial.

    Args:
        requests: as `read` returns them; item_ids may be None.
        purchases: user_id, item_id, event_time in unix seconds, from some days before the first request on.
        trained_users: shoppers of the training span.
        probable: versions whose scores are probabilities.
    """
    visits = attribution.first_of_visits(requests, settings.visit_minutes)
    out = visits[[c.USER, "time_s", c.STORE, "version"]].copy()
    lists = [None if row is None else list(row[:K]) for row in visits["item_ids"]]
    baskets = attribution.baskets(visits, purchases, settings)
    out["listed"] = [np.nan if row is None else float(len(row)) for row in lists]
    out["basket"] = [float(len(basket)) for basket in baskets]
    out["hits"] = [
        np.nan if row is None else float(len(basket & set(row))) for row, basket in zip(lists, baskets, strict=True)
    ]
    out["items"] = pd.Series(lists, index=out.index, dtype=object)
    out["repeated"] = _repeated(visits[c.USER].to_numpy(), lists)
    out["offset_s"] = attribution.offsets(visits, purchases, settings)
    if "scores" not in visits:
        return out
    out["promised"] = [
        float(np.sum(row[:K])) if version in probable else np.nan
        for row, version in zip(visits["scores"], visits["version"], strict=True)
    ]
    out["new"] = [float(sum(reason != BOUGHT_BEFORE for reason in row[:K])) for row in visits["reasons"]]
    trained = visits[c.USER].isin(set(trained_users))
    out["stateless"] = np.where(trained, (visits["state"] != IN_STORE).astype(float), np.nan)
    out["early"] = (visits["time_s"] > visits["logged_s"] + CLOCK_S).astype(float)
    out["fallback"] = (visits["rung"] != FULL).astype(float)
    out["lagging"] = _lagging(visits, purchases)
    return out


def _repeated(user_V: np.ndarray, lists: list[list[str] | None]) -> np.ndarray:
    """[V] items that the same shopper's list before had too; NaN for a first list."""
    repeated, before = np.full(len(lists), np.nan), dict[str, set[str]]()
    for n, (user, row) in enumerate(zip(user_V, lists, strict=True)):
        if row is not None:
            if user in before:
                repeated[n] = len(before[user].intersection(row))
            before[user] = set(row)
    return repeated


def _lagging(visits: pd.DataFrame, purchases: pd.DataFrame) -> np.ndarray:
    """[V] 1 or 0 for visits logged in detail of shoppers who bought before, else NaN."""
    newest = np.array([np.nan if row is None or not len(row) else float(row[-1]) for row in visits[DETAIL]], float)
    detailed = np.array([row is not None for row in visits[DETAIL]], bool)
    last = attribution.last_purchase(visits, purchases, GRACE_S)
    behind = np.nan_to_num(newest, nan=-np.inf) < last
    return np.where(detailed & ~np.isnan(last), behind.astype(float), np.nan)
