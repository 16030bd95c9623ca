"""Checks on when events happened. Each takes sound events and returns findings; none changes its input."""

import datetime

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, Severity
from components.validate import calendar_weeks as weeks
from components.validate.findings import finding
from model.data import columns as c
from tfx_configs.validation import ValidationSettings

EARLIEST_S = datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC).timestamp()
MIN_DAYS = 21
"""Shorter spans have no rhythm to compare a day with."""
MIN_BUSY = 20
"""Events on the median day, below which a few empty days in a row may be chance."""
MIN_COPY_ROWS = 20
"""Two days with fewer events may be equal by chance."""
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


def every_day(events: pd.DataFrame, settings: ValidationSettings) -> list[Finding]:
    """Days without events, in data that otherwise has events every day (or every day but a weekly day of rest).

    A run of more than `max_missing_days` stops, when days are busy enough that it cannot be chance.
    Whether data are daily is judged on the middle 99 % of events, so that a few stray times do not hide a gap.
    """
    day = weeks.days(events[c.TIME])
    low, high = np.percentile(day, [0.5, 99.5]).astype(int)
    with_events = set(day.unique().tolist())
    missing_core = {d for d in range(low, high + 1) if d not in with_events}
    rest = {w for w in range(7) if not any(d % 7 == w for d in with_events if low <= d <= high)}
    core_gaps = sum(1 for d in missing_core if d % 7 not in rest)
    if high - low + 1 < MIN_DAYS or core_gaps > 0.1 * (high - low + 1):
        return []
    closed = {int(np.datetime64(text, "D").astype(int)) for text in settings.closed_days}
    open_days = (d for d in range(int(day.min()), int(day.max())) if d not in closed and d % 7 not in rest)
    gaps = [d for d in open_days if d not in with_events]
    if not gaps:
        return []
    runs = np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1)
    longest = [int(gap) for gap in max(runs, key=len)]
    busy = day.value_counts().median() >= MIN_BUSY
    severity: Severity = "stop" if busy and len(longest) > settings.max_missing_days else "warn"
    shown = (longest if len(longest) > 1 else gaps)[:3]
    days, dates = f"{len(gaps)} day{'s' * (len(gaps) > 1)}", ", ".join(map(weeks.date_text, shown))
    return [finding("missing_day", c.TIME, severity, days=days, dates=dates)]


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


def _text(time_s: float) -> str:
    return f"{np.datetime64(int(time_s), 's')}Z"
