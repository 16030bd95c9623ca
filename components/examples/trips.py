"""Trips as of their own moment: history strictly before, basket as the label, one stable order.

The work is Ibis expressions, the same on every engine; only the finished integer columns come to Python.

Shape legend: E events, T trips, B basket entries.
"""

import dataclasses
from collections.abc import Iterable

import ibis
import numpy as np
import pandas as pd
from ibis import _
from ibis.expr.types import BooleanValue, IntegerColumn, Table

from components.engines.engine import Engine
from components.examples.parts import NO_TRIP, Lines, Part, join_parts
from model.data import columns as c
from model.data.labels import is_of_types
from model.data.task import TaskKind
from model.data.trips import Trips

COLUMNS = (c.USER, c.ITEM, c.TIME, c.BASKET, c.STORE)
"""What trips are made of."""
NUMBERS = {c.QUANTITY: 1.0, c.PRICE: 0.0}
"""{column that events may have besides: its value where there is none}"""
PARTS = 3
"""Of a session's moments: the first two thirds are history, the last third is the rest."""
LEARNED, JUDGED = "learned", "judged"
"""Which events make histories and training labels, and which make the trips and labels after the cut."""
BOUGHT = "bought"
"""Which of them are purchases."""


def trips_of(
    engine: Engine,
    parts: Iterable[Table],
    item_ids: np.ndarray,
    cut_s: int,
    max_history: int,
    task: TaskKind = TaskKind.NEXT_BASKET,
) -> tuple[Trips, Lines]:
    """Builds all trips from events in any row order, and what else labels need; nothing depends on that order, nor on
    the parts.

    A basket is a training trip if its first `learned` event lies before the cut, and a test trip if its first `judged`
    event does not. So the test trips and their labels do not depend on what is learned from.

    Where the task is the rest of a session, a basket is a session, and it is asked about after two thirds of the
    moments at which it has `learned` events: one trip a session of two moments or more. Its labels are what follows. A
    session that begins before the cut and is asked about after it is left out.

    Args:
        parts: one row a product in a basket, canonical columns, of NUMBERS those that there are. The boolean columns
            `learned` and `judged` mark the rows of histories and training labels, and those of test labels; without
            them every row is both. Views and returns come from all rows, if there is the column of types. All events of
            a shopper are in one part; shoppers of a later part have later ids.
        item_ids: [I] sorted ids, every item of the marked events among them.
        cut_s: start of the test span, unix seconds.
        max_history: most recent events kept of each history.
    """
    number_I = np.arange(len(item_ids), dtype=np.int32)
    items = engine.table(pd.DataFrame({c.ITEM: item_ids.astype(str), "item": number_I}))
    built = [_part(engine, events, items, cut_s, max_history, task) for events in parts]
    return join_parts(built, item_ids, cut_s, task)


def _part(engine: Engine, events: Table, items: Table, cut_s: int, max_history: int, task: TaskKind) -> Part:
    lines = engine.hold(_lines(events))
    users, stores = engine.hold(_users(lines)), _stores(lines, engine.table(pd.DataFrame({c.STORE: [""]})))
    placed = engine.hold(_placed(lines, users, stores, items))
    asked = _rests(placed, cut_s) if task is TaskKind.REST_OF_SESSION else _trips(placed, cut_s)
    trips = engine.hold(_numbered(asked, max_history))
    in_trip = placed.join(trips.select("user", c.BASKET, "trip", "is_test", since="seconds"), ["user", c.BASKET])
    label = ibis.ifelse(_.is_test, _[JUDGED], _[LEARNED]) & (_.seconds >= _.since)
    if task is TaskKind.REST_OF_SESSION:
        label &= _.is_test | (_.seconds < cut_s)
    entries = _columns(in_trip.filter(label).select("trip", "item").distinct(), "trip", "item")
    trained = trips.filter(~_.is_test).select("user", c.BASKET, "trip")
    learned = placed.filter(_[LEARNED]).left_join(trained, ["user", c.BASKET])
    names = ("position", "item", "seconds", "user", "store", c.QUANTITY, c.PRICE, BOUGHT)
    events_E = _columns(learned.select(*names, trip=_.trip.fill_null(NO_TRIP)), "position")
    assert placed.count().execute() == lines.count().execute(), "an event's item is not among item_ids"
    size_T = np.bincount(entries["trip"], minlength=trips.count().execute())
    part = Part(
        user_ids=_columns(users, "user")[c.USER],
        store_ids=_columns(stores, "store")[c.STORE],
        events={name: events_E[name] for name in ("item", "seconds", "user", "store", "trip", BOUGHT)}
        | {name: np.nan_to_num(events_E[name], nan=default) for name, default in NUMBERS.items()},
        trips=_columns(trips.drop(c.BASKET, "is_test"), "trip"),
        basket_size_T=size_T,
        basket_item_B=entries["item"].astype(np.int32),
        views=_columns(_views(events, users, items), "user", "seconds", "item", "kind"),
        returns=_columns(_returns(events, users, items)),
    )
    engine.drop(lines, users, placed, trips)
    return part


