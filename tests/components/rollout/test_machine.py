import dataclasses
import math
import re
from typing import Any

import pytest

from components.rollout.machine import (
    Decision,
    Evidence,
    RolloutState,
    VersionEvidence,
    apply,
    decide,
    outcome_ratio,
    start,
)
from model.errors import InputError
from tfx_configs.settings import RolloutSettings

SETTINGS = RolloutSettings(percents=(10, 50, 100), min_canary_requests=100)


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
        hits_per_trip_se=0.1,
    )
    return dataclasses.replace(healthy, **changes)


def _evidence(canary: dict[str, Any] | None = None, stable: dict[str, Any] | None = None, **rest: Any) -> Evidence:
    """Healthy at 10 %: 20 of 200 shoppers."""
    return Evidence(
        canary=_version(**canary or {}),
        stable=_version(**{"requests": 900, "shoppers": 180, "trips": 900, "hits": 1800} | (stable or {})),
        **rest,
    )


AT_10 = RolloutState(percent=10)


def test_a_healthy_canary_walks_the_whole_plan_and_is_promoted() -> None:
    nobody = {"requests": 0, "shoppers": 0, "trips": 0, "hits": 0}
    state = start(SETTINGS)
    seen = [(state.percent, state.state)]
    for evidence in (_evidence(), _evidence({"shoppers": 100}, {"shoppers": 100}), _evidence(stable=nobody)):
        state = apply(state, decide(SETTINGS, state, evidence))
        seen.append((state.percent, state.state))
    assert seen == [(10, "running"), (50, "running"), (100, "running"), (100, "promoted")]


ROLLBACKS = {
    "the canary is down": (_evidence(canary_ready=False), "down: "),
    "more errors than allowed": (_evidence({"errors": 2}), "errors: 2 of 100"),
    "a full sample's errors at once": (_evidence({"requests": 2, "errors": 2, "shoppers": 2}), "errors: 2 of 2"),
    "slow beyond ratio and floor": (_evidence({"p99_low_ms": 51.0}), "over 50.0 ms"),
    "slow beyond the ratio of a slow stable": (_evidence({"p99_low_ms": 201.0}, {"p99_ms": 100.0}), "over 200.0 ms"),
    "surely worse outcomes": (_evidence({"hits": 140}), r"outcomes: hits per trip 0\.70"),
    "no hits at all": (_evidence({"hits": 0, "hits_per_trip_se": 0.0}), r"outcomes: hits per trip 0\.00"),
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
    "as many errors as allowed": _evidence({"errors": 1}),
    "slow beyond the ratio, below the floor": _evidence({"p99_low_ms": 49.0}, {"p99_ms": 10.0}),
    "perhaps slow": _evidence({"p99_ms": 500.0, "p99_low_ms": 40.0}),
    "worse, but not by much": _evidence({"hits": 170}),
    "much worse, perhaps by chance": _evidence({"hits": 140, "hits_per_trip_se": 1.0}),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_is_allowed_or_may_be_chance_does_not_stop_the_rollout(name: str) -> None:
    assert decide(SETTINGS, AT_10, STEPS[name]).action == "step"


def test_too_few_answers_hold_and_ask_for_traffic() -> None:
    decision = decide(SETTINGS, AT_10, _evidence({"requests": 99}))
    expected = ("traffic: 99 canary answers of the 100 needed",)
    assert decision == Decision(action="hold", percent=10, reasons=expected, wants_traffic=True)
    assert apply(AT_10, decision) == AT_10


def test_latency_and_outcomes_wait_for_a_full_sample() -> None:
    decision = decide(SETTINGS, AT_10, _evidence({"requests": 99, "p99_low_ms": 900.0, "hits": 0}))
    assert decision.action == "hold"


def test_a_split_that_is_not_the_declared_one_holds_without_asking_for_traffic() -> None:
    decision = decide(SETTINGS, AT_10, _evidence({"shoppers": 60}, {"shoppers": 140}))
    assert (decision.action, decision.percent, decision.wants_traffic) == ("hold", 10, False)
    assert decision.reasons[0].startswith("split: 60 of 200 shoppers at a declared 10 %")


def test_harm_comes_before_a_wrong_split() -> None:
    decision = decide(SETTINGS, AT_10, _evidence({"shoppers": 60, "errors": 9}, {"shoppers": 140}))
    assert decision.action == "rollback"


@pytest.mark.parametrize("state", ["promoted", "rolled_back"])
def test_a_rollout_that_is_over_takes_no_decision(state: Any) -> None:
    with pytest.raises(InputError, match="expected a running one"):
        decide(SETTINGS, RolloutState(percent=100, state=state), _evidence())


def test_the_outcome_ratio_and_its_interval_by_pencil() -> None:
    # 1.4 over 2.0 hits per trip; relative errors 0.14/1.4 = 0.1 and 0: exp(-+1.96 * 0.1) = 0.8220 and 1.2165.
    found = outcome_ratio(_evidence({"hits": 140, "hits_per_trip_se": 0.14}, {"hits_per_trip_se": 0.0}))
    assert found == pytest.approx((0.7, 0.5754, 0.8516), abs=1e-4)
    assert outcome_ratio(_evidence(stable={"hits": 0})) is None
    alone = outcome_ratio(_evidence({"hits_per_trip_se": math.inf}))
    assert alone is not None and alone[1:] == (0.0, math.inf)
