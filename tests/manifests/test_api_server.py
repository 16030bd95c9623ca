"""Every overlay against a real API server: `make test-cluster`."""

import copy
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service.cluster_client import Cluster
from components.inference_service.observed import observe
from components.inference_service.traffic import Traffic, Version, declared, promoted, record, rolled_back, with_canary
from model.system.programs import find_program
from pipelines.manifests.render import CANARY, ROOT, STABLE, rollout_routes, rollout_states
from tests.manifests.api_server import api_server, kubectl
from tests.manifests.overlays import OVERLAYS, build
from tests.needs import CLUSTER, OWN_SERVER

pytestmark = pytest.mark.needs("kubectl", CLUSTER)

BEFORE = Version(name="2017-11-27-00000000beef", uri="s3://models/2017-11-27-00000000beef", runtime="aisle-a")
"""Stable before the last promotion."""
NEWER_CODE = replace(CANARY, runtime="aisle-b")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with api_server(tmp_path_factory.mktemp("api-server")) as kubeconfig:
        yield kubeconfig


def _apply(server: Path, objects: list[dict[str, Any]], *options: str) -> Any:
    text = yaml.safe_dump_all(objects)
    return kubectl(server, "apply", "--server-side", "--validate=strict", *options, "-f", "-", stdin=text)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_taken_by_the_api_server_with_unknown_fields_refused(server: Path, overlay: str) -> None:
    objects = build(ROOT / "overlays" / overlay)
    options = ["--field-manager=test", "--force-conflicts"]
    first = _apply(server, [o for o in objects if o["kind"] == "Namespace"], *options)
    assert first.returncode == 0, first.stderr
    # On a cluster in use nothing is changed; on the server of this test everything is stored.
    options += ["--dry-run=server"] if "KUBECONFIG" in os.environ else []
    done = _apply(server, objects, *options)
    if "deploymentMode cannot be changed" in done.stderr:
        return  # the cluster serves in the other mode; KServe's webhook had no other word on the objects
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(objects)


@pytest.mark.parametrize("name", rollout_states())
def test_a_state_of_a_rollout_is_taken(server: Path, name: str) -> None:
    done = _apply(server, rollout_states()[name], "--dry-run=server", "--field-manager=test", "--force-conflicts")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", rollout_routes())
def test_a_route_beside_kserves_is_taken(server: Path, name: str) -> None:
    done = _apply(server, rollout_routes()[name], "--dry-run=server", "--field-manager=test", "--force-conflicts")
    assert done.returncode == 0, done.stderr


def test_the_job_that_fills_redis_is_taken(server: Path) -> None:
    namespaces = [o for o in build(ROOT / "overlays" / "kind") if o["kind"] == "Namespace"]
    assert _apply(server, namespaces, "--field-manager=test", "--force-conflicts").returncode == 0
    objects = list(yaml.safe_load_all((ROOT / "seed" / "seed.yaml").read_text()))
    done = _apply(server, objects, "--dry-run=server", "--field-manager=test")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["cluster.yaml", "rollout.yaml", "monitoring.yaml", "lists.yaml"])
def test_a_pipeline_as_kubernetes_objects_is_taken(server: Path, name: str) -> None:
    text = (ROOT.parent / "pipelines" / "compiled" / "kubernetes" / name).read_text()
    done = _apply(server, list(yaml.safe_load_all(text)), "--dry-run=server", "--field-manager=test")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("spec", "predictor", "model", "storageUrl"), "s3://a/b"),
        (("spec", "predictor", "minReplicas"), "two"),
        (("spec", "canary", 0, "trafficPercent"), 150),
    ],
    ids=["misspelt field", "wrong type", "percent over 100"],
)
def test_a_mistake_that_the_schema_knows_is_refused(server: Path, where: tuple[Any, ...], value: Any) -> None:
    broken = copy.deepcopy(rollout_states()["canary.yaml"][0])
    inner = broken
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    done = _apply(server, [broken], "--dry-run=server", "--field-manager=test", "--force-conflicts")
    assert done.returncode != 0


@pytest.mark.needs(OWN_SERVER)
@pytest.mark.parametrize("previous", [None, BEFORE])
@pytest.mark.parametrize(("command", "after"), [("rollback", rolled_back), ("promote", promoted)])
def test_the_runbooks_kubectl_commands_do_what_aisle_does(
    server: Path, command: str, after: Callable[[Traffic], Traffic], previous: Version | None
) -> None:
    begun = with_canary(Traffic(stable=STABLE, previous=previous), NEWER_CODE, 10)
    objects = [o for o in build(ROOT / "overlays" / "kind") if o["kind"] in ("Namespace", "InferenceService")]
    for o in objects:
        assert _apply(server, [o], "--field-manager=overlay", "--force-conflicts").returncode == 0
    cleared = ["patch", "inferenceservice", "aisle", "-n", "aisle", "--type=merge", "-p", '{"spec": {"canary": null}}']
    assert kubectl(server, *cleared).returncode == 0
    parts = [declared(begun, "Standard", "aisle"), record(begun, "aisle")]
    assert _apply(server, parts, "--field-manager=aisle", "--force-conflicts").returncode == 0
    status = {"status": {"canaryStatuses": [{"name": CANARY.predictor, "ready": True, "trafficPercent": 100}]}}
    patch = ["patch", "inferenceservice", "aisle", "-n", "aisle", "--subresource=status", "--type=merge"]
    patched = kubectl(server, *patch, "-p", json.dumps(status))
    assert patched.returncode == 0, patched.stderr

    text = (ROOT.parent / "docs" / "runbook.md").read_text()
    block = text.split(f"<!-- kubectl:{command} -->\n```bash\n")[1].split("\n```")[0]
    program = find_program("kubectl")
    assert program is not None
    environment = os.environ | {"KUBECONFIG": str(server), "PATH": f"{Path(program).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", block], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    service = json.loads(kubectl(server, "get", "inferenceservice", "aisle", "-n", "aisle", "-o", "json").stdout)
    wanted = declared(after(begun), "Standard", "aisle")["spec"]
    assert "canary" not in service["spec"]
    assert service["spec"]["predictor"]["name"] == wanted["predictor"]["name"]
    model = service["spec"]["predictor"]["model"]
    assert {key: model[key] for key in ("storageUri", "runtime")} == wanted["predictor"]["model"]
    cluster = Cluster("aisle", str(server))
    present = observe(cluster.service(), cluster.record())
    assert (present.traffic, present.change) == (after(begun), "promotion" if command == "promote" else "rollback")
