"""The one global time split: everything at or after the cut is test, for every stage."""

from datetime import UTC, date, datetime

from model.data.trips import Trips
from model.errors import InputError
from tfx_configs.settings import DataSettings
from tfx_configs.units import DAY_S

TEST_DAYS = 28
"""Of a shop with enough days."""


def cut_seconds(first_s: int, last_s: int, data: DataSettings) -> int:
    """Start of the test span, unix seconds at a UTC midnight.

    Args:
        first_s, last_s: first and last event, unix seconds.

    Raises:
        InputError: the cut leaves no event before it or none after it.
    """
    if data.cut_date is None:
        cut = (last_s // DAY_S - (data.test_days or test_days(first_s, last_s))) * DAY_S
    else:
        first = date.fromisoformat(data.cut_date)
        cut = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    if first_s // DAY_S == last_s // DAY_S:
        raise InputError(
            f"expected events on two days at least, to split time between them, got all on {day(first_s)}; export a "
            "longer time"
        )
    if not first_s < cut <= last_s:
        raise InputError(
            f"expected a cut date after {day(first_s)} and not after {day(last_s)}, got {day(cut)}; set --cut-date"
        )
    return cut


def test_days(first_s: int, last_s: int) -> int:
    """Days of the test span where the settings name none."""
    return max(min(TEST_DAYS, (last_s // DAY_S - first_s // DAY_S + 1) // 4), 1)


def ranking_start(trips: Trips, days: float) -> int:
    """Unix seconds from which on trips train the ranker: `days` before the cut, but at most half of what there is."""
    return max(trips.cut_s - int(days * DAY_S), (int(trips.time_T.min()) + trips.cut_s) // 2)


def day(seconds: int) -> str:
    """The UTC date of unix seconds, as YYYY-MM-DD."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
