"""Trips with something wrong about what is before the cut. The judged trips stay as they are, unless stated.

Shape legend: as in model/data/trips.py; T trips, B basket entries, L basket entries of the training trips.
"""

import dataclasses

import numpy as np

from model.data.trips import Trips, slice_positions


def replaced(trips: Trips, percent: float, seed: int) -> Trips:
    """A share of what the training trips bought becomes another item, drawn by how often items are bought.

    Only labels change: the histories still have what was bought. What is drawn may be in the basket already.
    """
    rng = np.random.default_rng(seed)
    trip_L, item_L = _labels(trips)
    wrong = rng.random(len(item_L)) < percent / 100
    item_L = np.where(wrong, rng.choice(item_L, len(item_L)), item_L)
    return _labelled(trips, trip_L, item_L)


def dropped(trips: Trips, percent: float, seed: int) -> Trips:
    """A share of what the training trips bought is missing from their labels: a purchase that was not recorded."""
    trip_L, item_L = _labels(trips)
    left = np.random.default_rng(seed).random(len(item_L)) >= percent / 100
    return _labelled(trips, trip_L[left], item_L[left])


def of_some_shoppers(trips: Trips, percent: float, seed: int) -> Trips:
    """Training trips of a drawn share of the shoppers; the test trips of all."""
    chosen_U = np.random.default_rng(seed).permutation(len(trips.user_ids)) < len(trips.user_ids) * percent / 100
    return _only(trips, (trips.time_T >= trips.cut_s) | chosen_U[trips.user_T])


def since(trips: Trips, first_s: int) -> Trips:
    """As if recording had begun then: no earlier training trips, and no earlier purchase in any history, the judged
    trips' included."""
    early = np.concatenate([[0], np.cumsum(trips.event_time_E < first_s)])
    begin_T, end_T = trips.history_begin_T, trips.history_end_T
    later = dataclasses.replace(trips, history_begin_T=begin_T + early[end_T] - early[begin_T])
    return _only(later, trips.time_T >= first_s)


def _labels(trips: Trips) -> tuple[np.ndarray, np.ndarray]:
    """(trip, item): [L] each."""
    which = np.flatnonzero(trips.time_T < trips.cut_s)
    at, row = slice_positions(trips.basket_begin_T[which], trips.basket_end_T[which])
    return which[row], trips.basket_item_B[at]


def _labelled(trips: Trips, trip_L: np.ndarray, item_L: np.ndarray) -> Trips:
    """The trips with other baskets before the cut; an item twice in a basket counts once."""
    test = np.flatnonzero(trips.time_T >= trips.cut_s)
    at, row = slice_positions(trips.basket_begin_T[test], trips.basket_end_T[test])
    trip_B, item_B = np.concatenate([trip_L, test[row]]), np.concatenate([item_L, trips.basket_item_B[at]])
    items = len(trips.item_ids)
    pair_B = np.unique(trip_B * items + item_B)
    end_T = np.searchsorted(pair_B, np.arange(1, len(trips) + 1) * items)
    return dataclasses.replace(
        trips,
        basket_item_B=(pair_B % items).astype(np.int32),
        basket_begin_T=np.concatenate([[0], end_T[:-1]]),
        basket_end_T=end_T,
    )


def _only(trips: Trips, chosen_T: np.ndarray) -> Trips:
    names = [field.name for field in dataclasses.fields(Trips) if field.name.endswith("_T")]
    return dataclasses.replace(trips, **{name: getattr(trips, name)[chosen_T] for name in names})
