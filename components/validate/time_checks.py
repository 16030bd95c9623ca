"""Checks on when events happened. Each takes sound events and returns findings; none changes its input."""

import datetime

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, Severity
from components.validate import calendar_weeks as weeks
from components.validate.findings import finding
from model.data import columns as c
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

EARLIEST_S = datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC).timestamp()
MIN_COPY_ROWS = 20
"""Two days with fewer events may be equal by chance."""
MIN_WEEK_ROWS, HOURS_APART = 200, 0.3
"""Events that a week needs before its hours have a shape, and a distance of two such shapes that is no chance."""
CHANCE = 1e-9
"""What is less likely than this did not happen by chance."""


def in_time(events: pd.DataFrame, now_s: float) -> list[Finding]:
    """Events of the future, or from before anything was recorded."""
    time = events[c.TIME]
    late, early = time[time > now_s], time[time < EARLIEST_S]
    out = []
    if len(late):
        out.append(finding("future_time", c.TIME, now=_text(now_s), count=len(late), last=_text(late.max())))
    if len(early):
        out.append(finding("ancient_time", c.TIME, count=len(early), first=_text(early.min())))
    return out


def in_partition(events: pd.DataFrame, partitions: pd.Series) -> list[Finding]:
    """Events that lie in the directory of another month."""
    month = weeks.month_texts(events[c.TIME])
    wrong = np.flatnonzero(month != partitions.to_numpy())
    if not len(wrong):
        return []
    first = wrong[0]
    return [finding("outside_span", c.TIME, month=partitions.iloc[first], count=len(wrong), other=month[first])]


def copied_day(events: pd.DataFrame) -> list[Finding]:
    """Two days with exactly the same rows but for the time and basket: one was loaded twice.

    Where more than a tenth of the days have a twin, repetition is the data's nature and no finding.
    """
    columns = [name for name in (c.USER, c.ITEM, c.QUANTITY, c.PRICE, c.STORE) if name in events]
    row_hash = pd.util.hash_pandas_object(events[columns], index=False)
    by_day = row_hash.groupby(weeks.days(events[c.TIME]))
    prints = pd.DataFrame({"hash": by_day.sum(), "rows": by_day.size()})
    prints = prints[prints["rows"] >= MIN_COPY_ROWS]
    copies = prints[prints.duplicated(keep=False)]
    if copies.empty or len(copies) > 0.1 * len(prints):
        return []
    dates = ", ".join(weeks.date_text(int(day)) for day in copies.index[:4])
    return [finding("copied_day", c.TIME, rows=int(copies["rows"].iloc[0]), dates=dates)]


def doubled_day(events: pd.DataFrame) -> list[Finding]:
    """A day on which every quantity is even, where usually many are odd: loaded twice, then merged by key."""
    day = weeks.days(events[c.TIME])
    by_day = (events[c.QUANTITY] % 2 == 1).groupby(day).agg(["mean", "size"])
    usual = float(by_day["mean"].median())
    median = events[c.QUANTITY].groupby(day).median()
    twice = (median / median.median()).between(1.5, 3.0)
    by_chance = (1 - min(usual, 0.99)) ** by_day["size"]
    doubled = by_day.index[twice & (by_day["mean"] == 0) & (by_chance < CHANCE)]
    if doubled.empty:
        return []
    dates = ", ".join(weeks.date_text(int(d)) for d in doubled[:3])
    return [finding("doubled_day", c.QUANTITY, usual=usual, dates=dates)]


def volume(events: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """The last full week has far fewer events than the median week. Stops only where all other weeks were steady."""
    week = weeks.full_weeks(events[c.TIME])
    counts = week[week >= 0].value_counts().sort_index().reindex(range(week.max() + 1), fill_value=0)
    if len(counts) < 4 or counts.median() < 100:
        return []
    percent = 100.0 * counts.iloc[-1] / counts.median()
    if percent >= settings.min_volume_percent:
        return []
    steady = 100.0 * counts.iloc[:-1].min() / counts.median() >= settings.min_volume_percent
    severity: Severity = "stop" if steady and percent < settings.min_volume_percent / 5 else "warn"
    least, median, events_then = settings.min_volume_percent, counts.median(), counts.iloc[-1]
    return [finding("volume", c.TIME, severity, least=least, median=median, events=events_then, percent=percent)]


def shifted_hours(events: pd.DataFrame) -> list[Finding]:
    """Weeks whose hours of the day fit those of the other weeks only when shifted: another time zone.

    With q a week's share of events by hour and p the median week's, d(s) is the total variation distance of p and q
    shifted by s hours. A week counts when d(0) > HOURS_APART and some shift of two hours or more at least halves it;
    one hour may be daylight saving time.
    """
    week = weeks.full_weeks(events[c.TIME])
    rows_WH = np.zeros((int(week.max()) + 1, 24))
    np.add.at(rows_WH, (week[week >= 0], (events[c.TIME][week >= 0] % DAY_S // 3600).astype(int)), 1.0)
    busy = np.flatnonzero(rows_WH.sum(axis=1) >= MIN_WEEK_ROWS)
    if len(busy) < 4:
        return []
    share_WH = rows_WH[busy] / rows_WH[busy].sum(axis=1, keepdims=True)
    usual_H = np.median(share_WH, axis=0)
    usual_H = usual_H / max(usual_H.sum(), 1e-12)
    apart_SW = np.stack([np.abs(np.roll(share_WH, -s, axis=1) - usual_H).sum(axis=1) / 2 for s in range(24)])
    best_W = apart_SW[2:23].argmin(axis=0) + 2
    least_W = apart_SW[2:23].min(axis=0)
    shifted = np.flatnonzero((apart_SW[0] > HOURS_APART) & (least_W <= apart_SW[0] / 2))
    if not len(shifted):
        return []
    hours = int(np.median(best_W[shifted]))
    start = weeks.week_starts(events[c.TIME])[int(busy[shifted[0]])]
    taken_off = hours if hours <= 12 else hours - 24
    return [finding("shifted_hours", c.TIME, "warn", hours=taken_off, weeks=len(shifted), start=start)]


def _text(time_s: float) -> str:
    return f"{np.datetime64(int(time_s), 's')}Z"
