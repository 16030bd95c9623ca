"""Limits and results of checks with hand-computed values."""

import math
from typing import Any

import pytest

from components.artifacts.monitor_report import CheckResult, worst
from components.monitor.checks.run_checks import judge
from components.monitor.checks.table import Check
from components.monitor.checks.thresholds import Limits, natural, scaled
from model.evaluation.clustered_errors import Estimate
from tfx_configs.frozen import SettingsError
from tfx_configs.monitoring import MonitorSettings

SETTINGS = MonitorSettings(spreads=2.0)


def test_limits_are_the_median_and_so_many_robust_deviations() -> None:
    limits = natural([10.0, 11.0, 12.0, 13.0, 14.0], SETTINGS)  # median 12, MAD 1
    assert limits is not None
    assert (limits.low, limits.high) == (pytest.approx(12 - 2 * 1.4826), pytest.approx(12 + 2 * 1.4826))


def test_limits_are_never_inside_what_was_seen_nor_narrower_than_the_least() -> None:
    limits = natural([10.0, 10.0, 10.0, 10.0, 17.0], SETTINGS)
    assert limits is not None and (limits.low, limits.high) == (10.0, 17.0)
    for least, low, high in (({"least": 0.5}, 9.5, 10.5), ({"least_percent": 20}, 8, 12), ({"least_factor": 2}, 5, 20)):
        wide = natural([10.0] * 4, SETTINGS, **least)  # type: ignore[arg-type]
        assert wide is not None and (wide.low, wide.high) == (low, high)


def test_too_few_windows_are_no_evidence() -> None:
    assert natural([1.0, 2.0, 3.0, math.nan], SETTINGS) is None


def test_limits_follow_the_level_of_the_versions_that_answer() -> None:
    assert scaled(Limits(low=1.0, high=2.0, history=(1.5,)), 1.2) == Limits(low=1.2, high=2.4, history=(1.5,))


@pytest.mark.parametrize(
    ("value", "se", "side", "status"),
    [
        (0.5, 0.0, "both ways", "failed"),
        (0.5, 0.0, "above", "ok"),
        (0.9, 0.1, "both ways", "ok"),  # its interval reaches into what is allowed
        (0.7, 0.1, "below", "failed"),
        (2.5, 0.0, "above", "failed"),
        (1.0, 0.0, "both ways", "ok"),
        (math.nan, math.inf, "both ways", "unknown"),
        (9.0, math.inf, "both ways", "unknown"),
    ],
)
def test_a_check_fails_when_the_whole_interval_is_outside(value: float, se: float, side: Any, status: str) -> None:
    limits = Limits(low=1.0, high=2.0)
    assert judge(_check(side), Estimate(value=value, se=se), limits).status == status


def test_without_limits_or_visits_nothing_is_judged() -> None:
    nine = Estimate(value=9.0, se=0.0)
    unlimited = judge(_check("both ways"), nine, None)
    assert (unlimited.status, unlimited.why) == ("unknown", "too few good windows to compare with")
    too_few = judge(_check("both ways"), nine, Limits(high=1.0), missing="3 visits")
    assert (too_few.status, too_few.why) == ("unknown", "3 visits")


def test_of_several_windows_a_failed_one_is_reported_and_the_shorter_of_two() -> None:
    def result(days: int, status: Any) -> CheckResult:
        judged = judge(_check("both ways"), Estimate(value=1.0, se=0.0), Limits(), window_days=days)
        return judged.model_copy(update={"status": status})

    reported = worst([result(1, "unknown"), result(7, "failed"), result(28, "failed")])
    assert [(each.window_days, each.status) for each in reported] == [(7, "failed")]
    assert [each.window_days for each in worst([result(7, "ok"), result(1, "ok")])] == [1]


def _check(side: Any) -> Check:
    return Check(name="x", group="lists", side=side, what="", basis="", to_do="")


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
