"""The guards of a rollout, in the order in which they are evaluated.

Each guard has a figure, its limit, and what the rollout does when the figure is beyond it. The decision and the
measurements that people see both read that one definition. docs/reference/decisions.md is written from it.
Latency, lists, fallbacks and outcomes compare the two versions, so they need a full sample on both sides; at 100 %,
where stable has no traffic, they were settled at the step before.
"""

import math
from collections.abc import Callable
from typing import Any

from components.rollout.decision.confidence_sequence import OutcomeRatio, requests_needed
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guard import Action, Case, Figure, Guard, Measurement, Sense
from components.rollout.decision.proportions import share_bounds
from components.rollout.decision.split_test import split_always_valid_p
from tfx_configs.rollout import RolloutSettings
from tfx_configs.units import HOUR_S

OVERLAP_NOISE = 0.05
"""By how much the canary's lists must be more alike than stable's before that counts."""
SURE = 0.001
"""Alpha of each bound of a share of requests: it is evaluated again and again."""

GUARDS: list[Guard] = []
"""All of them, in order."""


def measurements(plan: RolloutSettings, percent: int, evidence: Evidence) -> list[Measurement]:
    """How far each guard is from acting, in the guards' order."""
    case = Case(plan, percent, evidence)
    return [measured for guard in GUARDS if (measured := guard.measure(case))]


def describe(outcomes: OutcomeRatio) -> str:
    """The ratio of outcomes with its interval, for people."""
    return f"hits per trip {outcomes.ratio:.2f} of stable's [{outcomes.low:.2f}, {outcomes.high:.2f}]"


def _surely_more(count: int, total: int, stable_count: int, stable_total: int, alone: float) -> float:
    """By how many points the canary's share is above stable's at least; `alone`: stable's, where it has no traffic."""
    low = share_bounds(count, total, SURE)[0]
    high = share_bounds(stable_count, stable_total, SURE)[1] if stable_total else alone
    return 100 * max(low - high, 0.0)


def _guard(action: Action, sense: Sense, **row: Any) -> Callable[[Callable[[Case], Figure | None]], None]:
    """Adds the decorated figure as a guard of its name; `row`: more fields of Guard."""
    return lambda figure: GUARDS.append(Guard(figure=figure, action=action, sense=sense, **row))


@_guard("rollback", "at least")
def down(case: Case) -> Figure:
    """the canary does not pass its readiness check"""
    return Figure(float(case.evidence.canary_ready), 1.0, "the canary does not pass its readiness check")


@_guard("rollback", "at most", shown="failed", unit="%")
def errors(case: Case) -> Figure:
    """more failed canary requests than `max_error_percent` of a full sample"""
    # As many failures as a full sample may have are enough before it is full.
    canary, allowed = case.canary, case.plan.max_error_percent
    failed = 100 * canary.errors / max(canary.requests, case.plan.min_canary_requests)
    broke = f" ({canary.violations} answers broke the contract)" if canary.violations else ""
    return Figure(failed, allowed, f"{canary.errors} of {canary.requests} canary requests, over {allowed} %{broke}")


@_guard("rollback", "at most", shown="failed lately more than stable, surely", unit="points")
def recent(case: Case) -> Figure:
    """of the last minute's requests it surely failed or refused more than stable, by over `max_error_percent`"""
    # A canary that was fine for days must be out at once; where both fail, what they share is to blame.
    canary, stable = case.canary, case.stable
    counts = (canary.recent_failures, canary.recent_requests, stable.recent_failures, stable.recent_requests)
    reason = "{} of the canary's last {} requests, {} of stable's {}".format(*counts)
    return Figure(_surely_more(*counts, alone=0.0), case.plan.max_error_percent, reason)


@_guard("rollback", "at most", shown="refused more than stable, surely", unit="points")
def refused(case: Case) -> Figure:
    """it surely refuses more of its requests (4xx) than stable, by over `max_refused_points`"""
    canary, stable = case.canary, case.stable
    counts = canary.refused, canary.requests + canary.refused, stable.refused, stable.requests + stable.refused
    reason = "{} of {} canary requests refused, {} of {} of stable's".format(*counts)
    return Figure(_surely_more(*counts, alone=1.0), case.plan.max_refused_points, reason)


@_guard("rollback", "at most")
def probes(case: Case) -> Figure:
    """its answers to made-up shoppers, asked from outside, break the contract or do not come"""
    failures = case.evidence.probe_failures
    return Figure(len(failures), 0, f"answers to made-up shoppers: {'; '.join(failures)}")


@_guard("rollback", "at most", shown="restarts more than stable")
def crashes(case: Case) -> Figure:
    """its servers ended by themselves more often than stable's, by over `max_restarts`"""
    canary, stable = case.canary.restarts, case.stable.restarts
    reason = f"{canary} restarts of the canary's servers, {stable} of stable's"
    return Figure(max(canary - stable, 0), case.plan.max_restarts, reason)


@_guard("rollback", "at most", shown="memory over stable's")
def memory(case: Case) -> Figure | None:
    """its servers take more than `max_memory_ratio` times the memory of stable's"""
    canary, stable = case.canary.memory_mb, case.stable.memory_mb
    if not canary or not stable:
        return None
    reason = f"{canary:.0f} MB, {canary / stable:.1f} times stable's {stable:.0f} MB"
    return Figure(canary / stable, case.plan.max_memory_ratio, reason)


