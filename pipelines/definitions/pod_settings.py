"""What the pipelines share: where things are, and what each step's pod asks for."""

from typing import TypeAlias

from kfp import dsl, kubernetes
from kfp.dsl.pipeline_channel import PipelineParameterChannel

from components.exit_handler.op import ending
from model.system.object_store import OWN
from tfx_configs.resources import sizes

MOUNT = "/registry"
"""Path of the registry's claim in a step."""
STEPS = "Steps"
"""What the graph calls all steps but the last, which runs however they end."""
PUSHGATEWAY = "http://aisle-pushgateway.aisle:9091"
"""manifests/components/monitoring."""
CLAIM = "aisle-registry"
"""manifests/components/pipelines."""
BUCKET_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")
SIZES = sizes()
"""Of each step, where a run names none."""
Quantity: TypeAlias = str | PipelineParameterChannel
"""As Kubernetes writes it, or a parameter of the pipeline."""


def sized(
    task: dsl.PipelineTask,
    name: str,
    *,
    cpu: Quantity,
    memory: Quantity,
    retries: int | None = None,
    cached: bool = True,
) -> dsl.PipelineTask:
    """The step with its display name and its limits.

    Args:
        cpu, memory: of the step's pod.
        retries: 1 helps where a node went away; wrong data fails twice. None: KFP's default.
        cached: whether KFP may take the result of an equal run instead. Not where a step decides or changes something.
    """
    task.set_display_name(name).set_cpu_limit(cpu).set_memory_limit(memory)
    if retries is not None:
        task.set_retry(retries)
    return task if cached else task.set_caching_options(False)


def run_end(name: str, pushgateway: PipelineParameterChannel, namespace: PipelineParameterChannel) -> dsl.PipelineTask:
    """The last step of pipeline `name`: it reports how the run ended, also when another step failed."""
    task = ending(pipeline=name, pushgateway=pushgateway, namespace=namespace)
    return sized(task, "How it ended", cpu="500m", memory="512M", cached=False)


def mount_registry(task: dsl.PipelineTask) -> None:
    """Gives the step the registry at MOUNT."""
    kubernetes.mount_pvc(task, pvc_name=CLAIM, mount_path=MOUNT)


def use_bucket_keys(task: dsl.PipelineTask, secret: str) -> None:
    """Gives the step the keys of a bucket; they may come with its service account instead."""
    kubernetes.use_secret_as_env(task, secret, {name: f"{OWN}{name}" for name in BUCKET_KEYS}, optional=True)


def place(task: dsl.PipelineTask, timeout_s: int) -> None:
    """Sets how the step's pod is started, and after how many seconds it is stopped."""
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    # Without a request a step waits for a node with its whole limit free: on a machine of four cores, for ever.
    task.set_cpu_request("500m")
    kubernetes.set_timeout(task, timeout_s)
