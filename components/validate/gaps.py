"""Days without visits: which of them are a closure, and which a hole in the data that makes the result wrong.

A visit is a basket. With v(d) the visits of day d and w(d) the weekday's usual share of an average day (1 on average, 0
where the shop always rests), the level near a gap is sum v / sum w over the nearest ACTIVE_DAYS days with visits; the
lower of the two sides counts, so that neither growth nor decline makes a gap. A run of empty days is a gap when its
expected visits, level * sum w, make it unlikely as a Poisson count: exp(-expected) < CHANCE.

Only the dense span is judged: it begins with the first week that reaches DENSE_SHARE of the week of the median visit.
"""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding
from components.validate import calendar_weeks as weeks
from components.validate.findings import finding
from model.data import columns as c
from tfx_configs.validation import ValidationSettings, days_of

MIN_DAYS = 21
"""Shorter spans have no rhythm to compare a day with."""
DENSE_SHARE = 0.1
MIN_ACTIVE_DAYS, ACTIVE_DAYS = 7, 28
CHANCE = 1e-6
"""What is less likely than this did not happen by chance: about 14 expected visits, and none came."""
REST_SHARE = 0.05
"""A weekday below this share of an average day is a day of rest."""
NEAR_CUT_DAYS = 28
"""A hole that ends this close before the cut is missing from the recent past of every judged trip."""
YEAR_DAYS, FEAST_MOVES_DAYS = 365.25, 31
"""Feasts that follow the moon move by up to a month between years."""
OTHERS = 2
"""So many earlier gaps at least half as long make a gap the shop's habit."""
SHOWN = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gap:
    """A run of days without visits; `first` and `last` are days since 1970."""

    first: int
    last: int
    open_days: int
    """Of these, the days on which the shop would usually be open."""
    expected: float
    """Visits at the level and weekdays of the days around."""
    recurs: bool = False
    """It happened before, in an earlier year or as a habit."""

    @property
    def days(self) -> int:
        return self.last - self.first + 1

    @property
    def dates(self) -> str:
        return weeks.date_text(self.first) + (f"/{weeks.date_text(self.last)}" if self.days > 1 else "")

    def __str__(self) -> str:
        text = weeks.date_text(self.first) + (f" to {weeks.date_text(self.last)}" if self.days > 1 else "")
        return f"{text} (also before)" if self.recurs else text


def find(events: pd.DataFrame, settings: ValidationSettings, cut_s: int | None = None) -> list[Finding]:
    """Gaps in the dense span: a warning with their dates.

    A gap stops when it is longer than `max_missing_days`, did not happen before, and reaches into the NEAR_CUT_DAYS
    before the cut or lies after it: there every judged trip lacks it.

    Args:
        cut_s: start of the test span, unix seconds; None: no gap stops.
    """
    visits = _visits(events)
    gaps, sparse = _gaps(visits, settings), _sparse_start(weeks.days(events[c.TIME]), visits)
    near = np.inf if cut_s is None else weeks.day_of(cut_s) - NEAR_CUT_DAYS
    holes = [gap for gap in gaps if gap.days > settings.max_missing_days and gap.last >= near and not gap.recurs]
    closures = [gap for gap in gaps if gap not in holes]
    out = [finding("missing_weeks", c.TIME, most=settings.max_missing_days, **_measured(holes))] if holes else []
    return out + ([finding("missing_day", c.TIME, "warn", **_measured(closures))] if closures else []) + sparse


def dense_events(events: pd.DataFrame) -> pd.DataFrame:
    """The events of the dense span."""
    visits = _visits(events)
    return events[weeks.days(events[c.TIME]) >= int(visits.index[_dense_begin(visits.to_numpy())])]


def _gaps(visits: pd.Series, settings: ValidationSettings) -> list[Gap]:
    """Every gap of the dense span, oldest first."""
    counts = visits.iloc[_dense_begin(visits.to_numpy()) :]
    if len(counts) < MIN_DAYS:
        return []
    days, visits_D = counts.index.to_numpy(), counts.to_numpy()
    share_D = _weekday_share(days, visits_D)
    share_D[np.isin(days, [d for text in settings.closed_days for d in days_of(text)])] = 0.0
    empty_D = visits_D == 0
    runs = np.split(np.flatnonzero(empty_D), np.flatnonzero(np.diff(np.flatnonzero(empty_D)) > 1) + 1)
    out: list[Gap] = []
    for run in runs:
        open_days = run[share_D[run] > REST_SHARE] if len(run) else run
        if not len(open_days):
            continue
        first, last = int(open_days[0]), int(open_days[-1])
        expected = float(_level(visits_D, share_D, first, last) * share_D[first : last + 1].sum())
        if np.exp(-expected) < CHANCE:
            gap = Gap(first=int(days[first]), last=int(days[last]), open_days=len(open_days), expected=expected)
            out.append(dataclasses.replace(gap, recurs=_recurs(gap, out)))
    return out


