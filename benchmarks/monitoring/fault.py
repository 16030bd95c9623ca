"""Faults on the data side, from faults.yaml: each changes a recorded world from a moment on.

A change leaves behind what the fault would: in the request log, in the feed of purchases, or in what the monitor
compares with.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pydantic
import yaml

from benchmarks.monitoring.world import World
from model.data import columns as c
from tfx_configs.units import DAY_S, HOUR_S

SEED = 7
NIGHT_S = 8 * HOUR_S
"""Three in the morning where the shop is, universal time."""
Table = Literal["requests", "purchases"]
TABLE = Path(__file__).with_name("faults.yaml")

OTHER_VALUES: dict[str, Callable[[pd.Series, Any, float], object]] = {
    "value": lambda column, value, _: value,
    "prefix": lambda column, prefix, _: prefix + column.astype(str),
    "factor": lambda column, factor, _: column * factor,
    "add_hours": lambda column, hours, _: column + hours * HOUR_S,
    "most_frequent": lambda column, _, __: column.mode().iloc[0],
    # The next three in the morning after the day of each moment.
    "at_night": lambda moments, _, __: moments // DAY_S * DAY_S + DAY_S + NIGHT_S,
    # The same time of the day on the fault's first day.
    "stuck": lambda moments, _, since_s: since_s // DAY_S * DAY_S + moments % DAY_S,
}
"""{kind: what a column becomes, by the kind's argument and the fault's begin in unix seconds}."""


class Change(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Rows of the fault's time get other values in one column; without a column they are lost."""

    table: Table
    column: str = ""
    to: dict[str, Any] = {}
    """{one of OTHER_VALUES: its argument}"""
    part: int = 1
    """Only rows whose `by` is one of every `part`-th id."""
    by: str = c.USER

    def __call__(self, world: World, since_s: float) -> World:
        rows = getattr(world, self.table)
        where = from_then(rows, since_s) & every(self.part, rows[self.by])
        if not self.column:
            return with_rows(world, self.table, rows[~where])
        ((kind, argument),) = self.to.items()
        values = OTHER_VALUES[kind](rows[self.column], argument, since_s)
        return with_rows(world, self.table, put(rows, self.column, where, values))


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
    from benchmarks.monitoring import special_faults

    faults = []
    for row in yaml.safe_load(TABLE.read_text()):
        change = row.pop("change", None)
        inject = Change(**change) if change else getattr(special_faults, row["name"])
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
