"""The laptop's table of scenarios and garbage of every kind, on the code path of a cluster: each ends as on a laptop.

The controller itself evaluates, decides and moves; Prometheus, the API server and the shop are in memory, and time is
the shop's.
"""

import math
from pathlib import Path

import pytest

from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import PLAN
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.kserve.shop import GOOD, Behaviour, Shop
from tests.components.rollout.kserve.shop_log import BEGAN_S, HOUR_S
from tests.components.rollout.kserve.test_observers import _pod as pod

UNPROVEN = PLAN.replace(min_outcome_ratio=0.0, min_hours=0.0)
"""Decided by what servers, gateway and Kubernetes show."""
HARM = {
    "every answer broken": (Behaviour(broken=1.0), "errors"),
    "one answer in thirty broken": (Behaviour(broken=1 / 30), "errors"),
    "one request in thirty fails": (Behaviour(failed=1 / 30), "errors"),
    "connections reset": (Behaviour(lost=0.1), "errors"),
    "95 % of the requests refused": (Behaviour(refused=0.95), "refused"),
    "9 % of the requests refused": (Behaviour(refused=0.09), "refused"),
    "every answer slow": (Behaviour(slow=1.0), "latency"),
    "slow for one and a half percent": (Behaviour(slow=0.015), "latency"),
    "three times the memory": (Behaviour(memory_mb=1501.0), "memory"),
}


@pytest.mark.parametrize("rps", [5, 50])
@pytest.mark.parametrize("name", HARM)
def test_harm_that_servers_and_gateway_show_is_rolled_back_within_minutes(name: str, rps: int) -> None:
    behaviour, rule = HARM[name]
    shop = Shop(rps=rps, plan=UNPROVEN.replace(percents=(10, 100), min_hours=24.0), evaluate_s=15.0)
    shop.behaves(behaviour)
    watch = shop.until_over(hours=1.5)
    record = watch.traffic.record()
    assert (record.state, record.traffic.names().stable, record.traffic.percent) == (State.ROLLED_BACK, OLD.name, 0)
    assert rule in [reason.partition(":")[0] for reason in shop.messages[-1].reasons]
    assert [share for _, share in shop.shares] == [10, 0]


def test_a_leak_is_out_once_it_takes_twice_the_memory() -> None:
    shop = Shop(rps=5, plan=UNPROVEN.replace(min_hours=24.0), tick_s=15.0, evaluate_s=15.0)
    shop.behaves(Behaviour(leak_mb=1000.0))
    shop.until_over(hours=2)
    assert shop.messages[-1].reasons[0].startswith("memory: ")
    assert shop.shares[-1][0] - BEGAN_S < 0.6 * HOUR_S


def test_a_crash_loop_is_out_at_its_second_restart() -> None:
    shop = Shop(rps=5, plan=UNPROVEN.replace(min_hours=24.0))
    watch = shop.until_over(hours=0.1)
    assert watch.traffic.record().state == State.RUNNING
    shop.cluster.found_pods = [pod(NEW.predictor, 2, "2020-04-15T00:10:00Z")]
    shop.until_over(hours=0.1, watch=watch)
    assert shop.messages[-1].reasons == ("crashes: 2 restarts of the canary's servers, 0 of stable's",)


def test_a_canary_that_fails_its_readiness_check_three_times_is_out_and_one_missed_check_is_nothing() -> None:
    shop = Shop(rps=5, plan=UNPROVEN.replace(min_hours=24.0))
    watch = shop.until_over(hours=0.1)
    shop.cluster.canary_ready_after = 1
    shop.cluster._requests = 0
    assert watch.evaluate() is not None and watch.traffic.record().state == State.RUNNING
    shop.cluster.canary_ready_after = None
    watch.evaluate()
    assert shop.messages[-1].reasons == ("down: the canary does not pass its readiness check",)


SLOWLY = {"rps": 0.05, "tick_s": 300.0, "evaluate_s": 7200.0}
"""A small shop: 4,320 requests a day, each shopper seven."""


