"""A tiny world of trips for rollouts."""

import numpy as np

from model.data.trips import Trips
from tfx_configs.units import DAY_S

SHOPPERS, WEEKS, TRAIN_WEEKS = 80, 8, 3


def weekly_trips() -> Trips:
    """Every shopper buys the same two items of their own each week, one trip a week, at a minute of their own."""
    weeks, shoppers = np.divmod(np.arange(SHOPPERS * WEEKS), SHOPPERS)
    time_T = weeks * 7 * DAY_S + shoppers * 60
    event_user_E = np.repeat(np.arange(SHOPPERS), WEEKS * 2)
    week_E = np.tile(np.repeat(np.arange(WEEKS), 2), SHOPPERS)
    event_item_E = event_user_E * 2 + np.tile([0, 1], SHOPPERS * WEEKS)
    return Trips(
        item_ids=np.array([f"item-{n}" for n in range(SHOPPERS * 2)]),
        user_ids=np.array([f"shopper-{n}" for n in range(SHOPPERS)]),
        store_ids=np.array(["", "s"]),
        event_item_E=event_item_E.astype(np.int32),
        event_time_E=(week_E * 7 * DAY_S + event_user_E * 60).astype(np.int64),
        event_user_E=event_user_E.astype(np.int32),
        user_T=shoppers.astype(np.int32),
        time_T=time_T.astype(np.int64),
        event_store_E=np.ones(len(event_item_E), np.int32),
        store_T=np.ones(len(time_T), np.int32),
        history_begin_T=shoppers * WEEKS * 2,
        history_end_T=shoppers * WEEKS * 2 + weeks * 2,
        basket_begin_T=np.arange(len(time_T)) * 2,
        basket_end_T=np.arange(len(time_T)) * 2 + 2,
        basket_item_B=(np.repeat(shoppers, 2) * 2 + np.tile([0, 1], len(time_T))).astype(np.int32),
        cut_s=TRAIN_WEEKS * 7 * DAY_S,
    )
