"""Every overlay builds, every object fits its schema with unknown fields refused, and our own rules hold."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import kserve
import kubernetes_validate
import pytest
import yaml
from kserve.models import V1alpha1ClusterStorageContainer, V1alpha1ServingRuntime, V1beta1InferenceService

from components.inference_service.rules import problems
from components.train.train_job import PORT
from model.kernels.compiler import CACHE_VARIABLE
from model.serving.request_log.spool import MEGABYTE
from model.serving.server import GRACE_S
from pipelines.definitions.monitoring import LOG, LOG_SECRET
from pipelines.definitions.pod_settings import CLAIM, MOUNT
from pipelines.kind.cluster_secrets import LOG_BUCKET
from pipelines.manifests.render import ROOT, rollout_states, versions
from tests.manifests.models import misfits
from tests.manifests.overlays import OVERLAYS, objects, of_kind

KUBERNETES = versions()["KUBERNETES"].rpartition(".")[0]
KSERVE = {
    "InferenceService": V1beta1InferenceService,
    "ServingRuntime": V1alpha1ServingRuntime,
    "ClusterStorageContainer": V1alpha1ClusterStorageContainer,
}
ONLY_ON_A_SERVER = {
    "gateway.networking.k8s.io",
    "gateway.envoyproxy.io",
    "monitoring.coreos.com",
    "sparkoperator.k8s.io",
    "trainer.kubeflow.org",
}
"""Groups without a schema on PyPI: `make test-cluster` checks them against their CRDs."""


def pods(overlay: str) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """(name, pod spec, containers) of all that becomes a pod; KServe joins the service's spec and the runtime."""
    specs = []
    for o in objects(overlay):
        name = f"{o['kind']} {o['metadata']['name']}"
        if o["kind"] in ("StatefulSet", "Deployment"):
            specs.append((name, o["spec"]["template"]["spec"], o["spec"]["template"]["spec"]["containers"]))
        elif o["kind"] == "TrainingRuntime":
            spec = o["spec"]["template"]["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]
            specs.append((name, spec, spec["containers"]))
        elif o["kind"] == "ServingRuntime":
            specs.append((name, of_kind(overlay, "InferenceService")[0]["spec"]["predictor"], o["spec"]["containers"]))
        elif o["kind"] == "ClusterStorageContainer":
            # It downloads to a volume of its own and to its home.
            container = o["spec"]["container"]
            container["securityContext"]["readOnlyRootFilesystem"] = True
            specs.append((name, {"automountServiceAccountToken": False}, [container]))
    return specs


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_fits_its_schema(overlay: str) -> None:
    for o in objects(overlay):
        group = o["apiVersion"].rpartition("/")[0]
        if o["kind"] in KSERVE:
            assert misfits(o, KSERVE[o["kind"]], kserve.models) == []
        elif group not in ONLY_ON_A_SERVER:
            kubernetes_validate.validate(o, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", rollout_states())
def test_a_state_of_a_rollout_fits_its_schema(name: str) -> None:
    service, record = rollout_states()[name]
    assert misfits(service, V1beta1InferenceService, kserve.models) == []
    kubernetes_validate.validate(record, KUBERNETES, strict=True)


def test_the_job_that_fills_redis_fits_its_schema_is_hardened_and_reaches_redis() -> None:
    job, policy = yaml.safe_load_all((ROOT / "seed" / "seed.yaml").read_text())
    for o in (job, policy):
        kubernetes_validate.validate(o, KUBERNETES, strict=True)
    pod = job["spec"]["template"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] and pod["spec"]["automountServiceAccountToken"] is False
    for container in [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]:
        assert container["securityContext"]["readOnlyRootFilesystem"] and container["resources"]["limits"]
    label = {"matchLabels": pod["metadata"]["labels"]}
    assert policy["spec"]["podSelector"] == label
    redis = next(o for o in of_kind("kind", "NetworkPolicy") if o["metadata"]["name"] == "redis")
    assert {"podSelector": label} in redis["spec"]["ingress"][0]["from"]
    assert (
        pod["spec"]["initContainers"][0]["image"]
        == of_kind("kind", "ClusterStorageContainer")[0]["spec"]["container"]["image"]
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_service_breaks_no_rule(overlay: str) -> None:
    (service,) = of_kind(overlay, "InferenceService")
    assert problems(service, of_kind(overlay, "ServingRuntime")) == []


@pytest.mark.parametrize("name", rollout_states())
def test_no_state_of_a_rollout_breaks_a_rule(name: str) -> None:
    assert problems(rollout_states()[name][0], of_kind("kind", "ServingRuntime")) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_hardened_and_limited(overlay: str) -> None:
    assert pods(overlay)
    for name, spec, containers in pods(overlay):
        assert spec["automountServiceAccountToken"] is False, name
        for container in containers:
            own = container["securityContext"]
            both = spec.get("securityContext", {}) | own
            assert both["runAsNonRoot"] is True and both["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert own["allowPrivilegeEscalation"] is False and own["readOnlyRootFilesystem"] is True, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            for bound in ("requests", "limits"):
                assert set(container["resources"][bound]) >= {"cpu", "memory"}, name
            assert container["imagePullPolicy"] == "IfNotPresent", name
            assert ":" in container["image"] and not container["image"].endswith(":latest"), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_reachable_that_is_not_named(overlay: str) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in of_kind(overlay, "NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule.get("ports") and (rule.get("from") or rule.get("to")), name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_a_file(overlay: str) -> None:
    assert not of_kind(overlay, "Secret")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_model_is_probed_on_its_own_path(overlay: str) -> None:
    container, _ = serving(overlay)
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v2/models/aisle/ready", "port": 8080}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_compiled_kernels_of_the_image_are_neither_redirected_nor_hidden_by_a_volume(overlay: str) -> None:
    docker = (ROOT / "images" / "Dockerfile").read_text()
    (directory,) = re.findall(rf"\b{CACHE_VARIABLE}=(\S+)", docker)
    for container in serving(overlay):
        assert CACHE_VARIABLE not in {variable["name"] for variable in container.get("env", [])}
        assert not [
            mount for mount in container["volumeMounts"] if f"{directory}/".startswith(f"{mount['mountPath']}/")
        ]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_overlay_declares_no_runtime_which_is_a_versions_own(overlay: str) -> None:
    (service,) = of_kind(overlay, "InferenceService")
    assert not {"runtime", "storageUri"} & set(service["spec"]["predictor"]["model"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_replicas_share_live_state_in_redis_with_the_password_from_its_secret(overlay: str) -> None:
    container, _ = serving(overlay)
    stores = [urlsplit(word.partition("=")[2]) for word in container["args"] if word.startswith("--store=")]
    (redis,) = [o for o in of_kind(overlay, "Service") if o["metadata"]["name"] == "aisle-redis"]
    assert [(store.scheme, store.hostname, store.password) for store in stores] == [("redis", "aisle-redis", None)]
    assert stores[0].port == redis["spec"]["ports"][0]["port"]
    (database,) = of_kind(overlay, "StatefulSet")
    password = {"name": "REDIS_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "aisle-redis", "key": "password"}}}
    for user in (container, database["spec"]["template"]["spec"]["containers"][0]):
        assert password in user["env"]
    (runtime,) = of_kind(overlay, "ServingRuntime")
    mounted = [mount["name"] for mount in container["volumeMounts"]]
    assert mounted == [volume["name"] for volume in runtime["spec"]["volumes"]] == ["scratch", "log"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_the_shipper_has_the_keys_of_the_request_logs_bucket_and_the_pod_does_without_them(overlay: str) -> None:
    server, shipper = serving(overlay)
    assert shipper["envFrom"] == [{"secretRef": {"name": LOG_SECRET, "optional": True}}]
    assert "envFrom" not in server and LOG_SECRET not in json.dumps(server)
    assert "ports" not in shipper  # Knative takes them in one container only


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_the_server_logs_the_shipper_takes_before_the_kubelet_would_evict_the_pod(overlay: str) -> None:
    server, shipper = serving(overlay)
    (runtime,) = of_kind(overlay, "ServingRuntime")
    mounts = [{mount["name"]: mount["mountPath"] for mount in c["volumeMounts"]} for c in (server, shipper)]
    assert {option(server, "--request-log"), option(shipper, "--from"), *(paths["log"] for paths in mounts)} == {"/log"}
    limits = {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in runtime["spec"]["volumes"]}
    assert float(option(server, "--log-keep-mb")) * MEGABYTE < 0.8 * float(limits["log"].removesuffix("Gi")) * 2**30
    assert float(option(server, "--log-roll-s")) < 15 * 60  # AisleRequestLogBehind


@pytest.mark.parametrize("overlay", ["kind", "knative"])
def test_the_request_log_is_shipped_to_where_the_monitor_reads_it(overlay: str) -> None:
    assert option(serving(overlay)[1], "--to") == LOG
    assert LOG.startswith(f"s3://{LOG_BUCKET}/") and LOG_SECRET == LOG_BUCKET


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_the_shipper_outlives_the_server_and_ends_before_it_is_killed(overlay: str) -> None:
    server, shipper = serving(overlay)
    (service,) = of_kind(overlay, "InferenceService")
    ends_s = server["lifecycle"]["preStop"]["sleep"]["seconds"] + GRACE_S
    assert ends_s < float(option(shipper, "--linger-s")) < service["spec"]["predictor"]["terminationGracePeriodSeconds"]


def serving(overlay: str) -> list[dict[str, Any]]:
    """The server's container, and the one beside it."""
    (runtime,) = of_kind(overlay, "ServingRuntime")
    containers: list[dict[str, Any]] = runtime["spec"]["containers"]
    assert [container["name"] for container in containers] == ["kserve-container", "ship-log"]
    return containers


def option(container: dict[str, Any], name: str) -> str:
    (value,) = [word.partition("=")[2] for word in container["args"] if word.startswith(f"{name}=")]
    return str(value)


@pytest.mark.parametrize("overlay", ["kind", "prod"])
def test_a_server_is_forgotten_before_it_stops(overlay: str) -> None:
    (runtime,) = of_kind(overlay, "ServingRuntime")
    (service,) = of_kind(overlay, "InferenceService")
    pause_s = runtime["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert service["spec"]["predictor"]["terminationGracePeriodSeconds"] > pause_s + GRACE_S


def test_the_workers_of_the_step_train_reach_each_other_at_their_port_and_begin_again_together() -> None:
    (runtime,) = of_kind("prod", "TrainingRuntime")
    job_set = runtime["spec"]["template"]["spec"]
    (replicated,) = job_set["replicatedJobs"]
    spec = replicated["template"]["spec"]
    # What the controllers of Trainer and JobSet add for indexed pods.
    indexed = {"completionMode": "Indexed", "completions": 2, "parallelism": 2}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "workers"}, "spec": spec | indexed}
    kubernetes_validate.validate(job, KUBERNETES, strict=True)
    assert spec["backoffLimit"] == 0 and job_set["failurePolicy"]["maxRestarts"] == 1
    (policy,) = [o for o in of_kind("prod", "NetworkPolicy") if o["metadata"]["name"] == "aisle-train"]
    (rule,) = policy["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [PORT]
    label = policy["spec"]["podSelector"]["matchLabels"]
    assert label == spec["template"]["metadata"]["labels"] == rule["from"][0]["podSelector"]["matchLabels"]


def test_the_workers_see_the_claim_where_the_step_puts_their_files() -> None:
    (runtime,) = of_kind("prod", "TrainingRuntime")
    pod = runtime["spec"]["template"]["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]
    (claim,) = [volume for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claim["persistentVolumeClaim"]["claimName"] == CLAIM
    assert {"name": claim["name"], "mountPath": MOUNT} in pod["containers"][0]["volumeMounts"]
