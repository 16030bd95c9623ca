"""Signs of a faulty export that no single row shows: lines loaded twice, and one id for many shoppers."""

import ibis
from ibis import _
from ibis.expr.types import Table

from components.artifacts.tables import DominantShopper
from model.data import columns as c
from model.data.schema import EVENTS

MAX_SHOPPER_PERCENT = 5.0
"""Share of rows or baskets above which an id may be that of many shoppers, or of a robot, percent."""
MAX_TIMES_MEAN = 10.0
"""And this many times the mean shopper's: in a shop of a dozen shoppers each has more than 5 %."""
MOST_NAMED = 5
"""Ids that the report names."""


def exact_duplicates(lines: Table, rows: int) -> int:
    """Rows that repeat another one in every canonical column; repeated lines with another time or price do not count.

    Args:
        lines: usable events before lines are merged. rows: how many they are.
    """
    return rows - int(lines.select(*EVENTS.names).distinct().count().execute())


def dominant_shoppers(events: Table) -> tuple[DominantShopper, ...]:
    """Shoppers with more than 5 % of rows or baskets and ten times those of the mean shopper, largest first."""
    by_basket = events.group_by(c.USER, c.BASKET).agg(rows=_.count())
    by_user = by_basket.group_by(c.USER).agg(rows=_.rows.sum(), baskets=_.count())
    shares = by_user.mutate(
        percent_of_rows=100.0 * _.rows / _.rows.sum().over(),
        percent_of_baskets=100.0 * _.baskets / _.baskets.sum().over(),
        mean=100.0 / _.count().over(),
    )
    largest = shares.mutate(share=ibis.greatest(_.percent_of_rows, _.percent_of_baskets))
    named = largest.filter(_.share > MAX_SHOPPER_PERCENT, _.share > MAX_TIMES_MEAN * _.mean)
    rows = named.order_by(ibis.desc("share"), c.USER).limit(MOST_NAMED).execute()
    return tuple(
        DominantShopper(
            user=str(row[c.USER]),
            percent_of_rows=round(float(row["percent_of_rows"]), 2),
            percent_of_baskets=round(float(row["percent_of_baskets"]), 2),
        )
        for row in rows.to_dict("records")
    )
