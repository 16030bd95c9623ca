"""Every transition of the state machine, at every step; docs/rollout.md shows the same table."""

import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import pytest

from components.rollout.decision.guards import RULES
from components.rollout.decision.state_machine import (
    HANDS,
    UNDER_WAY,
    Decision,
    Evidence,
    Hand,
    RolloutState,
    VersionEvidence,
    apply,
    by_hand,
    decide,
    start,
    table,
)
from model.errors import InputError
from tfx_configs.settings import RolloutSettings

SETTINGS = RolloutSettings(percents=(10, 50, 100), min_canary_requests=100, min_agreement=0.2)
HANDS_ALL: tuple[Hand, ...] = ("hold", "resume", "promote", "rollback")


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
    )
    return dataclasses.replace(healthy, **changes)


def evidence_of(
    canary: dict[str, Any] | None = None, stable: dict[str, Any] | None = None, percent: int = 10, **rest: Any
) -> Evidence:
    """Healthy at `percent`: of 200 shoppers, that share with the canary; at 100 %, stable has seen nobody."""
    shoppers = 2 * percent
    if percent == 100:
        theirs = {"requests": 0, "shoppers": 0, "trips": 0, "hits": 0, "hits_per_trip_se": math.inf}
    else:
        theirs = {"requests": 900, "shoppers": 200 - shoppers, "trips": 900, "hits": 1800}
    return Evidence(
        canary=_version(**{"shoppers": shoppers} | (canary or {})),
        stable=_version(**theirs | (stable or {})),
        **{"agreement": 0.5} | rest,
    )


AT_10 = RolloutState(percent=10)

SPEAKS: dict[str, dict[str, Any]] = {
    "down": {"canary_ready": False},
    "errors": {"canary": {"errors": 2}},
    "latency": {"canary": {"p99_low_ms": 51.0}},
    "fallback": {"canary": {"fallbacks": 6}},
    "coverage": {"canary": {"list_overlap": 0.95}},
    "outcomes": {"canary": {"hits": 140}},
    "age": {"age_s": 15 * 86_400.0},
    "split": {"canary": {"shoppers": 90}, "stable": {"shoppers": 20}},
    "agreement": {"agreement": 0.1},
    "traffic": {"canary": {"requests": 99}},
    "proof": {"canary": {"hits_per_trip_se": 0.5}},
}
"""Evidence on which each rule speaks."""
COMPARE = {"latency", "fallback", "coverage", "outcomes"}
"""Silent at 100 %, where stable has no traffic."""


def test_every_rule_has_evidence_here() -> None:
    assert list(SPEAKS) == [rule.name for rule in RULES]


@pytest.mark.parametrize("percent", SETTINGS.percents)
@pytest.mark.parametrize("state", UNDER_WAY)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_table_is_what_the_machine_does_on_every_rule_in_every_state_at_every_step(
    rule: Any, state: Any, percent: int
) -> None:
    before = RolloutState(percent=percent, state=state)
    decision = decide(SETTINGS, before, evidence_of(percent=percent, **SPEAKS[rule.name]))
    after = apply(before, decision)
    silent = (percent == 100 and rule.name in COMPARE) or (rule.name == "proof" and percent != 50)
    rows = {(row[0], row[1].partition(":")[0]): row[2:] for row in table()}
    key = (state, rule.name)
    if silent or key not in rows:
        assert decision.action == ("hold" if state == "held" else "promote" if percent == 100 else "step")
        return
    action, next_state, share = rows[key]
    assert (decision.action, after.state) == (action, next_state)
    assert after.percent == (0 if share == "0 %" else percent)
    assert decision.reasons[0].startswith(f"{rule.name}: ")
    assert decision.wants_traffic == rule.wants_traffic


@pytest.mark.parametrize("state", ["running", "held", "promoted", "rolled_back"])
@pytest.mark.parametrize("hand", HANDS_ALL)
def test_the_table_is_what_an_operator_may_do_and_all_else_is_refused(state: Any, hand: Hand) -> None:
    before = RolloutState(percent=50, state=state)
    rows = {(row[0], row[1]): row[3:] for row in table()}
    if (state, hand) not in HANDS:
        assert (state, f"by hand: {hand}") not in rows
        with pytest.raises(InputError, match=f"cannot {hand} one that is {state.replace('_', ' ')}; possible: "):
            by_hand(before, hand)
        return
    after = by_hand(before, hand)
    next_state, share = rows[(state, f"by hand: {hand}")]
    assert (after.state, after.percent) == (next_state, {"100 %": 100, "0 %": 0, "the same": 50}[share])


