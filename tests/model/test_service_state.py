"""Why a version is not ready, said in words."""

from typing import Any

import pytest

from model.service_state import canary_ready, service_ready, trouble

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
    (pod(initContainerStatuses=[container(ENDED, name="storage-initializer")]), "model not fetched"),
    (pod(conditions=NO_ROOM), "no room: 0/1 nodes"),
]


@pytest.mark.parametrize(("found", "words"), CASES, ids=[words for _, words in CASES])
def test_a_pod_says_what_keeps_it(found: dict[str, Any], words: str) -> None:
    assert words in trouble(SERVICE, [found], [], "vnew")


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


def test_readiness_is_kserves_own_word() -> None:
    assert not service_ready({"spec": {}})
    assert service_ready({"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    standard = {"spec": {"canary": [{}]}, "status": {"canaryStatuses": [{"name": "vnew", "ready": True}]}}
    assert canary_ready("vnew")(standard) and not canary_ready("vold")(standard)
