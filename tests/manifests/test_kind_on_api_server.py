"""manifests/kind/cluster.sh with a real kubectl and a real API server: what it notes, patches and applies.

There is no node, no network, no docker, kind or helm: those are fakes, and nothing is waited for.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.system.programs import find_program
from pipelines.manifests.render import ROOT, versions
from tests.manifests.api_server import bare_server, kubectl, prepare
from tests.manifests.kind_machine import Machine
from tests.needs import CLUSTER, OWN_SERVER

pytestmark = pytest.mark.needs("kubectl", CLUSTER, OWN_SERVER)

KUBECTL = """#!/bin/bash
case "$*" in
  *" wait "* | *" rollout status "*) exit 0 ;; # for pods, which no node runs
  *"exec -i -n kubeflow deployment/seaweedfs"*) cat >/dev/null; exit 0 ;;
  *https://*metrics-server*) exec {real} --context kind-aisle apply --server-side -f {metrics} ;;
  *https://*) exit 0 ;;
esac
exec {real} "$@"
"""
INSTALLED = ["metrics", "certificates", "gateway", "kserve", "prometheus", "store"]
SECRETS = {"aisle-redis", "aisle-api-keys", "aisle-write-keys", "aisle-s3", "aisle-log", "aisle-log-reader"}


def _metrics_server() -> str:
    """A Deployment of that name, with arguments."""
    pod = {"containers": [{"name": "metrics-server", "image": "metrics-server", "args": ["--secure-port=10250"]}]}
    labels = {"k8s-app": "metrics-server"}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "metrics-server", "namespace": "kube-system"}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with bare_server(tmp_path_factory.mktemp("api-server")) as kubeconfig:
        prepare(kubeconfig)
        done = kubectl(kubeconfig, "config", "set-context", "kind-aisle", "--cluster=test", "--user=admin")
        assert done.returncode == 0, done.stderr
        yield kubeconfig


def _up(server: Path, folder: Path, *profile: str) -> list[str]:
    """The lines of one call, which ends well."""
    machine = Machine(folder)
    metrics = folder / "metrics.json"
    metrics.write_text(_metrics_server())
    (folder / "bin" / "kubectl").write_text(KUBECTL.format(real=find_program("kubectl"), metrics=metrics))
    (folder / "clusters").write_text("aisle\n")
    fakes = machine.environment | {"KUBECONFIG": str(server), "HOME": str(folder)}
    command = ["bash", str(ROOT / "kind" / "cluster.sh"), "up", *profile]
    done = subprocess.run(command, env=fakes, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def _get(server: Path, *what: str) -> dict:
    return json.loads(kubectl(server, "get", *what, "-o", "json").stdout)


def test_from_nothing_to_a_service_that_waits_and_a_second_call_finds_all_of_it(server: Path, tmp_path: Path) -> None:
    first = _up(server, tmp_path / "first")
    notes = _get(server, "namespace", "kube-system")["metadata"]["annotations"]
    assert notes["aisle.dev/kind-profile"] == "light"
    assert notes["aisle.dev/kind-kserve"] == f"KServe {versions()['KSERVE']}"
    assert not [line for line in first if line.endswith(" is there")]
    metrics = _get(server, "deployment", "metrics-server", "-n", "kube-system")
    arguments = ["--secure-port=10250", "--kubelet-insecure-tls"]
    assert metrics["spec"]["template"]["spec"]["containers"][0]["args"] == arguments
    secrets = {secret["metadata"]["name"] for secret in _get(server, "secrets", "-n", "aisle")["items"]}
    assert secrets == SECRETS
    service = _get(server, "inferenceservice", "aisle", "-n", "aisle")
    assert (
        service["spec"]["predictor"]["minReplicas"] == 1 and "storageUri" not in service["spec"]["predictor"]["model"]
    )

    second = _up(server, tmp_path / "second")
    there = [re.search(r" (\w+): .* is there$", line) for line in second]
    assert [match[1] for match in there if match] == INSTALLED
    again = _get(server, "deployment", "metrics-server", "-n", "kube-system")
    assert again["metadata"]["generation"] == metrics["metadata"]["generation"]


def test_the_full_profile_adds_kfp_to_it(server: Path, tmp_path: Path) -> None:
    lines = _up(server, tmp_path, "full")
    assert any(f"/11 kfp: KFP {versions()['KFP']}" in line for line in lines)
    notes = _get(server, "namespace", "kube-system")["metadata"]["annotations"]
    assert notes["aisle.dev/kind-profile"] == "full" and notes["aisle.dev/kind-kfp"] == f"KFP {versions()['KFP']}"
