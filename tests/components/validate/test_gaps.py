"""Days without visits on small calendars with a known answer."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from components.artifacts.validation import Finding
from components.validate import gaps
from tfx_configs.frozen import SettingsError
from tfx_configs.overrides import assigned
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

SETTINGS = ValidationSettings()
MONDAY = 19_723  # 2024-01-01
SUNDAY = 6


def visits(rows_D: dict[int, int]) -> pd.DataFrame:
    """{day after Monday 2024-01-01: visits}, each of one line at noon."""
    days = np.repeat(list(rows_D), list(rows_D.values()))
    return pd.DataFrame({"event_time": (MONDAY + days) * float(DAY_S) + DAY_S // 2})


def without(days: int, *closed: int, rows: int = 20) -> pd.DataFrame:
    return visits({day: rows for day in range(days) if day not in closed})


def cut(day: int) -> int:
    return (MONDAY + day) * DAY_S


def severities(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.received) for finding in findings]


def test_a_closed_day_and_christmas_week_warn_with_their_dates_wherever_they_are() -> None:
    single = gaps.find(without(40, 20), SETTINGS, cut(30))
    assert severities(single) == [("warn", "none on 1 day: 2024-01-21")]
    week = gaps.find(without(120, *range(100, 107)), SETTINGS, cut(92))
    assert severities(week) == [("warn", "none on 7 days: 2024-04-10 to 2024-04-16")]
    assert week[0].expected == "visits on every open day, about 140 on these by the weeks around them"


@pytest.mark.parametrize("begin", [75, 95])
def test_weeks_missing_near_or_after_the_cut_stop(begin: int) -> None:
    hole = gaps.find(without(120, *range(begin, begin + 14)), SETTINGS, cut(92))
    assert [(stop.column, stop.check, stop.severity) for stop in hole] == [("event_time", "missing_weeks", "stop")]
    assert hole[0].received.startswith("none on 14 days: ")


def test_weeks_missing_long_before_the_cut_warn() -> None:
    assert [hole.severity for hole in gaps.find(without(200, *range(60, 90)), SETTINGS, cut(172))] == ["warn"]


def test_a_closure_of_an_earlier_year_warns_though_it_moved_by_three_weeks() -> None:
    winter = [*range(150, 170), *range(150 + 386, 170 + 386)]
    again = gaps.find(without(600, *winter), SETTINGS, cut(550))
    assert severities(again) == [
        ("warn", "none on 40 days: 2024-05-30 to 2024-06-18, 2025-06-20 to 2025-07-09 (also before)")
    ]
    only_last = gaps.find(without(600, *winter[20:]), SETTINGS, cut(550))
    assert [hole.severity for hole in only_last] == ["stop"]


def test_a_day_of_rest_declared_days_and_days_by_chance_are_no_gap() -> None:
    assert gaps.find(without(40, *range(SUNDAY, 40, 7)), SETTINGS) == []
    declared = ValidationSettings(closed_days=("2024-01-21", "2024-01-25/2024-01-27"))
    assert gaps.find(without(40, 20, 24, 25, 26), declared) == []
    sparse = visits(dict.fromkeys(range(0, 90, 3), 1))
    assert gaps.find(sparse, SETTINGS, cut(80)) == []
    assert gaps.find(without(40, 20, 21, 22, rows=1), SETTINGS) == []


def test_a_quiet_first_year_is_one_warning_and_its_gaps_are_none() -> None:
    quiet = dict.fromkeys(range(0, 400, 40), 1)
    busy = dict.fromkeys(range(410, 600), 20)
    findings = gaps.find(visits(quiet | busy), SETTINGS, cut(570))
    assert [(finding.check, finding.severity) for finding in findings] == [("sparse_start", "warn")]
    assert re.fullmatch(
        r"fewer in the 4\d\d days before 2025-02-\d\d, which have 0.26 % of the events", findings[0].received
    )
    dense = gaps.dense_events(visits(quiet | busy))
    assert len(dense) == 190 * 20 and dense["event_time"].min() == (MONDAY + 410.5) * DAY_S
    hole = gaps.find(
        visits(quiet | {day: rows for day, rows in busy.items() if not 560 <= day < 580}), SETTINGS, cut(570)
    )
    assert [finding.check for finding in hole] == ["missing_weeks", "sparse_start"]


def test_growth_to_the_thirtyfold_makes_no_gap_of_the_first_quiet_days() -> None:
    rng = np.random.default_rng(3)
    rows = rng.poisson(np.geomspace(0.7, 20, 900))
    assert [f.check for f in gaps.find(visits(dict(enumerate(rows.tolist()))), SETTINGS, cut(870))] in (
        [],
        ["sparse_start"],
    )


def test_a_basket_of_many_lines_is_one_visit() -> None:
    lines = without(40, 20, 21, rows=1)
    lines = lines.loc[lines.index.repeat(20)]
    assert [gap.severity for gap in gaps.find(lines, SETTINGS)] == ["warn"]
    assert gaps.find(lines.assign(basket_id=lines.index.astype(str)), SETTINGS) == []


def test_the_days_that_the_message_declares_as_closed_silence_it() -> None:
    events = without(120, 20, *range(95, 110))
    command = [gap.what_to_do.split("--set '")[1].split("'")[0] for gap in gaps.find(events, SETTINGS, cut(92))]
    days = sorted(day for change in command for day in json.loads(change.split("=")[1]))
    assert days == ["2024-01-21", "2024-04-05/2024-04-19"]
    declared = RunSettings.from_dict(assigned([f"validation.closed_days={json.dumps(days)}"])).validation
    assert gaps.find(events, declared, cut(92)) == []


def test_a_closed_day_that_is_no_day_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"closed_days: expected .*days like 2017-12-25"):
        ValidationSettings(closed_days=("Christmas",))
