"""The rollout's one state machine, pure: (plan, state, evidence) -> decision. Adapters carry it out.

    running at percents[0] -> ... -> running at 100 -> promoted
         |  ^                 any of them -> rolled_back
         v  |  by command
         held

`decide` evaluates the guards of components/rollout/decision/guards.py; `command` is what an operator may order.
docs/reference/decisions.md shows all of it as a table, and a test compares.
"""

from dataclasses import dataclass, replace
from typing import Literal

from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guard import Case
from components.rollout.decision.guards import GUARDS, describe
from components.rollout.decision.states import Command, State
from model.errors import InputError
from tfx_configs.rollout import RolloutSettings

DECIDABLE = (State.RUNNING, State.HELD)
COMMANDS: dict[tuple[State, Command], State] = {
    (State.RUNNING, Command.HOLD): State.HELD,
    (State.HELD, Command.RESUME): State.RUNNING,
    (State.RUNNING, Command.PROMOTE): State.PROMOTED,
    (State.HELD, Command.PROMOTE): State.PROMOTED,
    (State.RUNNING, Command.ROLLBACK): State.ROLLED_BACK,
    (State.HELD, Command.ROLLBACK): State.ROLLED_BACK,
    (State.PROMOTED, Command.ROLLBACK): State.ROLLED_BACK,
}
"""What an operator may order in which state, and where that leads. Everything else is refused."""
END_PERCENT = {State.PROMOTED: 100, State.ROLLED_BACK: 0}


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """Where the rollout is. `percent` is the canary's declared share."""

    percent: int
    state: State = State.RUNNING


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do: `percent` is the canary's share afterwards. `none`: there is no canary to decide on."""

    action: Literal["step", "hold", "promote", "rollback", "none"]
    percent: int
    reasons: tuple[str, ...]
    wants_traffic: bool = False
    """A hold that more requests may end."""
    pauses: bool = False
    """A step to a share at which the plan waits for an operator."""

    @property
    def line(self) -> str:
        """For logs."""
        return f"{self.action}: {'; '.join(self.reasons)}"


def decide(settings: RolloutSettings, state: RolloutState, evidence: Evidence) -> Decision:
    """The next move; raises InputError when the rollout is over.

    Every guard that demands a rollback is among the reasons; of the holds the first alone. A rollout that an operator
    holds still rolls back.
    """
    if state.state not in DECIDABLE:
        raise InputError(f"rollout: expected a running one, got {state.state}; start a new one")
    case = Case(settings, state.percent, evidence)
    objections = [(guard, reason) for guard in GUARDS if (reason := guard.check(case))]
    harm = tuple(reason for guard, reason in objections if guard.action == "rollback")
    if harm:
        return Decision(action="rollback", percent=0, reasons=harm)
    if state.state == State.HELD:
        return Decision(action="hold", percent=state.percent, reasons=("held: by an operator; resume it first",))
    if objections:
        guard, reason = objections[0]
        return Decision(action="hold", percent=state.percent, reasons=(reason,), wants_traffic=guard.wants_traffic)
    canary = evidence.canary
    outcomes = f", {describe(case.outcomes)}" if case.outcomes else ""
    healthy = (f"healthy: {canary.errors} failed of {canary.requests}, p99 {canary.p99_ms:.1f} ms{outcomes}",)
    later = [percent for percent in settings.percents if percent > state.percent]
    if later:
        pauses = later[0] in settings.pauses
        return Decision(action="step", percent=later[0], reasons=healthy, pauses=pauses)
    return Decision(action="promote", percent=100, reasons=healthy)


def apply(state: RolloutState, decision: Decision) -> RolloutState:
    """The state once the decision has been carried out."""
    ends = {"promote": State.PROMOTED, "rollback": State.ROLLED_BACK}
    after = State.HELD if decision.pauses else ends.get(decision.action, state.state)
    return replace(state, percent=decision.percent, state=after)


def start(settings: RolloutSettings) -> RolloutState:
    """Where a rollout begins."""
    first = settings.percents[0]
    return RolloutState(percent=first, state=State.HELD if first in settings.pauses else State.RUNNING)


def command(state: RolloutState, order: Command) -> RolloutState:
    """The state once an operator's order has been carried out; raises InputError where the state does not allow it."""
    current = State.RUNNING if state.state == State.ABORTED else state.state
    after = COMMANDS.get((current, order))
    if after is None:
        allowed = ", ".join(other for allowed_in, other in COMMANDS if allowed_in == current) or "a new canary"
        raise InputError(f"rollout: cannot {order} one that is {current.words}; possible: {allowed}")
    return RolloutState(percent=END_PERCENT.get(after, state.percent), state=after)
