"""The rollout's one state machine, pure: (plan, state, evidence) -> decision. Adapters do what it says.

    running at percents[0] -> ... -> running at 100 -> promoted
         |  ^                 any of them -> rolled_back
         v  |  by hand
         held

`decide` asks the rules of components/rollout/decision/guards.py; `by_hand` is what an operator may do. `table` is all
of it, as docs/rollout.md shows it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from components.rollout.decision.confidence_sequence import outcome_ratio
from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.decision.guards import RULES, outcome_alpha
from model.errors import InputError
from tfx_configs.settings import RolloutSettings

__all__ = [
    "Decision",
    "Evidence",
    "Hand",
    "RolloutState",
    "VersionEvidence",
    "apply",
    "by_hand",
    "decide",
    "start",
    "table",
]

StateName = Literal["running", "held", "promoted", "rolled_back"]
Hand = Literal["hold", "resume", "promote", "rollback"]
UNDER_WAY = ("running", "held")
HANDS: dict[tuple[StateName, Hand], StateName] = {
    ("running", "hold"): "held",
    ("held", "resume"): "running",
    ("running", "promote"): "promoted",
    ("held", "promote"): "promoted",
    ("running", "rollback"): "rolled_back",
    ("held", "rollback"): "rolled_back",
    ("promoted", "rollback"): "rolled_back",
}
"""What an operator may do in which state, and where that leads. Everything else is refused."""


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """Where the rollout is. `percent` is the canary's declared share."""

    percent: int
    state: StateName = "running"


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
    """The next move; raises InputError when the rollout is over.

    Every rule that speaks for a rollback is among the reasons; of the holds the first alone. A rollout that is held by
    hand still rolls back.
    """
    if state.state not in UNDER_WAY:
        raise InputError(f"rollout: expected a running one, got {state.state}; start a new one")
    spoken = [
        (rule, f"{rule.name}: {said}") for rule in RULES if (said := rule.check(settings, state.percent, evidence))
    ]
    harm = tuple(reason for rule, reason in spoken if rule.action == "rollback")
    if harm:
        return Decision(action="rollback", percent=0, reasons=harm)
    if state.state == "held":
        return Decision(action="hold", percent=state.percent, reasons=("held: by hand; resume it by hand",))
    if spoken:
        rule, reason = spoken[0]
        return Decision(action="hold", percent=state.percent, reasons=(reason,), wants_traffic=rule.wants_traffic)
    canary = evidence.canary
    outcome = _outcome(settings, evidence)
    good = (f"healthy: {canary.errors} failed of {canary.requests}, p99 {canary.p99_ms:.1f} ms{outcome}",)
    later = [percent for percent in settings.percents if percent > state.percent]
    if later:
        return Decision(action="step", percent=later[0], reasons=good)
    return Decision(action="promote", percent=100, reasons=good)


def apply(state: RolloutState, decision: Decision) -> RolloutState:
    """The state once the decision has been carried out."""
    ends: dict[str, StateName] = {"promote": "promoted", "rollback": "rolled_back"}
    return replace(state, percent=decision.percent, state=ends.get(decision.action, state.state))


def by_hand(state: RolloutState, hand: Hand) -> RolloutState:
    """The state once an operator has acted; raises InputError where that makes no sense."""
    after = HANDS.get((state.state, hand))
    if after is None:
        allowed = ", ".join(other for name, other in HANDS if name == state.state) or "a new canary"
        raise InputError(f"rollout: cannot {hand} one that is {state.state.replace('_', ' ')}; possible: {allowed}")
    percents = {"promoted": 100, "rolled_back": 0}
    return RolloutState(percent=percents.get(after, state.percent), state=after)


def table() -> list[tuple[str, str, str, str, str]]:
    """Every transition: (state, on, action, state afterwards, canary's share afterwards)."""
    rows = []
    for state in UNDER_WAY:
        for rule in RULES:
            if rule.action == "rollback":
                rows.append((state, f"{rule.name}: {rule.when}", "rollback", "rolled_back", "0 %"))
            elif state == "running":
                rows.append((state, f"{rule.name}: {rule.when}", "hold", state, "the same"))
    rows.append(("running", "none of these, and a larger share in the plan", "step", "running", "the next"))
    rows.append(("running", "none of these, at 100 %", "promote", "promoted", "100 %"))
    rows.append(("held", "none that rolls back", "hold", "held", "the same"))
    shares = {"promoted": "100 %", "rolled_back": "0 %"}
    rows += [
        (state, f"by hand: {hand}", hand, after, shares.get(after, "the same"))
        for (state, hand), after in HANDS.items()
    ]
    return rows


def _outcome(settings: RolloutSettings, evidence: Evidence) -> str:
    found = outcome_ratio(evidence, outcome_alpha(settings))
    return f", hits per trip {found[0]:.2f} of stable's [{found[1]:.2f}, {found[2]:.2f}]" if found else ""
