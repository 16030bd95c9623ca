"""The rollout's controller and a real API server: its rights, and the lease that two of them share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.inference_service.cluster_client import Cluster
from components.inference_service.lease import DURATION_S, Lease
from tests.manifests.api_server import api_server, kubectl
from tests.manifests.overlays import of_kind
from tests.needs import CLUSTER

pytestmark = pytest.mark.needs("kubectl", CLUSTER)

ACCOUNT = "system:serviceaccount:aisle:aisle-rollout-controller"
KINDS = ("Namespace", "Role", "RoleBinding", "ServiceAccount", "Lease")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with api_server(tmp_path_factory.mktemp("api-server")) as kubeconfig:
        for kind in KINDS:
            objects = [o for o in of_kind("prod", kind) if o["metadata"].get("namespace", "aisle") == "aisle"]
            done = kubectl(kubeconfig, "apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(objects))
            assert done.returncode == 0, done.stderr
        yield kubeconfig


@pytest.mark.parametrize(
    ("verb", "what", "answer"),
    [
        ("get", "leases.coordination.k8s.io/aisle-rollout", "yes"),
        ("patch", "leases.coordination.k8s.io/aisle-rollout", "yes"),
        ("create", "leases.coordination.k8s.io", "no"),
        ("patch", "leases.coordination.k8s.io/another", "no"),
        ("patch", "inferenceservices.serving.kserve.io/aisle", "yes"),
        ("delete", "inferenceservices.serving.kserve.io/aisle", "no"),
        ("patch", "configmaps/aisle-traffic", "yes"),
        ("list", "pods", "yes"),
        ("delete", "pods", "no"),
        ("get", "secrets/aisle-s3", "no"),
    ],
)
def test_the_controller_may_what_it_does_and_no_more(server: Path, verb: str, what: str, answer: str) -> None:
    done = kubectl(server, "auth", "can-i", verb, what, "--namespace", "aisle", "--as", ACCOUNT)
    assert done.stdout.strip() == answer, done.stderr


def test_of_two_controllers_one_holds_the_lease_until_it_is_gone(server: Path) -> None:
    time_s = [0.0]
    first, second = (
        Lease(cluster=Cluster("aisle", str(server)), identity=name, clock=lambda: time_s[0]) for name in ("one", "two")
    )
    for _ in range(3):
        assert (first.held(), second.held()) == (True, False)
        time_s[0] += DURATION_S - 1
    time_s[0] += DURATION_S
    assert (second.held(), first.held()) == (True, False)
    second.release()
    assert first.held()
    lease = yaml.safe_load(
        kubectl(server, "get", "lease", "aisle-rollout", "--namespace", "aisle", "-o", "yaml").stdout
    )
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("one", 3)
