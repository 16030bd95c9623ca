"""Faults on the data side, from faults.yaml: each changes a recorded world from a moment on.

A change leaves behind what the fault would: in the request log, in the feed of purchases, or in what the monitor
compares with.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pydantic
import yaml

from components.artifacts.monitor_report import CheckResult, worst
from components.monitor import run
from components.monitor.checks.run_checks import run_checks
from components.monitor.checks.table import CHECKS
from components.monitor.data.baseline import Baseline
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S, HOUR_S

CAME = "came_s"
"""When a row came, unix seconds, which may differ from its own time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A log and all it is judged by; that of the monitor's tests is another, for neither side imports the other."""

    requests: pd.DataFrame
    """Rows of the request log (model/request_log/reader.py)."""
    purchases: pd.DataFrame
    """Canonical events since the cut, event_time in unix seconds."""
    promotion_starts: "pd.Series[float]"
    """Moments at which promotions start, unix seconds, ascending."""
    baseline: Baseline
    settings: MonitorSettings

    def timed(self) -> "World":
        """Every row with when it came in a column of its own, for faults that change its own time."""
        requests = self.requests.assign(**{CAME: self.requests["time_s"].astype(float)})
        return dataclasses.replace(
            self, requests=requests, purchases=self.purchases.assign(**{CAME: self.purchases[c.TIME].astype(float)})
        )

    def until(self, moment_s: float) -> "World":
        """What had come by the moment. `timed` only."""
        requests, purchases = (frame[frame[CAME] < moment_s] for frame in (self.requests, self.purchases))
        return dataclasses.replace(self, requests=requests, purchases=purchases)

    def results(self, moments: Sequence[float], distances: bool, only: str = "") -> list[list[CheckResult]]:
        """The result of each check at each moment, the worst of its windows; `only`: a prefix of names of checks."""
        until_s = max(moments)
        requests = self.requests[self.requests["time_s"] < until_s].sort_values("time_s", kind="stable")
        bought = self.purchases[self.purchases[c.TIME] < until_s]
        record = run.join(requests, bought, self.promotion_starts, self.baseline, self.settings)
        checks = [check for check in CHECKS if check.name.startswith(only)]
        checked = run_checks(record, moments, with_distances=distances, checks=checks)
        return [worst(at_moment.results) for at_moment in checked]

    def failed(self, moments: Sequence[float], distances: bool, only: str = "") -> list[set[str]]:
        """Names of the checks that fail at each moment."""
        results = self.results(moments, distances, only)
        return [{result.check for result in of_moment if result.status == "failed"} for of_moment in results]


SEED = 7
NIGHT_S = 8 * HOUR_S
"""Three in the morning where the shop is, universal time."""
OLDER_DAYS = 28
Table = Literal["requests", "purchases"]
TABLE = Path(__file__).with_name("faults.yaml")

NewValues = Callable[[pd.Series, Any, float], object]


def _each(change: Callable[[Any, Any, float], object]) -> NewValues:
    """A change of the lists in a column; a row without a list stays without."""
    return lambda column, argument, since_s: pd.Series(
        [None if row is None else change(row, argument, since_s) for row in column], column.index
    )


OTHER_VALUES: dict[str, NewValues] = {
    "value": lambda column, value, _: value,
    "prefix": lambda column, prefix, _: prefix + column.astype(str),
    "factor": lambda column, factor, _: column * factor,
    "add_hours": lambda column, hours, _: column + hours * HOUR_S,
    "most_frequent": lambda column, _, __: column.mode().iloc[0],
    # The next three in the morning after the day of each moment.
    "at_night": lambda moments, _, __: moments // DAY_S * DAY_S + DAY_S + NIGHT_S,
    # The same time of the day on the fault's first day.
    "stuck": lambda moments, _, since_s: since_s // DAY_S * DAY_S + moments % DAY_S,
    # The first of them, row by row.
    "in_turn": lambda column, count, _: pd.Series(np.resize(column[:count], len(column)), column.index),
    "shuffled": lambda column, _, __: column.sample(frac=1, random_state=SEED).set_axis(column.index),
    "each_factor": _each(lambda row, factor, _: factor * np.asarray(row, float)),
    "each_value": _each(lambda row, value, _: [value] * len(row)),
    "first": _each(lambda row, count, _: row[:count]),
    "ended": _each(lambda row, _, since_s: np.asarray([time_s for time_s in row if time_s < since_s], np.int64)),
}
"""{kind: what a column becomes, by the kind's argument and the fault's begin in unix seconds}."""


