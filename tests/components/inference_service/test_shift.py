"""Promotion and rollback on a cluster: who is to go first loses its share."""

import itertools
from typing import Any

import pytest

from components.inference_service.shift import POLL_S, ROUTE_S, promote, put, roll_back
from components.inference_service.traffic import Traffic, read, with_canary
from model.errors import CheckFailed, InputError
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW, OLD


@pytest.fixture
def cluster() -> FakeCluster:
    """Half the traffic is the canary's."""
    cluster = FakeCluster()
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 50))
    return cluster


def _steps(cluster: FakeCluster) -> list[Traffic]:
    """What was declared one after the other, from the moment with half the traffic on."""
    half = Traffic(stable=OLD, canary=NEW, percent=50)
    traffics = [traffic for traffic, _ in itertools.groupby(map(read, cluster.records))]
    return traffics[traffics.index(half) + 1 :]


def test_a_canary_gets_everything_before_it_becomes_stable(cluster: FakeCluster) -> None:
    clock = Clock()
    after = promote(cluster, clock.patience())
    assert _steps(cluster) == [Traffic(stable=OLD, canary=NEW, percent=100), after]
    assert after == Traffic(stable=NEW, previous=OLD)
    assert clock.now_s >= 5


def test_a_canary_loses_its_share_before_it_goes(cluster: FakeCluster) -> None:
    clock = Clock()
    after = roll_back(cluster, clock.patience())
    assert _steps(cluster) == [Traffic(stable=OLD, canary=NEW, percent=0), after]
    assert after == Traffic(stable=OLD)
    assert clock.now_s == 5


class SlowRoute(FakeCluster):
    """KServe writes each share into the route, and the gateway takes that, after some reads."""

    reads = 0

    def route(self) -> dict[str, Any]:
        self.reads += 1
        spec = self.applied[-1]["spec"]
        canary = {c["predictor"]["name"]: c["trafficPercent"] for c in spec.get("canary", [])} if self.reads > 3 else {}
        shares = {OLD.predictor: 100 - sum(canary.values()), **(canary or {NEW.predictor: 50})}
        backends = [{"name": f"aisle-{name}-predictor", "weight": share} for name, share in shares.items()]
        condition = {"type": "Accepted", "observedGeneration": 1 if self.reads < 6 else 2}
        status = {"parents": [{"conditions": [condition]}]}
        return {"metadata": {"generation": 2}, "spec": {"rules": [{"backendRefs": backends}]}, "status": status}


@pytest.mark.parametrize("end", [promote, roll_back])
def test_a_version_stays_until_the_gateway_has_taken_the_route_without_it(end: Any) -> None:
    cluster, clock = SlowRoute(), Clock()
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 50))
    end(cluster, clock.patience())
    assert cluster.reads == 6 and clock.now_s >= 5 * POLL_S + 5


def test_a_route_that_never_changes_does_not_keep_a_canary_that_is_rolled_back() -> None:
    cluster, clock = SlowRoute(), Clock()
    cluster.reads = -1000
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 50))
    assert roll_back(cluster, clock.patience()) == read(cluster.record()) == Traffic(stable=OLD)
    assert clock.now_s == ROUTE_S + 5


@pytest.mark.parametrize("percent", [0, 50, 100])
def test_in_knative_mode_no_request_meets_a_canary_that_is_rolled_back_while_stable_starts_again(percent: int) -> None:
    cluster = FakeCluster("Knative", ready_after=5)
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, percent))
    for _ in range(8):
        cluster.service()
    assert cluster.revisions.shares[-1].get(NEW.uri, 0) == percent
    shares_before = len(cluster.revisions.shares)
    assert roll_back(cluster, Clock().patience()) == Traffic(stable=OLD)
    for _ in range(8):
        cluster.service()
    shares = [share.get(NEW.uri, 0) for share in cluster.revisions.shares[shares_before:]]
    # KServe takes a moment to turn a canary at 100 % back; from the moment it has none, it has none for good.
    first = shares.index(0)
    assert set(shares[first:]) == {0} and set(shares[:first]) <= {percent}
    spec = cluster.applied[-1]["spec"]["predictor"]
    assert spec == {"model": {"runtime": OLD.runtime, "storageUri": OLD.uri}}
    assert cluster.revisions.shares[-1] == {OLD.uri: 100}


def test_in_knative_mode_a_rollback_whose_new_pods_do_not_start_leaves_the_old_ones_serving_and_can_go_on() -> None:
    cluster = FakeCluster("Knative")
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 50))
    for _ in range(3):
        cluster.service()
    cluster.canary_ready_after = None
    with pytest.raises(CheckFailed, match="in the canary's place: expected ready within 60 s"):
        roll_back(cluster, Clock().patience())
    assert read(cluster.record()) == Traffic(stable=OLD, canary=NEW, percent=0)
    assert cluster.revisions.shares[-1] == {OLD.uri: 100, NEW.uri: 0}
    cluster.canary_ready_after = 1
    assert roll_back(cluster, Clock().patience()) == read(cluster.record()) == Traffic(stable=OLD)


def test_without_a_canary_a_rollback_changes_nothing_and_a_promotion_is_refused() -> None:
    cluster = FakeCluster()
    put(cluster, Traffic(stable=OLD))
    assert roll_back(cluster, Clock().patience()) == Traffic(stable=OLD)
    with pytest.raises(InputError, match="expected a canary to promote"):
        promote(cluster, Clock().patience())


def test_a_canary_that_does_not_hold_at_a_hundred_percent_is_not_promoted(cluster: FakeCluster) -> None:
    cluster.canary_ready_after = None
    with pytest.raises(CheckFailed, match="expected 1 ready pods of the canary for 100 %, got 0 within 60 s"):
        promote(cluster, Clock().patience())
    assert read(cluster.record()).stable == OLD


def test_a_change_that_breaks_a_rule_is_not_applied(cluster: FakeCluster) -> None:
    cluster.formats["aisle"] = []
    before = len(cluster.applied)
    with pytest.raises(CheckFailed, match="no runtime serves"):
        put(cluster, Traffic(stable=OLD))
    assert len(cluster.applied) == before