def with_attributes(trips: Trips, users: pd.DataFrame | None) -> Trips:
    """The same trips with the attributes of their shoppers, as texts; columns of which none has a value left out.

    Args:
        users: one row an id; other columns are attributes.
    """
    if users is None:
        return trips
    table = users.assign(**{c.USER: users[c.USER].astype(str)}).set_index(c.USER).reindex(trips.user_ids.astype(str))
    columns = {str(name): np.where(table[name].notna(), table[name].astype(str), "") for name in table.columns}
    return dataclasses.replace(trips, user_attributes={n: v.astype(object) for n, v in columns.items() if v.any()})


def _lines(events: Table) -> Table:
    ids = {name: events[name].cast("string") for name in (c.USER, c.ITEM, c.BASKET, c.STORE)}
    marks = {name: events[name] if name in events.columns else ibis.literal(True) for name in (LEARNED, JUDGED)}
    marks[BOUGHT] = events[c.EVENT_TYPE] == c.PURCHASE if c.EVENT_TYPE in events.columns else ibis.literal(True)
    numbers = {
        name: events[name].cast("float64").fill_null(default) if name in events.columns else ibis.literal(default)
        for name, default in NUMBERS.items()
    }
    return events.select(**ids, **marks, **numbers, seconds=_seconds(events)).filter(_[LEARNED] | _[JUDGED])


def _seconds(events: Table) -> IntegerColumn:
    return events[c.TIME].truncate("s").epoch_seconds().cast("int64")


def _views(events: Table, users: Table, items: Table) -> Table:
    """Views and carts of the shoppers that trips have, of items in the catalog, whatever is learned from."""
    nothing = ibis.literal(False)
    typed = c.EVENT_TYPE in events.columns
    viewed = events.filter(is_of_types(events.__getitem__, Trips.VIEW_KINDS) if typed else nothing)
    kind = ibis.ifelse(viewed[c.EVENT_TYPE] == Trips.VIEW_KINDS[0], 0, 1) if typed else ibis.literal(0)
    ids = {name: viewed[name].cast("string") for name in (c.USER, c.ITEM)}
    rows = viewed.select(**ids, seconds=_seconds(viewed), kind=kind.cast("int8"))
    return rows.join(users, c.USER).join(items, c.ITEM).select("user", "item", "seconds", "kind")


def _returns(events: Table, users: Table, items: Table) -> Table:
    """What was taken back, in any order."""
    typed = {c.EVENT_TYPE, c.QUANTITY} <= set(events.columns)
    taken = events.filter(events[c.EVENT_TYPE] == c.RETURN if typed else ibis.literal(False))
    quantity = taken[c.QUANTITY].cast("float64").abs() if typed else ibis.literal(0.0)
    ids = {name: taken[name].cast("string") for name in (c.USER, c.ITEM)}
    rows = taken.select(**ids, seconds=_seconds(taken), quantity=quantity)
    coded = rows.left_join(users.select(c.USER, "user"), c.USER).left_join(items, c.ITEM)
    index = {name: coded[name].cast("int64").fill_null(-1) for name in ("user", "item")}
    return coded.select("seconds", "quantity", **index)