class Change(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Rows of the fault's time get other values in some columns; without columns they are lost."""

    table: Table
    columns: list[str] = []
    to: dict[str, Any] = {}
    """{one of OTHER_VALUES: its argument}"""
    part: int = 1
    """Only rows whose `by` is one of every `part`-th id."""
    by: str = c.USER
    servers: set[int] = {0, 1, 2, 3}
    """Only rows of these servers, which take turns."""

    def __call__(self, world: World, since_s: float) -> World:
        rows = getattr(world, self.table).reset_index(drop=True)
        where = from_then(rows, since_s) & every(self.part, rows[self.by])
        where &= np.isin(np.arange(len(rows)) % 4, list(self.servers))
        if not self.columns:
            return with_rows(world, self.table, rows[~where])
        ((kind, argument),) = self.to.items()
        for column in self.columns:
            old = rows.loc[where, column] if kind in ("in_turn", "shuffled") else rows[column]
            rows = put(rows, column, where, OTHER_VALUES[kind](old, argument, since_s))
        return with_rows(world, self.table, rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault."""

    name: str
    what: str
    """What broke."""
    check: str
    """The check that is to find it."""
    limit_s: int
    """Data time within which it is to be found."""
    inject: Callable[[World, float], World]
    """The changed copy of a world, by the moment the fault begins, unix seconds."""

    @property
    def needs_distances(self) -> bool:
        """Whether only TFDV can find it."""
        return self.check.startswith(("skew_", "drift_"))


def read_faults() -> tuple[Fault, ...]:
    """All faults of the table, in its order."""
    faults = []
    for row in yaml.safe_load(TABLE.read_text()):
        change = row.pop("change", None)
        inject = Change(**change) if change else OTHERS[row["name"]]
        faults.append(Fault(limit_s=row.pop("hours") * HOUR_S, inject=inject, **row))
    return tuple(faults)


def from_then(frame: pd.DataFrame, since_s: float) -> np.ndarray:
    """[rows] whether a row, of requests or purchases, is of the fault's time."""
    return np.asarray(frame["time_s" if "time_s" in frame else c.TIME] >= since_s)


def every(part: int, ids: pd.Series) -> np.ndarray:
    """[rows] whether the id is one of every `part`-th (1, 2, 3, 4, 6 or 12); always the same ids."""
    bucket = np.asarray(pd.util.hash_pandas_object(ids.astype(str), index=False) % 12, dtype=int)
    return np.asarray(bucket % part == 0)


def put(frame: pd.DataFrame, column: str, where: np.ndarray, values: object) -> pd.DataFrame:
    """A copy with other values, one or a column of them, in the rows of `where`."""
    fresh = values if isinstance(values, pd.Series) else pd.Series([values] * len(frame), frame.index)
    return frame.assign(**{column: frame[column].where(~where, fresh)})


def with_rows(world: World, table: Table, rows: pd.DataFrame) -> World:
    """The world with other requests, or with other purchases in time order."""
    if table == "requests":
        return dataclasses.replace(world, requests=rows)
    return dataclasses.replace(world, purchases=rows.sort_values(c.TIME, kind="stable").reset_index(drop=True))


def fast_clock(world: World, since_s: float) -> World:
    """The log's own time stays right."""
    right = dataclasses.replace(world, requests=world.requests.assign(logged_s=world.requests["time_s"].astype(float)))
    return Change(table="requests", columns=["time_s"], to={"add_hours": 2}, part=3)(right, since_s)


def frozen_lists(world: World, since_s: float) -> World:
    rows, where = world.requests, from_then(world.requests, since_s)
    last = rows[~where].drop_duplicates(c.USER, keep="last").set_index(c.USER)["item_ids"]
    last_list = rows[c.USER].map(last)
    return with_rows(world, "requests", put(rows, "item_ids", where & last_list.notna().to_numpy(), last_list))


def sent_again(world: World, since_s: float) -> World:
    rows = world.purchases
    return with_rows(world, "purchases", pd.concat([rows, *2 * [rows[from_then(rows, since_s)]]]))


def new_season(world: World, since_s: float) -> World:
    rows = world.purchases
    unsold = world.baseline.items.index[world.baseline.items.isna()].to_numpy()
    drawn = np.random.default_rng(SEED).choice(unsold, len(rows)) if len(unsold) else rows[c.ITEM]
    where = from_then(rows, since_s) & every(3, rows[c.ITEM])
    return with_rows(world, "purchases", put(rows, c.ITEM, where, pd.Series(drawn, rows.index)))


def no_promotions(world: World, since_s: float) -> World:
    starts = world.promotion_starts
    return dataclasses.replace(world, promotion_starts=starts[starts < since_s])


def old_model(world: World, since_s: float) -> World:
    facts = world.baseline.facts.model_copy(update={"cut_s": world.baseline.cut_s - OLDER_DAYS * DAY_S})
    return dataclasses.replace(world, baseline=dataclasses.replace(world.baseline, facts=facts))


OTHERS = {
    fault.__name__: fault for fault in (fast_clock, frozen_lists, sent_again, new_season, no_promotions, old_model)
}
"""What is more than other values in a column, or lost rows."""
