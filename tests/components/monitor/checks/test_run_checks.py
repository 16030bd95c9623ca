"""What fails by chance at one moment does not fail at two."""

import dataclasses

import pytest

from components.artifacts.monitor_report import CheckResult
from tests.components.monitor.world import World, with_one_list, without_state
from tfx_configs.units import DAY_S, HOUR_S


def _result(world: World, check: str, moment_s: float) -> CheckResult:
    return next(result for result in world.results([moment_s], check)[0] if result.check == check)


@pytest.mark.parametrize(("confirm_hours", "status"), [(0.0, "failed"), (6.0, "ok")])
def test_a_figure_outside_its_limits_fails_when_it_was_so_before(
    shop: World, confirm_hours: float, status: str
) -> None:
    """More than half a day's lists are one list: not so six hours earlier, when a third was."""
    begin_s = shop.baseline.cut_s + 14.5 * DAY_S
    settings = shop.settings.replace(windows_days=(1,), confirm_hours=confirm_hours)
    broken = dataclasses.replace(with_one_list(shop, begin_s), settings=settings)
    first = next(
        begin_s + hours * HOUR_S
        for hours in range(6, 48, 3)
        if (result := _result(broken, "list_overlap", begin_s + hours * HOUR_S)).value > result.high
    )
    result = _result(broken, "list_overlap", first)
    assert result.status == status
    assert result.why == ("" if status == "failed" else "outside its limits, but not 6 h ago")
    assert _result(broken, "list_overlap", first + 6 * HOUR_S).status == "failed"


def test_a_fixed_limit_needs_no_confirmation(shop: World) -> None:
    begin_s = shop.baseline.cut_s + 14.5 * DAY_S
    assert _result(without_state(shop, begin_s), "visits_without_state", begin_s + 5 * HOUR_S).status == "failed"
