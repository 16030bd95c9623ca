"""The reason why a version is not ready."""

from typing import Any

import pytest

from components.inference_service.readiness import (
    canary_ready,
    canary_serves,
    pods_wanted,
    stable_ready,
    trouble,
    without_share,
)

SERVICE = {"spec": {"canary": []}, "status": {"conditions": [{"type": "Ready", "status": "False", "message": "waits"}]}}


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "aisle-vnew-predictor-1"}, "status": status}


def container(state: dict[str, Any], name: str = "kserve-container", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "aisle/serve:0.1.0", "state": state, **more}


NO_ROOM = [{"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient memory"}]
ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}
CASES = [
    (pod(containerStatuses=[container({"waiting": {"reason": "ErrImagePull"}})]), "image aisle/serve:0.1.0 not pulled"),
    (pod(containerStatuses=[container(BACK_OFF, lastState=ENDED)]), "server ended"),
    (
        pod(containerStatuses=[container(BACK_OFF, "ship-log", lastState=ENDED)]),
        "container ship-log ended (Error, exit 1)",
    ),
    (pod(initContainerStatuses=[container(ENDED, name="storage-initializer")]), "model not fetched"),
    (pod(conditions=NO_ROOM), "no room: 0/1 nodes"),
]


@pytest.mark.parametrize(("failing", "words"), CASES, ids=[words for _, words in CASES])
def test_the_trouble_of_a_pod_is_named(failing: dict[str, Any], words: str) -> None:
    assert words in trouble(SERVICE, [failing], [], "vnew")


def test_a_pod_of_another_version_is_not_blamed() -> None:
    assert trouble(SERVICE, [CASES[0][0]], [], "vold") == "waits"


def test_without_a_pod_the_quota_or_the_refusal_is_named() -> None:
    quota = "aisle-vnew-predictor-7: Error creating: pods is forbidden: exceeded quota: small"
    assert "quota exceeded" in trouble(SERVICE, [], [quota], "vnew")
    denied = "aisle-vnew-predictor-7: admission webhook denied the request"
    assert "no pod could be made" in trouble(SERVICE, [], [denied], "vnew")


def test_a_route_without_a_gateway_is_named() -> None:
    conditions = [{"type": "IngressReady", "status": "False", "message": "HttpRouteNotReady"}]
    assert "is there a Gateway" in trouble({"spec": {}, "status": {"conditions": conditions}}, [pod()], [], None)


def test_a_silent_controller_is_suspected() -> None:
    assert "is its controller running" in trouble({"spec": {}}, [], [], None)


