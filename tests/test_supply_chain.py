"""What is built from is named by what it is: actions by commit, images not by a name that another may take."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.manifests.render import versions
from tests.manifests.overlays import OVERLAYS, objects

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
NO_DIGEST = {
    "kserve/storage-initializer": "KServe's release",
    "redis": "manifests/versions.env",
    "prom/pushgateway": "manifests/versions.env",
    "envoyproxy/envoy": "manifests/versions.env",
}
"""Images of others with a release and no digest: SECURITY.md lists them as a gap."""


def steps(workflow: Path) -> list[tuple[str, dict[str, Any]]]:
    """(job, step) of all jobs."""
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    return [(name, step) for name, job in jobs.items() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_named_by_a_commit_with_its_release_behind_it(workflow: Path) -> None:
    lines = [line.strip().removeprefix("- ") for line in workflow.read_text().splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert uses and len(uses) == len([1 for _, step in steps(workflow) if "uses" in step])
    assert [
        line for line in uses if not re.fullmatch(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_step_has_a_credential_that_it_does_not_need(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text())
    assert content["permissions"] == {"contents": "read"}
    for _, step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # Values of a run reach a script through its environment, not its text.
        assert "${{" not in step.get("run", "")


def test_an_image_is_named_and_signed_after_its_digest_has_passed_the_tests() -> None:
    publish = [step for job, step in steps(ROOT / ".github" / "workflows" / "ci.yaml") if job == "publish"]
    order = [step.get("run", step.get("uses", "")).split("@")[0].split("\n")[0] for step in publish]
    build, tested, signed = (
        next(n for n, line in enumerate(order) if line.startswith(start))
        for start in ("docker/build-push-action", ".ci/test-image", "cosign sign")
    )
    named = next(n for n, step in enumerate(publish) if "imagetools create" in step.get("run", ""))
    assert build < tested < signed < named
    options = publish[build]["with"]
    assert "push-by-digest=true" in options["outputs"] and "tags" not in options
    assert options["sbom"] is True and options["provenance"] == "mode=max"
    assert all(publish[n]["env"]["DIGEST"] == "${{ steps.build.outputs.digest }}" for n in (tested, signed, named))


def test_the_cluster_of_ci_is_made_on_a_standard_runner_by_the_programs_of_the_list() -> None:
    workflow = ROOT / ".github" / "workflows" / "ci.yaml"
    job = yaml.safe_load(workflow.read_text())["jobs"]["kind"]
    assert job["runs-on"] == "ubuntu-24.04"
    (programs,) = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("helm/kind-action@")]
    wanted = {"version": f"v{versions()['KIND']}", "kubectl_version": f"v{versions()['KUBERNETES']}"}
    assert programs == {"install_only": True} | wanted
    commands = " && ".join(step["run"].strip() for step in job["steps"] if "run" in step)
    order = [
        commands.index(f"make {word}") for word in ("kind-up PROFILE=light", "kind-crds test-cluster", "kind-demo")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_image_is_ours_has_a_digest_or_is_on_the_list(overlay: str) -> None:
    named = set(re.findall(r"""'image': '([^']+)'""", str(objects(overlay))))
    others = {image for image in named if "@sha256:" not in image and not image.startswith("aisle.invalid/")}
    assert {image.rpartition(":")[0] for image in others} <= set(NO_DIGEST)
    assert not any(image.endswith(":latest") for image in named)
    text = (ROOT / "SECURITY.md").read_text()
    assert [image for image in others if image.rpartition(":")[0] not in text] == []


@pytest.mark.parametrize("program", ["audit", "test-image", "run"])
def test_the_programs_of_ci_can_be_run(program: str) -> None:
    assert (ROOT / ".ci" / program).stat().st_mode & stat.S_IXUSR
