"""The label policy: returns, late outcomes and noisy baskets. Changes training labels and, for returns, histories.

Test labels are what was bought, whatever the policy: all policies are judged on the same trips.

Shape legend: E events (as in Trips), T trips, L added lines, R returned events, A item attributes.
"""

import dataclasses

import numpy as np
import pandas as pd

from components.examples.parts import NO_TRIP, Lines
from model.data.catalog import MISSING, Catalog
from model.data.membership import contains
from model.data.task import TaskKind
from model.data.trips import Trips, slice_positions
from tfx_configs.labels import LabelSettings
from tfx_configs.units import DAY_S, HOUR_S

FOREVER = np.iinfo(np.int64).max
STEP = 4096
"""Trips whose histories are in memory at once."""
EVENTS = 1 << 20
"""Events whose attributes are."""
COUNTS = (
    *(f"lines_{reason}" for reason in ("after_cut", "returned", "quantity", "gift", "late", "owned")),
    *("gift_trips", "trips_without_label", "returns_unmatched"),
)
"""What is counted, beside the limit of quantity."""
NOTHING = 1e-9
"""Pieces: what is left of a quantity in floating point when all was returned."""
_SECONDS = 1 << 34  # above any unix time: (user, time) pairs pack into one sortable int64


def label(trips: Trips, lines: Lines, catalog: Catalog, settings: LabelSettings) -> tuple[Trips, dict[str, float]]:
    """The trips under the policy, and how many training lines and trips it changed, by reason.

    A training trip may be left without labels; training skips it, its shopper's history keeps it. Test trips stay.

    Where the task is not the next basket, what the shopper had is no label, before the cut and after it. Where it is
    the rest of a session, what follows in it is the label, and no policy applies.

    Args:
        trips, lines: from `trips_of`, whose learned events are those of `settings.positive_types`.
        catalog: item attributes, for what is familiar to a shopper.
    """
    if trips.task is TaskKind.REST_OF_SESSION:
        return of_task(trips), dict.fromkeys(COUNTS, 0)
    trip_E, train_E, quantity_E = lines.trip_E, lines.trip_E != NO_TRIP, lines.quantity_E
    return_E, unmatched = return_times(trips, lines, settings.return_days)
    quantity, quantile = quantity_E[trips.event_time_E < trips.cut_s], settings.quantity_quantile
    limit = float(np.quantile(quantity, quantile)) if quantile < 1 and len(quantity) else np.inf
    gift_T = _gifts(trips, trip_E, catalog, settings)
    dropped = {
        "after_cut": train_E & (trips.event_time_E >= trips.cut_s),
        "returned": train_E & (return_E < trips.cut_s),
        "quantity": train_E & (quantity_E > limit),
        "gift": train_E & gift_T[trip_E],
    }
    used_E = train_E & ~np.logical_or.reduce(list(dropped.values()))
    late_trip_L, late_event_L = _late(trips, np.flatnonzero(~gift_T), settings.outcome_hours)
    used_L = used_E[late_event_L]
    test = trips.test_trips()
    test_B, test_row_B = slice_positions(trips.basket_begin_T[test], trips.basket_end_T[test])
    labelled = _with_baskets(
        trips,
        np.concatenate([trip_E[used_E], late_trip_L[used_L], test[test_row_B]]),
        np.concatenate(
            [trips.event_item_E[used_E], trips.event_item_E[late_event_L[used_L]], trips.basket_item_B[test_B]]
        ),
    )
    returned_R = np.flatnonzero(return_E < FOREVER)
    labelled = dataclasses.replace(
        labelled, returned_event_R=returned_R, returned_time_R=return_E[returned_R].astype(np.int64)
    )
    report: dict[str, float] = {f"lines_{reason}": int(which_E.sum()) for reason, which_E in dropped.items()}
    every = own = len(labelled.basket_item_B)
    if used_L.any():
        own = len(_unique_pairs(trip_E[used_E], trips.event_item_E[used_E], trips)) + len(test_B)
    report |= {"lines_late": every - own, "gift_trips": int(gift_T.sum())}
    labelled = of_task(labelled)
    report |= {"lines_owned": every - len(labelled.basket_item_B)}
    empty_T = (labelled.basket_begin_T == labelled.basket_end_T) & (trips.time_T < trips.cut_s)
    report |= {"trips_without_label": int(empty_T.sum()), "returns_unmatched": unmatched}
    return labelled, report | ({"quantity_limit": limit} if np.isfinite(limit) else {})


def of_task(trips: Trips) -> Trips:
    """The trips with the labels of their task: where only what is new counts, without what is in the history."""
    if not trips.task.new_only:
        return trips
    trip_B = np.repeat(np.arange(len(trips)), trips.basket_end_T - trips.basket_begin_T)
    owned_B = np.zeros(len(trip_B), bool)
    for first in range(0, len(trips), STEP):
        which = np.arange(first, min(first + STEP, len(trips)))
        position_H, row_H = trips.histories(which)
        part = slice(trips.basket_begin_T[which[0]], trips.basket_end_T[which[-1]])
        item_H = trips.event_item_E[position_H]
        owned_B[part] = contains(trip_B[part] - first, trips.basket_item_B[part], row_H, item_H)
    return _with_baskets(trips, trip_B[~owned_B], trips.basket_item_B[~owned_B])


