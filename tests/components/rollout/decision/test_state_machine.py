"""Every transition of the state machine, at every step: docs/reference/decisions.md shows the same table."""

import dataclasses
import math
import re
from typing import Any

import pytest

from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.decision.guards import GUARDS
from components.rollout.decision.state_machine import (
    COMMANDS,
    DECIDABLE,
    Decision,
    RolloutState,
    apply,
    command,
    decide,
)
from components.rollout.decision.states import Command, State
from model.errors import InputError
from pipelines.reference.decisions_page import transitions
from tfx_configs.rollout import MetricLimit, RolloutSettings

BASKET = MetricLimit(name="basket value", query="shop_basket_value", sense="at least", limit=20.0)
SETTINGS = RolloutSettings(
    percents=(10, 50, 100), min_canary_requests=100, min_agreement=0.2, min_hours=24.0, metrics=(BASKET,)
)


def _version(**changes: Any) -> VersionEvidence:
    healthy = VersionEvidence(
        requests=100,
        errors=0,
        shoppers=20,
        p50_ms=5.0,
        p99_ms=20.0,
        p99_low_ms=15.0,
        trips=100,
        hits=200,
        hits_per_trip_se=0.05,
        list_overlap=0.1,
        memory_mb=500.0,
    )
    return dataclasses.replace(healthy, **changes)


def evidence_of(
    canary: dict[str, Any] | None = None, stable: dict[str, Any] | None = None, percent: int = 10, **rest: Any
) -> Evidence:
    """Healthy at `percent`: of 200 shoppers, that share with the canary; at 100 %, stable has no shoppers."""
    shoppers = 2 * percent
    if percent == 100:
        theirs = {"requests": 0, "shoppers": 0, "trips": 0, "hits": 0, "hits_per_trip_se": math.inf}
    else:
        theirs = {"requests": 900, "shoppers": 200 - shoppers, "trips": 900, "hits": 1800}
    return Evidence(
        canary=_version(**{"shoppers": shoppers} | (canary or {})),
        stable=_version(**theirs | (stable or {})),
        **{"agreement": 0.5, "share_age_s": 25 * 3600.0, "metrics": {"basket value": 21.0}} | rest,
    )


AT_10 = RolloutState(percent=10)

ACTS: dict[str, dict[str, Any]] = {
    "down": {"canary_ready": False},
    "errors": {"canary": {"errors": 2}},
    "recent": {"canary": {"recent_requests": 50, "recent_failures": 10}},
    "refused": {"canary": {"refused": 20}},
    "probes": {"probe_failures": ("an item twice",)},
    "crashes": {"canary": {"restarts": 2}},
    "memory": {"canary": {"memory_mb": 1001.0}},
    "latency": {"canary": {"p99_low_ms": 51.0}},
    "fallback": {"canary": {"fallbacks": 6}},
    "coverage": {"canary": {"list_overlap": 0.95}},
    "outcomes": {"canary": {"hits": 140}},
    "metrics": {"metrics": {"basket value": 19.9}},
    "age": {"age_s": 15 * 86_400.0},
    "split": {"canary": {"shoppers": 90}, "stable": {"shoppers": 20}},
    "agreement": {"agreement": 0.1},
    "no_data": {"metrics": {"basket value": None}},
    "hours": {"share_age_s": 23 * 3600.0},
    "traffic": {"canary": {"requests": 99}},
    "proof": {"canary": {"hits_per_trip_se": 0.5}},
}
"""Evidence on which each guard acts."""
COMPARE = {"refused", "latency", "fallback", "coverage", "outcomes"}
"""Silent at 100 %, where stable has no traffic."""


def test_every_guard_has_evidence_here() -> None:
    assert list(ACTS) == [guard.name for guard in GUARDS]


@pytest.mark.parametrize("percent", SETTINGS.percents)
@pytest.mark.parametrize("state", DECIDABLE)
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_table_is_what_the_machine_does_on_every_guard_in_every_state_at_every_step(
    guard: Any, state: State, percent: int
) -> None:
    before = RolloutState(percent=percent, state=state)
    decision = decide(SETTINGS, before, evidence_of(percent=percent, **ACTS[guard.name]))
    after = apply(before, decision)
    silent = (percent == 100 and guard.name in COMPARE) or (guard.name == "proof" and percent != 50)
    rows = {(row[0], row[1].partition(":")[0]): row[2:] for row in transitions()}
    key = (state, guard.name)
    if silent or key not in rows:
        assert decision.action == ("hold" if state == "held" else "promote" if percent == 100 else "step")
        return
    action, next_state, share = rows[key]
    assert (decision.action, after.state) == (action, next_state)
    assert after.percent == (0 if share == "0 %" else percent)
    assert decision.reasons[0].startswith(f"{guard.name}: ")
    assert decision.wants_traffic == guard.wants_traffic