def _users(lines: Table) -> Table:
    """Each shopper's index by id, and the position of the shopper's first event."""
    counted = lines.group_by(c.USER).agg(events=_[LEARNED].sum())
    return counted.select(
        c.USER,
        user=ibis.row_number().over(order_by=c.USER),
        first=_.events.sum().over(order_by=c.USER, rows=(None, 0)) - _.events,
    )


def _stores(lines: Table, unknown: Table) -> Table:
    """Each store's index by id; the empty id (`unknown`) is always there, at index 0."""
    named = lines.filter(_[c.STORE] != "").select(c.STORE).distinct()
    return named.union(unknown).select(c.STORE, store=ibis.row_number().over(order_by=c.STORE))


def _placed(lines: Table, users: Table, stores: Table, items: Table) -> Table:
    """Events in the order (user, time, basket, item), and the position of the first learned one at or after each.

    `place` is the row's number among all of its shopper's, `position` among the learned events of all shoppers, and
    `moment` the position of the first learned event that is not before the row's second.
    """
    coded = lines.join(users, c.USER).join(stores, c.STORE).join(items, c.ITEM)
    order = ["seconds", c.BASKET, "item", "store", ibis.desc(LEARNED), c.QUANTITY, c.PRICE, ibis.desc(BOUGHT)]
    placed = coded.select(
        "user",
        "store",
        "item",
        "seconds",
        c.BASKET,
        "first",
        LEARNED,
        JUDGED,
        c.QUANTITY,
        c.PRICE,
        BOUGHT,
        place=ibis.row_number().over(group_by="user", order_by=order),
    )
    learned = _[LEARNED].cast("int64")
    counted = placed.mutate(
        position=_["first"] + learned.sum().over(group_by="user", order_by="place", rows=(None, 0)) - learned
    )
    return counted.mutate(moment=_.position.min().over(group_by=["user", "seconds"]))


def _trips(placed: Table, cut_s: int) -> Table:
    """One row for each basket: its first event gives its moment and store, what lies before is history."""
    learned, judged = (_baskets(placed.filter(_[mark]), ibis.literal(mark == JUDGED)) for mark in (LEARNED, JUDGED))
    return learned.filter(_.seconds < cut_s).union(judged.filter(_.seconds >= cut_s))


def _rests(placed: Table, cut_s: int) -> Table:
    """One row for each session: the moment at which it is asked about, and what lies before is history."""
    session = ["user", c.BASKET]
    learned = placed.filter(_[LEARNED])
    numbered = learned.mutate(
        begin=_.seconds.min().over(group_by=session),
        number=ibis.dense_rank().over(group_by=session, order_by="seconds"),
    )
    counted = numbered.mutate(moments=_.number.max().over(group_by=session) + 1)
    rest = counted.filter((_.moments > 1) & (PARTS * _.number >= (PARTS - 1) * _.moments - (PARTS - 1)))
    return _baskets(rest, _.begin.min() >= cut_s).filter(_.is_test | (_.seconds < cut_s))


def _baskets(rows: Table, is_test: BooleanValue) -> Table:
    return rows.group_by("user", c.BASKET).agg(
        seconds=_.seconds.min(),
        store=_.store.argmin(_.place),
        history_end=_.moment.min(),
        first=_["first"].min(),
        is_test=is_test,
    )


def _numbered(trips: Table, max_history: int) -> Table:
    """The trips by their number, with where their histories lie."""
    return trips.select(
        "user",
        c.BASKET,
        "seconds",
        "store",
        "is_test",
        "history_end",
        history_begin=ibis.greatest(_["first"], _.history_end - max_history),
        trip=ibis.row_number().over(order_by=["seconds", "user", c.BASKET]),
    )


def _columns(table: Table, *order_by: str) -> dict[str, np.ndarray]:
    """The table's columns as arrays, in the given order of rows."""
    rows = (table.order_by(order_by) if order_by else table).to_pyarrow()
    return {name: rows[name].to_numpy() for name in rows.column_names}
