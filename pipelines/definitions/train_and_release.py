"""The pipeline for a cluster: training as everywhere, then the canary of the InferenceService."""

from kfp import dsl
from kfp.dsl.pipeline_context import Pipeline

from components.monitor.op import reference
from components.push.op import release
from components.train.op import stable
from pipelines.definitions.pod_settings import MOUNT, PUSHGATEWAY, how_it_ended, mount_registry, place
from pipelines.definitions.training import training

NAME = "aisle-cluster"


@dsl.pipeline(name=NAME, description="Train and gate, then declare the model as canary of the InferenceService.")
def cluster(
    settings: str,
    data_version: str,
    code_version: str,
    override_reason: str = "",
    override_by: str = "",
    namespace: str = "aisle",
    canary_percent: int = 10,
    run_name: str = "",
    pushgateway: str = PUSHGATEWAY,
) -> None:
    """As pipelines.definitions.training.training, with the registry on the claim `aisle-registry` and what stands
    there.

    Args:
        namespace: where the InferenceService is.
        canary_percent: the share that a blessed model starts with, 0 to 100.
        pushgateway: what is told how the run ended; empty: nobody.
    """
    with dsl.ExitHandler(how_it_ended(NAME, pushgateway, namespace)):
        stands = stable(namespace=namespace, registry=MOUNT, settings=settings, data_version=data_version)
        stands.set_display_name("Stable model").set_cpu_limit("500m").set_memory_limit("1G")
        stands.set_retry(1).set_caching_options(False)
        trained = training.pipeline_func(
            settings=settings,
            data_version=stands.outputs["data_version"],
            code_version=code_version,
            registry=MOUNT,
            stable_dir=stands.outputs["stable_dir"],
            parent_dir=stands.outputs["parent_dir"],
            reference_dir=stands.outputs["reference_dir"],
            override_reason=override_reason,
            override_by=override_by,
            run_name=run_name,
        )
        watched = reference(
            tables=trained.tables,
            examples=trained.examples,
            evaluation=trained.evaluation,
            anomalies=trained.anomalies,
            outcome=trained.outcome,
            settings=settings,
            registry=MOUNT,
        )
        watched.set_display_name("Reference for the monitor").set_cpu_limit("1").set_memory_limit("4G")
        watched.set_retry(1).set_caching_options(False)
        released = release(
            candidate=trained.model,
            baselines=trained.baselines,
            outcome=trained.outcome,
            namespace=namespace,
            percent=canary_percent,
        ).after(watched)
        released.set_display_name("Release as canary").set_cpu_limit("1").set_memory_limit("2G")
        # The way back is part of the step itself; trying again by itself would only repeat the harm.
        released.set_retry(0).set_caching_options(False)
    for task in Pipeline.get_default_pipeline().tasks.values():
        mount_registry(task)
        # Limits by step: import, download and compute; a hung step does not hold the pipeline for ever.
        place(task, timeout_s=6 * 3600)
