"""The rollout on a cluster in memory, in both modes."""

import copy
from typing import Any

import pytest

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, with_canary
from components.rollout.decision.state_machine import Decision
from components.rollout.decision.states import Command, State
from components.rollout.kserve.cluster_record import ClusterRecord
from components.rollout.kserve.cluster_rollout import ClusterTraffic, gauges
from components.rollout.kserve.prometheus import Sample
from model.errors import CheckFailed, InputError
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW, OLD
from tfx_configs.rollout import RolloutSettings

PLAN = RolloutSettings(percents=(10, 100), min_canary_requests=100, min_outcome_ratio=0.0)


class VersionedCluster(FakeCluster):
    """Refuses a record under an old resourceVersion, as the API server does."""

    version = 0

    def record(self) -> dict[str, Any]:
        record = copy.deepcopy(super().record())
        return {**record, "metadata": {**record.get("metadata", {}), "resourceVersion": str(self.version)}}

    def apply(self, part: dict[str, Any]) -> dict[str, Any]:
        if part["kind"] == "ConfigMap":
            if part["metadata"].get("resourceVersion", str(self.version)) != str(self.version):
                raise CheckFailed("the object has been modified")
            self.version += 1
        return super().apply(part)


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
        if "increase(aisle_requests_total" not in promql:
            return []
        return [
            ({"version": NEW.name, "outcome": "ok", "rung": "full"}, canary - errors),
            ({"version": NEW.name, "outcome": "error", "rung": ""}, errors),
            ({"version": OLD.name, "outcome": "ok", "rung": "full"}, stable),
        ]

    return query


def _traffic(cluster: FakeCluster) -> ClusterTraffic:
    return ClusterTraffic(cluster=cluster, patience=Clock().patience())


def _record(cluster: FakeCluster) -> ClusterRecord:
    return _traffic(cluster).record()


def _step(cluster: FakeCluster, now_s: float, **counts: int) -> Decision:
    cluster.service()  # readiness comes a request later
    return _traffic(cluster).step(PLAN, _query(**counts), now_s)


def test_a_healthy_canary_is_promoted_one_step_at_a_time(cluster: VersionedCluster) -> None:
    begun = _step(cluster, 1000)
    assert (begun.action, begun.reasons) == ("hold", ("traffic: it begins now",))
    record = _record(cluster)
    assert (record.started_s, record.since_s, record.state, record.traffic.percent) == (1000, 1000, "running", 10)
    assert _step(cluster, 2000).action == "step"
    record = _record(cluster)
    assert (record.started_s, record.since_s, record.traffic.percent) == (1000, 2000, 100)
    assert _step(cluster, 3000, stable=0).action == "promote"
    record = _record(cluster)
    assert record.traffic == Traffic(stable=NEW, previous=OLD)
    assert (record.state, record.note.partition(":")[0]) == ("promoted", "promote")


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
    record = _record(cluster)
    assert (record.traffic, record.state) == (Traffic(stable=OLD), "rolled_back")
    assert _step(cluster, 3000).action == "none"


def test_a_split_that_is_not_the_declared_one_holds(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    decision = _step(cluster, 2000, canary=500, stable=500)
    assert decision.reasons[0].startswith("split: 10 of 20 shoppers")


def test_a_new_canary_begins_again(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    put(cluster, with_canary(_record(cluster).traffic, NEW, 10))  # as push does
    assert _record(cluster).started_s is None
    assert _step(cluster, 5000).reasons == ("traffic: it begins now",)


def test_a_canary_without_a_share_is_left_to_push_however_long_it_takes_to_be_ready(cluster: VersionedCluster) -> None:
    cluster.canary_ready_after = None
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 0), ahead=10)  # as push does before it is ready
    declared, record = cluster.service()["spec"], _record(cluster)
    for now_s in (1000, 2000):
        held = _step(cluster, now_s)
        assert (held.action, held.percent, held.wants_traffic) == ("hold", 0, True)
        assert held.reasons == ("traffic: the canary has no share yet, push gives it one",)
    assert cluster.service()["spec"] == declared and _record(cluster) == record
    assert record.started_s is None


