"""Stretches of time that a check compares: the one that ends now, and the same weekdays of the weeks before the cut."""

import dataclasses
import datetime
import zoneinfo
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from components.monitor.data.baseline import WEEK_S, Baseline
from model.data import columns as c
from model.request_log.attribution import closed_until
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S

ONE_DAY = datetime.timedelta(days=1)
Spans = tuple[tuple[float, float], ...]
"""(begin, end) pairs, unix seconds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceRecord:
    """The service's visits and purchases in time order, and the baseline that they are compared with."""

    visits: pd.DataFrame
    purchases: pd.DataFrame
    """Of the time since the cut at least; older ones come from the baseline."""
    promotion_starts: "pd.Series[float]"
    """Moments at which promotions start, unix seconds, ascending."""
    baseline: Baseline
    settings: MonitorSettings
    logged: bool = True
    """Whether there is a request log at all."""

    @property
    def started_s(self) -> float:
        """The first visit, unix seconds; infinite without visits."""
        return float(self.visits["time_s"].min()) if len(self.visits) else np.inf

    def window(self, now_s: float, days: int) -> "Window":
        """Return the window of the last `days` days, or since the log's first visit, if that is later."""
        begin_s = max(now_s - days * DAY_S, min(self.started_s, now_s))
        return self.cut(begin_s, now_s, self.baseline.cut_s)

    def cut(self, begin_s: float, end_s: float, known_before_s: float, shut: Spans | None = None) -> "Window":
        """Return the window of a span; `shut`: as in Window, by default its closed and unusual days."""
        closing_s = end_s - closed_until(end_s, self.settings)
        return Window(
            begin_s=begin_s,
            end_s=end_s,
            visits=_between(self.visits, "time_s", begin_s, end_s),
            closed=_between(self.visits, "time_s", begin_s - closing_s, end_s - closing_s),
            purchases=_between(self.purchases, c.TIME, begin_s, end_s),
            known_before_s=known_before_s,
            record=self,
            shut=special_spans(begin_s - closing_s, end_s, self.settings) if shut is None else shut,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """What happened in [begin_s, end_s), as a model of one age experienced it."""

    begin_s: float
    end_s: float
    visits: pd.DataFrame
    """Visits that began in it (visits.py), closed or not."""
    closed: pd.DataFrame
    """Visits of a window as long that ended as much earlier as it takes a visit to be closed."""
    purchases: pd.DataFrame
    """What was bought in it."""
    known_before_s: float
    """The model's training ended at this moment."""
    record: ServiceRecord
    shut: Spans = ()
    """Where nothing is counted: the closed and unusual days that meet it or its closed visits; in a window moved back,
    the same stretches moved."""

    def ordinary(self, moments: pd.Series) -> np.ndarray:
        """Return [rows] whether each moment, unix seconds, is outside of `shut`."""
        shut = np.zeros(len(moments), bool)
        for begin_s, end_s in self.shut:
            shut |= np.asarray((moments >= begin_s) & (moments < end_s))
        return ~shut

    @property
    def open_days(self) -> float:
        """Its length without `shut`, days."""
        shut_s = sum(max(0.0, min(end_s, self.end_s) - max(begin_s, self.begin_s)) for begin_s, end_s in self.shut)
        return (self.end_s - self.begin_s - shut_s) / DAY_S

    @cached_property
    def before_cut(self) -> list["Window"]:
        """The window moved back by whole weeks to before the cut: as many as the baseline covers, newest first.

        Weeks that meet closed or unusual days are left out. The model's age is the same: what the window's model could
        not know, the moved one does not know either.
        """
        baseline, settings = self.record.baseline, self.record.settings
        recorded = dataclasses.replace(self.record, visits=baseline.visits, purchases=baseline.purchases)
        age_s = max(self.begin_s - baseline.cut_s, 0)
        first = -(-max(self.end_s - baseline.cut_s, 0) // WEEK_S)
        closing_s = self.end_s - closed_until(self.end_s, settings)
        moved = []
        for n in range(settings.history_weeks):
            back_s = (first + n) * WEEK_S
            begin_s, end_s = self.begin_s - back_s, self.end_s - back_s
            if begin_s - closing_s < baseline.facts.begin_s:
                break
            if not special_spans(begin_s - closing_s, end_s, settings):
                shut = tuple((begin - back_s, end - back_s) for begin, end in self.shut)
                moved.append(recorded.cut(begin_s, end_s, begin_s - age_s, shut))
        return moved

    @cached_property
    def before_in_log(self) -> list["Window"]:
        """Windows as long that are wholly in the log and end where the next begins, newest first."""
        length_s, begin_s = self.end_s - self.begin_s, self.begin_s
        earlier: list[Window] = []
        while length_s > 0 and len(earlier) < 4 * self.record.settings.own_windows:
            end_s, begin_s = begin_s, begin_s - length_s
            if begin_s < self.record.started_s - 1:
                break
            earlier.append(self.record.cut(begin_s, end_s, self.record.baseline.cut_s))
        return earlier

    @property
    def own(self) -> list["Window"]:
        """Of these, the ones that the same version answered most of; none when they are too few."""
        same = [window for window in self.before_in_log if window.main_version == self.main_version]
        return same if len(same) >= self.record.settings.own_windows else []

    @property
    def main_version(self) -> str:
        """The version that answered most visits; empty without visits."""
        counts = self.visits["version"].value_counts()
        return str(counts.index[0]) if len(counts) else ""


def special_spans(begin_s: float, end_s: float, settings: MonitorSettings) -> Spans:
    """Return the parts of [begin_s, end_s) on closed or unusual days, in order."""
    days = sorted({*settings.closed_days, *settings.unusual_days})
    return day_spans(begin_s, end_s, days, settings.time_zone)


def day_spans(begin_s: float, end_s: float, days: Sequence[str], time_zone: str) -> Spans:
    """Return the parts of [begin_s, end_s) on these days (YYYY-MM-DD) of the zone."""
    midnights = [datetime.datetime.fromisoformat(day) for day in days]
    bounds = ((_unix_s(midnight, time_zone), _unix_s(midnight + ONE_DAY, time_zone)) for midnight in midnights)
    spans = ((max(begin_s, from_s), min(end_s, until_s)) for from_s, until_s in bounds)
    return tuple(span for span in spans if span[0] < span[1])


def _unix_s(moment: datetime.datetime, time_zone: str) -> float:
    """Return the moment at which a clock of the zone shows this time."""
    zone = datetime.UTC if time_zone == "UTC" else zoneinfo.ZoneInfo(time_zone)
    return moment.replace(tzinfo=zone).timestamp()


def _between(frame: pd.DataFrame, column: str, begin_s: float, end_s: float) -> pd.DataFrame:
    """Return the rows of a frame that is sorted by `column`, begin included, end not."""
    low, high = frame[column].searchsorted([begin_s, end_s], side="left")
    return frame.iloc[low:high]
