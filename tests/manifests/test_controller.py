"""What KServe's controller makes of a canary, a promotion and a rollback: its program beside an API server of our own.

There is no node, no gateway and none of Kubernetes' controllers: a Deployment is ready, and a route accepted, when the
test writes so into its status.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service.cluster_client import Cluster
from components.inference_service.readiness import canary_ready
from components.inference_service.shift import Patience, put, wait
from components.inference_service.traffic import Traffic, promoted, read, rolled_back, with_canary
from model.errors import CheckFailed
from pipelines.manifests.render import CANARY, ROOT, STABLE
from tests.manifests.api_server import bare_server, free_ports, kubectl, prepare, process
from tests.manifests.certificates import self_signed
from tests.manifests.overlays import build
from tests.needs import CLUSTER, CONTROLLER, OWN_SERVER

pytestmark = pytest.mark.needs("kubectl", CLUSTER, OWN_SERVER, CONTROLLER)

WAIT_S = 300.0
CONFIGURATION = {
    "ingress": {
        "enableGatewayApi": True,
        "kserveIngressGateway": "kserve/kserve-ingress-gateway",
        "ingressGateway": "knative-serving/knative-ingress-gateway",
        "ingressDomain": "example.com",
        "ingressClassName": "envoy",
        "domainTemplate": "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}",
        "urlScheme": "http",
        "disableIstioVirtualHost": True,
    },
    "deploy": {"defaultDeploymentMode": "Standard"},
    "storageInitializer": {
        "image": "kserve/storage-initializer:v0.21.0",
        "memoryRequest": "100Mi",
        "memoryLimit": "1Gi",
        "cpuRequest": "100m",
        "cpuLimit": "1",
    },
    "logger": {
        "image": "kserve/agent:v0.21.0",
        "memoryRequest": "100Mi",
        "memoryLimit": "1Gi",
        "cpuRequest": "100m",
        "cpuLimit": "1",
        "defaultUrl": "http://none",
    },
}
"""KServe's ConfigMap, as far as its controller insists on it, with the values that `make kind-deploy` gives."""


@dataclass(frozen=True, kw_only=True)
class Site:
    kubeconfig: Path
    cluster: Cluster

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        done = kubectl(self.kubeconfig, "get", kind, name, "-n", "aisle", "-o", "json")
        route: dict[str, Any] | None = json.loads(done.stdout) if done.returncode == 0 else None
        return route

    def weights(self) -> dict[str, int]:
        """{Service: percent} of the route to the service's host, whose rules are alike; empty while there is none."""
        self._accept()
        route = self.get("httproute", "aisle")
        shares: dict[str, int] = {}
        for rule in route["spec"]["rules"] if route else []:
            backends = rule["backendRefs"]
            weights = {backend["name"]: backend.get("weight", 1) if len(backends) > 1 else 100 for backend in backends}
            assert shares in ({}, weights), "REST and gRPC are split alike"
            shares = weights
        return shares

    def _accept(self) -> None:
        """What a gateway's controller does: it takes every route. KServe waits for that before it goes on."""
        routes = json.loads(kubectl(self.kubeconfig, "get", "httproute", "-n", "aisle", "-o", "json").stdout)
        for route in routes["items"]:
            if route.get("status", {}).get("parents"):
                continue
            at = {"lastTransitionTime": "2026-01-01T00:00:00Z", "message": "", "reason": "Accepted", "status": "True"}
            conditions = [{"type": kind} | at for kind in ("Accepted", "ResolvedRefs")]
            parent = {"parentRef": route["spec"]["parentRefs"][0], "controllerName": "test.io/gateway"}
            self._status("httproute", route["metadata"]["name"], {"parents": [parent | {"conditions": conditions}]})

    def _status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        patch = json.dumps({"status": status})
        command = ["patch", kind, name, "-n", "aisle", "--subresource=status", "--type=merge", "-p", patch]
        done = kubectl(self.kubeconfig, *command)
        assert done.returncode == 0, done.stderr

    def start(self, predictor: str) -> None:
        """Its Deployment is there, and from now on ready."""
        name = f"aisle-{predictor}-predictor"
        deployment = until(lambda: self.get("deployment", name), f"deployment {name}")
        count = deployment["spec"].get("replicas", 1)
        conditions = [{"type": kind, "status": "True"} for kind in ("Available", "Progressing")]
        counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), count)
        status = {"observedGeneration": deployment["metadata"]["generation"], "conditions": conditions} | counts
        self._status("deployment", name, status)


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.5)
    return value


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    scratch = tmp_path_factory.mktemp("controller")
    with bare_server(scratch) as kubeconfig:
        prepare(kubeconfig)
        data = {name: json.dumps(value) for name, value in CONFIGURATION.items()}
        settings = {"name": "inferenceservice-config", "namespace": "kserve"}
        objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings, "data": data}]
        kinds = ("Namespace", "ServiceAccount", "ServingRuntime", "ClusterStorageContainer", "InferenceService")
        built = [o for o in build(ROOT / "overlays" / "kind") if o["kind"] in (*kinds, "ConfigMap")]
        objects += sorted(built, key=lambda o: o["kind"] != "Namespace")
        done = kubectl(
            kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(objects)
        )
        assert done.returncode == 0, done.stderr
        metrics, health, hooks = free_ports(3)
        command = [os.environ["AISLE_KSERVE_MANAGER"], f"--kubeconfig={kubeconfig}", f"--webhook-port={hooks}"]
        command += [f"--metrics-addr=127.0.0.1:{metrics}", f"--health-probe-addr=127.0.0.1:{health}"]
        with process(command, scratch / "manager.log", os.environ | _certificates(scratch)):
            yield Site(kubeconfig=kubeconfig, cluster=Cluster("aisle", str(kubeconfig)))


