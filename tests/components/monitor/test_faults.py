"""Each fault on the data side, injected into a real log, is found by its check in time; a clean log fails none."""

import dataclasses

import pytest

from benchmarks.monitoring import World, fired, with_stats
from benchmarks.monitoring_faults import DAY_S, FAULTS, Fault
from components.monitor.reference import load

SLOWER = {"stale_store": 9 * DAY_S}
"""Here shoppers come once a week: that a purchase is missing shows at the visit after it."""
IN_PROCESS = [fault for fault in FAULTS if not fault.needs_distances]
BY_TFDV = [fault for fault in FAULTS if fault.needs_distances]


@pytest.mark.parametrize("fault", IN_PROCESS, ids=lambda fault: fault.name)
def test_the_fault_is_found_within_its_time(shop: World, fault: Fault) -> None:
    told = fired(shop, dataclasses.replace(fault, limit_s=SLOWER.get(fault.name, fault.limit_s)), day=14.5)
    assert told["fired_after_s"] is not None


def test_four_clean_weeks_fail_no_check(shop: World) -> None:
    moments = [shop.known.cut_s + (day + 0.5) * DAY_S for day in range(28)]
    failed = shop.failed((shop.requests, shop.purchases), moments, False)
    assert [sorted(one) for one in failed if one] == []


def test_distances_find_what_only_they_can_and_are_silent_otherwise(shop: World) -> None:
    with_stats(shop.known.path)
    known = load(shop.known.path)
    settings = dataclasses.replace(shop.settings, windows_days=(1,), history_weeks=5)
    shop = dataclasses.replace(shop, known=known, settings=settings)
    begin_s = known.cut_s + 14 * DAY_S
    frames = (shop.requests, shop.purchases)
    for fault in BY_TFDV:
        frames = fault.inject(*frames, begin_s)
    before, after = shop.failed(frames, [begin_s, begin_s + DAY_S], True)
    assert before == set()
    assert {fault.check for fault in BY_TFDV} <= after


def test_a_fault_that_is_not_there_is_not_found(shop: World) -> None:
    nothing = dataclasses.replace(FAULTS[0], inject=lambda requests, purchases, since_s: (requests, purchases))
    assert fired(shop, dataclasses.replace(nothing, check="", needs_distances=False), day=14.5)["fired_after_s"] is None
