"""A plan that waits for an operator at some of its shares."""

import pytest

from components.rollout.decision.state_machine import RolloutState, apply, command, decide, start
from components.rollout.decision.states import Command, State
from tests.components.rollout.decision.test_state_machine import AT_10, SETTINGS, evidence_of
from tfx_configs.frozen import SettingsError


def test_a_step_to_a_share_that_the_plan_pauses_at_waits_for_an_operator() -> None:
    plan = SETTINGS.replace(pauses=(50,))
    assert start(plan) == AT_10
    held = apply(AT_10, decide(plan, AT_10, evidence_of()))
    assert held == RolloutState(percent=50, state=State.HELD)
    assert decide(plan, held, evidence_of(percent=50)).reasons == ("held: by an operator; resume it first",)
    assert decide(plan, held, evidence_of({"errors": 9}, percent=50)).action == "rollback"
    resumed = command(held, Command.RESUME)
    assert apply(resumed, decide(plan, resumed, evidence_of(percent=50))) == RolloutState(percent=100)
    assert start(SETTINGS.replace(pauses=(10,))).state == State.HELD
    with pytest.raises(SettingsError, match="pauses: expected shares that are in percents"):
        SETTINGS.replace(pauses=(20,))
