"""One version of everything: manifests/versions.env agrees with the lock, the Makefile, the code and the manifests."""

import re
import tomllib
from pathlib import Path

import pytest

from components.kfp_support.images import IMAGES, REGISTRY
from pipelines.manifests.render import ROOT, versions, write_manifests
from tests.manifests.overlays import build

REPOSITORY = ROOT.parent


def locked(package: str) -> str:
    packages = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
    return next(p["version"] for p in packages if p["name"] == package)


@pytest.mark.parametrize(("name", "package"), [("KSERVE", "kserve"), ("KFP", "kfp")])
def test_a_service_has_the_version_of_its_client(name: str, package: str) -> None:
    assert versions()[name] == locked(package)


def test_uv_is_the_same_in_the_makefile_and_the_images() -> None:
    makefile, dockerfile = (REPOSITORY / "Makefile").read_text(), (ROOT / "images" / "Dockerfile").read_text()
    assert f"UV_VERSION := {versions()['UV']}\n" in makefile and f"ARG UV={versions()['UV']}\n" in dockerfile
    assert f"ARG PYTHON={versions()['PYTHON']}\n" in dockerfile


def test_our_images_have_one_tag_everywhere() -> None:
    text = "".join(path.read_text() for path in sorted(ROOT.rglob("*.yaml"))) + str(IMAGES)
    assert set(re.findall(r"aisle\.invalid/(?:serve|batch|spark|validate):([\w.]+)", text)) == {versions()["AISLE"]}


def test_no_image_of_ours_can_be_a_strangers() -> None:
    """A name without a host would be one of docker.io."""
    text = "".join(path.read_text() for path in sorted(ROOT.rglob("*.yaml"))) + str(IMAGES)
    text += "".join(path.read_text() for path in sorted((REPOSITORY / "pipelines" / "compiled").rglob("*.yaml")))
    named = set(re.findall(r"[\w./-]*aisle[\w.]*/(?:serve|batch|spark|validate)\b", text))
    assert named and {name.partition("/")[0] for name in named} == {REGISTRY}
    assert REGISTRY.endswith(".invalid")


def test_redis_has_the_version_of_the_list() -> None:
    (redis,) = [o for o in build(ROOT / "overlays" / "kind") if o["kind"] == "StatefulSet"]
    assert redis["spec"]["template"]["spec"]["containers"][0]["image"] == f"redis:{versions()['REDIS']}"


def test_the_pushgateway_has_the_version_of_the_list() -> None:
    objects = [o for o in build(ROOT / "overlays" / "kind") if o["metadata"]["name"] == "aisle-pushgateway"]
    (deployment,) = [o for o in objects if o["kind"] == "Deployment"]
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"prom/pushgateway:v{versions()['PUSHGATEWAY']}"


def test_the_node_of_kind_has_the_kubernetes_of_the_list_and_is_named_by_digest() -> None:
    assert re.fullmatch(rf"{re.escape(versions()['KUBERNETES'])}@sha256:[0-9a-f]{{64}}", versions()["KIND_NODE"])


def test_every_version_has_a_reason() -> None:
    lines = [line for line in (ROOT / "versions.env").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=\S+ +# \S.*", line) for line in lines)


def test_the_manifests_that_code_writes_are_what_it_writes(tmp_path: Path) -> None:
    assert write_manifests(ROOT, check=True) == []
    assert {path.relative_to(tmp_path).parent.as_posix() for path in write_manifests(tmp_path)} == {
        "rollout",
        "components/images",
    }


def test_the_workflow_installs_the_kind_of_the_list() -> None:
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yaml").read_text()
    assert f"version: v{versions()['KIND']}" in workflow


def test_the_model_is_fetched_by_kserves_program_of_the_same_version() -> None:
    (fetch,) = [o for o in build(ROOT / "overlays" / "kind") if o["kind"] == "ClusterStorageContainer"]
    assert fetch["spec"]["container"]["image"] == f"kserve/storage-initializer:v{versions()['KSERVE']}"
