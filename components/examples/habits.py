"""How shoppers buy: how many come back, how much they buy again, what a session is. Decides the task of a run."""

from collections.abc import Sequence

import numpy as np
from ibis import _
from ibis.expr.types import Table

from components.artifacts.artifact import Record
from components.engines.engine import Engine
from model.data import columns as c
from model.data.labels import is_of_types, judged_types
from model.data.task import TaskKind, choose_task
from tfx_configs.settings import AUTO
from tfx_configs.stages import ExamplesStage


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


def shoppers_of(engine: Engine, parts: Sequence[Table]) -> Shoppers:
    """The figures.

    Args:
        parts: events that are judged, canonical columns, at least one; all of a shopper in one part.
    """
    sums, counts = np.zeros(4, np.int64), []
    for purchases in parts:
        lines = engine.hold(lines_of(purchases))
        trips = lines.select(c.USER, c.BASKET, "trip_s", "last_s").distinct()
        by_shopper = trips.group_by(c.USER).agg(trips=_.count(), sessions=(_.last_s > _.trip_s).sum())
        of_U = by_shopper.select("trips", "sessions").to_pandas()
        again = _.trip_s > _.trip_s.min().over(group_by=[c.USER, c.ITEM])
        bought = lines.mutate(again=again).agg(lines=_.count(), again=_.again.sum()).execute().fillna(0).iloc[0]
        sums += np.array([of_U["trips"].sum(), of_U["sessions"].sum(), bought["lines"], bought["again"]], np.int64)
        counts.append(of_U["trips"].to_numpy(np.int64))
        engine.drop(lines)
    trips_U, (total, sessions, lines, again) = np.concatenate(counts), sums.tolist()
    return Shoppers(
        shoppers=len(trips_U),
        returning=int((trips_U > 1).sum()),
        trips=total,
        sessions=sessions,
        lines=lines,
        trips_of_the_median=float(np.median(trips_U)),
        repeat_percent=round(100 * again / lines, 1),
    )


def lines_of(purchases: Table) -> Table:
    """One row a (shopper, basket, item), with the seconds in which its trip began and ended."""
    seconds = purchases[c.TIME].truncate("s").epoch_seconds()
    trips = purchases.group_by(c.USER, c.BASKET).agg(trip_s=seconds.min(), last_s=seconds.max())
    return purchases.select(c.USER, c.BASKET, c.ITEM).distinct().join(trips, [c.USER, c.BASKET])


def task_of(run: ExamplesStage, engine: Engine, parts: Sequence[Table], purchases: int) -> tuple[TaskKind, str]:
    """The task of the settings, or the one that fits the events, and why.

    Args:
        parts: events, all of a shopper in one part. purchases: how many of them are.
    """
    if run.task != AUTO:
        return TaskKind(run.task), f"the setting task is {run.task}"
    types = judged_types(run.labels, purchases)
    return choose_task(shoppers_of(engine, [part.filter(is_of_types(part.__getitem__, types)) for part in parts]))
