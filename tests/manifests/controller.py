"""KServe's controller and its webhooks beside an API server of our own, for tests of what they make of the service.

There is no node, no gateway and none of Kubernetes' controllers: a Deployment is ready, and a route accepted, when the
test writes so into its status.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.inference_service.cluster_client import Cluster
from pipelines.manifests.render import ROOT
from tests.manifests.api_server import bare_server, free_ports, kubectl, prepare, process
from tests.manifests.certificates import self_signed
from tests.manifests.overlays import build

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
    # With this entry, KServe keeps a client-side apply's annotation out of the pods; without it they would restart.
    "inferenceService": {
        "resource": {"cpuLimit": "1", "memoryLimit": "2Gi", "cpuRequest": "1", "memoryRequest": "2Gi"}
    },
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

    def minimum(self, predictor: str) -> int:
        """Of its autoscaler."""
        scaler = self.get("horizontalpodautoscaler", f"aisle-{predictor}-predictor")
        return int(scaler["spec"]["minReplicas"]) if scaler else 1

    def start(self, predictor: str, ready: int | None = None) -> None:
        """Its Deployment is there, and so many pods are ready; None: the minimum of its autoscaler."""
        name = f"aisle-{predictor}-predictor"
        deployment = until(lambda: self.get("deployment", name), f"deployment {name}")
        until(lambda: self.get("horizontalpodautoscaler", name), f"autoscaler {name}")
        count = self.minimum(predictor) if ready is None else ready
        conditions = [{"type": kind, "status": "True"} for kind in ("Available", "Progressing")]
        counts = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), count)
        status = {"observedGeneration": deployment["metadata"]["generation"], "conditions": conditions} | counts
        self._pods(name, count)
        self._status("deployment", name, status)

    def stop(self) -> None:
        """No pod is left of any version."""
        kubectl(self.kubeconfig, "delete", "pods", "--all", "-n", "aisle", "--wait=false")

    def _pods(self, name: str, count: int) -> None:
        kubectl(self.kubeconfig, "delete", "pods", "-n", "aisle", "-l", f"app={name}", "--wait=true")
        pods = [_pod(name, number) for number in range(count)]
        done = kubectl(self.kubeconfig, "create", "-f", "-", stdin=yaml.safe_dump_all(pods)) if pods else None
        assert done is None or done.returncode == 0, done.stderr
        for pod in pods:
            self._status("pod", pod["metadata"]["name"], {"conditions": [{"type": "Ready", "status": "True"}]})


def _pod(name: str, number: int) -> dict[str, Any]:
    """One of a restricted namespace."""
    labels = {"app": name, "serving.kserve.io/inferenceservice": "aisle"}
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    security |= {"runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {"name": "kserve-container", "image": "aisle/serve:0.1.0", "securityContext": security}
    metadata = {"name": f"{name}-{number}", "namespace": "aisle", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.5)
    return value


@contextmanager
def controlled_server(scratch: Path, overlay: str = "kind") -> Iterator[Site]:
    """An overlay on an API server of our own, with KServe's controller beside it."""
    with bare_server(scratch) as kubeconfig:
        prepare(kubeconfig)
        data = {name: json.dumps(value) for name, value in CONFIGURATION.items()}
        settings = {"name": "inferenceservice-config", "namespace": "kserve"}
        objects = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings, "data": data}]
        kinds = ("Namespace", "ServiceAccount", "ServingRuntime", "ClusterStorageContainer", "InferenceService")
        built = [o for o in build(ROOT / "overlays" / overlay) if o["kind"] in (*kinds, "ConfigMap")]
        objects += sorted(built, key=lambda o: o["kind"] != "Namespace")
        (service,) = [o for o in objects if o["kind"] == "InferenceService"]
        done = _apply(kubeconfig, [o for o in objects if o is not service])
        assert done.returncode == 0, done.stderr
        metrics, health, hooks = free_ports(3)
        command = [os.environ["AISLE_KSERVE_MANAGER"], f"--kubeconfig={kubeconfig}", f"--webhook-port={hooks}"]
        command += [f"--metrics-addr=127.0.0.1:{metrics}", f"--health-probe-addr=127.0.0.1:{health}"]
        key, certificate = self_signed("localhost")
        with process(command, scratch / "manager.log", os.environ | _certificates(scratch, key, certificate)):
            done = _apply(kubeconfig, _webhooks(hooks, certificate))
            assert done.returncode == 0, done.stderr
            until(lambda: _apply(kubeconfig, [service]).returncode == 0, "KServe's webhooks to take the service")
            yield Site(kubeconfig=kubeconfig, cluster=Cluster("aisle", str(kubeconfig)))


def _apply(kubeconfig: Path, objects: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    text = yaml.safe_dump_all(objects)
    return kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)


def _webhooks(port: int, certificate: bytes) -> list[dict[str, Any]]:
    """Defaults and checks of an InferenceService, as KServe's installation registers them."""
    rule = {"apiGroups": ["serving.kserve.io"], "apiVersions": ["v1beta1"], "resources": ["inferenceservices"]}
    hooks = []
    for kind, path in (("Mutating", "mutate"), ("Validating", "validate")):
        url = f"https://localhost:{port}/{path}-serving-kserve-io-v1beta1-inferenceservice"
        hook = {"name": f"{path}.inferenceservice.kserve.io", "sideEffects": "None", "failurePolicy": "Fail"}
        hook |= {"clientConfig": {"url": url, "caBundle": base64.b64encode(certificate).decode()}}
        hook |= {"rules": [rule | {"operations": ["CREATE", "UPDATE"]}], "admissionReviewVersions": ["v1beta1"]}
        about = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration"}
        hooks.append(about | {"metadata": {"name": f"inferenceservice.{path}"}, "webhooks": [hook]})
    return hooks


def _certificates(scratch: Path, key: bytes, certificate: bytes) -> dict[str, str]:
    """Where its webhooks find their certificate follows from TMPDIR."""
    folder = scratch / "k8s-webhook-server" / "serving-certs"
    folder.mkdir(parents=True)
    (folder / "tls.key").write_bytes(key)
    (folder / "tls.crt").write_bytes(certificate)
    return {"TMPDIR": str(scratch), "POD_NAMESPACE": "kserve"}
