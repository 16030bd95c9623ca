"""What may speak against the next step, in the order in which it is asked.

Each rule is a row: its name, what it makes the rollout do, and when. docs/rollout.md shows them as a table, and a test
compares the two. Latency, lists, fallbacks and outcomes compare the two versions, so they want a full sample on both
sides; at 100 %, where stable has no traffic, they were settled at the step before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from components.rollout.decision.confidence_sequence import outcome_ratio, requests_needed
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.split_test import split_always_valid_p
from tfx_configs.settings import RolloutSettings
from tfx_configs.units import HOUR_S

OVERLAP_NOISE = 0.05
"""By how much the canary's lists must be more alike than stable's before that counts."""

Check = Callable[[RolloutSettings, int, Evidence], str | None]
"""(plan, percent in force, evidence) -> the reason to act, or None."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One guardrail or demand."""

    name: str
    """First word of its reason."""
    action: Literal["rollback", "hold"]
    when: str
    """For people."""
    check: Check
    wants_traffic: bool = False
    """A hold that more requests may end."""


def outcome_alpha(plan: RolloutSettings) -> float:
    """Each step that compares begins anew with an equal part of the plan's alpha: other shoppers, another week."""
    return plan.outcome_alpha / max(1, len(plan.percents) - 1)


def _down(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    return None if seen.canary_ready else "the canary does not pass its readiness check"


def _errors(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    """As many failures as a full sample may have are enough before it is full."""
    canary = seen.canary
    sample = max(canary.requests, plan.min_canary_requests)
    if canary.errors * 100 > plan.max_error_percent * sample:
        return f"{canary.errors} of {canary.requests} canary requests, over {plan.max_error_percent} %"
    return None


def _latency(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    canary, stable = seen.canary, seen.stable
    limit_ms = max(plan.p99_floor_ms, plan.max_p99_ratio * stable.p99_ms)
    if comparable(plan, seen) and canary.p99_low_ms > limit_ms:
        return f"canary p99 {canary.p99_ms:.1f} ms, over {limit_ms:.1f} ms (stable {stable.p99_ms:.1f} ms)"
    return None


def _fallback(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    canary, stable = seen.canary, seen.stable
    if comparable(plan, seen) and canary.fallback_percent > stable.fallback_percent + plan.max_fallback_points:
        return f"{canary.fallback_percent:.1f} % of the canary's answers, {stable.fallback_percent:.1f} % of stable's"
    return None


def _coverage(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    canary, stable = seen.canary.list_overlap, seen.stable.list_overlap
    if comparable(plan, seen) and canary > max(plan.max_list_overlap, stable + OVERLAP_NOISE):
        return f"two shoppers' lists share {canary:.0%} of their items, with stable {stable:.0%}"
    return None


def _outcomes(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    found = outcome_ratio(seen, outcome_alpha(plan))
    if found is None or not comparable(plan, seen) or found[2] >= 1:
        return None
    return f"hits per trip {found[0]:.2f} of stable's [{found[1]:.2f}, {found[2]:.2f}]"


def _age(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    if seen.age_s > plan.max_age_hours * HOUR_S:
        return f"undecided after {seen.age_s / HOUR_S:.0f} h, the plan allows {plan.max_age_hours:g} h"
    return None


def _split(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    canary, total = seen.canary.shoppers, seen.canary.shoppers + seen.stable.shoppers
    p_value = split_always_valid_p(canary, total, percent)
    if p_value < plan.split_alpha:
        return f"{canary} of {total} shoppers at a declared {percent} % (p = {p_value:.2g})"
    return None


def _agreement(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    if seen.agreement is not None and seen.agreement < plan.min_agreement:
        return f"{seen.agreement:.0%} of the canary's items are in stable's answer too, {plan.min_agreement:.0%} asked"
    return None


def _traffic(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    if seen.canary.requests < plan.min_canary_requests:
        return f"{seen.canary.requests} canary answers of the {plan.min_canary_requests} needed"
    return None


def _proof(plan: RolloutSettings, percent: int, seen: Evidence) -> str | None:
    """Asked of the last step that stable has traffic in: the next has nothing to compare with."""
    if not proof_step(plan, percent):
        return None
    found = outcome_ratio(seen, outcome_alpha(plan))
    low = found[1] if found else 0.0
    if low <= plan.min_outcome_ratio:
        needed = requests_needed(seen, plan.min_outcome_ratio, outcome_alpha(plan))
        more = f"; about {needed:,} requests in all would show it" if needed else ""
        return f"hits per trip surely above {low:.2f} of stable's, {plan.min_outcome_ratio:.2f} needed{more}"
    return None


def proof_step(plan: RolloutSettings, percent: int) -> bool:
    """Whether the next step is 100 % and the plan asks for a proof before it."""
    return plan.min_outcome_ratio > 0 and [step for step in plan.percents if step > percent] == [100]


def comparable(plan: RolloutSettings, seen: Evidence) -> bool:
    """A full sample on both sides."""
    return min(seen.canary.requests, seen.stable.requests) >= plan.min_canary_requests


RULES = (
    Rule(name="down", action="rollback", when="the canary does not pass its readiness check", check=_down),
    Rule(
        name="errors",
        action="rollback",
        when="more failed canary requests than `max_error_percent` of a full sample",
        check=_errors,
    ),
    Rule(
        name="latency",
        action="rollback",
        when="its p99 is surely above `p99_floor_ms` and above `max_p99_ratio` times stable's",
        check=_latency,
    ),
    Rule(
        name="fallback",
        action="rollback",
        when="more of its answers are fallbacks than of stable's, by over `max_fallback_points`",
        check=_fallback,
    ),
    Rule(
        name="coverage",
        action="rollback",
        when="shoppers' lists share more than `max_list_overlap` of their items, and more than stable's do",
        check=_coverage,
    ),
    Rule(
        name="outcomes",
        action="rollback",
        when="the always-valid interval of its hits per trip over stable's is below 1",
        check=_outcomes,
    ),
    Rule(name="age", action="rollback", when="undecided for longer than `max_age_hours`", check=_age),
    Rule(
        name="split",
        action="hold",
        when="the shoppers seen do not fit the declared share (`split_alpha`): the evidence is not what it seems",
        check=_split,
    ),
    Rule(
        name="agreement",
        action="hold",
        when="less than `min_agreement` of its items are in stable's answers too: a person should look",
        check=_agreement,
    ),
    Rule(
        name="traffic",
        action="hold",
        when="fewer than `min_canary_requests` of its answers seen",
        check=_traffic,
        wants_traffic=True,
    ),
    Rule(
        name="proof",
        action="hold",
        when="before 100 %: the interval is not above `min_outcome_ratio` yet",
        check=_proof,
        wants_traffic=True,
    ),
)
