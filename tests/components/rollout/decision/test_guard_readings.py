"""What is told of a guard is what the guard decides by."""

import pytest

from components.rollout.decision.guard_readings import readings
from components.rollout.decision.guards import RULES
from components.rollout.decision.state_machine import Evidence
from tests.components.rollout.decision.test_state_machine import SETTINGS, SPEAKS, STEPS, evidence_of

TOLD = {"errors", "latency", "fallback", "coverage", "outcomes", "age", "split", "agreement", "proof"}
"""Rules with a figure; the others only know yes and no, or count answers."""
PLAN = SETTINGS.replace(min_outcome_ratio=0.8)


def _acting(percent: int, seen: Evidence) -> tuple[set[str], set[str]]:
    """(rules whose figure is beyond its limit, rules that speak)."""
    told = {reading.rule for reading in readings(PLAN, percent, seen) if reading.acts}
    spoken = {rule.name for rule in RULES if rule.check(PLAN, percent, seen)}
    return told, spoken & TOLD


@pytest.mark.parametrize("percent", [10, 50, 100])
@pytest.mark.parametrize("name", [*SPEAKS, *STEPS])
def test_a_figure_is_beyond_its_limit_exactly_when_its_rule_speaks(name: str, percent: int) -> None:
    seen = evidence_of(percent=percent, **SPEAKS[name]) if name in SPEAKS else STEPS[name]
    told, spoken = _acting(percent, seen)
    assert told == spoken


def test_healthy_evidence_has_every_figure_at_the_step_before_everybody() -> None:
    found = readings(PLAN, 50, evidence_of(percent=50))
    assert {reading.rule for reading in found} == TOLD
    by_rule = {reading.rule: reading for reading in found}
    assert (by_rule["errors"].value, by_rule["errors"].limit) == (0.0, PLAN.max_error_percent)
    assert (by_rule["agreement"].value, by_rule["agreement"].limit) == (50.0, 20.0)


def test_at_100_percent_nothing_is_compared() -> None:
    assert {reading.rule for reading in readings(PLAN, 100, evidence_of(percent=100))} == {
        "errors",
        "age",
        "split",
        "agreement",
    }
