"""The label policy: returns, late outcomes and noisy baskets. Changes training labels and, for returns, histories.

Test labels are what was bought, whatever the policy: all policies are judged on the same trips.

Shape legend: E events (as in Trips), T trips, L added lines, R returned events, A item attributes.
"""

import dataclasses

import numpy as np
import pandas as pd

from components.examples.promotions import index_of
from model.data import columns as c
from model.data.catalog import MISSING, Catalog
from model.data.labels import positives
from model.data.membership import contains
from model.data.task import TaskKind
from model.data.trips import Trips, slice_positions
from tfx_configs.labels import LabelSettings
from tfx_configs.units import DAY_S, HOUR_S

FOREVER = np.iinfo(np.int64).max
STEP = 4096
"""Trips whose histories are in memory at once."""
COUNTS = (
    *(f"lines_{reason}" for reason in ("after_cut", "returned", "quantity", "gift", "late", "owned")),
    *("gift_trips", "trips_without_label", "returns_unmatched"),
)
"""What is counted, beside the limit of quantity."""
NOTHING = 1e-9
"""Pieces: what is left of a quantity in floating point when all was returned."""
_SECONDS = 1 << 34  # above any unix time: (user, time) pairs pack into one sortable int64


def label(
    trips: Trips, events: pd.DataFrame, catalog: Catalog, settings: LabelSettings
) -> tuple[Trips, dict[str, float]]:
    """The trips under the policy, and how many training lines and trips it changed, by reason.

    A training trip may be left without labels; training skips it, its shopper's history keeps it. Test trips stay.

    Where the task is not the next basket, what the shopper had is no label, before the cut and after it. Where it is
    the rest of a session, what follows in it is the label, and no policy applies.

    Args:
        trips: whose event arrays are `positives(events, settings)`.
        events: the canonical events, returns among them, in any order; not changed.
        catalog: item attributes, for what is familiar to a shopper.
    """
    if trips.task is TaskKind.REST_OF_SESSION:
        return of_task(trips), dict.fromkeys(COUNTS, 0)
    lines = _lines(trips, positives(events, settings))
    trip_E, train_E, quantity_E = lines.trip_E, lines.train_E, lines.quantity_E
    return_E, unmatched = return_times(trips, lines, events, settings.return_days)
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
    own = len(_unique_pairs(trip_E[used_E], trips.event_item_E[used_E], trips)) + len(test_B)
    report |= {"lines_late": len(labelled.basket_item_B) - own, "gift_trips": int(gift_T.sum())}
    every = len(labelled.basket_item_B)
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """What the event arrays of the trips do not hold, in their order."""

    trip_E: np.ndarray
    """[E] int training trip; where there is none, the last trip."""
    train_E: np.ndarray
    """[E] bool: of a basket that began before the cut."""
    quantity_E: np.ndarray
    """[E] float."""
    bought_E: np.ndarray
    """[E] bool: a purchase, which a return can take back."""


def return_times(trips: Trips, lines: Lines, events: pd.DataFrame, return_days: int) -> tuple[np.ndarray, int]:
    """([E] int64 unix seconds at which nothing was left of each event, FOREVER where something is; returns in vain).

    A return takes back its quantity: from the shopper's latest purchase of that item that has something left and is at
    most `return_days` old, and then from the one before it. A return that finds none is counted.
    """
    times_E = np.full(len(trips.event_time_E), FOREVER, np.int64)
    returns = events[events[c.EVENT_TYPE] == c.RETURN]
    if not return_days or returns.empty:
        return times_E, len(returns)
    user, item = index_of(trips.user_ids, returns[c.USER]), index_of(trips.item_ids, returns[c.ITEM])
    pair = np.where((user >= 0) & (item >= 0), user * len(trips.item_ids) + item, -1)
    moment = returns[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    quantity = returns[c.QUANTITY].abs().to_numpy(float)
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
    attribute_EA = catalog.attribute_IA[trips.event_item_E]
    present_EA = attribute_EA != MISSING
    familiar_values_E = np.zeros(len(trip_E))
    for a in range(attribute_EA.shape[1]):
        pair_E = trips.event_user_E.astype(np.int64) * catalog.attribute_sizes[a] + attribute_EA[:, a]
        # Events are sorted by (user, time): a pair's first place is its first moment.
        _, first, inverse_E = np.unique(pair_E, return_index=True, return_inverse=True)
        familiar_values_E += present_EA[:, a] & (trips.event_time_E[first][inverse_E] < trips.time_T[trip_E])
    values_E = present_EA.sum(axis=1)
    return np.divide(familiar_values_E, values_E, out=np.ones(len(trip_E)), where=values_E > 0)


def _lines(trips: Trips, learned: pd.DataFrame) -> Lines:
    """Trip, quantity and type of each event of the event arrays.

    Args:
        learned: the canonical events that the arrays are made of, in any order.
    """
    user, item = index_of(trips.user_ids, learned[c.USER]), index_of(trips.item_ids, learned[c.ITEM])
    time = learned[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    basket = pd.factorize(learned[c.BASKET].astype(str), sort=True)[0].astype(np.int64)
    order = np.lexsort((item, basket, time, user))
    user, item, time, basket = (a[order] for a in (user, item, time, basket))
    assert np.array_equal(item, trips.event_item_E) and np.array_equal(time, trips.event_time_E), "other events"
    _, first, of_E = np.unique(user * (basket.max() + 1) + basket, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.lexsort((basket[first], user[first], time[first]))] = np.arange(len(first))
    trip_E = rank[of_E]  # baskets in the order of trips: those that began before the cut are the training trips
    return Lines(
        trip_E=np.minimum(trip_E, len(trips) - 1),
        train_E=trip_E < (trips.time_T < trips.cut_s).sum(),
        quantity_E=learned[c.QUANTITY].to_numpy(float)[order],
        bought_E=(learned[c.EVENT_TYPE] == c.PURCHASE).to_numpy()[order],
    )


def _gifts(trips: Trips, trip_E: np.ndarray, catalog: Catalog, settings: LabelSettings) -> np.ndarray:
    """[T] bool: training trips whose basket is large for its shopper and made of what the shopper never buys.

    A basket that goes on after the cut counts as it was at the cut.
    """
    if not settings.gift_familiarity:
        return np.zeros(len(trips), bool)
    counted_E = np.where(trips.event_time_E < trips.cut_s, 1.0, 0.0)
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
