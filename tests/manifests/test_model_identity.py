"""What a server on a cluster is given to know which model it is to serve."""

import shutil
from pathlib import Path

import pytest

from model.package.signature import PUBLIC
from model.serving.server import POD
from pipelines.manifests.render import ROOT
from tests.manifests.overlays import OVERLAYS, build, of_kind


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_knows_the_name_of_its_pod_which_has_the_declared_version(overlay: str) -> None:
    """A patch that replaced the environment would take it away, and nothing would be checked."""
    for runtime in of_kind(overlay, "ServingRuntime"):
        (server,) = [c for c in runtime["spec"]["containers"] if c["name"] == "kserve-container"]
        names = {variable["name"]: variable for variable in server["env"]}
        assert names[POD]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_servers_with_the_component_signed_have_the_key_that_they_check_with(tmp_path: Path) -> None:
    root = tmp_path / "manifests"
    shutil.copytree(ROOT, root)
    overlay = root / "overlays" / "signed"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        "resources: [../../base]\ncomponents: [../../components/redis, ../../components/signed]\n"
    )
    (runtime,) = [o for o in build(overlay) if o["kind"] == "ServingRuntime"]
    (server,) = runtime["spec"]["containers"]
    values = {variable["name"]: variable.get("value") for variable in server["env"]}
    assert set(values) == {POD, "REDIS_PASSWORD", PUBLIC}
    (mount,) = [mount for mount in server["volumeMounts"] if mount["name"] == "model-key"]
    (volume,) = [volume for volume in runtime["spec"]["volumes"] if volume["name"] == "model-key"]
    assert (
        str(values[PUBLIC]) == f"{mount['mountPath']}/aisle.pub" and volume["secret"]["secretName"] == "aisle-model-key"
    )