@_guard("rollback", "at most", shown="p99, surely", unit="ms", full_sample=True)
def latency(case: Case) -> Figure:
    """its p99 is surely above `p99_floor_ms` and above `max_p99_ratio` times stable's"""
    canary_ms, stable_ms = case.canary.p99_ms, case.stable.p99_ms
    limit_ms = max(case.plan.p99_floor_ms, case.plan.max_p99_ratio * stable_ms)
    reason = f"canary p99 {canary_ms:.1f} ms, over {limit_ms:.1f} ms (stable {stable_ms:.1f} ms)"
    return Figure(case.canary.p99_low_ms, limit_ms, reason)


@_guard("rollback", "at most", shown="more fallbacks than stable", unit="points", full_sample=True)
def fallback(case: Case) -> Figure:
    """more of its answers are fallbacks than of stable's, by over `max_fallback_points`"""
    canary, stable = case.canary.fallback_percent, case.stable.fallback_percent
    reason = f"{canary:.1f} % of the canary's answers, {stable:.1f} % of stable's"
    return Figure(canary - stable, case.plan.max_fallback_points, reason)


@_guard("rollback", "at most", shown="in common between lists", unit="%", full_sample=True)
def coverage(case: Case) -> Figure:
    """shoppers' lists share more than `max_list_overlap` of their items, and more than stable's do"""
    canary, stable = case.canary.list_overlap, case.stable.list_overlap
    limit = max(case.plan.max_list_overlap, stable + OVERLAP_NOISE)
    reason = f"two shoppers' lists share {canary:.0%} of their items, with stable {stable:.0%}"
    return Figure(100 * canary, 100 * limit, reason)


@_guard("rollback", "at least", shown="hits over stable's, at best", full_sample=True)
def outcomes(case: Case) -> Figure | None:
    """the always-valid interval of its hits per trip over stable's is below 1"""
    return Figure(case.outcomes.high, 1.0, describe(case.outcomes)) if case.outcomes else None


@_guard("rollback", "at most")
def metrics(case: Case) -> Figure | None:
    """a metric of the plan is beyond its limit"""
    measured = case.evidence.metrics
    beyond = [
        f"{metric.name} {value:g}, {metric.sense} {metric.limit:g} allowed"
        for metric in case.plan.metrics
        if (value := measured.get(metric.name)) is not None and metric.is_beyond(value)
    ]
    return Figure(len(beyond), 0, "; ".join(beyond)) if case.plan.metrics else None


@_guard("rollback", "at most", shown="undecided", unit="h")
def age(case: Case) -> Figure:
    """undecided for longer than `max_age_hours`"""
    hours, allowed = case.evidence.age_s / HOUR_S, case.plan.max_age_hours
    return Figure(hours, allowed, f"undecided after {hours:.0f} h, the plan allows {allowed:g} h")


@_guard("hold", "at least", shown="p of the split")
def split(case: Case) -> Figure:
    """the observed shoppers do not fit the declared share (`split_alpha`): the evidence is not what it seems"""
    canary, total = case.canary.shoppers, case.canary.shoppers + case.stable.shoppers
    p_value = split_always_valid_p(canary, total, case.percent)
    reason = f"{canary} of {total} shoppers at a declared {case.percent} % (p = {p_value:.2g})"
    return Figure(p_value, case.plan.split_alpha, reason)


@_guard("hold", "at least", shown="of its items are stable's too", unit="%")
def agreement(case: Case) -> Figure | None:
    """less than `min_agreement` of its items are in stable's answers too: an operator should check"""
    share, required = case.evidence.agreement, case.plan.min_agreement
    if share is None:
        return None
    reason = f"{share:.0%} of the canary's items are in stable's answer too, {required:.0%} required"
    return Figure(100 * share, 100 * required, reason)


@_guard("hold", "at most", wants_traffic=True)
def no_data(case: Case) -> Figure | None:
    """a metric of the plan has no value"""
    missing = [metric.name for metric in case.plan.metrics if case.evidence.metrics.get(metric.name) is None]
    return Figure(len(missing), 0, f"no value of {', '.join(missing)}") if case.plan.metrics else None


@_guard("hold", "at least", wants_traffic=True)
def hours(case: Case) -> Figure:
    """the current share is younger than `min_hours`"""
    age, needed = case.evidence.share_age_s / HOUR_S, case.plan.min_hours
    return Figure(age, needed, f"{age:.1f} h at {case.percent} %, the plan asks for {needed:g} h")


@_guard("hold", "at least", wants_traffic=True)
def traffic(case: Case) -> Figure:
    """fewer than `min_canary_requests` of its answers observed"""
    answers, needed = case.canary.requests, case.plan.min_canary_requests
    return Figure(answers, needed, f"{answers} canary answers of the {needed} needed")


@_guard("hold", "above", shown="hits over stable's, at worst", wants_traffic=True)
def proof(case: Case) -> Figure | None:
    """before 100 %: the interval is not above `min_outcome_ratio` yet"""
    # Demanded of the last step in which stable has traffic: the next has nothing to compare with.
    plan, wanted = case.plan, case.plan.min_outcome_ratio
    if wanted == 0 or [step for step in plan.percents if step > case.percent] != [100]:
        return None
    low = case.outcomes.low if case.outcomes else -math.inf
    needed = requests_needed(case.evidence, wanted, case.alpha) if low <= wanted else None
    more = f"; about {needed:,} requests in all would show it" if needed else ""
    return Figure(low, wanted, f"hits per trip surely above {max(low, 0.0):.2f} of stable's, {wanted:.2f} needed{more}")