def _visits(events: pd.DataFrame) -> pd.Series:
    """{day since 1970: visits}, without a break from the first day to the last."""
    day = weeks.days(events[c.TIME])
    visits = events.groupby(day)[c.BASKET].nunique() if c.BASKET in events else day.value_counts()
    return visits.reindex(range(int(day.min()), int(day.max()) + 1), fill_value=0)


def _sparse_start(day: pd.Series, visits: pd.Series) -> list[Finding]:
    """Weeks at the beginning that are so quiet that their gaps are not judged."""
    begin = _dense_begin(visits.to_numpy())
    if begin < MIN_DAYS:
        return []
    first, dense = (weeks.date_text(int(visits.index[position])) for position in (0, begin))
    share = 100.0 * float((day < visits.index[begin]).mean())
    return [finding("sparse_start", c.TIME, "warn", days=begin, first=first, dense=dense, percent=share)]


def _dense_begin(visits_D: np.ndarray) -> int:
    """Position of the first day of the dense span; weeks are counted back from the last day."""
    lead = len(visits_D) % 7
    week_W = visits_D[lead:].reshape(-1, 7).sum(axis=1)
    if not len(week_W):
        return 0
    ordered = np.sort(week_W)
    typical = ordered[np.searchsorted(np.cumsum(ordered), ordered.sum() / 2)]
    first = int(np.argmax(week_W >= DENSE_SHARE * typical))
    return lead + 7 * first if first else 0


def _weekday_share(days: np.ndarray, visits_D: np.ndarray) -> np.ndarray:
    """[D] mean visits of the day's weekday over the mean of all days."""
    weekday_D = days % 7
    mean_7 = np.bincount(weekday_D, visits_D, minlength=7) / np.maximum(np.bincount(weekday_D, minlength=7), 1)
    return np.asarray(mean_7[weekday_D] / max(mean_7.mean(), 1e-12))


def _level(visits_D: np.ndarray, share_D: np.ndarray, first: int, last: int) -> float:
    """Visits of an average day near the gap, of the side that has fewer; 0 before the span has a level."""
    active = np.flatnonzero(visits_D)
    before, after = active[active < first][-ACTIVE_DAYS:], active[active > last][:ACTIVE_DAYS]
    if len(before) < MIN_ACTIVE_DAYS:
        return 0.0
    sides = [slice(before[0], first)] + ([slice(last + 1, after[-1] + 1)] if len(after) else [])
    return min(float(visits_D[side].sum() / max(share_D[side].sum(), 1e-12)) for side in sides)


def _recurs(gap: Gap, earlier: list[Gap]) -> bool:
    """Whether a gap at least half as long was there at this time of an earlier year, or OTHERS of them at any time."""
    alike = [other for other in earlier if 2 * other.days >= gap.days]
    apart = [(gap.first + gap.last - other.first - other.last) / 2 for other in alike]
    years = (round(days / YEAR_DAYS) for days in apart)
    of_year = (n and abs(days - n * YEAR_DAYS) <= FEAST_MOVES_DAYS for days, n in zip(apart, years, strict=True))
    return len(alike) >= OTHERS or any(of_year)


def _measured(gaps: list[Gap]) -> dict[str, Any]:
    days = sum(gap.open_days for gap in gaps)
    longest = sorted(sorted(gaps, key=lambda gap: -gap.days)[:SHOWN], key=lambda gap: gap.first)
    more = f" and {len(gaps) - SHOWN} more times" if len(gaps) > SHOWN else ""
    return {
        "days": f"{days} day{'s' * (days > 1)}",
        "dates": ", ".join(map(str, longest)) + more,
        "visits": sum(gap.expected for gap in gaps),
        "closed": ", ".join(f'"{gap.dates}"' for gap in gaps),
    }
