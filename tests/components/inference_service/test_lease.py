"""The lease between controllers that share one API server in memory."""

from typing import Any

import pytest

from components.inference_service.lease import DURATION_S, Lease
from model.errors import CheckFailed, InputError
from tests.components.inference_service.fake_cluster import FakeCluster


class LeaseCluster(FakeCluster):
    """Holds one Lease under optimistic locking, as the API server does."""

    def __init__(self) -> None:
        super().__init__()
        self.version, self.spec = 1, dict[str, Any]()
        self.away = False

    def lease(self) -> dict[str, Any]:
        if self.away:
            raise InputError("expected an API server, none answers")
        return {"metadata": {"resourceVersion": str(self.version)}, "spec": dict(self.spec)}

    def apply(self, part: dict[str, Any], *_: Any) -> dict[str, Any]:
        if part["metadata"]["resourceVersion"] != str(self.version):
            raise CheckFailed("the object has been modified")
        self.version, self.spec = self.version + 1, part["spec"]
        return part


class _Time:
    now_s = 0.0


@pytest.fixture
def pair() -> tuple[Lease, Lease, LeaseCluster, _Time]:
    cluster, time = LeaseCluster(), _Time()
    first, second = (Lease(cluster=cluster, identity=name, clock=lambda: time.now_s) for name in ("one", "two"))
    return first, second, cluster, time


def test_one_of_two_holds_it_and_renews_it(pair: tuple[Lease, Lease, LeaseCluster, _Time]) -> None:
    first, second, cluster, time = pair
    for _ in range(10):
        assert (first.held(), second.held()) == (True, False)
        time.now_s += DURATION_S - 1
    assert (cluster.spec["holderIdentity"], cluster.spec["leaseTransitions"]) == ("one", 1)


def test_a_holder_that_is_gone_is_followed_after_the_duration_and_at_once_where_it_released(
    pair: tuple[Lease, Lease, LeaseCluster, _Time],
) -> None:
    first, second, cluster, time = pair
    assert first.held() and not second.held()
    time.now_s += DURATION_S - 1
    assert not second.held()
    time.now_s += 1
    assert second.held() and not first.held()
    assert (cluster.spec["holderIdentity"], cluster.spec["leaseTransitions"]) == ("two", 2)
    second.release()
    assert first.held()
    assert (cluster.spec["holderIdentity"], cluster.spec["leaseTransitions"]) == ("one", 3)
    second.release()  # it is not its to release any more
    assert cluster.spec["holderIdentity"] == "one"


def test_of_two_that_take_a_free_one_at_the_same_moment_one_is_refused(
    pair: tuple[Lease, Lease, LeaseCluster, _Time], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, cluster, _ = pair
    free = cluster.lease()
    monkeypatch.setattr(cluster, "lease", lambda: free)
    assert (first.held(), second.held()) == (True, False)


def test_without_a_server_it_is_not_held(pair: tuple[Lease, Lease, LeaseCluster, _Time]) -> None:
    first, _, cluster, _ = pair
    assert first.held()
    cluster.away = True
    assert not first.held()
    first.release()
