"""What is shown of a guard is what it decides by."""

import pytest

from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guard import Case
from components.rollout.decision.guards import GUARDS, measurements
from tests.components.rollout.decision.test_state_machine import ACTS, SETTINGS, STEPS, evidence_of

SHOWN = {
    *("errors", "recent", "refused", "crashes", "memory", "latency", "fallback", "coverage", "outcomes", "age"),
    *("split", "agreement", "proof"),
}
"""Guards with a figure for people; the others only know yes and no, or count answers."""
PLAN = SETTINGS.replace(min_outcome_ratio=0.8)


def _acting(percent: int, evidence: Evidence) -> tuple[set[str], set[str]]:
    """(guards whose figure is beyond its limit, guards that act)."""
    beyond = {
        shown.rule
        for shown in measurements(PLAN, percent, evidence)
        if (shown.value > shown.limit if shown.at_most else shown.value < shown.limit)
    }
    acting = {guard.name for guard in GUARDS if guard.check(Case(PLAN, percent, evidence))}
    return beyond, acting & SHOWN


@pytest.mark.parametrize("percent", [10, 50, 100])
@pytest.mark.parametrize("name", [*ACTS, *STEPS])
def test_a_figure_is_beyond_its_limit_exactly_when_its_guard_acts(name: str, percent: int) -> None:
    evidence = evidence_of(percent=percent, **ACTS[name]) if name in ACTS else STEPS[name]
    beyond, acting = _acting(percent, evidence)
    assert beyond == acting


def test_healthy_evidence_has_every_figure_at_the_step_before_100_percent() -> None:
    shown = {measured.rule: measured for measured in measurements(PLAN, 50, evidence_of(percent=50))}
    assert set(shown) == SHOWN
    assert (shown["errors"].value, shown["errors"].limit) == (0.0, PLAN.max_error_percent)
    assert (shown["agreement"].value, shown["agreement"].limit) == (50.0, 20.0)


def test_at_100_percent_nothing_is_compared() -> None:
    shown = {measured.rule for measured in measurements(PLAN, 100, evidence_of(percent=100))}
    assert shown == {"errors", "recent", "refused", "crashes", "memory", "age", "split", "agreement"}


def test_a_proof_that_is_exactly_at_its_limit_is_not_enough_and_none_at_all_holds_unshown() -> None:
    by_name = {guard.name: guard for guard in GUARDS}
    sure = {"hits_per_trip_se": 0.0}
    at_limit = evidence_of({"hits": 160, **sure}, sure, percent=50)
    case = Case(PLAN, 50, at_limit)
    assert case.outcomes is not None and case.outcomes.low == PLAN.min_outcome_ratio
    assert by_name["proof"].check(case)
    without = evidence_of(stable={"hits": 0}, percent=50)
    assert by_name["proof"].check(Case(PLAN, 50, without)) and by_name["proof"].measure(Case(PLAN, 50, without)) is None
