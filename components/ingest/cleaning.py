"""From a source's tables to clean canonical ones: every row that is dropped or merged is counted by reason."""

import dataclasses
from collections.abc import Sequence

import ibis
from ibis import _
from ibis.expr.types import BooleanColumn, FloatingColumn, StringColumn, Table, TimestampColumn
from ibis.util import gen_name

from components.artifacts.tables import FileFormat
from model.data import columns as c
from model.data.schema import EVENTS, PROMOTIONS, Type

MENDED = (c.EVENT_TYPE, c.QUANTITY, c.BASKET, c.STORE, c.PRICE)
"""Columns of the events whose missing values are counted, each as the column `missing_NAME`."""
GUEST = "is_guest"
"""Column of the events: whether the line is of an anonymous visit. There only where guest ids are set."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """What an adapter reads: canonical tables as lazy expressions, and what the report counts of them."""

    events: Table
    items: Table
    users: Table | None
    promotions: Table | None
    drop: dict[str, BooleanColumn] = dataclasses.field(default_factory=dict)
    """The adapter's own reasons to drop an event."""
    watch: dict[str, BooleanColumn] = dataclasses.field(default_factory=dict)
    """Oddities of events that remain, counted among the repairs."""
    joined: dict[str, Table] = dataclasses.field(default_factory=dict)
    """Source rows that several make one canonical row of, counted among the repairs."""
    unique: tuple[str, ...] = ()
    """Tables whose key cannot repeat, by construction."""
    ordered: tuple[str, ...] = ()
    """Tables whose rows come in an order that is always the same: the others are sorted by their key."""
    files: tuple[FileFormat, ...] = ()
    """How each file is written, as measured."""


def calendar_day(user: StringColumn, moment: TimestampColumn) -> StringColumn:
    """Without baskets, what one shopper bought on one UTC calendar day is one trip."""
    return user + "|" + moment.strftime("%Y-%m-%d")


def mend_events(source: Source) -> Source:
    """The source with the values of its events repaired that have one plain reading; `watch` counts each repair.

    A default is for an absent column only. A value that is missing in a column that is there is one of these
    repairs, or the row is dropped: an event without its type is never taken for a purchase.
    """
    events = source.events
    kind, quantity, user, moment = (events[name] for name in (c.EVENT_TYPE, c.QUANTITY, c.USER, c.TIME))
    negative = (quantity < 0).fill_null(False)
    taken_back = negative & (kind == c.PURCHASE).fill_null(False)
    kind = ibis.ifelse(taken_back, c.RETURN, kind.nullif(""))
    missing = {name: events[name].isnull() for name in MENDED}
    missing[c.EVENT_TYPE] = kind.isnull()
    missing[c.BASKET] = (events[c.BASKET].isnull() | (events[c.BASKET] == "")) & user.notnull() & moment.notnull()
    mended = events.mutate(
        taken_back=taken_back,
        **{f"missing_{name}": flag for name, flag in missing.items()},
        **{
            c.EVENT_TYPE: kind,
            c.QUANTITY: ibis.ifelse(negative & (kind == c.RETURN).fill_null(False), -quantity, quantity).fill_null(1.0),
            c.BASKET: ibis.ifelse(missing[c.BASKET], calendar_day(user, moment), events[c.BASKET]),
            c.STORE: events[c.STORE].fill_null(""),
        },
    )
    repairs = {
        f"{c.QUANTITY} missing, taken as 1": mended[f"missing_{c.QUANTITY}"],
        f"{c.BASKET} missing, the shopper's UTC calendar day instead": mended[f"missing_{c.BASKET}"],
        f"{c.STORE} missing, the empty id instead": mended[f"missing_{c.STORE}"],
        "purchases of a negative quantity, read as returns": mended["taken_back"],
    }
    return _on(dataclasses.replace(source, watch={**source.watch, **repairs}), mended)


def separate_guests(source: Source, guest_ids: Sequence[str]) -> Source:
    """Each basket of an id that many anonymous shoppers share becomes a shopper of its own, with one visit.

    Where such an id has a whole calendar day as its basket, a visit is what happened in one second: the day of many
    shoppers is no trip.
    """
    if not guest_ids:
        return source
    events = source.events
    user, basket, moment = events[c.USER], events[c.BASKET], events[c.TIME]
    guest = user.isin(list(guest_ids)).fill_null(False)
    second = user + "|" + moment.strftime("%Y-%m-%d %H:%M:%S")
    visit = ibis.ifelse(basket == calendar_day(user, moment), second, user + "|" + basket)
    separated = events.mutate(
        **{
            c.USER: ibis.ifelse(guest, visit, user),
            c.BASKET: ibis.ifelse(guest, visit, basket),
            GUEST: guest,
        }
    )
    return _on(source, separated)


def _on(source: Source, events: Table) -> Source:
    """The source with other events, which have the columns of its flags."""
    return dataclasses.replace(
        source,
        events=events,
        drop={reason: events[flag.get_name()] for reason, flag in source.drop.items()},
        watch={reason: events[flag.get_name()] for reason, flag in source.watch.items()},
    )


