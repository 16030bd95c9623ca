"""Attribution of purchases to visits.

A visit is one shopper's requests within `visit_minutes` of the first of them. Its outcome is what the shopper buys
from that first request until `outcome_hours` later. A purchase that names a request of the shopper belongs to that
visit; one that names none, or none in the log, belongs to the last visit before it. A visit is closed, and only then
judged, when its window has ended `lateness_hours` ago: what arrives later counts when the same span is evaluated again,
and changes no result in between.

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
    """Return the first answered request of each visit, in time order.

    Later requests of a visit (a page loaded again, a request sent to two versions) are left out; where there is a
    request_id, the visit's `requests` are the ids of all.

    Args:
        requests: user_id, time_s and logged_s at least.
        minutes: length of a visit.
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
    """Return the moment before which visits are closed, unix seconds."""
    return now_s - (settings.outcome_hours + settings.lateness_hours) * HOUR_S


def baskets(visits: pd.DataFrame, purchases: pd.DataFrame, settings: MonitorSettings) -> list[frozenset[str]]:
    """Return [V] the items that each visit led to.

    Args:
        visits: user_id and time_s, in time order; `requests` where the log has ids.
        purchases: user_id, item_id and event_time in unix seconds, in any order; request_id where the feed has it.
    """
    early_s = round(settings.early_minutes * MINUTE_S)
    columns = [name for name in (c.USER, c.ITEM, c.TIME, c.REQUEST) if name in purchases]
    left = purchases[columns].sort_values(c.TIME, kind="stable")
    left = left.assign(until=left[c.TIME].astype("int64") + early_s)
    right = visits[[c.USER, "time_s"]].astype({"time_s": "int64"}).assign(**{VISIT: np.arange(len(visits))})
    joined = pd.merge_asof(left, right, left_on="until", right_on="time_s", by=c.USER)
    if c.REQUEST in left and REQUESTS in visits and left[c.REQUEST].notna().any():
        of_request = right.assign(**{c.REQUEST: visits[REQUESTS]}).explode(c.REQUEST)
        named = pd.merge_asof(left, of_request, left_on="until", right_on="time_s", by=[c.USER, c.REQUEST])
        joined = joined.where(named[VISIT].isna(), named)
    within = joined[c.TIME] - joined["time_s"] < settings.outcome_hours * HOUR_S
    outcomes = joined[within & joined[VISIT].notna()].sort_values(VISIT, kind="stable")
    items, bounds = outcomes[c.ITEM].tolist(), np.searchsorted(outcomes[VISIT], np.arange(len(visits) + 1)).tolist()
    return [frozenset(items[begin:end]) for begin, end in itertools.pairwise(bounds)]


def offsets(visits: pd.DataFrame, purchases: pd.DataFrame, settings: MonitorSettings) -> np.ndarray:
    """Return [V] seconds from the visit to the same shopper's nearest purchase, negative when that was before.

    NaN when no purchase is within `outcome_hours`. The median shows whether clocks and time zones agree.
    """
    near = pd.merge_asof(
        visits[[c.USER, "time_s"]].astype({"time_s": "int64"}),
        _moments(purchases),
        left_on="time_s",
        right_on=c.TIME,
        by=c.USER,
        direction="nearest",
        tolerance=round(settings.outcome_hours * HOUR_S),
    )
    return np.asarray(near[c.TIME] - near["time_s"], dtype=float)


def last_purchase(visits: pd.DataFrame, purchases: pd.DataFrame, grace_s: int) -> np.ndarray:
    """Return [V] unix seconds of the shopper's last purchase at least `grace_s` before the visit, or NaN."""
    until = visits[[c.USER]].assign(before=visits["time_s"].astype("int64") - grace_s)
    last = pd.merge_asof(until, _moments(purchases), left_on="before", right_on=c.TIME, by=c.USER)
    return np.asarray(last[c.TIME], dtype=float)


def _moments(purchases: pd.DataFrame) -> pd.DataFrame:
    """Distinct (user_id, event_time) in time order."""
    return purchases[[c.USER, c.TIME]].drop_duplicates().astype({c.TIME: "int64"}).sort_values(c.TIME)
