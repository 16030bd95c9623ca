"""Days and weeks of events. Weeks are blocks of seven UTC days counted back from the last day, so the last is full."""

import numpy as np
import pandas as pd

from tfx_configs.units import DAY_S


def days(time_s: pd.Series) -> pd.Series:
    """[n] days since 1970."""
    return (time_s // DAY_S).astype("int64")


def day_of(time_s: float) -> int:
    """Days since 1970 of one moment."""
    return int(time_s // DAY_S)


def full_weeks(time_s: pd.Series) -> pd.Series:
    """[n] number of the week, oldest 0; -1 for the days before the first full week."""
    day = days(time_s)
    first, last = int(day.min()), int(day.max())
    weeks = (last - first + 1) // 7
    return (weeks - 1 - (last - day) // 7).clip(lower=-1)


def week_starts(time_s: pd.Series) -> list[str]:
    """The first day of each full week, oldest first, as YYYY-MM-DD."""
    day = days(time_s)
    weeks = (int(day.max()) - int(day.min()) + 1) // 7
    return [date_text(int(day.max()) - 7 * (weeks - week) + 1) for week in range(weeks)]


def date_text(day: int) -> str:
    """A day since 1970 as YYYY-MM-DD."""
    return str(np.datetime64(day, "D"))


def month_texts(time_s: pd.Series) -> np.ndarray:
    """[n] the UTC month of each time, as YYYY-MM."""
    month = days(time_s).to_numpy().astype("datetime64[D]").astype("datetime64[M]")
    at, months = pd.factorize(month.astype("int64"))
    return months.astype("datetime64[M]").astype(str)[at]
