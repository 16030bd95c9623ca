"""A catalog of five items, small enough for hand-computed values, and batches of requests on it."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from model.data.batch import Batch
from model.data.catalog import Catalog, Promotions
from model.data.neighbour_tables import Together
from tests.worlds import seconds

ITEMS = "abdez"
STORES = ("", "s1", "s2")
USERS = np.array([[0], [2]], np.int32)
SNAPSHOT_DAYS = (63, 70)
TOGETHER = Together(
    moment_T=np.array([seconds(40), seconds(60)]),
    begin_TI=np.array([[0, 1, 1, 1, 1, 1], [1, 3, 4, 4, 4, 4]]),
    near_N=np.array([3, 1, 2, 4], np.int32),
    similar_N=np.array([0.75, 0.5, 0.25, 0.125], np.float32),
)
"""As of day 40, a: e .75. As of day 60, a: b .5, d .25; b: z .125."""


def small_catalog(promotions: tuple[Promotions, ...] = ()) -> Catalog:
    """Colours: a and b red (2), d blue (3), e and z unknown (0). Snapshots on days 63 and 70."""
    return Catalog(
        item_ids=np.array(list(ITEMS), dtype=object),
        attribute_names=("colour",),
        attribute_sizes=(4,),
        attribute_IA=np.array([[2], [2], [3], [0], [0]], np.int32),
        vocabulary_I=np.arange(5, dtype=np.int32),
        vocabulary_size=5,
        price_I=np.array([0.5, 1.0, 1.5, 0.0, 0.0], np.float32),
        repurchase_I=np.array([0.6, 0.4, 0.2, 0.1, 0.1], np.float32),
        hazard_IG=np.array([[0.25, 0.5, 0.75, 0.5, 0.25, 0.125], *[[0.125] * 6] * 4], np.float32),
        snapshot_W=np.array([seconds(day) for day in SNAPSHOT_DAYS], np.int64),
        recent_WI=np.array([[5, 0, 1, 0, 0], [2, 4, 0, 3, 0]], np.float32),
        decayed_WI=np.array([[9, 1, 2, 0, 0], [6, 5, 1, 3, 0]], np.float32),
        store_ids=np.array(STORES, dtype=object),
        user_ids=np.array(["u1"], dtype=object),
        user_attribute_names=("age",),
        user_attribute_sizes=(3,),
        user_attribute_UD=USERS,
        user_attribute_values=(("40",),),
        promotions=promotions,
    )


def promotion(kind: str, *stretches: tuple[str, str, float, float]) -> Promotions:
    """From (store, item, first day, last day), sorted and without overlaps."""
    store, item, start, end = zip(*stretches, strict=True) if stretches else ((), (), (), ())
    return Promotions(
        kind=kind,
        store_P=np.array([STORES.index(s) for s in store], np.int32),
        item_P=np.array([ITEMS.index(i) for i in item], np.int32),
        start_hour_P=np.array([seconds(day) // 3600 for day in start], np.int32),
        end_hour_P=np.array([seconds(day) // 3600 for day in end], np.int32),
    )


@dataclasses.dataclass(frozen=True)
class Ask:
    """A request: when, with which purchases (item, day), in which store, by which row of shopper attributes, which is
    also the shopper's in the past of a baseline that compares shoppers."""

    day: float
    bought: Sequence[tuple[str, float]] = ()
    store: str = "s1"
    user: int = 0


def batch(*asks: Ask) -> Batch:
    """All requests as one batch."""
    flat = [(item, day, row) for row, ask in enumerate(asks) for item, day in ask.bought]
    return Batch(
        history_item_H=np.array([ITEMS.index(item) for item, _, _ in flat], np.int32),
        history_time_H=np.array([seconds(day) for _, day, _ in flat], np.int64),
        history_row_H=np.array([row for _, _, row in flat], np.int32),
        time_B=np.array([seconds(ask.day) for ask in asks], np.int64),
        store_B=np.array([STORES.index(ask.store) for ask in asks], np.int32),
        user_BD=USERS[[min(ask.user, 1) for ask in asks]],
        user_B=np.array([ask.user for ask in asks], np.int32),
    )