def _certificates(scratch: Path) -> dict[str, str]:
    """Its webhooks are not registered here, but it wants their certificate; where, follows from TMPDIR."""
    folder = scratch / "k8s-webhook-server" / "serving-certs"
    folder.mkdir(parents=True)
    key, certificate = self_signed("localhost")
    (folder / "tls.key").write_bytes(key)
    (folder / "tls.crt").write_bytes(certificate)
    return {"TMPDIR": str(scratch), "POD_NAMESPACE": "kserve"}


@pytest.fixture
def begun(site: Site) -> Traffic:
    """A ready stable version, and a canary at 10 % that is not ready yet."""
    stable = Traffic(stable=STABLE)
    put(site.cluster, stable, force=True)
    site.start(STABLE.predictor)
    until(lambda: site.weights() == {f"aisle-{STABLE.predictor}-predictor": 100}, "the route to stable alone")
    traffic = with_canary(stable, CANARY, 10)
    put(site.cluster, traffic)
    return traffic


def _at(site: Site, percent: int) -> None:
    """The route has the canary at this share."""
    shares = {f"aisle-{STABLE.predictor}-predictor": 100 - percent, f"aisle-{CANARY.predictor}-predictor": percent}
    wanted = {name: share for name, share in shares.items() if share}
    split = until(lambda: {n: s for n, s in site.weights().items() if s} == wanted, f"{wanted}, found {site.weights()}")
    assert split


def test_a_canary_gets_a_deployment_a_service_and_its_weight_once_it_is_ready(site: Site, begun: Traffic) -> None:
    until(lambda: site.get("deployment", f"aisle-{CANARY.predictor}-predictor"), "the canary's Deployment")
    until(lambda: site.get("service", f"aisle-{CANARY.predictor}-predictor"), "the canary's Service")
    assert f"aisle-{CANARY.predictor}-predictor" not in {name for name, share in site.weights().items() if share}
    site.start(CANARY.predictor)
    wait(site.cluster, Patience(ready_s=WAIT_S), canary_ready("Standard", CANARY.predictor, 10, None), "canary", None)
    _at(site, 10)
    put(site.cluster, replace(begun, percent=50))
    _at(site, 50)


def test_a_promotion_keeps_the_canarys_deployment_and_takes_stables_away(site: Site, begun: Traffic) -> None:
    site.start(CANARY.predictor)
    _at(site, 10)
    before = site.get("deployment", f"aisle-{CANARY.predictor}-predictor")
    put(site.cluster, replace(begun, percent=100))
    _at(site, 100)
    put(site.cluster, promoted(begun))
    until(lambda: site.get("deployment", f"aisle-{STABLE.predictor}-predictor") is None, "the old Deployment to go")
    after = site.get("deployment", f"aisle-{CANARY.predictor}-predictor")
    assert before is not None and after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["template"] == before["spec"]["template"]  # its pods stay
    _at(site, 100)
    assert read(site.cluster.record()).previous == STABLE
    put(site.cluster, Traffic(stable=STABLE), force=True)


def test_a_rollback_takes_the_canary_away_and_leaves_stable_as_it_is(site: Site, begun: Traffic) -> None:
    site.start(CANARY.predictor)
    _at(site, 10)
    before = site.get("deployment", f"aisle-{STABLE.predictor}-predictor")
    put(site.cluster, replace(begun, percent=0))
    _at(site, 0)
    put(site.cluster, rolled_back(begun))
    until(lambda: site.get("deployment", f"aisle-{CANARY.predictor}-predictor") is None, "the canary to go")
    after = site.get("deployment", f"aisle-{STABLE.predictor}-predictor")
    assert before is not None and after is not None and after["spec"] == before["spec"]
    _at(site, 0)


def test_a_canary_that_is_never_ready_gets_no_request(site: Site, begun: Traffic) -> None:
    ready = canary_ready("Standard", CANARY.predictor, 10, None)
    with pytest.raises(CheckFailed, match="expected ready within 5 s"):
        wait(site.cluster, Patience(ready_s=5), ready, "canary", CANARY.predictor)
    _at(site, 0)
    put(site.cluster, rolled_back(begun))
