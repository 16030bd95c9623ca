"""Each fault on the data side, injected into a real log, is found by its check in time; a clean log fails none."""

import dataclasses

import pytest

from benchmarks.monitoring.__main__ import fired, with_stats
from benchmarks.monitoring.fault import DAY_S, Fault, World, read_faults
from components.monitor.checks.table import table
from components.monitor.data.baseline import load
from tests.components.monitor.world import World as RecordedShop

FAULTS = read_faults()
SLOWER = {"stale_store": 9 * DAY_S}
"""Here shoppers come once a week: that a purchase is missing shows at the visit after it."""
IN_PROCESS = [fault for fault in FAULTS if not fault.needs_distances]
BY_TFDV = [fault for fault in FAULTS if fault.needs_distances]
STUCK = ("stuck_date", "stuck_feed")
"""Of those, what shows in the window of a week."""


@pytest.fixture
def world(shop: RecordedShop) -> World:
    """The recorded shop of the monitor's tests."""
    return World(**vars(shop))


@pytest.mark.parametrize("fault", IN_PROCESS, ids=lambda fault: fault.name)
def test_the_fault_is_found_within_its_time(world: World, fault: Fault) -> None:
    result = fired(world, dataclasses.replace(fault, limit_s=SLOWER.get(fault.name, fault.limit_s)), day=14.5)
    assert result["fired_after_s"] is not None


def test_every_check_has_a_fault_that_it_finds() -> None:
    """The next test covers the distances, whose features it knows."""
    named = {row[0] for row in table() if not row[0].endswith("_*")}
    assert {fault.check for fault in IN_PROCESS} == named


def test_four_clean_weeks_fail_no_check(world: World) -> None:
    moments = [world.baseline.cut_s + (day + 0.5) * DAY_S for day in range(28)]
    failed = world.failed(moments, False)
    assert [sorted(names) for names in failed if names] == []


def test_distances_find_what_only_they_can_and_are_silent_otherwise(world: World) -> None:
    with_stats(world.baseline.path)
    baseline = load(world.baseline.path)
    world = dataclasses.replace(
        world,
        baseline=baseline,
        settings=world.settings.replace(windows_days=(7,), history_weeks=4, confirm_hours=0),
    )
    begin_s, later_s = baseline.cut_s + 14 * DAY_S, baseline.cut_s + 18 * DAY_S
    for fault in BY_TFDV:
        world = fault.inject(world, later_s if fault.name in STUCK else begin_s)
    checked = world.results([begin_s, later_s, later_s + 3 * DAY_S], True)
    failed = [{result.check for result in results if result.status == "failed"} for results in checked]
    measured = {result.check for results in checked for result in results if result.group in ("skew", "drift")}
    assert failed[0] == set()
    assert {fault.check for fault in BY_TFDV if fault.name not in STUCK} <= failed[1]
    assert {fault.check for fault in BY_TFDV if fault.name in STUCK} <= failed[2]
    assert {fault.check for fault in BY_TFDV} == measured


def test_a_fault_that_is_not_there_is_not_found(world: World) -> None:
    nothing = dataclasses.replace(FAULTS[0], inject=lambda world, since_s: world)
    assert fired(world, dataclasses.replace(nothing, check="visits"), day=14.5)["fired_after_s"] is None
