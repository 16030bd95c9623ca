"""A recorded service, and what the monitor's checks report of it at any moment."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.artifacts.monitor_report import CheckResult, worst
from components.monitor import run
from components.monitor.checks.run_checks import run_checks
from components.monitor.checks.table import CHECKS
from components.monitor.data.baseline import Baseline
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A request log and all it is compared with."""

    requests: pd.DataFrame
    purchases: pd.DataFrame
    """Canonical events since the cut, event_time in unix seconds."""
    promotion_starts: "pd.Series[float]"
    baseline: Baseline
    settings: MonitorSettings

    def results(self, moments: Sequence[float], check: str = "") -> list[list[CheckResult]]:
        """The gravest result of each check at each moment, without distances.

        Args:
            check: only of the checks whose name begins so.
        """
        until_s = max(moments)
        requests = self.requests[self.requests["time_s"] < until_s].sort_values("time_s", kind="stable")
        bought = self.purchases[self.purchases[c.TIME] < until_s]
        record = run.join(requests, bought, self.promotion_starts, self.baseline, self.settings)
        checks = [each for each in CHECKS if each.name.startswith(check)]
        return [worst(each.results) for each in run_checks(record, moments, with_distances=False, checks=checks)]


def with_one_list(world: World, since_s: float) -> World:
    """From then on every shopper gets the same list."""
    rows = world.requests
    broken = rows["time_s"] >= since_s
    first = rows["item_ids"][broken].iloc[0]
    lists = pd.Series([first] * len(rows), rows.index)
    return dataclasses.replace(world, requests=rows.assign(item_ids=rows["item_ids"].where(~broken, lists)))


def without_state(world: World, since_s: float) -> World:
    """From then on no shopper is found in the store."""
    rows = world.requests
    state = np.where(rows["time_s"] >= since_s, "unknown", rows["state"])
    return dataclasses.replace(world, requests=rows.assign(state=state))