def test_the_page_shows_this_table() -> None:
    page = (Path(__file__).parents[4] / "docs" / "rollout.md").read_text()
    for row in table():
        assert f"| {' | '.join(row)} |\n" in page
    shown = re.findall(r"^\| (running|held|promoted|rolled_back) \|", page, re.MULTILINE)
    assert len(shown) == len(table())


def test_a_healthy_canary_walks_the_whole_plan_and_is_promoted() -> None:
    state = start(SETTINGS)
    seen = [(state.percent, state.state)]
    for percent in SETTINGS.percents:
        state = apply(state, decide(SETTINGS, state, evidence_of(percent=percent)))
        seen.append((state.percent, state.state))
    assert seen == [(10, "running"), (50, "running"), (100, "running"), (100, "promoted")]


ROLLBACKS = {
    "a full sample's errors at once": (evidence_of({"requests": 2, "errors": 2}), "errors: 2 of 2"),
    "slow beyond ratio and floor": (evidence_of({"p99_low_ms": 51.0}), "over 50.0 ms"),
    "slow beyond the ratio of a slow stable": (evidence_of({"p99_low_ms": 201.0}, {"p99_ms": 100.0}), "over 200.0 ms"),
    "surely worse outcomes": (evidence_of({"hits": 140}), r"outcomes: hits per trip 0\.70"),
    "no hits at all": (evidence_of({"hits": 0, "hits_per_trip_se": 0.0}), r"outcomes: hits per trip 0\.00"),
    "the same list": (evidence_of({"list_overlap": 1.0}), "coverage: two shoppers' lists share 100% of their items"),
}


@pytest.mark.parametrize("name", ROLLBACKS)
def test_harm_rolls_back_to_0(name: str) -> None:
    evidence, reason = ROLLBACKS[name]
    decision = decide(SETTINGS, AT_10, evidence)
    assert (decision.action, decision.percent) == ("rollback", 0)
    assert len(decision.reasons) == 1
    assert re.search(reason, decision.reasons[0])
    assert apply(AT_10, decision) == RolloutState(percent=0, state="rolled_back")


STEPS = {
    "as many errors as allowed": evidence_of({"errors": 1}),
    "slow beyond the ratio, below the floor": evidence_of({"p99_low_ms": 49.0}, {"p99_ms": 10.0}),
    "perhaps slow": evidence_of({"p99_ms": 500.0, "p99_low_ms": 40.0}),
    "worse, but not surely": evidence_of({"hits": 190}),
    "much worse, perhaps by chance": evidence_of({"hits": 140, "hits_per_trip_se": 1.0}),
    "alike lists where stable's are too": evidence_of({"list_overlap": 0.97}, {"list_overlap": 0.95}),
    "as many fallbacks as allowed": evidence_of({"fallbacks": 5}),
    "nobody was asked twice": evidence_of(agreement=None),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_is_allowed_or_may_be_chance_does_not_stop_the_rollout(name: str) -> None:
    assert decide(SETTINGS, AT_10, STEPS[name]).action == "step"


def test_too_few_answers_hold_and_ask_for_traffic() -> None:
    decision = decide(SETTINGS, AT_10, evidence_of({"requests": 99}))
    expected = ("traffic: 99 canary answers of the 100 needed",)
    assert decision == Decision(action="hold", percent=10, reasons=expected, wants_traffic=True)
    assert apply(AT_10, decision) == AT_10


def test_what_compares_waits_for_a_full_sample() -> None:
    decision = decide(
        SETTINGS, AT_10, evidence_of({"requests": 99, "p99_low_ms": 900.0, "hits": 0, "list_overlap": 1.0})
    )
    assert decision.action == "hold"


def test_before_everybody_gets_the_canary_its_outcomes_are_proven_unless_the_plan_asks_for_nothing() -> None:
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
