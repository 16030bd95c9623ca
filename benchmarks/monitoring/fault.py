"""What a fault on the data side is, and what faults have in common.

A fault takes the world and the moment it begins, unix seconds, and gives a changed copy: what it leaves behind in the
request log, in the feed of purchases, or in what is known. The docstring of its function says what broke.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.monitoring.world import World
from model.data import columns as c
from tfx_configs.units import DAY_S, HOUR_S

SEED = 7
NIGHT_S = 8 * HOUR_S
"""Three in the morning where the shop is, universal time."""
Change = Callable[[World, float], World]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault. `check`: the one that is to find it."""

    name: str
    says: str
    check: str
    limit_s: int
    """Data time within which it is to be found."""
    inject: Change

    @property
    def needs_distances(self) -> bool:
        """Whether only TFDV can find it."""
        return self.check.startswith(("skew_", "drift_"))


def fault(inject: Change, check: str, hours: int) -> Fault:
    """Named and told by its function, to be found within so many hours."""
    says = " ".join((inject.__doc__ or "").split())
    return Fault(name=inject.__name__, says=says, check=check, limit_s=hours * HOUR_S, inject=inject)


def from_then(frame: pd.DataFrame, since_s: float) -> np.ndarray:
    """[rows] whether a row, of requests or purchases, is of the fault's time."""
    return np.asarray(frame["time_s" if "time_s" in frame else c.TIME] >= since_s)


def every(part: int, ids: pd.Series) -> np.ndarray:
    """[rows] whether the id is one of every `part`-th (2, 3, 4, 6 or 12); always the same ids."""
    bucket = np.asarray(pd.util.hash_pandas_object(ids.astype(str), index=False) % 12, dtype=int)
    return np.asarray(bucket % part == 0)


def put(frame: pd.DataFrame, column: str, where: np.ndarray, values: object) -> pd.DataFrame:
    """A copy with other values, one or a column of them, in the rows of `where`."""
    fresh = values if isinstance(values, pd.Series) else pd.Series([values] * len(frame), frame.index)
    return frame.assign(**{column: frame[column].where(~where, fresh)})


def asked(world: World, requests: pd.DataFrame) -> World:
    """The world with other requests."""
    return dataclasses.replace(world, requests=requests)


def bought(world: World, purchases: pd.DataFrame) -> World:
    """The world with other purchases, in time order."""
    ordered = purchases.sort_values(c.TIME, kind="stable").reset_index(drop=True)
    return dataclasses.replace(world, purchases=ordered)


def at_night(moments: pd.Series) -> pd.Series:
    """The next three in the morning after the day of each moment."""
    return moments // DAY_S * DAY_S + DAY_S + NIGHT_S


def stuck(moments: pd.Series, since_s: float) -> pd.Series:
    """The same time of the day on the fault's first day."""
    return since_s // DAY_S * DAY_S + moments % DAY_S