@pytest.mark.parametrize("state", [state for state in State if state is not State.ABORTED])
@pytest.mark.parametrize("order", Command)
def test_the_table_is_what_an_operator_may_do_and_all_else_is_refused(state: State, order: Command) -> None:
    before = RolloutState(percent=50, state=state)
    rows = {(row[0], row[1]): row[3:] for row in transitions()}
    if (state, order) not in COMMANDS:
        assert (state, f"command: {order}") not in rows
        with pytest.raises(InputError, match=f"cannot {order} one that is {state.replace('_', ' ')}; possible: "):
            command(before, order)
        return
    after = command(before, order)
    next_state, share = rows[(state, f"command: {order}")]
    assert (after.state, after.percent) == (next_state, {"100 %": 100, "0 %": 0, "the same": 50}[share])


@pytest.mark.parametrize("order", Command)
def test_an_aborted_rollout_takes_the_commands_of_a_running_one(order: Command) -> None:
    if (State.RUNNING, order) in COMMANDS:
        running, aborted = (RolloutState(percent=50, state=state) for state in (State.RUNNING, State.ABORTED))
        assert command(aborted, order) == command(running, order)
    else:
        with pytest.raises(InputError, match="cannot resume one that is running"):
            command(RolloutState(percent=50, state=State.ABORTED), order)


def test_a_healthy_canary_takes_every_step_of_the_plan_and_is_promoted() -> None:
    state = RolloutState(percent=SETTINGS.percents[0])
    path = [(state.percent, state.state)]
    for percent in SETTINGS.percents:
        state = apply(state, decide(SETTINGS, state, evidence_of(percent=percent)))
        path.append((state.percent, state.state))
    assert path == [(10, "running"), (50, "running"), (100, "running"), (100, "promoted")]


ROLLBACKS = {
    "a full sample's errors at once": (evidence_of({"requests": 2, "errors": 2}), "errors: 2 of 2"),
    "slow beyond ratio and floor": (evidence_of({"p99_low_ms": 51.0}), "over 50.0 ms"),
    "slow beyond the ratio of a slow stable": (evidence_of({"p99_low_ms": 201.0}, {"p99_ms": 100.0}), "over 200.0 ms"),
    "surely worse outcomes": (evidence_of({"hits": 140}), r"outcomes: hits per trip 0\.70"),
    "no hits at all": (evidence_of({"hits": 0, "hits_per_trip_se": 0.0}), r"outcomes: hits per trip 0\.00"),
    "broken answers": (
        evidence_of({"errors": 4, "violations": 3}),
        r"errors: 4 of 100 canary requests, over 1.0 % \(3 answers broke the contract\)",
    ),
    "refused by it alone": (evidence_of({"requests": 5, "refused": 5}), "refused: 5 of 10 canary requests refused"),
    "good for days, bad for seconds": (
        evidence_of(
            {"requests": 10**6, "recent_requests": 1500, "recent_failures": 75},
            {"recent_requests": 1500, "recent_failures": 3},
        ),
        "recent: 75 of the canary's last 1500 requests, 3 of stable's 1500",
    ),
    "killed again and again": (evidence_of({"restarts": 3}, {"restarts": 1}), "crashes: 3 restarts of the canary's"),
    "a leak": (evidence_of({"memory_mb": 1200.0}), r"memory: 1200 MB, 2\.4 times stable's 500 MB"),
    "a figure of the shop": (evidence_of(metrics={"basket value": 3.5}), "metrics: basket value 3.5, at least 20 allo"),
    "the same list": (evidence_of({"list_overlap": 1.0}), "coverage: two shoppers' lists share 100% of their items"),
}


@pytest.mark.parametrize("name", ROLLBACKS)
def test_harm_rolls_back_to_0(name: str) -> None:
    evidence, reason = ROLLBACKS[name]
    decision = decide(SETTINGS, AT_10, evidence)
    assert (decision.action, decision.percent) == ("rollback", 0)
    assert len(decision.reasons) == 1
    assert re.search(reason, decision.reasons[0])
    assert apply(AT_10, decision) == RolloutState(percent=0, state=State.ROLLED_BACK)


