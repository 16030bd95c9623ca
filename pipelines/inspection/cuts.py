"""How many trips each cut of an export would let a run judge."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from ibis import _
from ibis.expr.types import Table

from components.artifacts.artifact import Record
from components.engines.engine import Engine
from components.examples.habits import lines_of
from model.data import columns as c
from model.data.time_split import day
from tfx_configs.units import DAY_S

TEST_DAYS = (7, 14, 28, 56, 91)
"""Lengths of the test span that are tried beside the one of the settings, days."""


class Cut(Record):
    """What a run with this first test day could learn from and judge."""

    cut: str
    """First day of the test span, YYYY-MM-DD."""
    test_days: int
    trips_before: int
    judged: int
    """Trips judged, one a shopper: of those who come back, or sessions that go on."""
    cold: int
    """Shoppers whose first trip lies after the cut."""
    unseen_percent: float
    """Lines after the cut whose item was never bought before it: unknown to every model, percent."""


def cuts_of(engine: Engine, purchases: Table, cut_s: int, judged: Mapping[int, int]) -> tuple[Cut, ...]:
    """Figures of each cut that lies inside the span, the latest first.

    Args:
        purchases: events that are positives, canonical columns, at least one.
        cut_s: cut that a run with these settings would have, unix seconds; always among the cuts.
        judged: {day since 1970: trips that can be judged if time is split there} (components/examples/judgeable.py).
    """
    lines = engine.hold(lines_of(purchases))
    trips = lines.select(c.USER, c.BASKET, "trip_s").distinct().to_pandas()
    first_N = trips.groupby(c.USER)["trip_s"].min().to_numpy()
    by_day = lines.mutate(first_s=_.trip_s.min().over(group_by=c.ITEM))
    by_day = by_day.group_by(day=_.trip_s // DAY_S, first=_.first_s // DAY_S).agg(lines=_.count()).to_pandas()
    trip_T = trips["trip_s"].to_numpy()
    return tuple(_cut(cut, trip_T, first_N, by_day, judged) for cut in _cuts(trip_T, cut_s))


def _cuts(trip_T: np.ndarray, cut_s: int) -> list[int]:
    first, last = int(trip_T.min()), int(trip_T.max())
    tried = {(last // DAY_S - days) * DAY_S for days in TEST_DAYS} | {cut_s}
    return sorted((cut for cut in tried if first < cut <= last), reverse=True)


def _cut(cut_s: int, trip_T: np.ndarray, first_N: np.ndarray, by_day: pd.DataFrame, judged: Mapping[int, int]) -> Cut:
    after = by_day[by_day["day"] >= cut_s // DAY_S]
    unseen = after.loc[after["first"] >= cut_s // DAY_S, "lines"].sum()
    return Cut(
        cut=day(cut_s),
        test_days=int(trip_T.max()) // DAY_S - cut_s // DAY_S,
        trips_before=int((trip_T < cut_s).sum()),
        judged=judged.get(cut_s // DAY_S, 0),
        cold=int((first_N >= cut_s).sum()),
        unseen_percent=round(100 * float(unseen) / max(float(after["lines"].sum()), 1.0), 1),
    )
