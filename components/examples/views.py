"""Views and carts as events of their own in the trips: what a shopper considered, whatever is learned from.

Shape legend: V views and carts (as in Trips).
"""

import dataclasses

import numpy as np
import pandas as pd

from components.examples.promotions import index_of
from model.data import columns as c
from model.data.labels import is_of_types
from model.data.trips import Trips


def with_views(trips: Trips, events: pd.DataFrame) -> Trips:
    """The trips with the views and carts of their shoppers, of items in the catalog.

    Args:
        events: the canonical events in any order; not changed.
    """
    kinds = events[is_of_types(events.__getitem__, Trips.VIEW_KINDS)]
    user, item = index_of(trips.user_ids, kinds[c.USER]), index_of(trips.item_ids, kinds[c.ITEM])
    time = kinds[c.TIME].to_numpy("datetime64[s]").astype(np.int64)
    kind = index_of(np.array(Trips.VIEW_KINDS, object), kinds[c.EVENT_TYPE])
    order = np.lexsort((kind, item, time, user))
    order = order[(user[order] >= 0) & (item[order] >= 0)]
    return dataclasses.replace(
        trips,
        view_item_V=item[order].astype(np.int32),
        view_time_V=time[order],
        view_user_V=user[order].astype(np.int32),
        view_kind_V=kind[order].astype(np.int8),
    )