STEPS = {
    "as many errors as allowed": evidence_of({"errors": 1}),
    "slow beyond the ratio, below the floor": evidence_of({"p99_low_ms": 49.0}, {"p99_ms": 10.0}),
    "perhaps slow": evidence_of({"p99_ms": 500.0, "p99_low_ms": 40.0}),
    "worse, but not surely": evidence_of({"hits": 190}),
    "much worse, perhaps by chance": evidence_of({"hits": 140, "hits_per_trip_se": 1.0}),
    "alike lists where stable's are too": evidence_of({"list_overlap": 0.97}, {"list_overlap": 0.95}),
    "requests that both refuse": evidence_of({"refused": 20}, {"refused": 180}),
    "an outage of both": evidence_of(
        {"recent_requests": 500, "recent_failures": 400}, {"recent_requests": 500, "recent_failures": 390}
    ),
    "refused, perhaps by chance": evidence_of({"refused": 4}),
    "nodes that take pods of both": evidence_of({"restarts": 3}, {"restarts": 2}),
    "memory that is not known": evidence_of({"memory_mb": 9000.0}, {"memory_mb": 0.0}),
    "as many fallbacks as allowed": evidence_of({"fallbacks": 5}),
    "no request was sent to both": evidence_of(agreement=None),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_is_allowed_or_may_be_chance_does_not_stop_the_rollout(name: str) -> None:
    assert decide(SETTINGS, AT_10, STEPS[name]).action == "step"


def test_too_few_answers_hold_and_ask_for_traffic() -> None:
    decision = decide(SETTINGS, AT_10, evidence_of({"requests": 99}))
    expected = ("traffic: 99 canary answers of the 100 needed",)
    assert decision == Decision(action="hold", percent=10, reasons=expected, wants_traffic=True)
    assert apply(AT_10, decision) == AT_10


def test_one_failed_request_among_the_first_five_does_not_roll_back() -> None:
    decision = decide(SETTINGS, AT_10, evidence_of({"requests": 5, "errors": 1}))
    assert decision.action == "hold"
    assert [reason.partition(":")[0] for reason in decision.reasons] == ["traffic"]


@pytest.mark.parametrize(("percents", "action"), [((10, 100), "rollback"), ((10, 50, 100), "step")])
def test_the_steps_that_compare_share_alpha_equally(percents: tuple[int, ...], action: str) -> None:
    """177 hits against 200, relative error hypot(0.05 / 1.77, 0.05 / 2) = 0.0377, V = 0.00142, t^2 = 0.01.

    log(200 / 177) = 0.122 lies between the half-widths sqrt(2 V (V + t^2) / t^2 (log(1 / (0.8 alpha)) + 2.08 / 2)):
    0.118 at alpha = 0.05, which one step that compares may spend, and 0.127 at 0.025, the half that each of two has.
    """
    plan = SETTINGS.replace(percents=percents, outcome_alpha=0.05, min_outcome_ratio=0.0)
    assert decide(plan, AT_10, evidence_of({"hits": 177})).action == action


def test_what_compares_waits_for_a_full_sample() -> None:
    decision = decide(
        SETTINGS, AT_10, evidence_of({"requests": 99, "p99_low_ms": 900.0, "hits": 0, "list_overlap": 1.0})
    )
    assert decision.action == "hold"


def test_before_100_percent_the_outcomes_are_proven_unless_the_plan_asks_for_nothing() -> None:
    unsure = evidence_of({"hits_per_trip_se": 0.5}, percent=50)
    at_50 = RolloutState(percent=50)
    decision = decide(SETTINGS, at_50, unsure)
    assert decision.wants_traffic
    needs = r"proof: hits per trip surely above 0\.\d\d of stable's, 0\.80 needed"
    assert re.fullmatch(needs + "; about [0-9,]+ requests in all would show it", decision.reasons[0])
    assert decide(SETTINGS.replace(min_outcome_ratio=0.0), at_50, unsure).action == "step"


def test_a_split_that_is_not_the_declared_one_holds_without_asking_for_traffic() -> None:
    decision = decide(SETTINGS, AT_10, evidence_of({"shoppers": 60}, {"shoppers": 140}))
    assert (decision.action, decision.percent, decision.wants_traffic) == ("hold", 10, False)
    assert decision.reasons[0].startswith("split: 60 of 200 shoppers at a declared 10 %")


def test_harm_comes_before_a_wrong_split_and_every_harm_is_named() -> None:
    decision = decide(SETTINGS, AT_10, evidence_of({"shoppers": 60, "errors": 9, "hits": 100}, {"shoppers": 140}))
    assert decision.action == "rollback"
    assert [reason.partition(":")[0] for reason in decision.reasons] == ["errors", "outcomes"]


@pytest.mark.parametrize("state", ["promoted", "rolled_back"])
def test_a_rollout_that_is_over_takes_no_decision(state: Any) -> None:
    with pytest.raises(InputError, match="expected a running one"):
        decide(SETTINGS, RolloutState(percent=100, state=state), evidence_of())
