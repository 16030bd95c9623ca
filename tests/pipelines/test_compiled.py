"""The pipelines for a cluster, as compiled."""

from typing import Any

import pytest
import yaml

from components.images import IMAGE, VALIDATE_IMAGE
from pipelines.manifests import ROOT

COMPILED = ROOT.parent / "pipelines" / "compiled" / "cluster.yaml"


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    """The pipeline, and what it asks of Kubernetes."""
    return list(yaml.safe_load_all(COMPILED.read_text()))


def test_steps_that_decide_or_change_something_are_never_taken_from_the_cache(documents: list[dict[str, Any]]) -> None:
    tasks = documents[0]["root"]["dag"]["tasks"]
    fresh = {name for name, task in tasks.items() if not task.get("cachingOptions", {}).get("enableCache")}
    assert fresh == {"gate", "push", "release"}


def test_every_step_runs_in_an_image_of_ours_with_limits_and_the_registry(documents: list[dict[str, Any]]) -> None:
    executors = documents[0]["deploymentSpec"]["executors"]
    on_kubernetes = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, executor in executors.items():
        container = executor["container"]
        assert container["image"] == (VALIDATE_IMAGE if name == "exec-validate" else IMAGE)
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(container["resources"])
        assert on_kubernetes[name]["pvcMount"][0]["constant"] == "aisle-registry"
        assert on_kubernetes[name]["imagePullPolicy"] == "IfNotPresent"


def test_a_release_is_not_tried_twice_by_itself(documents: list[dict[str, Any]]) -> None:
    assert documents[0]["root"]["dag"]["tasks"]["release"].get("retryPolicy", {}).get("maxRetryCount", 0) == 0


def test_a_step_of_the_rollout_is_one_task_never_cached_nor_tried_twice() -> None:
    compiled = yaml.safe_load(COMPILED.with_name("rollout.yaml").read_text())
    (task,) = compiled["root"]["dag"]["tasks"].values()
    assert not task.get("cachingOptions", {}).get("enableCache")
    assert task.get("retryPolicy", {}).get("maxRetryCount", 0) == 0
    (executor,) = compiled["deploymentSpec"]["executors"].values()
    assert executor["container"]["image"] == IMAGE
