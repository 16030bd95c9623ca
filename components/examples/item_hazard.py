"""How soon a product is bought again: a hazard by the days since the shopper's last purchase of it.

Shape legend: E purchases, I items, G stretches of GAP_DAYS, K types of items.
"""

import itertools

import numpy as np

from model.data.catalog import GAP_DAYS, MISSING
from tfx_configs.units import DAY_S

PRIOR = 5.0
"""Repeat purchases' worth of its type's hazard mixed into an item's, and of the overall one into a type's."""


def item_hazard(
    item_E: np.ndarray, user_E: np.ndarray, time_E: np.ndarray, type_I: np.ndarray, end_s: int
) -> np.ndarray:
    """[I, G] float32 repeat purchases a day, of shoppers whose last purchase of the item was so many days ago.

    A shopper's wait for the next purchase counts in every stretch that it lasted through, for the days it did; one
    without an end counts up to `end_s` (a piecewise constant hazard under right censoring).

    Args:
        item_E, user_E, time_E: [E] purchases before `end_s`, in any order; several at one moment are one.
        type_I: [I] int codes by which items are alike; MISSING ones are like all others.
        end_s: unix seconds.
    """
    user_E, item_E, time_E = distinct_moments(user_E, item_E, time_E)
    again_E = np.append((user_E[1:] == user_E[:-1]) & (item_E[1:] == item_E[:-1]), False)[: len(item_E)]
    days_E = (np.where(again_E, np.roll(time_E, -1), end_s) - time_E) / DAY_S
    edges = np.array([0, *GAP_DAYS, np.inf])
    bought_IG, days_IG = np.zeros((2, len(type_I), len(GAP_DAYS) + 1))
    for g, (low, high) in enumerate(itertools.pairwise(edges)):
        ended_E = again_E & (days_E > low) & (days_E <= high)
        bought_IG[:, g] = np.bincount(item_E[ended_E], minlength=len(type_I))
        days_IG[:, g] = np.bincount(item_E, weights=days_E.clip(low, high) - low, minlength=len(type_I))
    bought_KG, days_KG = np.zeros((2, int(type_I.max(initial=MISSING)) + 1, len(GAP_DAYS) + 1))
    np.add.at(bought_KG, type_I, bought_IG)
    np.add.at(days_KG, type_I, days_IG)
    overall_G = bought_IG.sum(axis=0) / np.maximum(days_IG.sum(axis=0), 1)
    type_KG = _smoothed(bought_KG, days_KG, overall_G)
    type_KG[MISSING] = overall_G
    return _smoothed(bought_IG, days_IG, type_KG[type_I]).astype(np.float32)


def distinct_moments(
    user_E: np.ndarray, item_E: np.ndarray, time_E: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct (user, item, time), sorted."""
    order = np.lexsort((time_E, item_E, user_E))
    columns = user_E[order], item_E[order], time_E[order]
    new_E = np.ones(len(order), bool)
    new_E[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    user_E, item_E, time_E = (column[new_E] for column in columns)
    return user_E, item_E, time_E


def _smoothed(bought: np.ndarray, days: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """(bought + PRIOR) / (days + PRIOR / towards); 0 where `towards` is."""
    return towards * (bought + PRIOR) / (towards * days + PRIOR)
