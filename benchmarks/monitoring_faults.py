"""Faults on the data side: each changes a sound request log and feed of purchases from a moment on.

Each says which check is to find it, and how soon.

A fault takes rows of the request log (model/request_log.py, as pandas) and purchases (canonical events, event_time in
unix seconds), and gives changed copies. What it does to a store, a feed or a clock is what such a fault leaves behind.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from model import columns as c

DAY_S, HOUR_S = 86_400, 3600
Frames = tuple[pd.DataFrame, pd.DataFrame]
SEED = 7


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. `check`: any check whose name begins so has found it."""

    name: str
    says: str
    check: str
    limit_s: int
    """Data time within which it is to be found."""
    inject: Callable[[pd.DataFrame, pd.DataFrame, float], Frames]
    needs_distances: bool = False


def _where(frame: pd.DataFrame, column: str, since_s: float) -> np.ndarray:
    return np.asarray(frame[column] >= since_s)


def _set(frame: pd.DataFrame, column: str, where: np.ndarray, values: pd.Series) -> pd.DataFrame:
    return frame.assign(**{column: frame[column].where(~where, values)})


def one_store(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Every client sends the same store."""
    common = requests[c.STORE].mode().iloc[0]
    where = _where(requests, "time_s", since_s)
    return _set(requests, c.STORE, where, pd.Series(common, requests.index)), purchases


def local_time(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Clients send their local time as if it were universal: six hours back."""
    where = _where(requests, "time_s", since_s)
    return _set(requests, "time_s", where, requests["time_s"] - 6 * HOUR_S), purchases


def broken_join(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """The feed of purchases comes with other shopper ids."""
    where = _where(purchases, c.TIME, since_s)
    return requests, _set(purchases, c.USER, where, "household-" + purchases[c.USER].astype(str))


def lost_outcomes(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Half of the shoppers' purchases no longer arrive."""
    gone = _where(purchases, c.TIME, since_s) & (_bucket(purchases[c.USER]) % 2 == 0)
    return requests, purchases[~gone]


def label_flip(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """The item column is joined wrongly: purchases get each other's items."""
    rng = np.random.default_rng(SEED)
    where = _where(purchases, c.TIME, since_s)
    mixed = purchases[c.ITEM].copy()
    mixed[where] = rng.permutation(purchases[c.ITEM][where].to_numpy())
    return requests, purchases.assign(**{c.ITEM: mixed})


def collapse(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Everybody gets the same list."""
    where = _where(requests, "time_s", since_s)
    first = requests["item_ids"][where].iloc[0]
    same = pd.Series([first] * len(requests), requests.index)
    return _set(requests, "item_ids", where, same), purchases


def stale_store(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """No purchase reaches the store any more: histories end at the moment of the fault."""

    def cut(times: object) -> object:
        return None if times is None else np.asarray([t for t in times if t < since_s], dtype=np.int64)  # type: ignore[attr-defined]

    return requests.assign(history_times=requests["history_times"].map(cut)), purchases


def lost_state(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """The store was emptied: everybody is a stranger."""
    where = _where(requests, "time_s", since_s)
    return _set(requests, "state", where, pd.Series("unknown", requests.index)), purchases


def dead_shard(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """One of four shards of the feed of purchases stops."""
    gone = _where(purchases, c.TIME, since_s) & (_bucket(purchases[c.USER]) % 4 == 0)
    return requests, purchases[~gone]


def stale_feed(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """The feed of purchases stops."""
    return requests, purchases[~_where(purchases, c.TIME, since_s)]


def volume_drop(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Three of four servers no longer write their log."""
    gone = _where(requests, "time_s", since_s) & (np.arange(len(requests)) % 4 > 0)
    return requests[~gone], purchases


def new_items(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """A third of what is bought has ids that the catalog has never seen."""
    where = _where(purchases, c.TIME, since_s) & (_bucket(purchases[c.ITEM]) % 3 == 0)
    return requests, _set(purchases, c.ITEM, where, "new-" + purchases[c.ITEM].astype(str))


def cents(requests: pd.DataFrame, purchases: pd.DataFrame, since_s: float) -> Frames:
    """Prices come in cents."""
    where = _where(purchases, c.TIME, since_s)
    return requests, _set(purchases, c.PRICE, where, purchases[c.PRICE] * 100)


def _bucket(ids: pd.Series) -> np.ndarray:
    return np.asarray(pd.util.hash_pandas_object(ids.astype(str), index=False) % 12, dtype=int)


def _fault(
    inject: Callable[[pd.DataFrame, pd.DataFrame, float], Frames], check: str, hours: int, **rest: bool
) -> Fault:
    says = (inject.__doc__ or "").strip()
    return Fault(name=inject.__name__, says=says, check=check, limit_s=hours * HOUR_S, inject=inject, **rest)


FAULTS = (
    _fault(one_store, "skew_store_id", 24, needs_distances=True),
    _fault(local_time, "clock_minutes", 48),
    _fault(broken_join, "join_share", 36),
    _fault(lost_outcomes, "join_share", 36),
    _fault(dead_shard, "join_share", 48),
    _fault(label_flip, "hits_per_trip", 48),
    _fault(collapse, "list_overlap", 36),
    _fault(stale_store, "visits_stale_state", 72),
    _fault(lost_state, "visits_without_state", 24),
    _fault(stale_feed, "purchases_age_hours", 36),
    _fault(volume_drop, "visits", 36),
    _fault(new_items, "purchases_unknown_item", 24),
    _fault(cents, "drift_log_price", 24, needs_distances=True),
)
