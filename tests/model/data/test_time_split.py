from datetime import UTC, datetime

import pytest

from model.data.time_split import cut_seconds, day
from model.errors import InputError
from tfx_configs.settings import DataSettings


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


FIRST, LAST = moment("2017-01-01T11:53:26"), moment("2018-01-01T04:01:20")


def test_the_cut_is_a_utc_midnight_test_days_before_the_last_events_day() -> None:
    assert cut_seconds(FIRST, LAST, DataSettings(test_days=28)) == moment("2017-12-04")
    assert cut_seconds(FIRST, LAST, DataSettings(test_days=1)) == moment("2017-12-31")


def test_a_cut_date_is_the_first_day_of_the_test_span() -> None:
    assert cut_seconds(FIRST, LAST, DataSettings(cut_date="2017-06-01")) == moment("2017-06-01")


@pytest.mark.parametrize("cut_date", ["2017-01-02", "2018-01-01"])
def test_the_first_and_the_last_possible_day_are_fine(cut_date: str) -> None:
    assert cut_seconds(FIRST, LAST, DataSettings(cut_date=cut_date)) == moment(cut_date)


@pytest.mark.parametrize("cut_date", ["2017-01-01", "2018-01-02", "1999-12-31"])
def test_a_cut_that_leaves_one_side_empty_is_refused(cut_date: str) -> None:
    message = f"expected a cut date after 2017-01-01 and not after 2018-01-01, got {cut_date}; set --cut-date"
    with pytest.raises(InputError, match=message):
        cut_seconds(FIRST, LAST, DataSettings(cut_date=cut_date))


def test_a_single_day_cannot_be_split() -> None:
    with pytest.raises(InputError, match=r"expected events on two days at least.*got all on 2017-01-01"):
        cut_seconds(FIRST, FIRST + 3600, DataSettings())


def test_days_are_utc_dates() -> None:
    assert day(moment("2017-12-03T23:59:59")) == "2017-12-03"