def return_times(trips: Trips, lines: Lines, return_days: int) -> tuple[np.ndarray, int]:
    """([E] int64 unix seconds at which nothing was left of each event, FOREVER where something is; returns in vain).

    A return takes back its quantity: from the shopper's latest purchase of that item that has something left and is at
    most `return_days` old, and then from the one before it. A return that finds none is counted.
    """
    times_E = np.full(len(trips.event_time_E), FOREVER, np.int64)
    user, item, moment = lines.return_user_R, lines.return_item_R, lines.return_time_R
    quantity = lines.return_quantity_R
    if not return_days or not len(user):
        return times_E, len(user)
    pair = np.where((user >= 0) & (item >= 0), user * len(trips.item_ids) + item, -1)
    pair_E = trips.event_user_E.astype(np.int64) * len(trips.item_ids) + trips.event_item_E
    candidates = np.flatnonzero(np.isin(pair_E, pair) & lines.bought_E)
    bought: dict[int, list[int]] = {}
    for event in candidates[np.argsort(-trips.event_time_E[candidates], kind="stable")]:
        bought.setdefault(int(pair_E[event]), []).append(int(event))
    left_E, unmatched = lines.quantity_E.copy(), 0
    for at in np.lexsort((quantity, pair, moment)):
        age = {e: moment[at] - trips.event_time_E[e] for e in bought.get(int(pair[at]), []) if left_E[e] > NOTHING}
        open_, rest = [e for e in age if 0 <= age[e] <= return_days * DAY_S], quantity[at]
        unmatched += not open_
        for event in open_:
            taken = min(rest, left_E[event])
            rest, left_E[event] = rest - taken, left_E[event] - taken
            if left_E[event] <= NOTHING:
                times_E[event] = moment[at]
            if rest <= NOTHING:
                break
    return times_E, unmatched


def familiarity(trips: Trips, trip_E: np.ndarray, catalog: Catalog) -> np.ndarray:
    """[E] how much of an item the shopper knew when the trip began: share of its attribute values bought before.

    Without attributes, or where none is known, everything is familiar (1).
    """
    return np.concatenate([np.ones(0)] + [_familiarity(trips, trip_E, catalog, of) for of in trips.by_shopper(EVENTS)])


def _familiarity(trips: Trips, trip_E: np.ndarray, catalog: Catalog, of_some: slice) -> np.ndarray:
    """Of the events of some shoppers."""
    user_E, time_E, trip_E = trips.event_user_E[of_some], trips.event_time_E[of_some], trip_E[of_some]
    attribute_EA = catalog.attribute_IA[trips.event_item_E[of_some]]
    present_EA = attribute_EA != MISSING
    familiar_values_E = np.zeros(len(trip_E))
    for a in range(attribute_EA.shape[1]):
        pair_E = user_E.astype(np.int64) * catalog.attribute_sizes[a] + attribute_EA[:, a]
        # Events are sorted by (user, time): a pair's first place is its first moment.
        _, first, inverse_E = np.unique(pair_E, return_index=True, return_inverse=True)
        familiar_values_E += present_EA[:, a] & (time_E[first][inverse_E] < trips.time_T[trip_E])
    values_E = present_EA.sum(axis=1)
    return np.divide(familiar_values_E, values_E, out=np.ones(len(trip_E)), where=values_E > 0)


def _gifts(trips: Trips, trip_E: np.ndarray, catalog: Catalog, settings: LabelSettings) -> np.ndarray:
    """[T] bool: training trips whose basket is large for its shopper and made of what the shopper never buys.

    A basket that goes on after the cut counts as it was at the cut.
    """
    if not settings.gift_familiarity:
        return np.zeros(len(trips), bool)
    counted_E = np.where(trips.event_time_E < trips.cut_s, 1.0, 0.0)
    trip_E = np.maximum(trip_E, 0)  # what is of no training trip comes after the cut and counts for nothing
    size_T = np.bincount(trip_E, weights=counted_E, minlength=len(trips))
    familiar_E = counted_E * familiarity(trips, trip_E, catalog)
    familiarity_T = np.bincount(trip_E, weights=familiar_E, minlength=len(trips)) / np.maximum(size_T, 1.0)
    of_user = pd.Series(size_T).groupby(trips.user_T)  # trips are in order of time
    before_T = of_user.cumcount().to_numpy()
    mean_T = (of_user.cumsum().to_numpy() - size_T) / np.maximum(before_T, 1)
    large_T = (before_T >= settings.gift_min_trips) & (size_T >= settings.gift_size_ratio * mean_T)
    return large_T & (familiarity_T < settings.gift_familiarity) & (trips.time_T < trips.cut_s)


def _late(trips: Trips, which: np.ndarray, outcome_hours: float) -> tuple[np.ndarray, np.ndarray]:
    """([L] trip, [L] event): what was bought after a training trip began, in the window and before the cut."""
    which = which[trips.time_T[which] < trips.cut_s] if outcome_hours else which[:0]
    moment_E = trips.event_user_E.astype(np.int64) * _SECONDS + trips.event_time_E
    user, time = trips.user_T[which].astype(np.int64) * _SECONDS, trips.time_T[which]
    until = np.minimum(time + int(outcome_hours * HOUR_S), trips.cut_s - 1)
    begin, end = (np.searchsorted(moment_E, user + at, side="right") for at in (time, until))
    event_L, row_L = slice_positions(begin, end)
    return which[row_L], event_L


def _unique_pairs(trip: np.ndarray, item: np.ndarray, trips: Trips) -> np.ndarray:
    return np.unique(trip.astype(np.int64) * len(trips.item_ids) + item)


def _with_baskets(trips: Trips, trip: np.ndarray, item: np.ndarray) -> Trips:
    """The trips with these baskets: (trip, item) pairs in any order, repeated or not."""
    pairs = _unique_pairs(trip, item, trips)
    of_pair, every = pairs // len(trips.item_ids), np.arange(len(trips))
    return dataclasses.replace(
        trips,
        basket_begin_T=np.searchsorted(of_pair, every, side="left"),
        basket_end_T=np.searchsorted(of_pair, every, side="right"),
        basket_item_B=(pairs % len(trips.item_ids)).astype(np.int32),
    )
