"""What all pipelines for a cluster share: where things are, and what each step's pod asks for."""

from kfp import dsl, kubernetes
from kfp.dsl.pipeline_channel import PipelineParameterChannel

from components.exit_handler.op import ending

MOUNT = "/registry"
"""Where a step finds the registry's claim."""
PUSHGATEWAY = "http://aisle-pushgateway.aisle:9091"
"""manifests/components/monitoring."""
_CLAIM = "aisle-registry"
"""manifests/components/pipelines."""


def how_it_ended(
    name: str, pushgateway: PipelineParameterChannel, namespace: PipelineParameterChannel
) -> dsl.PipelineTask:
    """The step that runs whatever becomes of the others of the pipeline `name`."""
    told = ending(pipeline=name, pushgateway=pushgateway, namespace=namespace)
    told.set_display_name("How it ended").set_cpu_limit("500m").set_memory_limit("512M").set_caching_options(False)
    return told


def mount_registry(task: dsl.PipelineTask) -> None:
    """Gives the step the registry at MOUNT."""
    kubernetes.mount_pvc(task, pvc_name=_CLAIM, mount_path=MOUNT)


def place(task: dsl.PipelineTask, timeout_s: int) -> None:
    """How the step's pod is started, and when it is given up."""
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    # Else a step waits for a node with as much free as its limit: on a machine of four cores, for ever.
    task.set_cpu_request("500m")
    kubernetes.set_timeout(task, timeout_s)