def keep_sample(source: Source, percent: float) -> Source:
    """A share of shoppers (percent), by the MD5 of the user id, and the products that those shoppers bought."""
    if percent >= 100:
        return source
    below = f"{int(percent / 100 * 16**8):08x}"
    events = source.events.filter(_[c.USER].hexdigest("md5").substr(0, 8) < below)
    bought = events.select(c.ITEM).distinct()
    users, promotions = source.users, source.promotions
    return dataclasses.replace(
        _on(source, events),
        items=source.items.semi_join(bought, c.ITEM),
        users=users.semi_join(events.select(c.USER).distinct(), c.USER) if users is not None else None,
        promotions=promotions.semi_join(bought, c.ITEM) if promotions is not None else None,
        ordered=(),
    )


def flag_events(source: Source) -> tuple[Table, dict[str, str]]:
    """Events with one boolean column for each reason to drop a row; returns (table, {column: reason}).

    A row counts under the first reason that holds, so that the counts add up to the rows dropped.
    """
    events = source.events
    conditions = dict(source.drop)
    for column in EVENTS.columns:
        if column.type is Type.NUMBER and not column.nullable:
            conditions[f"{column.name} not a finite number"] = not_finite(events[column.name])
        if not column.nullable:
            missing = events[column.name].isnull()
            if column.type is Type.ID and column.required:
                missing = missing | (events[column.name] == "")
            conditions[f"{column.name} missing"] = missing
    conditions[f"{c.QUANTITY} zero or negative"] = (events[c.QUANTITY] <= 0).fill_null(False)
    names = {f"drop_{i}": reason for i, reason in enumerate(conditions)}
    dropped = ibis.literal(False)
    flags = {}
    for name, condition in zip(names, conditions.values(), strict=True):
        flags[name] = condition & ~dropped
        dropped = dropped | condition
    return events.mutate(**flags), names


def not_finite(number: FloatingColumn) -> BooleanColumn:
    """NaN or infinite; what is missing is not. (No `isinf`: Ibis 12 makes it false on Spark, always.)"""
    return (number.isnan() | (number.abs() == float("inf"))).fill_null(False)


def merge_lines(events: Table) -> Table:
    """One row a key: several lines of one product in one basket become one, quantities added, price their mean."""
    return (
        events.group_by(*EVENTS.key)
        .agg(
            **{
                c.TIME: _[c.TIME].min(),
                "total": _[c.QUANTITY].sum(),
                "paid": (_[c.QUANTITY] * _[c.PRICE]).sum(),
                "priced": ibis.ifelse(_[c.PRICE].isnull(), 0.0, _[c.QUANTITY]).sum(),
                c.STORE: _[c.STORE].min(),
                c.REQUEST: _[c.REQUEST].min(),
            }
        )
        .select(
            c.USER,
            c.ITEM,
            c.TIME,
            c.BASKET,
            c.EVENT_TYPE,
            _.total.name(c.QUANTITY),
            # To a millionth: the last bits of a sum depend on the order of the rows.
            ibis.ifelse(_.priced > 0, (_.paid / _.priced).round(6), ibis.null("float64")).name(c.PRICE),
            c.STORE,
            c.REQUEST,
        )
    )


def mend_promotions(promotions: Table) -> tuple[Table, dict[str, BooleanColumn]]:
    """(promotions that last, {repair or reason: the source rows that it holds for}).

    `end` is the first moment after a promotion, so that one that ends when it starts never ran.
    """
    start, end, store, kind = (promotions[name] for name in (c.START, c.END, c.STORE, c.KIND))
    counted = {
        "promotions that end before they start, left out": (end < start).fill_null(False),
        "promotions that end when they start (end is the first moment after), left out": (end == start).fill_null(
            False
        ),
        "promotions without an end, left out": end.isnull(),
        f"promotions without {c.STORE}, taken as of every store": store.isnull(),
        f"promotions without {c.KIND}, the default instead": kind.isnull(),
    }
    default = PROMOTIONS.column(c.KIND).default
    lasting = promotions.filter(end > start)
    return lasting.mutate(**{c.STORE: _[c.STORE].fill_null(""), c.KIND: _[c.KIND].fill_null(default)}), counted


def first_of_key(table: Table, key: Sequence[str]) -> Table:
    """One row a key, the smallest by its other columns, in any order of the rows; rows without a key go."""
    keyed = table.filter(*(table[name].notnull() for name in key))
    others = [name for name in table.columns if name not in key] or list(key)
    place = gen_name("place")  # an attribute may have any name
    row = ibis.row_number().over(group_by=key, order_by=others).name(place)
    return keyed.mutate(row).filter(_[place] == 0).drop(place)


def missing_values(table: Table, key: Sequence[str]) -> dict[str, int]:
    """{attribute: rows without a value} of an open table; the model has a token of its own for them."""
    names = [name for name in table.columns if name not in key]
    if not names:
        return {}
    missing = table.agg([(table[name].isnull() | (table[name] == "")).sum().name(name) for name in names])
    return {name: int(count) for name, count in missing.execute().iloc[0].items()}
