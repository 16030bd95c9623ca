"""Pods of stable and canary while both serve, with hand-computed values."""

from dataclasses import replace
from typing import Any

import pytest

from components.inference_service.capacity import Capacity, planned
from components.inference_service.shift import move, prepare, put, roll_back
from components.inference_service.traffic import Traffic, read, with_canary
from model.errors import CheckFailed
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW, OLD

AT_10 = with_canary(Traffic(stable=OLD), NEW, 10)


def _service(minimum: int, maximum: int, ready: bool = False) -> dict[str, Any]:
    predictor = {"minReplicas": minimum, "maxReplicas": maximum}
    return {"spec": {"predictor": predictor}, "status": {"canaryStatuses": [{"name": NEW.predictor, "ready": ready}]}}


def _pods(count: int, predictor: str = OLD.predictor) -> list[dict[str, Any]]:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return [{"metadata": {"name": f"aisle-{predictor}-predictor-{i}"}, "status": status} for i in range(count)]


@pytest.mark.parametrize(
    ("minimum", "maximum", "stable_pods", "percent", "canary", "stable"),
    [
        (3, 12, 8, 10, 2, 8),  # ceil(0.8) = 1, but two
        (3, 12, 8, 50, 4, 8),
        (3, 12, 8, 60, 5, 8),  # ceil(4.8)
        (3, 12, 8, 100, 8, 8),
        (3, 12, 0, 50, 2, 3),  # ceil(1.5); no pod is ready, the minimum counts
        (1, 2, 1, 10, 1, 1),  # one pod of stable, one of the canary
        (3, 12, 20, 100, 12, 12),  # more than the autoscaler may have made are no size to keep
    ],
)
def test_the_canary_has_its_share_of_stables_pods(
    minimum: int, maximum: int, stable_pods: int, percent: int, canary: int, stable: int
) -> None:
    plan = planned(_service(minimum, maximum), {}, _pods(stable_pods), AT_10, percent)
    assert plan == Capacity(own_min=minimum, own_max=maximum, stable=stable, canary=canary, taken=0)
    ready = planned(_service(minimum, maximum, ready=True), {}, _pods(stable_pods), AT_10, percent)
    assert ready is not None and ready.minimum == stable + canary


def test_stables_own_numbers_are_remembered_and_a_newer_minimum_of_the_manifests_counts() -> None:
    data = {"stable-min-replicas": "3", "stable-max-replicas": "12", "stable-min-declared": "10", "stable-pods": "8"}
    data |= {"canary-version": NEW.name, "canary-pods": "2"}
    raised = planned(_service(10, 12, ready=True), data, _pods(8), AT_10, 50)
    assert raised == Capacity(own_min=3, own_max=12, stable=8, canary=4, taken=4)
    part = raised.spec({"spec": {"predictor": {}, "canary": [{"predictor": {"name": NEW.predictor}}]}})
    assert part["spec"] == {
        "predictor": {"minReplicas": 12, "maxReplicas": 12},
        "canary": [{"predictor": {"name": NEW.predictor, "minReplicas": 4}}],
    }
    applied_again = planned(_service(5, 20, ready=True), data, _pods(8), AT_10, 50)
    assert applied_again is not None and (applied_again.own_min, applied_again.own_max) == (5, 20)
    after = planned(_service(10, 12), data, _pods(8), Traffic(stable=OLD), 0)
    assert after == Capacity(own_min=3, own_max=12, stable=3, canary=0, taken=0)
    assert after.spec({"spec": {"predictor": {}}})["spec"]["predictor"] == {"minReplicas": 3, "maxReplicas": 12}


def test_without_a_canary_the_manifests_numbers_stay_theirs() -> None:
    assert planned(_service(3, 12), {}, _pods(3), Traffic(stable=OLD), 0) is None


def test_a_canary_loses_no_pods_with_its_share_and_another_canary_starts_with_its_own() -> None:
    data = {"canary-version": NEW.name, "canary-pods": "4", "stable-pods": "8", "stable-min-declared": "7"}
    smaller = planned(_service(3, 12), data, _pods(8), AT_10, 0)
    assert smaller is not None and smaller.canary == 4
    other = replace(NEW, name="2018-01-01-dddddddddddd")
    another = planned(_service(3, 12), data, _pods(8), with_canary(Traffic(stable=OLD), other, 10), 10)
    assert another is not None and another.canary == 2


@pytest.fixture
def cluster() -> FakeCluster:
    """Eight pods of stable, whose own minimum is three; the canary at 10 %."""
    cluster = FakeCluster(minimum=3, maximum=12)
    cluster.pod_counts[OLD.predictor] = 8
    put(cluster, Traffic(stable=OLD))
    put(cluster, AT_10)
    for _ in range(3):
        cluster.service()
    return cluster


def test_a_share_waits_for_all_the_pods_that_it_needs(cluster: FakeCluster) -> None:
    cluster.pod_counts[NEW.predictor] = 2
    assert prepare(cluster, AT_10, 50) == "capacity: 4 pods of the canary are declared for 50 %"
    for _ in range(3):
        cluster.service()
    assert prepare(cluster, AT_10, 50) == "capacity: expected 4 ready pods of the canary for 50 %, got 2"
    with pytest.raises(CheckFailed, match="expected 4 ready pods of the canary for 50 %, got 2 within 60 s"):
        move(cluster, AT_10, 50, Clock().patience())
    assert read(cluster.record()).percent == 10
    cluster.pod_counts[NEW.predictor] = 4
    assert move(cluster, AT_10, 50, Clock().patience()).percent == 50
    predictor = cluster.service()["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (12, 12)


def test_a_rollback_gives_stable_its_own_minimum(cluster: FakeCluster) -> None:
    assert cluster.service()["spec"]["predictor"]["minReplicas"] == 8
    roll_back(cluster, Clock().patience())
    predictor = cluster.service()["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (3, 12)


def test_a_change_that_dies_before_the_service_has_it_leaves_stables_own_minimum_in_the_record(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = cluster.apply

    def dying(part: dict[str, Any]) -> dict[str, Any]:
        if part["kind"] == "InferenceService":
            raise KeyboardInterrupt
        return apply(part)

    for dies in (True, False):
        monkeypatch.setattr(cluster, "apply", dying if dies else apply)
        try:
            put(cluster, replace(AT_10, percent=50), resumed=True)
        except KeyboardInterrupt:
            continue
    data = cluster.record()["data"]
    assert (data["stable-min-replicas"], data["stable-max-replicas"]) == ("3", "12")
    roll_back(cluster, Clock().patience())
    assert cluster.service()["spec"]["predictor"]["minReplicas"] == 3


def test_another_canary_takes_no_size_of_stable_from_the_one_before() -> None:
    data = {"canary-version": NEW.name, "canary-pods": "4", "stable-pods": "8", "stable-min-declared": "3"}
    data |= {"stable-min-replicas": "3", "stable-max-replicas": "12"}
    other = replace(NEW, name="2018-01-01-dddddddddddd")
    plan = planned(_service(3, 12), data, _pods(3), with_canary(Traffic(stable=OLD), other, 10), 10)
    assert plan is not None and (plan.stable, plan.canary) == (3, 2)
