"""Every overlay against a real API server: `make test-cluster`."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.manifests import OVERLAYS, ROOT, build, rollout_states
from tests.manifests.api_server import api_server, kubectl
from tests.needs import CLUSTER

pytestmark = pytest.mark.needs("kubectl", CLUSTER)


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