def ready_pod(predictor: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True"}]
    return {"metadata": {"name": f"aisle-{predictor}-predictor-1"}, "status": {"conditions": conditions}}


def test_stable_is_ready_when_the_service_and_a_pod_of_its_own_are() -> None:
    service = {"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    check = stable_ready("Standard", "vnew")
    assert check(service, [ready_pod("vnew")])
    assert not check(service, [ready_pod("vold"), pod()]) and not check({"spec": {}}, [ready_pod("vnew")])
    assert stable_ready("Knative", "vnew")(service, [])


def test_a_canary_is_ready_at_the_share_that_was_asked_for() -> None:
    status = {"canaryStatuses": [{"name": "vnew", "ready": True, "trafficPercent": 10}]}
    service = {"spec": {}, "status": status}
    assert canary_ready("Standard", "vnew", 10, None)(service, [ready_pod("vnew")])
    assert not canary_ready("Standard", "vnew", 50, None)(service, [ready_pod("vnew")])
    assert not canary_ready("Standard", "vold", 10, None)(service, [ready_pod("vnew")])


@pytest.mark.parametrize(("declared", "percent", "wanted"), [({}, 100, 3), ({}, 50, 2), ({"minReplicas": 4}, 10, 4)])
def test_a_canary_is_not_ready_with_fewer_pods_than_its_share_or_its_minimum_asks_for(
    declared: dict[str, int], percent: int, wanted: int
) -> None:
    canary = {"trafficPercent": percent, "predictor": {"name": "vnew", **declared}}
    status = {"canaryStatuses": [{"name": "vnew", "ready": True, "trafficPercent": percent}]}
    service = {"spec": {"predictor": {"minReplicas": 3}, "canary": [canary]}, "status": status}
    check = canary_ready("Standard", "vnew", percent, None)
    assert check(service, [ready_pod("vnew")] * wanted)
    assert not check(service, [ready_pod("vnew")] * (wanted - 1) + [pod(), ready_pod("vold")])
    leaving = ready_pod("vnew")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not check(service, [ready_pod("vnew")] * (wanted - 1) + [leaving])
    assert canary_serves("Standard", "vnew", percent)(service, [ready_pod("vnew")])  # one that died is no failed canary


def test_stables_pods_are_those_that_kserve_leaves_it_beside_a_ready_canary() -> None:
    canary = {"trafficPercent": 10, "predictor": {"name": "vnew", "minReplicas": 2}}
    service: dict[str, Any] = {"spec": {"predictor": {"name": "vold", "minReplicas": 5}, "canary": [canary]}}
    assert (pods_wanted(service, "vold"), pods_wanted(service, "vnew")) == (5, 2)
    service["status"] = {"canaryStatuses": [{"name": "vnew", "ready": True}]}
    assert (pods_wanted(service, "vold"), pods_wanted(service, "vnew")) == (3, 2)


def test_after_a_promotion_stable_is_ready_with_all_the_pods_of_its_minimum() -> None:
    conditions = [{"type": "Ready", "status": "True"}]
    service = {"spec": {"predictor": {"minReplicas": 3}}, "status": {"conditions": conditions}}
    check = stable_ready("Standard", "vnew")
    assert not check(service, [ready_pod("vnew")] * 2 + [pod()]) and check(service, [ready_pod("vnew")] * 3)


def test_in_knative_mode_a_canary_is_a_newer_revision_that_is_ready_and_has_its_share() -> None:
    shares = [{"revisionName": "r2", "percent": 10}, {"revisionName": "r1", "percent": 90}, {"revisionName": "r0"}]
    part = {"latestCreatedRevision": "r2", "latestReadyRevision": "r2", "traffic": shares}
    conditions = [{"type": "Ready", "status": "True"}]
    service = {"spec": {}, "status": {"components": {"predictor": part}, "conditions": conditions}}
    assert canary_ready("Knative", "vnew", 10, "r1")(service, [])
    assert not canary_ready("Knative", "vnew", 10, "r2")(service, [])
    assert not canary_ready("Knative", "vnew", 50, "r1")(service, [])
    assert not without_share(service, [])
    part["latestReadyRevision"] = "r1"
    assert not canary_ready("Knative", "vnew", 10, "r1")(service, [])
    part["traffic"] = shares[1:]
    assert without_share(service, [])


def test_in_knative_mode_the_pods_of_the_newest_revision_are_to_blame() -> None:
    part = {"latestCreatedRevision": "aisle-predictor-00002", "latestReadyRevision": "aisle-predictor-00001"}
    conditions = [{"type": "Ready", "status": "False", "message": "Revision failed: no such claim"}]
    service = {"spec": {}, "status": {"components": {"predictor": part}, "conditions": conditions}}
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "none"}}

    def failing(revision: str) -> dict[str, Any]:
        containers = [{"name": "kserve-container", "image": "aisle/serve:9", "state": waiting}]
        return {
            "metadata": {"name": f"aisle-predictor-{revision}-deployment-1"},
            "status": {"containerStatuses": containers},
        }

    assert trouble(service, [failing("00001")], [], "vnew") == "Revision failed: no such claim"
    assert "image aisle/serve:9 not pulled" in trouble(service, [failing("00001"), failing("00002")], [], None)
    conditions.clear()
    starting = {"metadata": {"name": "aisle-predictor-00002-deployment-1"}, "status": {}}
    assert trouble(service, [starting], [], None) == "pod aisle-predictor-00002-deployment-1 is still starting"
    assert trouble(service, [], [], None) == "KServe reports nothing; is its controller running?"
