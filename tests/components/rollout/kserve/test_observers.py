import math
from dataclasses import replace
from typing import Any

from components.rollout.decision.evidence import Evidence
from components.rollout.kserve.observers import Moment, gateway, metrics_of_plan, observed, pods, restarts
from components.rollout.kserve.prometheus import Sample
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.decision.test_state_machine import evidence_of
from tfx_configs.rollout import MetricLimit

AT_S = 1_700_000_000  # 2023-11-14T22:13:20Z


def _pod(predictor: str, restarts: int = 0, ended: str = "", container: str = "kserve-container") -> dict[str, Any]:
    status = {"name": container, "restartCount": restarts}
    if ended:
        status["lastState"] = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": ended}}
    return {
        "metadata": {"name": f"aisle-{predictor}-predictor-6f-x"},
        "status": {"containerStatuses": [status]},
    }


def _moment(**changes: Any) -> Moment:
    moment = Moment(namespace="shop", stable=OLD, canary=NEW, percent=10, since_s=AT_S, now_s=AT_S + 1800)
    return replace(moment, **changes)


def test_servers_that_ended_since_the_share_was_set_count_with_all_their_restarts() -> None:
    before, after = "2023-11-14T22:13:19Z", "2023-11-14T22:13:21Z"
    there = [
        _pod(NEW.predictor, 3, after),
        _pod(NEW.predictor, 2, before),
        _pod(NEW.predictor),
        _pod(NEW.predictor, 5, after, "ship-log"),
        _pod(OLD.predictor, 1, after),
    ]
    assert restarts(there, NEW.predictor, AT_S) == 3
    evidence = pods(_moment(pods=there), evidence_of())
    assert (evidence.canary.restarts, evidence.stable.restarts) == (3, 1)


def test_a_metric_of_the_plan_is_asked_for_with_versions_and_window() -> None:
    limit = MetricLimit(
        name="clicks", query='clicks{v="$canary", n="$namespace"}[$window] / clicks{v="$stable"}', limit=1
    )
    asked: list[str] = []

    def query(promql: str) -> list[Sample]:
        asked.append(promql)
        return [({}, math.nan), ({}, 0.25)]

    evidence = metrics_of_plan(query, [limit])(_moment(), evidence_of())
    assert asked == [f'clicks{{v="{NEW.name}", n="shop"}}[1800s] / clicks{{v="{OLD.name}"}}']
    assert evidence.metrics == {"clicks": 0.25}
    assert metrics_of_plan(lambda _: [], [limit])(_moment(), evidence_of()).metrics == {"clicks": None}


def _envoy(promql: str) -> list[Sample]:
    """In half an hour: stable answered 5 times with a 5xx; the canary 30 times, and 10 requests were tried again."""
    rule = {"envoy_cluster_name": "httproute/shop/aisle/rule/0/backend/"}
    if "_rq_xx" in promql:
        counts = (5.0, 30.0) if "[1800s]" in promql else (0.0, 8.0)
    else:
        counts = (0.0, 10.0) if "[1800s]" in promql else (0.0, 0.0)
    return [({"envoy_cluster_name": f"{rule['envoy_cluster_name']}{n}"}, value) for n, value in enumerate(counts)]


def test_what_the_gateway_lost_beyond_the_servers_own_failures_is_added() -> None:
    """40 lost with the canary, of which its servers know 12 - 2: 30 more. Lately 8, of which they know 3: 5 more."""
    before = evidence_of(
        {"requests": 500, "errors": 12, "violations": 2, "recent_requests": 40, "recent_failures": 3, "shoppers": 500},
        {"requests": 4500, "errors": 7, "shoppers": 4500},
    )
    after: Evidence = observed(_moment(), before, [gateway(_envoy)])
    canary = after.canary
    assert (canary.requests, canary.errors) == (530, 42)
    assert (canary.recent_requests, canary.recent_failures) == (45, 8)
    assert after.stable == before.stable
