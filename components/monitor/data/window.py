"""Stretches of time that a check compares: the one that ends now, and the same weekdays of the weeks before the cut."""

import dataclasses
import datetime
import zoneinfo
from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.monitor.data.attribution import closed_until
from components.monitor.data.baseline import WEEK_S, Reference
from model.data import columns as c
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S

ONE_DAY = datetime.timedelta(days=1)
Spans = tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """What happened in [begin_s, end_s), as one model of one age saw it."""

    begin_s: float
    end_s: float
    visits: pd.DataFrame
    """Visits that began in it (visits.py), closed or not."""
    closed: pd.DataFrame
    """Visits of a window as long that ended as much earlier as it takes a visit to be closed."""
    purchases: pd.DataFrame
    """What was bought in it."""
    known_before_s: float
    """The model knows what was first seen before this moment."""
    seen: Reference

    shut: Spans = ()
    """Where nothing is counted: the closed and unusual days that it, or what closes in it, meets; or where they would
    be in a window moved back."""

    def ordinary(self, moments: pd.Series) -> np.ndarray:
        """[rows] whether each moment, unix seconds, is outside of what is shut."""
        shut = np.zeros(len(moments), bool)
        for begin_s, end_s in self.shut:
            shut |= np.asarray((moments >= begin_s) & (moments < end_s))
        return ~shut

    @property
    def open_days(self) -> float:
        """Its length without what is shut, days."""
        shut_s = sum(max(0.0, min(end_s, self.end_s) - max(begin_s, self.begin_s)) for begin_s, end_s in self.shut)
        return (self.end_s - self.begin_s - shut_s) / DAY_S


@dataclasses.dataclass(frozen=True, kw_only=True)
class Live:
    """The service's own record, in time order."""

    visits: pd.DataFrame
    purchases: pd.DataFrame
    """Of the time since the cut at least; older ones come from the reference."""
    logged: bool = True
    """Whether there is a request log at all."""


def ending(now_s: float, days: int, live: Live, reference: Reference, settings: MonitorSettings) -> Window:
    """The window of the last `days` days, or since the log's first visit, if that is later."""
    started_s = float(live.visits["time_s"].min()) if len(live.visits) else now_s
    begin_s = max(now_s - days * DAY_S, min(started_s, now_s))
    return _cut(begin_s, now_s, live, reference, reference.cut_s, settings)


def before_cut(window: Window, reference: Reference, settings: MonitorSettings) -> list[Window]:
    """The window moved back by whole weeks to before the cut, newest first: as many as the reference covers and meet
    neither closed nor unusual days.

    The model's age is kept: what the window's model could not know, the moved one does not know either.
    """
    age_s = max(window.begin_s - reference.cut_s, 0)
    first = -(-max(window.end_s - reference.cut_s, 0) // WEEK_S)
    recorded = Live(visits=reference.visits, purchases=reference.purchases)
    closing_s = window.end_s - closed_until(window.end_s, settings)
    out = []
    for n in range(settings.history_weeks):
        back_s = (first + n) * WEEK_S
        if window.begin_s - back_s - closing_s < reference.begin_s:
            break
        begin_s, end_s = window.begin_s - back_s, window.end_s - back_s
        if special_spans(begin_s - closing_s, end_s, settings):
            continue
        shut = tuple((begin - back_s, end - back_s) for begin, end in window.shut)
        out.append(_cut(begin_s, end_s, recorded, reference, begin_s - age_s, settings, shut))
    return out


def before_in_log(window: Window, live: Live, reference: Reference, settings: MonitorSettings) -> list[Window]:
    """Windows as long that lie wholly in the log and end where the next begins, newest first."""
    started_s = float(live.visits["time_s"].min()) if len(live.visits) else window.begin_s
    length_s = window.end_s - window.begin_s
    out: list[Window] = []
    begin_s = window.begin_s - length_s
    while length_s > 0 and begin_s >= started_s - 1 and len(out) < 4 * settings.own_windows:
        out.append(_cut(begin_s, begin_s + length_s, live, reference, reference.cut_s, settings))
        begin_s -= length_s
    return out


def special_spans(begin_s: float, end_s: float, settings: MonitorSettings) -> Spans:
    """What of [begin_s, end_s) is on closed or unusual days, as (begin, end) in unix seconds, in order."""
    days = sorted({*settings.closed_days, *settings.unusual_days})
    return day_spans(begin_s, end_s, days, settings.time_zone)


def day_spans(begin_s: float, end_s: float, days: Sequence[str], time_zone: str) -> Spans:
    """What of [begin_s, end_s) is on these days (YYYY-MM-DD) of the zone."""
    midnights = [datetime.datetime.fromisoformat(day) for day in days]
    bounds = ((_unix_s(midnight, time_zone), _unix_s(midnight + ONE_DAY, time_zone)) for midnight in midnights)
    spans = ((max(begin_s, from_s), min(end_s, until_s)) for from_s, until_s in bounds)
    return tuple(span for span in spans if span[0] < span[1])


def _unix_s(moment: datetime.datetime, time_zone: str) -> float:
    """Of what a clock of the zone shows."""
    zone = datetime.UTC if time_zone == "UTC" else zoneinfo.ZoneInfo(time_zone)
    return moment.replace(tzinfo=zone).timestamp()


def between(frame: pd.DataFrame, column: str, begin_s: float, end_s: float) -> pd.DataFrame:
    """Rows of a frame that is sorted by `column`, begin included, end not."""
    low, high = frame[column].searchsorted([begin_s, end_s], side="left")
    return frame.iloc[low:high]


def _cut(
    begin_s: float,
    end_s: float,
    live: Live,
    reference: Reference,
    known_before_s: float,
    settings: MonitorSettings,
    shut: Spans | None = None,
) -> Window:
    closing_s = end_s - closed_until(end_s, settings)
    return Window(
        begin_s=begin_s,
        end_s=end_s,
        visits=between(live.visits, "time_s", begin_s, end_s),
        closed=between(live.visits, "time_s", begin_s - closing_s, end_s - closing_s),
        purchases=between(live.purchases, c.TIME, begin_s, end_s),
        known_before_s=known_before_s,
        seen=reference,
        shut=special_spans(begin_s - closing_s, end_s, settings) if shut is None else shut,
    )
