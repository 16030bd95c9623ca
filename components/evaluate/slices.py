"""Slice values of the judged trips: who the shopper is, what the basket is, where and when.

Each slicing gives every trip exactly one value, so its slices add up to all trips. Shape legend: N judged trips.
"""

import numpy as np
import pandas as pd

from model.data import columns as c
from model.data.catalog import MISSING, Catalog
from model.evaluation.next_basket_task import Task
from tfx_configs.units import DAY_S

OTHER = "other"
NEW_TRIPS = 5
"""A shopper with at most this many earlier trips is new."""
MIN_DEPARTMENTS = 5
"""An attribute with fewer values (such as a brand flag) is no department."""


def slice_values(task: Task, catalog: Catalog, items: pd.DataFrame, top_values: int) -> dict[str, np.ndarray]:
    """{slicing: [N] str}. Slicings the data cannot support (one store, no attributes, no users) are left out.

    Args:
        items: item_id and the attributes as strings.
        top_values: stores and departments that keep their name.
    """
    trips, which = task.trips, task.trip_N
    begin, end = trips.history_begin_T[which], trips.history_end_T[which]
    days_since = (trips.time_T[which] - trips.event_time_E[np.maximum(end, 1) - 1]) // DAY_S
    weeks = pd.to_datetime(trips.time_T[which], unit="s").strftime("%G-W%V").to_numpy(dtype=str)
    slices = {
        "shopper": _shopper(_earlier_trips(task)),
        "activity": np.where(end > begin, _bins(days_since, (7, 28), "days"), "never"),
        "basket": _bins(trips.basket_end_T[which] - trips.basket_begin_T[which], (5, 15), "items"),
        "errand": _errand(task),
        "week": weeks,
        "store": _top(trips.store_ids[trips.store_T[which]].astype(str), top_values),
    }
    slices = {name: values for name, values in slices.items() if name not in ("week", "store") or len(set(values)) > 1}
    departments = _departments(task, items)
    if departments is not None:
        slices["department"] = _top(departments, top_values)
    if catalog.user_attribute_names:
        slices["demographics_missing"] = _demographics_missing(task, catalog)
    return slices


def _earlier_trips(task: Task) -> np.ndarray:
    """[N] trips of the same shopper that began strictly before."""
    moments = pd.DataFrame({"user": task.trips.user_T, "time": task.trips.time_T})
    place = moments.groupby("user")["time"].rank(method="min")  # from 1; equal moments share the first place
    return place.to_numpy()[task.trip_N].astype(np.int64) - 1


def _shopper(earlier_N: np.ndarray) -> np.ndarray:
    """new, or by terciles of the others' earlier trips: light, medium, heavy."""
    regular = earlier_N[earlier_N > NEW_TRIPS]
    low, high = np.quantile(regular, [1 / 3, 2 / 3]) if len(regular) else (0.0, 0.0)
    conditions = [earlier_N <= NEW_TRIPS, earlier_N <= low, earlier_N <= high]
    return np.select(conditions, ["new", "light", "medium"], "heavy")


def _errand(task: Task) -> np.ndarray:
    """Whether at least half of the basket was bought before the trip, or more of it is new to the shopper."""
    trips = task.trips
    bought_before = [
        np.isin(trips.basket(int(trip)), trips.event_item_E[trips.history(int(trip))]).mean() for trip in task.trip_N
    ]
    return np.where(np.array(bought_before) >= 0.5, "mostly repeats", "mostly new")


def _bins(values_N: np.ndarray, edges: tuple[int, int], unit: str) -> np.ndarray:
    """Three groups: below the first edge, below the second, the rest."""
    names = [f"under {edges[0]} {unit}", f"{edges[0]} to {edges[1] - 1} {unit}", f"{edges[1]} or more {unit}"]
    return np.array(names)[np.digitize(values_N, edges)]


def _top(values_N: np.ndarray, top_values: int) -> np.ndarray:
    """The most frequent values keep their name, ties by name; the rest become `other`."""
    names, counts = np.unique(values_N, return_counts=True)
    frequent = names[np.argsort(-counts, kind="stable")[:top_values]]
    return np.where(np.isin(values_N, frequent), values_N, OTHER)


def _departments(task: Task, items: pd.DataFrame) -> np.ndarray | None:
    """[N] the value most of the basket has (ties by name) of the attribute with the fewest values; None without one."""
    ids = task.trips.item_ids.astype(str)
    attributes = items.set_index(items[c.ITEM].astype(str)).drop(columns=c.ITEM).reindex(ids).fillna("").astype(str)
    sizes = {str(name): attributes[name].nunique() for name in attributes.columns}
    usable = [name for name, size in sizes.items() if MIN_DEPARTMENTS <= size <= len(ids) / 2]
    if not usable:
        return None
    codes_I, names = pd.factorize(attributes[min(usable, key=lambda name: (sizes[name], name))], sort=True)
    dominant = [int(np.bincount(codes_I[task.trips.basket(int(trip))]).argmax()) for trip in task.trip_N]
    return np.array([str(names[code]) or "unknown" for code in dominant])


def _demographics_missing(task: Task, catalog: Catalog) -> np.ndarray:
    """[N] yes or no: no attribute of the shopper is known."""
    rows = catalog.user_rows(task.trips.user_ids[task.trips.user_T[task.trip_N]])
    return np.where((catalog.user_attribute_UD[rows] == MISSING).all(axis=1), "yes", "no")
