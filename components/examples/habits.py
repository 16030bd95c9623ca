"""How shoppers buy: how many come back, how much they buy again, what a session is. Decides the task of a run."""

from ibis import _
from ibis.expr.types import Table

from components.artifacts.artifact import Record
from components.artifacts.tables import Tables
from components.engines.engine import Engine
from model.data import columns as c
from model.data.labels import is_of_types, judged_types
from model.data.task import TaskKind, choose_task
from tfx_configs.settings import AUTO, RunSettings


class Shoppers(Record):
    """Who buys, and how often again."""

    shoppers: int
    returning: int
    """With at least two trips."""
    trips: int
    sessions: int = 0
    """Trips with events at two moments or more."""
    lines: int
    """Products bought, counted once a trip."""
    trips_of_the_median: float
    """Trips of the median shopper."""
    repeat_percent: float
    """Lines whose shopper had bought the item on an earlier trip, percent."""


def shoppers_of(engine: Engine, purchases: Table) -> Shoppers:
    """The figures.

    Args:
        purchases: events that are judged, canonical columns, at least one.
    """
    lines = engine.hold(lines_of(purchases))
    trips = lines.select(c.USER, c.BASKET, "trip_s", "last_s").distinct().to_pandas()
    by_shopper = trips.groupby(c.USER).size()
    again = _.trip_s > _.trip_s.min().over(group_by=[c.USER, c.ITEM])
    bought = lines.mutate(again=again).agg(lines=_.count(), again=_.again.sum()).execute().iloc[0]
    return Shoppers(
        shoppers=len(by_shopper),
        returning=int((by_shopper > 1).sum()),
        trips=len(trips),
        sessions=int((trips["last_s"] > trips["trip_s"]).sum()),
        lines=int(bought["lines"]),
        trips_of_the_median=float(by_shopper.median()),
        repeat_percent=round(100 * float(bought["again"]) / float(bought["lines"]), 1),
    )


def lines_of(purchases: Table) -> Table:
    """One row a (shopper, basket, item), with the seconds in which its trip began and ended."""
    seconds = purchases[c.TIME].truncate("s").epoch_seconds()
    trips = purchases.group_by(c.USER, c.BASKET).agg(trip_s=seconds.min(), last_s=seconds.max())
    return purchases.select(c.USER, c.BASKET, c.ITEM).distinct().join(trips, [c.USER, c.BASKET])


def task_of(run: RunSettings, engine: Engine, tables: Tables) -> tuple[TaskKind, str]:
    """The task of the settings, or the one that fits what ingest wrote, and why."""
    if run.task != AUTO:
        return TaskKind(run.task), f"the setting task is {run.task}"
    events, types = engine.read_parquet(tables.events), judged_types(run.labels, tables.report.purchases)
    return choose_task(shoppers_of(engine, events.filter(is_of_types(events.__getitem__, types))))
