"""Which purchases are the outcome of which visit.

A visit is one shopper's requests within `visit_minutes` of the first of them. Its outcome is what the shopper buys
from that first request until `outcome_hours` later. A purchase that names a request of the shopper is that visit's;
one that names none, or none that the log has, is the last visit's before it. A visit is closed, and only then judged,
when its window has ended `lateness_hours` ago: what arrives later counts when the same span is looked at again, and
changes no verdict in between.

Shape legend: V visits, P purchases.
"""

import itertools

import numpy as np
import pandas as pd

from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import HOUR_S, MINUTE_S

VISIT = "visit"
REQUESTS = "requests"


def first_of_visits(requests: pd.DataFrame, minutes: float) -> pd.DataFrame:
    """The first answered request of each visit, in time order. `requests`: user_id, time_s and logged_s at least.

    Later requests of a visit (a page loaded again, a request asked of two versions) are left out; where request_id is
    there, the visit's `requests` are the ids of all.
    """
    if requests.empty:
        return requests
    ordered = requests.sort_values([c.USER, "time_s", "logged_s"], kind="stable")
    user, time_s = ordered[c.USER].to_numpy(), ordered["time_s"].to_numpy()
    first = np.ones(len(ordered), bool)
    start_s = time_s[0]
    for n in range(1, len(ordered)):
        if user[n] == user[n - 1] and time_s[n] - start_s <= minutes * MINUTE_S:
            first[n] = False
        else:
            start_s = time_s[n]
    visits = ordered[first]
    if c.REQUEST in ordered:
        ids, begins = ordered[c.REQUEST].tolist(), [*np.flatnonzero(first).tolist(), len(ordered)]
        visits = visits.assign(**{REQUESTS: pd.Series([ids[a:b] for a, b in itertools.pairwise(begins)], visits.index)})
    return visits.sort_values("time_s", kind="stable").reset_index(drop=True)


def closed_until(now_s: float, settings: MonitorSettings) -> float:
    """Visits that began before this moment are closed."""
    return now_s - (settings.outcome_hours + settings.lateness_hours) * HOUR_S


def baskets(visits: pd.DataFrame, purchases: pd.DataFrame, settings: MonitorSettings) -> list[frozenset[str]]:
    """[V] items that each visit led to; empty when none.

    Args:
        visits: user_id and time_s, in time order; `requests` where they are known.
        purchases: user_id, item_id and event_time in unix seconds, in any order; request_id where it is known.
    """
    early_s = round(settings.early_minutes * MINUTE_S)
    known = [name for name in (c.USER, c.ITEM, c.TIME, c.REQUEST) if name in purchases]
    left = purchases[known].sort_values(c.TIME, kind="stable")
    left = left.assign(until=left[c.TIME].astype("int64") + early_s)
    right = visits[[c.USER, "time_s"]].astype({"time_s": "int64"}).assign(**{VISIT: np.arange(len(visits))})
    joined = pd.merge_asof(left, right, left_on="until", right_on="time_s", by=c.USER)
    if c.REQUEST in left and REQUESTS in visits and left[c.REQUEST].notna().any():
        asked = right.assign(**{c.REQUEST: visits[REQUESTS]}).explode(c.REQUEST)
        named = pd.merge_asof(left, asked, left_on="until", right_on="time_s", by=[c.USER, c.REQUEST])
        joined = joined.where(named[VISIT].isna(), named)
    within = joined[c.TIME] - joined["time_s"] < settings.outcome_hours * HOUR_S
    found = joined[within & joined[VISIT].notna()].sort_values(VISIT, kind="stable")
    items, bounds = found[c.ITEM].tolist(), np.searchsorted(found[VISIT], np.arange(len(visits) + 1)).tolist()
    return [frozenset(items[begin:end]) for begin, end in itertools.pairwise(bounds)]


def offsets(visits: pd.DataFrame, purchases: pd.DataFrame, settings: MonitorSettings) -> np.ndarray:
    """[V] seconds from the visit to the same shopper's nearest purchase, negative when that was before; NaN when none
    is within `outcome_hours`. Clocks that agree, or a broken time zone, show in the median.
    """
    moments = purchases[[c.USER, c.TIME]].drop_duplicates().astype({c.TIME: "int64"}).sort_values(c.TIME)
    near = pd.merge_asof(
        visits[[c.USER, "time_s"]].astype({"time_s": "int64"}),
        moments,
        left_on="time_s",
        right_on=c.TIME,
        by=c.USER,
        direction="nearest",
        tolerance=round(settings.outcome_hours * HOUR_S),
    )
    return np.asarray(near[c.TIME] - near["time_s"], dtype=float)


def last_purchase(visits: pd.DataFrame, purchases: pd.DataFrame, grace_s: int) -> np.ndarray:
    """[V] unix seconds of the shopper's last purchase at least `grace_s` before the visit; NaN when there is none."""
    moments = purchases[[c.USER, c.TIME]].drop_duplicates().astype({c.TIME: "int64"}).sort_values(c.TIME)
    known = visits[[c.USER]].assign(before=visits["time_s"].astype("int64") - grace_s)
    found = pd.merge_asof(known, moments, left_on="before", right_on=c.TIME, by=c.USER)
    return np.asarray(found[c.TIME], dtype=float)
