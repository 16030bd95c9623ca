"""Stretches of time that a check compares: the one that ends now, and the same weekdays of the weeks before the cut."""

import dataclasses
import datetime
import zoneinfo
from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.monitor.data.attribution import closed_until
from components.monitor.data.baseline import WEEK_S, Baseline
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import DAY_S

ONE_DAY = datetime.timedelta(days=1)
Spans = tuple[tuple[float, float], ...]
"""(begin, end) pairs, unix seconds."""


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
    baseline: Baseline
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Live:
    """The service's own record, in time order."""

    visits: pd.DataFrame
    purchases: pd.DataFrame
    """Of the time since the cut at least; older ones come from the baseline."""
    logged: bool = True
    """Whether there is a request log at all."""

    @property
    def started_s(self) -> float:
        """The first visit, unix seconds; infinite without visits."""
        return float(self.visits["time_s"].min()) if len(self.visits) else np.inf


def ending(now_s: float, days: int, live: Live, baseline: Baseline, settings: MonitorSettings) -> Window:
    """Return the window of the last `days` days, or since the log's first visit, if that is later."""
    begin_s = max(now_s - days * DAY_S, min(live.started_s, now_s))
    return _cut(begin_s, now_s, live, baseline, baseline.cut_s, settings)


def before_cut(window: Window, settings: MonitorSettings) -> list[Window]:
    """Move the window back by whole weeks to before the cut: as many as the baseline covers, newest first.

    Weeks that meet closed or unusual days are left out. The model's age is the same: what the window's model could not
    know, the moved one does not know either.
    """
    baseline = window.baseline
    age_s = max(window.begin_s - baseline.cut_s, 0)
    first = -(-max(window.end_s - baseline.cut_s, 0) // WEEK_S)
    recorded = Live(visits=baseline.visits, purchases=baseline.purchases)
    closing_s = window.end_s - closed_until(window.end_s, settings)
    moved = []
    for n in range(settings.history_weeks):
        back_s = (first + n) * WEEK_S
        begin_s, end_s = window.begin_s - back_s, window.end_s - back_s
        if begin_s - closing_s < baseline.facts.begin_s:
            break
        if special_spans(begin_s - closing_s, end_s, settings):
            continue
        shut = tuple((begin - back_s, end - back_s) for begin, end in window.shut)
        moved.append(_cut(begin_s, end_s, recorded, baseline, begin_s - age_s, settings, shut))
    return moved


def before_in_log(window: Window, live: Live, settings: MonitorSettings) -> list[Window]:
    """Return windows as long that are wholly in the log and end where the next begins, newest first."""
    length_s = window.end_s - window.begin_s
    earlier: list[Window] = []
    begin_s = window.begin_s - length_s
    while length_s > 0 and begin_s >= live.started_s - 1 and len(earlier) < 4 * settings.own_windows:
        earlier.append(_cut(begin_s, begin_s + length_s, live, window.baseline, window.baseline.cut_s, settings))
        begin_s -= length_s
    return earlier


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


def _cut(
    begin_s: float,
    end_s: float,
    live: Live,
    baseline: Baseline,
    known_before_s: float,
    settings: MonitorSettings,
    shut: Spans | None = None,
) -> Window:
    closing_s = end_s - closed_until(end_s, settings)
    return Window(
        begin_s=begin_s,
        end_s=end_s,
        visits=_between(live.visits, "time_s", begin_s, end_s),
        closed=_between(live.visits, "time_s", begin_s - closing_s, end_s - closing_s),
        purchases=_between(live.purchases, c.TIME, begin_s, end_s),
        known_before_s=known_before_s,
        baseline=baseline,
        shut=special_spans(begin_s - closing_s, end_s, settings) if shut is None else shut,
    )
