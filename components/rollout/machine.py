"""The rollout's one state machine, pure: (settings, state, evidence) -> decision. Adapters do what it says.

    running at percents[0] -> ... -> running at 100 -> promoted
                     any of them -> rolled_back

Guardrails, in order; the first that speaks decides:
  1. the canary is down, or fails more requests than `max_error_percent` allows   -> rollback
  2. its p99 is surely above the floor and above `max_p99_ratio` times stable's   -> rollback
  3. its outcomes are below `min_outcome_ratio` of stable's, surely below 1       -> rollback
  4. the shoppers seen do not fit the declared split (`split_alpha`)              -> hold: the evidence is not what it
     seems, which says nothing about the model, so nobody is moved and the run fails
  5. fewer than `min_canary_requests` answers                                     -> hold, and ask for more traffic
  6. otherwise                                                                    -> the next percent, or promote

1 looks at the first requests already: as many failures as a full sample may have are enough. 2 and 3 want a full
sample on both sides, so at 100 %, where stable has no traffic, they were settled at the step before.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from components.rollout.split import split_p_value
from model.errors import InputError
from tfx_configs.settings import RolloutSettings

Z95 = 1.96


@dataclass(frozen=True, kw_only=True)
class VersionEvidence:
    """What one version did during one step."""

    requests: int
    """Requests assigned to it."""
    errors: int
    """Of those, the ones it did not answer well, including those the other version answered in its place."""
    shoppers: int
    """Distinct shoppers it answered."""
    p50_ms: float
    p99_ms: float
    p99_low_ms: float
    """The p99 is at least this, with 99 % confidence."""
    trips: int
    """Answered trips with a known outcome."""
    hits: int
    """Items of the answers that were bought on those trips."""
    hits_per_trip_se: float
    """Standard error of hits / trips, clustered by shopper."""

    @property
    def hits_per_trip(self) -> float:
        return self.hits / self.trips if self.trips else 0.0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was observed since the percent in force was set."""

    stable: VersionEvidence
    canary: VersionEvidence
    canary_ready: bool = True
    """Whether the canary passes its readiness check now."""


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """Where the rollout is. `percent` is the canary's declared share."""

    percent: int
    state: Literal["running", "promoted", "rolled_back"] = "running"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do: `percent` is the canary's share afterwards."""

    action: Literal["step", "hold", "promote", "rollback"]
    percent: int
    reasons: tuple[str, ...]
    wants_traffic: bool = False
    """A hold that more requests may end."""


def start(settings: RolloutSettings) -> RolloutState:
    return RolloutState(percent=settings.percents[0])


def decide(settings: RolloutSettings, state: RolloutState, evidence: Evidence) -> Decision:
    """The next move; raises InputError when the rollout is over."""
    if state.state != "running":
        raise InputError(f"rollout: expected a running one, got {state.state}; start a new one")
    harm = [*_failing(settings, evidence), *_slow(settings, evidence), *_worse(settings, evidence)]
    if harm:
        return Decision(action="rollback", percent=0, reasons=tuple(harm))
    canary, stable = evidence.canary, evidence.stable
    p_value = split_p_value(canary.shoppers, canary.shoppers + stable.shoppers, state.percent)
    if p_value < settings.split_alpha:
        total = canary.shoppers + stable.shoppers
        reason = f"split: {canary.shoppers} of {total} shoppers at a declared {state.percent} % (p = {p_value:.2g})"
        return Decision(action="hold", percent=state.percent, reasons=(reason,))
    if canary.requests < settings.min_canary_requests:
        reason = f"traffic: {canary.requests} canary answers of the {settings.min_canary_requests} needed"
        return Decision(action="hold", percent=state.percent, reasons=(reason,), wants_traffic=True)
    good = (f"healthy: {canary.errors} failed of {canary.requests}, p99 {canary.p99_ms:.1f} ms{_outcome(evidence)}",)
    later = [percent for percent in settings.percents if percent > state.percent]
    if later:
        return Decision(action="step", percent=later[0], reasons=good)
    return Decision(action="promote", percent=100, reasons=good)


def apply(state: RolloutState, decision: Decision) -> RolloutState:
    """The state once the decision has been carried out."""
    ends: dict[str, Literal["promoted", "rolled_back"]] = {"promote": "promoted", "rollback": "rolled_back"}
    return replace(state, percent=decision.percent, state=ends.get(decision.action, state.state))


def outcome_ratio(evidence: Evidence) -> tuple[float, float, float] | None:
    """(ratio, low, high): canary's hits per trip over stable's with a 95 % interval; None without hits on both sides.

    On the log scale by the delta method: var(log(a / b)) = (se_a / a)^2 + (se_b / b)^2.
    """
    canary, stable = evidence.canary, evidence.stable
    if not stable.hits or not canary.trips:
        return None
    if not canary.hits:
        return 0.0, 0.0, 0.0
    ratio = canary.hits_per_trip / stable.hits_per_trip
    spread = math.hypot(canary.hits_per_trip_se / canary.hits_per_trip, stable.hits_per_trip_se / stable.hits_per_trip)
    return ratio, ratio * math.exp(-Z95 * spread), ratio * math.exp(Z95 * spread)


def _failing(settings: RolloutSettings, evidence: Evidence) -> list[str]:
    if not evidence.canary_ready:
        return ["down: the canary does not pass its readiness check"]
    canary = evidence.canary
    sample = max(canary.requests, settings.min_canary_requests)
    if canary.errors * 100 > settings.max_error_percent * sample:
        return [f"errors: {canary.errors} of {canary.requests} canary requests, over {settings.max_error_percent} %"]
    return []


def _slow(settings: RolloutSettings, evidence: Evidence) -> list[str]:
    canary, stable = evidence.canary, evidence.stable
    limit_ms = max(settings.p99_floor_ms, settings.max_p99_ratio * stable.p99_ms)
    if _comparable(settings, evidence) and canary.p99_low_ms > limit_ms:
        return [f"latency: canary p99 {canary.p99_ms:.1f} ms, over {limit_ms:.1f} ms (stable {stable.p99_ms:.1f} ms)"]
    return []


def _worse(settings: RolloutSettings, evidence: Evidence) -> list[str]:
    found = outcome_ratio(evidence)
    if found is None or not _comparable(settings, evidence):
        return []
    ratio, low, high = found
    if ratio < settings.min_outcome_ratio and high < 1:
        return [f"outcomes: hits per trip {ratio:.2f} of stable's [{low:.2f}, {high:.2f}]"]
    return []


def _comparable(settings: RolloutSettings, evidence: Evidence) -> bool:
    return min(evidence.canary.requests, evidence.stable.requests) >= settings.min_canary_requests


def _outcome(evidence: Evidence) -> str:
    found = outcome_ratio(evidence)
    return f", hits per trip {found[0]:.2f} of stable's [{found[1]:.2f}, {found[2]:.2f}]" if found else ""
