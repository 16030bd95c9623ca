"""Limits and verdicts by pencil."""

import math
from typing import Any

import pytest

from components.monitor.checks.results import Result, judge, worst
from components.monitor.checks.thresholds import Limits, natural, scaled
from model.evaluation.clustered_errors import Estimate
from tfx_configs.frozen import SettingsError
from tfx_configs.monitoring import MonitorSettings

SETTINGS = MonitorSettings(spreads=2.0)


def test_limits_are_the_median_and_so_many_robust_deviations() -> None:
    found = natural([10.0, 11.0, 12.0, 13.0, 14.0], SETTINGS)  # median 12, MAD 1
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(12 - 2 * 1.4826), pytest.approx(12 + 2 * 1.4826))


def test_limits_are_never_inside_what_was_seen_nor_narrower_than_the_least() -> None:
    found = natural([10.0, 10.0, 10.0, 10.0, 17.0], SETTINGS)
    assert found is not None and (found.low, found.high) == (10.0, 17.0)
    for least, low, high in (({"least": 0.5}, 9.5, 10.5), ({"least_percent": 20}, 8, 12), ({"least_factor": 2}, 5, 20)):
        wide = natural([10.0] * 4, SETTINGS, **least)  # type: ignore[arg-type]
        assert wide is not None and (wide.low, wide.high) == (low, high)


def test_too_few_windows_say_nothing() -> None:
    assert natural([1.0, 2.0, 3.0, math.nan], SETTINGS) is None


def test_limits_follow_the_level_of_the_versions_that_answer() -> None:
    assert scaled(Limits(low=1.0, high=2.0, history=(1.5,)), 1.2) == Limits(low=1.2, high=2.4, history=(1.5,))


@pytest.mark.parametrize(
    ("value", "se", "side", "status"),
    [
        (0.5, 0.0, "both", "failed"),
        (0.5, 0.0, "high", "ok"),
        (0.9, 0.1, "both", "ok"),  # its interval reaches into what is allowed
        (0.7, 0.1, "low", "failed"),
        (2.5, 0.0, "high", "failed"),
        (1.0, 0.0, "both", "ok"),
        (math.nan, math.inf, "both", "unknown"),
        (9.0, math.inf, "both", "unknown"),
    ],
)
def test_a_check_fails_when_the_whole_interval_lies_outside(value: float, se: float, side: Any, status: str) -> None:
    _, said, _ = judge(Estimate(value=value, se=se), Limits(low=1.0, high=2.0), side, "")
    assert said == status


def test_without_limits_or_visits_nothing_is_judged() -> None:
    assert judge(Estimate(value=9.0, se=0.0), None, "both", "")[1:] == (
        "unknown",
        "too few good windows to compare with",
    )
    assert judge(Estimate(value=9.0, se=0.0), Limits(high=1.0), "both", "3 visits")[1:] == ("unknown", "3 visits")


def test_of_several_windows_a_failed_one_is_told_and_the_shorter_of_two() -> None:
    def result(days: int, status: Any) -> Result:
        figures, _, _ = judge(Estimate(value=1.0, se=0.0), Limits(), "both", "")
        texts = {"check": "x", "group": "g", "severity": "page", "what": "", "basis": "", "to_do": ""}
        return Result(window_days=days, status=status, **texts, **figures)  # type: ignore[arg-type]

    found = worst([result(1, "unknown"), result(7, "failed"), result(28, "failed")])
    assert [(one.window_days, one.status) for one in found] == [(7, "failed")]
    assert [one.window_days for one in worst([result(7, "ok"), result(1, "ok")])] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows_days": (7, 1)},
        {"spreads": 0.0},
        {"closed_days": ("Christmas",)},
        {"time_zone": "Mars"},
        {"min_visits": 3},
    ],
)
def test_settings_out_of_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        MonitorSettings(**wrong)
