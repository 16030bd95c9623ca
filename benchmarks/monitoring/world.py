"""A recorded service, and the monitor's results at any moment: the world that faults change."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from components.artifacts.monitor_report import CheckResult, worst
from components.monitor import run
from components.monitor.checks.run_checks import run_checks
from components.monitor.checks.table import CHECKS
from components.monitor.data.baseline import Baseline
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings

CAME = "came_s"
"""When a row came, unix seconds, which may differ from its own time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A log and all it is judged by."""

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
