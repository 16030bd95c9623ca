"""A push to a cluster: stable first, then the canary, awaited, asked, and taken away when it fails."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from components.artifacts.push_outcome import ReleaseOutcome
from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, Version, read
from components.push.canary_deploy import deploy
from model.errors import CheckFailed, InputError
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW as ON_B
from tests.components.inference_service.test_traffic import OLD

NEW = replace(ON_B, runtime="aisle")


def push(cluster: FakeCluster, smoke: Any = lambda predictor: None, ready_s: float = 60.0) -> ReleaseOutcome:
    return deploy(cluster, OLD, NEW, 10, smoke, Clock().patience(ready_s))


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_the_first_push_makes_stable_ready_and_then_declares_the_canary_beside_it(mode: str) -> None:
    cluster, asked = FakeCluster(mode), list[str]()
    result = push(cluster, asked.append)
    assert [traffic for traffic, _ in itertools.groupby(map(read, cluster.records))] == [
        Traffic(stable=None),
        Traffic(stable=OLD),
        Traffic(stable=OLD, canary=NEW, percent=0),
        Traffic(stable=OLD, canary=NEW, percent=10),
    ]
    assert asked == [NEW.predictor]
    assert result == ReleaseOutcome(
        released=True,
        version=NEW.name,
        predictor=NEW.predictor,
        runtime="aisle",
        percent=10,
        stable=OLD.name,
        previous=None,
        generation=5 if mode == "Standard" else 4,
        changed=True,
    )


def test_a_later_push_leaves_stable_as_it_is() -> None:
    cluster = FakeCluster()
    push(cluster)
    deploy(cluster, NEW, NEW, 50, lambda predictor: None, Clock().patience())
    assert read(cluster.record()) == Traffic(stable=OLD, canary=NEW, percent=50)


def test_a_canary_that_serves_keeps_its_share_while_it_is_asked() -> None:
    cluster, percents = FakeCluster(), list[int]()
    push(cluster)
    deploy(cluster, OLD, NEW, 20, lambda _: percents.append(read(cluster.record()).percent), Clock().patience())
    assert (percents, read(cluster.record()).percent) == ([10], 20)


def test_the_same_push_twice_declares_the_same() -> None:
    cluster = FakeCluster()
    push(cluster)
    applied = len(cluster.applied)
    again = push(cluster)
    assert not again.changed and len(cluster.applied) == applied


def test_a_canary_that_is_never_ready_is_rolled_back_after_its_deadline_and_stable_is_untouched() -> None:
    cluster = FakeCluster()
    cluster.canary_ready_after = None
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    cluster.found_pods = [
        {
            "metadata": {"name": f"aisle-{NEW.predictor}-predictor-1"},
            "status": {
                "containerStatuses": [
                    {"name": "kserve-container", "image": "aisle/serve:9", "state": {"waiting": waiting}}
                ]
            },
        }
    ]
    with pytest.raises(CheckFailed, match=r"expected ready within 60 s; pod .* image aisle/serve:9 not pulled"):
        push(cluster)
    assert read(cluster.record()) == Traffic(stable=OLD)


@pytest.mark.parametrize("mode", ["Standard", "Knative"])
def test_a_canary_that_answers_wrongly_is_rolled_back_before_any_shopper_met_it(mode: str) -> None:
    def smoke(predictor: str) -> None:
        raise CheckFailed("expected recommendations, got none")

    cluster = FakeCluster(mode)
    with pytest.raises(CheckFailed, match="expected recommendations"):
        push(cluster, smoke)
    assert {read(part).percent for part in cluster.records} == {0}
    assert read(cluster.record()) == Traffic(stable=OLD)


def test_code_and_model_become_one_canary_and_stable_keeps_its_own_code() -> None:
    cluster = FakeCluster()
    put(cluster, Traffic(stable=OLD))
    result = deploy(cluster, OLD, NEW, 10, lambda _: None, Clock().patience(), runtime="aisle-b")
    assert read(cluster.record()) == Traffic(stable=OLD, canary=ON_B, percent=10)
    assert result.runtime == "aisle-b"
    spec = cluster.applied[-1]["spec"]
    assert spec["predictor"]["model"]["runtime"] == "aisle"
    assert spec["canary"][0]["predictor"]["model"]["runtime"] == "aisle-b"


def test_a_first_push_on_a_runtime_puts_both_versions_on_it() -> None:
    cluster = FakeCluster()
    deploy(cluster, OLD, NEW, 10, lambda _: None, Clock().patience(), runtime="aisle-b")
    assert read(cluster.record()) == Traffic(stable=replace(OLD, runtime="aisle-b"), canary=ON_B, percent=10)


def test_the_next_canary_runs_the_code_of_the_stable_version() -> None:
    cluster = FakeCluster()
    put(cluster, Traffic(stable=ON_B, previous=OLD))
    newest = Version(name="2018-01-01-cccccccccccc", uri="s3://models/newest")
    assert deploy(cluster, OLD, newest, 10, lambda _: None, Clock().patience()).runtime == "aisle-b"


def test_a_runtime_that_is_not_there_is_refused_before_anything_is_applied() -> None:
    cluster = FakeCluster()
    put(cluster, Traffic(stable=OLD))
    applied = len(cluster.applied)
    with pytest.raises(InputError, match='"aisle-c" not found'):
        deploy(cluster, OLD, NEW, 10, lambda _: None, Clock().patience(), runtime="aisle-c")
    assert len(cluster.applied) == applied and read(cluster.record()) == Traffic(stable=OLD)


@pytest.mark.parametrize("traffic", [Traffic(stable=ON_B), Traffic(stable=OLD, canary=ON_B, percent=10)])
def test_a_version_that_serves_does_not_change_its_code_in_place(traffic: Traffic) -> None:
    cluster = FakeCluster()
    put(cluster, traffic)
    applied = len(cluster.applied)
    with pytest.raises(InputError, match="expected runtime aisle-b, on which it serves, got aisle"):
        deploy(cluster, OLD, NEW, 50, lambda _: None, Clock().patience(), runtime="aisle")
    assert len(cluster.applied) == applied and read(cluster.record()) == traffic


def test_a_refused_apply_changes_nothing_and_is_reported() -> None:
    cluster = FakeCluster()
    cluster.refuse = CheckFailed("refused by the API server (403): exceeded quota")
    with pytest.raises(CheckFailed, match="exceeded quota"):
        push(cluster)
    assert cluster.applied == []


def test_a_service_in_no_known_mode_is_refused_before_anything_is_applied() -> None:
    cluster = FakeCluster("ModelMesh")
    with pytest.raises((InputError, CheckFailed), match="expected Standard or Knative"):
        push(cluster)
    assert cluster.applied == []
