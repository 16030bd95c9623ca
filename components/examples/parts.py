"""What the engine makes of a part of the shoppers, and the parts as one.

Shape legend: E events, T trips, B basket entries, R returns, V views and carts, U shoppers, S stores.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ibis import _
from ibis.expr.types import Table

from components.engines.engine import Engine
from model.data import columns as c
from model.data.task import TaskKind
from model.data.trips import Trips, slice_positions

EVENTS_PER_GB = 250_000
"""Events of a part, for each GB of the engine's memory: DuckDB takes about 600 bytes an event to place it."""
NO_TRIP = -1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lines:
    """What the event arrays of the trips do not hold, in their order, and the returns."""

    trip_E: np.ndarray
    """[E] int32 training trip; NO_TRIP where the basket did not begin before the cut."""
    quantity_E: np.ndarray
    price_E: np.ndarray
    """[E] float64."""
    bought_E: np.ndarray
    """[E] bool: a purchase, which a return can take back."""
    return_user_R: np.ndarray
    return_item_R: np.ndarray
    """[R] int64 indices, -1 where no trip has the shopper, or the catalog the item."""
    return_time_R: np.ndarray
    """[R] int64 unix seconds."""
    return_quantity_R: np.ndarray
    """[R] float64, above 0."""


class Part(NamedTuple):
    """Arrays of some shoppers, by name. Users, stores and trips are numbered within the part."""

    user_ids: np.ndarray
    store_ids: np.ndarray
    """[U] and [S] str, sorted."""
    events: dict[str, np.ndarray]
    """{item, seconds, user, store, quantity, price, bought, trip: [E]}, in the order of Trips."""
    trips: dict[str, np.ndarray]
    """{user, seconds, store, history_begin, history_end: [T]}, likewise."""
    basket_size_T: np.ndarray
    basket_item_B: np.ndarray
    views: dict[str, np.ndarray]
    """{user, item, seconds, kind: [V]}, likewise."""
    returns: dict[str, np.ndarray]
    """{user, item, seconds, quantity: [R]}, -1 as in Lines."""


def by_shopper(engine: Engine, events: Table, rows: int, most: float) -> Sequence[Table]:
    """The events in parts of about `most` rows each: all of a shopper in one part, shoppers in order of their ids.

    Args:
        rows: how many events there are.
    """
    if rows <= most:
        return [events]
    counted = events.group_by(c.USER).agg(rows=_.count())
    before = _.rows.sum().over(order_by=c.USER, rows=(None, 0)) - _.rows
    part = (before / int(most)).floor().cast("int64")
    return engine.split(events.join(counted.select(c.USER, part=part), c.USER), "part")


def join_parts(parts: list[Part], item_ids: np.ndarray, cut_s: int, task: TaskKind) -> tuple[Trips, Lines]:
    """The trips of all parts, as one part of all shoppers would give them.

    Args:
        parts: shoppers in order of their ids; the list is emptied, so that no array is in memory twice for long.
    """
    first_user, first_event, first_trip = (
        np.cumsum([0, *sizes])
        for sizes in (
            [len(part.user_ids) for part in parts],
            [len(part.events["item"]) for part in parts],
            [len(part.basket_size_T) for part in parts],
        )
    )
    user_ids = np.concatenate([part.user_ids for part in parts])
    store_ids = np.unique(np.concatenate([part.store_ids for part in parts]))
    for number, part in enumerate(parts):
        for rows in (part.events, part.trips, part.views, part.returns):
            rows["user"] = np.where(rows["user"] < 0, rows["user"], rows["user"] + first_user[number])
        store_S = np.searchsorted(store_ids, part.store_ids)
        for rows in (part.events, part.trips):
            rows["store"] = store_S[rows["store"]].astype(np.int32)
        for name in ("history_begin", "history_end"):
            part.trips[name] = part.trips[name] + first_event[number]
        part.events["trip"] = np.where(part.events["trip"] < 0, NO_TRIP, part.events["trip"] + first_trip[number])
    size_T = np.concatenate([part.basket_size_T for part in parts])
    item_B = np.concatenate([part.basket_item_B for part in parts])
    events, trips, views, returns = (
        _joined([getattr(part, name) for part in parts]) for name in ("events", "trips", "views", "returns")
    )
    parts.clear()

    order = np.argsort(trips["seconds"], kind="stable")  # of one second: by shopper and basket, as the parts are
    trips = {name: column[order] for name, column in trips.items()}
    end_T = np.cumsum(size_T)
    position_B, _row = slice_positions((end_T - size_T)[order], end_T[order])
    end_T = np.cumsum(size_T[order])
    place = np.empty(len(order) + 1, np.int32)
    place[order], place[NO_TRIP] = np.arange(len(order)), NO_TRIP
    return Trips(
        item_ids=item_ids,
        user_ids=user_ids,
        store_ids=store_ids,
        event_item_E=events["item"].astype(np.int32),
        event_time_E=events["seconds"],
        event_user_E=events["user"].astype(np.int32),
        event_store_E=events["store"],
        event_quantity_E=events["quantity"].astype(np.float32),
        event_price_E=events["price"].astype(np.float32),
        user_T=trips["user"].astype(np.int32),
        time_T=trips["seconds"],
        store_T=trips["store"],
        history_begin_T=trips["history_begin"],
        history_end_T=trips["history_end"],
        basket_begin_T=end_T - size_T[order],
        basket_end_T=end_T,
        basket_item_B=item_B[position_B],
        cut_s=cut_s,
        task=task,
        view_item_V=views["item"].astype(np.int32),
        view_time_V=views["seconds"],
        view_user_V=views["user"].astype(np.int32),
        view_kind_V=views["kind"].astype(np.int8),
    ), Lines(
        trip_E=place[events["trip"]],
        quantity_E=events["quantity"],
        price_E=events["price"],
        bought_E=events["bought"],
        return_user_R=returns["user"],
        return_item_R=returns["item"],
        return_time_R=returns["seconds"],
        return_quantity_R=returns["quantity"],
    )


def _joined(groups: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The columns one part after the other; `groups` lose theirs."""
    return {name: np.concatenate([group.pop(name) for group in groups]) for name in list(groups[0])}