def test_of_two_with_the_same_record_the_second_is_refused_before_anything_moves(
    cluster: VersionedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    _step(cluster, 1000)
    old = _record(cluster)
    _traffic(cluster).command(Command.HOLD, "maria")
    monkeypatch.setattr(ClusterTraffic, "record", lambda _: old)
    applied = len(cluster.applied)
    with pytest.raises(CheckFailed, match="the record changed in between, nothing was moved"):
        _step(cluster, 2000)
    assert len(cluster.applied) == applied
    monkeypatch.undo()
    assert _record(cluster).state == State.HELD


def test_by_command_held_resumed_promoted_and_taken_back(cluster: VersionedCluster) -> None:
    traffic = _traffic(cluster)
    _step(cluster, 1000)
    assert traffic.command(Command.HOLD, "maria").state == State.HELD
    assert _step(cluster, 2000).reasons == ("held: by an operator; resume it first",)
    assert traffic.command(Command.RESUME, "maria").state == State.RUNNING
    traffic.command(Command.PROMOTE, "maria")
    after = traffic.record()
    assert (after.traffic, after.state) == (Traffic(stable=NEW, previous=OLD), State.PROMOTED)
    assert after.note == "promote by maria"
    traffic.command(Command.ROLLBACK, "otto")
    back = traffic.record()
    assert (back.traffic, back.state) == (Traffic(stable=OLD, previous=NEW), State.ROLLED_BACK)
    model = {"runtime": OLD.runtime, "storageUri": OLD.uri}
    assert cluster.applied[-1]["spec"]["predictor"]["model"] == model and OLD.runtime != NEW.runtime
    with pytest.raises(InputError, match="cannot hold one that is rolled back"):
        traffic.command(Command.HOLD, "maria")


def test_a_promotion_without_a_version_before_it_cannot_be_taken_back(cluster: VersionedCluster) -> None:
    put(cluster, Traffic(stable=OLD))
    records = len(cluster.records)
    with pytest.raises(InputError, match="expected a version from before the last promotion"):
        _traffic(cluster).command(Command.ROLLBACK, "maria")
    assert len(cluster.records) == records


def test_a_scheduled_step_reports_its_decision_and_fails_on_what_an_operator_should_check(
    cluster: VersionedCluster,
) -> None:
    def run(now_s: float, **counts: int) -> Decision:
        cluster.service()
        return _traffic(cluster).scheduled_step(PLAN, _query(**counts), now_s)

    assert run(1000) == Decision(action="hold", percent=10, reasons=("traffic: it begins now",), wants_traffic=True)
    with pytest.raises(CheckFailed, match="hold: split: 10 of 20 shoppers"):
        run(2000, canary=500, stable=500)
    assert run(3000).action == "step"
    with pytest.raises(CheckFailed, match="rollback: errors: 9 of 100"):
        run(4000, errors=9)
    assert run(5000) == Decision(action="none", percent=0, reasons=("no canary is declared",))


def test_the_status_is_one_line(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    traffic = _traffic(cluster)
    assert traffic.status().line() == f"stable {OLD.name}  canary {NEW.name}  running at 10 %  began"
    assert traffic.command(Command.ROLLBACK, "me").line() == f"stable {OLD.name}  rolled back  rollback by me"


def test_prometheus_gets_the_canary_and_its_share(cluster: VersionedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[tuple[Any, ...]] = []
    monkeypatch.setattr("components.rollout.kserve.cluster_rollout.push", lambda *what: pushed.append(what))
    _traffic(cluster).push_gauges("")
    _traffic(cluster).push_gauges("http://gateway")
    assert pushed == [("http://gateway", "aisle-rollout", cluster.namespace, gauges(State.RUNNING, NEW.name, 10))]


def _at_80(spec: dict[str, Any]) -> None:
    if "canary" in spec:
        spec["canary"][0]["trafficPercent"] = 80
    else:
        spec["predictor"]["canaryTrafficPercent"] = 80


def _other_model(spec: dict[str, Any]) -> None:
    newest = spec["canary"][0]["predictor"] if "canary" in spec else spec["predictor"]
    newest["model"]["storageUri"] = "s3://models/another"


def test_an_edited_share_is_in_the_status_and_its_evidence_starts_when_a_step_adopts_it(
    cluster: VersionedCluster,
) -> None:
    _step(cluster, 1000)
    cluster.edit(_at_80)
    status = _traffic(cluster).status()
    assert (status.percent, status.state) == (80, State.RUNNING)
    assert status.note.startswith(f"the share of {NEW.name} set to 80 % (it was 10 %)")
    adopted = _step(cluster, 2000)
    assert (adopted.action, adopted.percent, adopted.wants_traffic) == ("hold", 80, True)
    assert _record(cluster).since_s == 2000 and not _record(cluster).present.change
    assert _step(cluster, 3000, canary=800, stable=200).percent == 100


@pytest.mark.parametrize("order", [Command.HOLD, Command.PROMOTE, Command.ROLLBACK])
def test_a_command_after_an_edit_starts_from_what_is_declared(cluster: VersionedCluster, order: Command) -> None:
    _step(cluster, 1000)
    cluster.edit(_at_80)
    status = _traffic(cluster).command(order, "maria")
    assert status.percent == (80 if order == Command.HOLD else 0)
    assert _record(cluster).present.change == "" and _record(cluster).note == f"{order} by maria"


def test_drift_holds_every_step_and_command_but_a_rollback(cluster: VersionedCluster) -> None:
    _step(cluster, 1000)
    cluster.edit(_other_model)
    held = _step(cluster, 2000)
    assert held.action == "hold" and not held.wants_traffic and "has drifted from its record" in held.reasons[0]
    for order in (Command.HOLD, Command.PROMOTE):
        with pytest.raises(CheckFailed, match="aisle rollout rollback --namespace aisle"):
            _traffic(cluster).command(order, "maria")
    back = _traffic(cluster).command(Command.ROLLBACK, "maria")
    assert (back.roles.stable, back.roles.canary, back.state) == (OLD.name, None, State.ROLLED_BACK)
    assert cluster.service()["spec"]["predictor"]["model"]["storageUri"] == OLD.uri


def test_a_step_declares_the_pods_first_and_moves_the_share_later() -> None:
    cluster = VersionedCluster(minimum=4, maximum=8)
    cluster.pod_counts[OLD.predictor] = 4
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 10))
    cluster.service()
    _step(cluster, 1000)
    held = _step(cluster, 2000)
    assert (held.action, held.reasons) == ("hold", ("capacity: 4 pods of the canary are declared for 100 %",))
    assert held.wants_traffic and _record(cluster).since_s == 1000
    assert _step(cluster, 2010).percent == 100
