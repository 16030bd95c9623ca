"""How far each guardrail is from acting, as numbers, for who looks at a rollout. guards.py decides; this only tells."""

import dataclasses
import math
from collections.abc import Iterator

from components.rollout.decision.confidence_sequence import outcome_ratio
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guards import HOUR_S, OVERLAP_NOISE, comparable, outcome_alpha, proof_step
from components.rollout.decision.split_test import split_always_valid_p
from tfx_configs.settings import RolloutSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """One rule's figure beside its limit. `what` and `unit`: for people."""

    rule: str
    what: str
    value: float
    limit: float
    at_most: bool
    """Else the value has to be at least the limit."""
    unit: str = ""

    @property
    def acts(self) -> bool:
        return self.value > self.limit if self.at_most else self.value < self.limit


def readings(plan: RolloutSettings, percent: int, seen: Evidence) -> list[Reading]:
    """Of the rules that have a figure and, where they compare, a full sample on both sides; in the rules' order."""
    return [one for one in _readings(plan, percent, seen) if math.isfinite(one.value)]


def _readings(plan: RolloutSettings, percent: int, seen: Evidence) -> Iterator[Reading]:
    canary, stable, both = seen.canary, seen.stable, comparable(plan, seen)
    sample = max(canary.requests, plan.min_canary_requests)
    failed = 100 * canary.errors / sample
    yield Reading(rule="errors", what="failed", value=failed, limit=plan.max_error_percent, at_most=True, unit="%")
    if both:
        limit_ms = max(plan.p99_floor_ms, plan.max_p99_ratio * stable.p99_ms)
        yield Reading(
            rule="latency", what="p99, surely", value=canary.p99_low_ms, limit=limit_ms, at_most=True, unit="ms"
        )
        yield Reading(
            rule="fallback",
            what="more fallbacks than stable",
            value=canary.fallback_percent - stable.fallback_percent,
            limit=plan.max_fallback_points,
            at_most=True,
            unit="points",
        )
        yield Reading(
            rule="coverage",
            what="in common between lists",
            value=100 * canary.list_overlap,
            limit=100 * max(plan.max_list_overlap, stable.list_overlap + OVERLAP_NOISE),
            at_most=True,
            unit="%",
        )
    found = outcome_ratio(seen, outcome_alpha(plan))
    if found and both:
        yield Reading(rule="outcomes", what="hits over stable's, at best", value=found[2], limit=1.0, at_most=False)
    hours = seen.age_s / HOUR_S
    yield Reading(rule="age", what="undecided", value=hours, limit=plan.max_age_hours, at_most=True, unit="h")
    p_value = split_always_valid_p(canary.shoppers, canary.shoppers + stable.shoppers, percent)
    yield Reading(rule="split", what="p of the split", value=p_value, limit=plan.split_alpha, at_most=False)
    if seen.agreement is not None:
        yield Reading(
            rule="agreement",
            what="of its items are stable's too",
            value=100 * seen.agreement,
            limit=100 * plan.min_agreement,
            at_most=False,
            unit="%",
        )
    if found and proof_step(plan, percent):
        yield Reading(
            rule="proof",
            what="hits over stable's, at worst",
            value=found[1],
            limit=plan.min_outcome_ratio,
            at_most=False,
        )
