"""The pipelines for a cluster, as compiled."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kfp_support.images import IMAGE, VALIDATE_IMAGE
from components.kfp_support.program_version import PROGRAM
from pipelines.definitions.monitoring import LOG_SECRET, PACKAGE
from pipelines.manifests.render import ROOT
from tfx_configs.resources import CLUSTER_STEPS, MONITOR_STEPS, size_parameters, sizes
from tfx_configs.stages import STAGES

COMPILED = ROOT.parent / "pipelines" / "compiled" / "cluster.yaml"
ON_CLUSTER = ["cluster.yaml", "rollout.yaml", "monitoring.yaml", "lists.yaml"]


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    """The pipeline, and what it asks of Kubernetes."""
    return list(yaml.safe_load_all(COMPILED.read_text()))


def _tasks(compiled: dict[str, Any]) -> dict[str, Any]:
    """Of the pipeline, of what its exit handler guards, and of its conditions."""
    graphs = [compiled["root"], *compiled["components"].values()]
    return {name: task for graph in graphs for name, task in graph.get("dag", {}).get("tasks", {}).items()}


def test_steps_that_decide_or_change_something_are_never_taken_from_the_cache(documents: list[dict[str, Any]]) -> None:
    tasks = _tasks(documents[0])
    fresh = {name for name, task in tasks.items() if not task.get("cachingOptions", {}).get("enableCache")}
    groups = {"exit-handler-1", "condition-2"}
    assert fresh == {"stable", "gate", "push", "reference", "release", "rejected", "ending"} | groups


def test_every_step_runs_in_an_image_of_ours_with_limits_and_the_registry(documents: list[dict[str, Any]]) -> None:
    executors = documents[0]["deploymentSpec"]["executors"]
    on_kubernetes = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, executor in executors.items():
        container = executor["container"]
        assert container["image"] == (VALIDATE_IMAGE if name == "exec-validate" else IMAGE)
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(container["resources"])
        assert on_kubernetes[name]["pvcMount"][0]["constant"] == "aisle-registry"
        assert on_kubernetes[name]["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_a_step_is_placed_on_a_node_with_half_a_core_free(name: str) -> None:
    """KFP asks for as much as the limit where no request is set."""
    executors = next(yaml.safe_load_all(COMPILED.with_name(name).read_text()))["deploymentSpec"]["executors"]
    assert {executor["container"]["resources"]["resourceCpuRequest"] for executor in executors.values()} == {"500m"}


def test_a_release_is_not_tried_twice_by_itself(documents: list[dict[str, Any]]) -> None:
    assert _tasks(documents[0])["release"].get("retryPolicy", {}).get("maxRetryCount", 0) == 0


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_however_a_run_ends_its_metrics_are_pushed(name: str) -> None:
    compiled = next(yaml.safe_load_all(COMPILED.with_name(name).read_text()))
    ending = compiled["root"]["dag"]["tasks"]["ending"]
    assert ending["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert set(ending["inputs"]["parameters"]) == {"namespace", "pipeline", "pushgateway", "status"}


def test_a_step_of_the_rollout_is_never_cached_nor_tried_twice() -> None:
    compiled = next(yaml.safe_load_all(COMPILED.with_name("rollout.yaml").read_text()))
    for name in ("rollout-step", "ending"):
        task = _tasks(compiled)[name]
        assert not task.get("cachingOptions", {}).get("enableCache")
        assert task.get("retryPolicy", {}).get("maxRetryCount", 0) == 0
    assert {executor["container"]["image"] for executor in compiled["deploymentSpec"]["executors"].values()} == {IMAGE}


@pytest.mark.parametrize("step", ["ingest", "push"])
def test_the_data_version_is_the_one_that_the_first_step_found(documents: list[dict[str, Any]], step: str) -> None:
    """The parameter of a schedule is "each-run", in every run."""
    source = {"producerTask": "stable", "outputParameterKey": "data_version"}
    assert _tasks(documents[0])[step]["inputs"]["parameters"]["data_version"] == {"taskOutputParameter": source}


@pytest.mark.parametrize(("step", "image"), [("ingest-now", IMAGE), ("monitor", VALIDATE_IMAGE), ("retrain", IMAGE)])
def test_the_monitors_steps_have_the_registry_and_are_never_cached_nor_tried_twice(step: str, image: str) -> None:
    compiled, platform = yaml.safe_load_all(COMPILED.with_name("monitoring.yaml").read_text())
    task = _tasks(compiled)[step]
    assert not task.get("cachingOptions", {}).get("enableCache")
    assert task.get("retryPolicy", {}).get("maxRetryCount", 0) == 0
    executors = compiled["deploymentSpec"]["executors"]
    assert executors[f"exec-{step}"]["container"]["image"] == image
    mounted = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"exec-{step}"]
    assert mounted["pvcMount"][0]["constant"] == "aisle-registry"


def test_only_the_monitor_has_the_keys_of_the_request_log_by_names_that_kfp_does_not_read_where_there_are_any() -> None:
    platform = list(yaml.safe_load_all(COMPILED.with_name("monitoring.yaml").read_text()))[1]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert {name for name, executor in executors.items() if "secretAsEnv" in executor} == {"exec-monitor"}
    (secret,) = executors["exec-monitor"]["secretAsEnv"]
    assert (secret["secretName"], secret["optional"]) == (LOG_SECRET, True)
    names = {key["secretKey"]: key["envVar"] for key in secret["keyToEnv"]}
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"} <= set(names)
    assert all(variable == f"AISLE_{key}" for key, variable in names.items())


def test_the_policy_starts_the_training_pipeline_of_the_image_with_parameters_that_it_has() -> None:
    docker = (ROOT / "images" / "Dockerfile").read_text()
    assert Path("/app") / COMPILED.relative_to(ROOT.parent) == Path(PACKAGE) and "COPY pipelines pipelines" in docker
    taken = set(next(yaml.safe_load_all(COMPILED.read_text()))["root"]["inputDefinitions"]["parameters"])
    assert taken >= {"settings", "data_version", "run_name", "namespace"}
    assert taken >= {"canary_percent", "canary_runtime"}


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_a_run_can_be_started_from_the_page_every_parameter_has_a_default_and_a_short_description(name: str) -> None:
    spec = next(yaml.safe_load_all(COMPILED.with_name(name).read_text()))
    for parameter, definition in spec["root"]["inputDefinitions"]["parameters"].items():
        assert definition["isOptional"] is True and "defaultValue" in definition, parameter
        assert 10 < len(definition["description"]) < 200 and definition["description"].endswith("."), parameter
    assert spec["pipelineInfo"]["description"]


@pytest.mark.parametrize("step", [*STAGES, "gate"])
def test_program_and_settings_of_a_run_are_those_that_its_first_step_read(
    documents: list[dict[str, Any]], step: str
) -> None:
    """No parameter has the program's version: a clone in the page would take the results of an older program. A step
    that may come from the cache has its own part of the settings."""
    assert "code_version" not in documents[0]["root"]["inputDefinitions"]["parameters"]
    task = _tasks(documents[0])[step]
    part = f"{step}_settings" if task["cachingOptions"].get("enableCache") else "settings"
    for name, output in (("settings", part), ("code_version", "code_version")):
        source = {"producerTask": "stable", "outputParameterKey": output}
        assert task["inputs"]["parameters"][name] == {"taskOutputParameter": source}


def test_the_images_of_the_steps_have_the_lock_which_the_programs_version_is_made_of_too() -> None:
    source = (ROOT / "images" / "Dockerfile").read_text().partition(" AS source\n")[2].partition("\nFROM ")[0]
    assert "COPY uv.lock uv.lock" in source and all(f"COPY {name} {name}" in source for name in PROGRAM)


def test_a_rejected_model_is_a_group_of_the_graph_that_runs_only_then(documents: list[dict[str, Any]]) -> None:
    group = _tasks(documents[0])["condition-2"]
    assert group["taskInfo"]["name"] == "Model rejected" and group["dependentTasks"] == ["gate", "release"]
    assert group["triggerPolicy"]["condition"] == (
        "inputs.parameter_values['pipelinechannel--release-Output'] == 'rejected'"
    )
    tasks = documents[0]["components"]["comp-condition-2"]["dag"]["tasks"]
    assert list(tasks) == ["rejected"]


def test_share_and_runtime_of_the_canary_are_parameters_of_the_run(documents: list[dict[str, Any]]) -> None:
    inputs = _tasks(documents[0])["release"]["inputs"]["parameters"]
    for name in ("percent", "runtime"):
        assert inputs[name] == {"componentInputParameter": f"pipelinechannel--canary_{name}"}
    parameters = documents[0]["root"]["inputDefinitions"]["parameters"]
    assert parameters["canary_runtime"]["defaultValue"] == ""


def test_a_model_is_released_once_the_monitor_can_compare_with_it(documents: list[dict[str, Any]]) -> None:
    assert "reference" in _tasks(documents[0])["release"]["dependentTasks"]


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_every_step_has_a_title_limits_and_an_end_by_force(name: str) -> None:
    compiled, platform = yaml.safe_load_all(COMPILED.with_name(name).read_text())
    on_kubernetes = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for executor, what in compiled["deploymentSpec"]["executors"].items():
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(what["container"]["resources"])
        assert on_kubernetes[executor]["activeDeadlineSeconds"] in ("1800", "21600")
        assert on_kubernetes[executor]["imagePullPolicy"] == "IfNotPresent"
    for task, what in _tasks(compiled).items():
        assert what["taskInfo"]["name"] != task


def test_a_step_that_only_computes_is_tried_once_more(documents: list[dict[str, Any]]) -> None:
    tasks = _tasks(documents[0])
    retried = {name: task["retryPolicy"] for name, task in tasks.items() if task.get("retryPolicy")}
    assert set(retried) >= {"ingest", "validate", "examples", "train", "baselines", "evaluate", "gate", "push"}
    for name, policy in retried.items():
        assert name == "release" or policy["maxRetryCount"] == 1


def test_every_step_shows_something_on_kfps_page() -> None:
    shown = {"system.Metrics", "system.HTML", "system.Markdown"}
    for name in ON_CLUSTER:
        components = next(yaml.safe_load_all(COMPILED.with_name(name).read_text()))["components"]
        for component, what in components.items():
            if "executorLabel" in what and component not in ("comp-ending", "comp-baselines"):
                kinds = {
                    artifact["artifactType"]["schemaTitle"]
                    for artifact in what["outputDefinitions"]["artifacts"].values()
                }
                assert kinds & shown, component


@pytest.mark.parametrize("name", ON_CLUSTER)
def test_the_kubernetes_objects_hold_the_same_pipeline_under_a_name_of_its_content(name: str) -> None:
    spec, platform = yaml.safe_load_all(COMPILED.with_name(name).read_text())
    pipeline, version = yaml.safe_load_all((COMPILED.parent / "kubernetes" / name).read_text())
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert version["spec"]["pipelineName"] == pipeline["metadata"]["name"] == spec["pipelineInfo"]["name"]
    assert (version["spec"]["pipelineSpec"], version["spec"]["platformSpec"]) == (spec, platform)
    digest = hashlib.sha256(COMPILED.with_name(name).read_bytes()).hexdigest()[:12]
    assert version["metadata"] == {"name": f"{pipeline['metadata']['name']}-{digest}", "namespace": "kubeflow"}


@pytest.mark.parametrize(
    ("name", "steps"), [("cluster.yaml", CLUSTER_STEPS), ("monitoring.yaml", MONITOR_STEPS)], ids=["cluster", "monitor"]
)
def test_the_size_of_a_step_is_a_parameter_of_the_run(name: str, steps: tuple[str, ...]) -> None:
    compiled = next(yaml.safe_load_all(COMPILED.with_name(name).read_text()))
    defaults = {
        key: what.get("defaultValue") for key, what in compiled["root"]["inputDefinitions"]["parameters"].items()
    }
    assert defaults | size_parameters(sizes(), steps) == defaults
    executors = {"ingest": "ingest-now" if name == "monitoring.yaml" else "ingest"}
    for step in steps:
        resources = compiled["deploymentSpec"]["executors"][f"exec-{executors.get(step, step)}"]["container"][
            "resources"
        ]
        for limit, what in (("resourceCpuLimit", "cpu"), ("resourceMemoryLimit", "memory")):
            assert resources[limit] == f"{{{{$.inputs.parameters['pipelinechannel--{step}_{what}']}}}}"
