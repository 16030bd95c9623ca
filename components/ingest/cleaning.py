"""From a source's tables to clean canonical ones: every row that is dropped or merged is counted by reason."""

import dataclasses
from collections.abc import Sequence

import ibis
from ibis import _
from ibis.expr.types import BooleanColumn, FloatingColumn, StringColumn, Table, TimestampColumn

from components.artifacts.tables import FileFormat
from model.data import columns as c
from model.data.schema import EVENTS, Type


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


def keep_sample(source: Source, percent: float) -> Source:
    """A share of shoppers (percent), by the MD5 of the user id, and the products that those shoppers bought."""
    if percent >= 100:
        return source
    below = f"{int(percent / 100 * 16**8):08x}"
    events = source.events.filter(_[c.USER].hexdigest("md5").substr(0, 8) < below)
    bought = events.select(c.ITEM).distinct()
    users, promotions = source.users, source.promotions
    return dataclasses.replace(
        source,
        events=events,
        items=source.items.semi_join(bought, c.ITEM),
        users=users.semi_join(events.select(c.USER).distinct(), c.USER) if users is not None else None,
        promotions=promotions.semi_join(bought, c.ITEM) if promotions is not None else None,
        ordered=(),
        drop={reason: events[flag.get_name()] for reason, flag in source.drop.items()},
        watch={reason: events[flag.get_name()] for reason, flag in source.watch.items()},
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
    conditions[f"{c.QUANTITY} zero or negative"] = (
        (events[c.QUANTITY] <= 0) & (events[c.EVENT_TYPE] != "return")
    ).fill_null(False)
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


def first_of_key(table: Table, key: Sequence[str]) -> Table:
    """One row a key, the smallest by its other columns, in any order of the rows; rows without a key go."""
    keyed = table.filter(*(table[name].notnull() for name in key))
    others = [name for name in table.columns if name not in key] or list(key)
    return keyed.mutate(place=ibis.row_number().over(group_by=key, order_by=others)).filter(_.place == 0).drop("place")


def missing_values(table: Table, key: Sequence[str]) -> dict[str, int]:
    """{attribute: rows without a value} of an open table; the model has a token of its own for them."""
    names = [name for name in table.columns if name not in key]
    if not names:
        return {}
    missing = table.agg(**{name: (table[name].isnull() | (table[name] == "")).sum() for name in names})
    return {name: int(count) for name, count in missing.execute().iloc[0].items()}