def test_a_good_canary_lasts_a_day_at_each_share_and_is_promoted_once_it_is_proven(tmp_path: Path) -> None:
    shop = Shop(plan=PLAN, folder=tmp_path, **SLOWLY)  # type: ignore[arg-type]
    watch = shop.until_over(hours=14 * 24)
    record = watch.traffic.record()
    assert (record.state, record.traffic.names().stable) == (State.PROMOTED, NEW.name)
    lasted = [later - earlier for (earlier, _), (later, _) in zip(shop.shares, shop.shares[1:], strict=False)]
    assert [share for _, share in shop.shares] == [10, 50, 100, 0]
    assert all(seconds >= 24 * HOUR_S - shop.tick_s for seconds in lasted), lasted
    assert [message.action for message in shop.messages] == ["step", "step", "promote"]
    assert "hits per trip" in shop.messages[1].reasons[0]


OUTCOMES = {
    "worthless lists": (Behaviour(bought=0.05), "outcomes"),
    "a quarter of the hits gone": (Behaviour(bought=0.45), "outcomes"),
    "the same list for all": (Behaviour(alike=True), "coverage"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_worse_canary_without_an_error_is_rolled_back_by_what_shoppers_see_and_buy(name: str, tmp_path: Path) -> None:
    behaviour, rule = OUTCOMES[name]
    shop = Shop(plan=PLAN, folder=tmp_path, **SLOWLY)  # type: ignore[arg-type]
    shop.behaves(behaviour)
    watch = shop.until_over(hours=14 * 24)
    assert watch.traffic.record().state == State.ROLLED_BACK
    assert rule in [reason.partition(":")[0] for reason in shop.messages[-1].reasons]
    assert 100 not in [share for _, share in shop.shares]


def test_without_outcomes_the_default_plan_promotes_nothing() -> None:
    shop = Shop(rps=0.05, plan=PLAN, tick_s=300.0, evaluate_s=7200.0)
    watch = shop.until_over(hours=10 * 24)
    assert (watch.traffic.record().state, shop.percent()) == (State.RUNNING, 50)
    assert [message.action for message in shop.messages] == ["step"]


WORST_S = 30.0


@pytest.mark.parametrize("behaviour", [Behaviour(failed=0.5), Behaviour(broken=0.5), Behaviour(refused=0.5)])
@pytest.mark.parametrize("after_scrape_s", [0.5, 7.0, 14.0])
def test_a_canary_that_turns_bad_at_50_percent_is_out_within_30_seconds(
    behaviour: Behaviour, after_scrape_s: float
) -> None:
    """50 requests a second, minutes of good ones before; Prometheus scrapes every 15 s, the controller asks every 5."""
    shop = Shop(rps=50, plan=UNPROVEN.replace(percents=(50, 100), min_hours=24.0), tick_s=0.5)
    watch = shop.until_over(hours=0.05)
    shop.sleep(math.ceil(shop.now_s / 15) * 15 - shop.now_s + after_scrape_s)
    shop.behaves(behaviour)
    bad_s = shop.now_s
    shop.until_over(hours=0.02, watch=watch)
    assert watch.traffic.record().state == State.ROLLED_BACK
    assert shop.messages[-1].reasons[0].partition(":")[0] in ("errors", "recent")
    out_s = next(at for at, share in shop.shares if share == 0)
    assert out_s - bad_s <= WORST_S


def test_an_outage_of_both_versions_is_not_the_canarys() -> None:
    shop = Shop(rps=50, plan=UNPROVEN.replace(percents=(50, 100), min_hours=24.0))
    watch = shop.until_over(hours=0.05)
    for version in shop.versions:
        shop.versions[version] = Behaviour(refused=0.5)
    shop.until_over(hours=0.02, watch=watch)
    for version in shop.versions:
        shop.versions[version] = GOOD
    shop.until_over(hours=0.03, watch=watch)
    assert watch.traffic.record().state == State.RUNNING
