"""The rollout on a cluster in memory, in both modes."""

import copy
from typing import Any

import pytest

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, with_canary
from components.kfp_support.pushgateway import rollout
from components.rollout.kserve import cluster_rollout as on_cluster
from components.rollout.kserve.cluster_rollout import act, look, scheduled, step
from components.rollout.kserve.prometheus import Sample
from model.errors import CheckFailed, InputError
from pipelines.commands.output import cluster_line
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW, OLD
from tfx_configs.settings import RolloutSettings

PLAN = RolloutSettings(percents=(10, 100), min_canary_requests=100, min_outcome_ratio=0.0)


class VersionedCluster(FakeCluster):
    """Refuses a record under an old resourceVersion, as the API server does."""

    version = 0

    def record(self) -> dict[str, Any]:
        found = copy.deepcopy(super().record())
        return {**found, "metadata": {**found.get("metadata", {}), "resourceVersion": str(self.version)}}

    def apply(self, part: dict[str, Any], force: bool = False) -> dict[str, Any]:
        if part["kind"] == "ConfigMap":
            if part["metadata"].get("resourceVersion", str(self.version)) != str(self.version):
                raise CheckFailed("the object has been modified")
            self.version += 1
        return super().apply(part, force)


@pytest.fixture(params=["Standard", "Knative"])
def cluster(request: pytest.FixtureRequest) -> VersionedCluster:
    """A canary at 10 %."""
    cluster = VersionedCluster(request.param)
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 10))
    cluster.service()
    return cluster


def _query(errors: int = 0, canary: int = 100, stable: int = 900) -> Any:
    def query(promql: str) -> list[Sample]:
        if "bucket" in promql:
            return []
        return [
            ({"version": NEW.name, "outcome": "ok", "rung": "full"}, canary - errors),
            ({"version": NEW.name, "outcome": "error", "rung": ""}, errors),
            ({"version": OLD.name, "outcome": "ok", "rung": "full"}, stable),
        ]

    return query


def _step(cluster: FakeCluster, now_s: float, **counts: int) -> Any:
    cluster.service()  # readiness comes a look later
    return step(cluster, PLAN, _query(**counts), Clock().patience(), now_s)


def test_a_healthy_canary_is_promoted_one_step_at_a_time(cluster: VersionedCluster) -> None:
    begun = _step(cluster, 1000)
    assert (begun.action, begun.reasons) == ("hold", ("traffic: it begins now",))
    seen = look(cluster)
    assert (seen.started_s, seen.since_s, seen.state, seen.traffic.percent) == (1000, 1000, "running", 10)
    assert _step(cluster, 2000).action == "step"
    seen = look(cluster)
    assert (seen.started_s, seen.since_s, seen.traffic.percent) == (1000, 2000, 100)
    assert _step(cluster, 3000, stable=0).action == "promote"
    seen = look(cluster)
    assert seen.traffic == Traffic(stable=NEW, previous=OLD)
    assert (seen.state, seen.note.partition(":")[0]) == ("promoted", "promote")


def test_a_hold_changes_nothing_and_can_be_asked_again(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    records = len(cluster.records)
    for now_s in (1100, 1200):
        assert _step(cluster, now_s, canary=10, stable=90).reasons == ("traffic: 10 canary answers of the 100 needed",)
    assert len(cluster.records) == records


def test_a_failing_canary_is_rolled_back(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    decision = _step(cluster, 2000, errors=5)
    assert (decision.action, decision.reasons) == ("rollback", ("errors: 5 of 100 canary requests, over 1.0 %",))
    seen = look(cluster)
    assert (seen.traffic, seen.state) == (Traffic(stable=OLD), "rolled_back")
    with pytest.raises(InputError, match="expected a canary beside a stable version"):
        _step(cluster, 3000)


def test_a_split_that_is_not_the_declared_one_holds(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    decision = _step(cluster, 2000, canary=500, stable=500)
    assert decision.reasons[0].startswith("split: 500 of 1000")


def test_a_new_canary_begins_anew(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    put(cluster, with_canary(look(cluster).traffic, NEW, 10))  # as push does
    assert look(cluster).started_s is None
    assert _step(cluster, 5000).reasons == ("traffic: it begins now",)


def test_of_two_who_saw_the_same_the_second_is_refused_before_anything_moves(
    cluster: VersionedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    _step(cluster, 1000)
    old = look(cluster)
    act(cluster, "hold", "maria", Clock().patience())
    monkeypatch.setattr(on_cluster, "look", lambda _: old)
    applied = len(cluster.applied)
    with pytest.raises(CheckFailed, match="the record changed in between, nothing was moved"):
        _step(cluster, 2000)
    assert len(cluster.applied) == applied
    monkeypatch.undo()
    assert look(cluster).state == "held"


def test_by_hand_held_resumed_promoted_and_taken_back(cluster: VersionedCluster) -> None:
    patience = Clock().patience()
    _step(cluster, 1000)
    assert act(cluster, "hold", "maria", patience).state == "held"
    assert _step(cluster, 2000).reasons == ("held: by hand; resume it by hand",)
    assert act(cluster, "resume", "maria", patience).state == "running"
    after = act(cluster, "promote", "maria", patience)
    assert (after.traffic, after.state, after.note) == (
        Traffic(stable=NEW, previous=OLD),
        "promoted",
        "promote by maria",
    )
    back = act(cluster, "rollback", "otto", patience)
    assert (back.traffic, back.state) == (Traffic(stable=OLD, previous=NEW), "rolled_back")
    with pytest.raises(InputError, match="cannot hold one that is rolled back"):
        act(cluster, "hold", "maria", patience)


def test_a_scheduled_step_says_what_it_did_and_fails_on_what_somebody_should_see(cluster: VersionedCluster) -> None:
    def run(now_s: float, **counts: int) -> dict[str, Any]:
        cluster.service()
        return scheduled(cluster, PLAN, _query(**counts), Clock().patience(), now_s)

    assert run(1000) == {"action": "hold", "percent": 10, "reasons": ["traffic: it begins now"]}
    with pytest.raises(CheckFailed, match="hold: split: 500 of 1000"):
        run(2000, canary=500, stable=500)
    assert run(3000)["action"] == "step"
    with pytest.raises(CheckFailed, match="rollback: errors: 9 of 100"):
        run(4000, errors=9)
    assert run(5000) == {"action": "none", "percent": 0, "reasons": ["no canary is declared"]}


def test_the_state_is_told_in_one_line(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    assert cluster_line(look(cluster)) == f"stable {OLD.name}  canary {NEW.name}  running at 10 %  began"
    act(cluster, "rollback", "me", Clock().patience())
    assert cluster_line(look(cluster)) == f"stable {OLD.name}  rolled back  rollback by me"


def test_prometheus_hears_the_canary_and_its_share(cluster: VersionedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[Any, ...]] = []
    monkeypatch.setattr(on_cluster, "push", lambda *what: pushed.append(what))
    on_cluster.tell(cluster, "")
    on_cluster.tell(cluster, "http://gateway")
    assert pushed == [("http://gateway", "aisle-rollout", cluster.namespace, rollout("running", NEW.name, 10))]
