"""The pipeline for a cluster: training as everywhere, then the canary of the InferenceService."""

from kfp import dsl
from kfp.dsl.pipeline_context import Pipeline

from components.monitor.op import reference
from components.monitor.retraining.kfp_trainer import PIPELINE
from components.push.op import release
from components.train.op import stable
from pipelines.definitions.pod_settings import MOUNT, PUSHGATEWAY, SIZES, mount_registry, place, run_end, sized
from pipelines.definitions.training import training
from tfx_configs.units import HOUR_S


@dsl.pipeline(name=PIPELINE, description="Train and gate, then declare the model as canary of the InferenceService.")
def cluster(
    settings: str,
    data_version: str,
    code_version: str,
    override_reason: str = "",
    override_by: str = "",
    namespace: str = "aisle",
    canary_percent: int = 10,
    canary_runtime: str = "",
    run_name: str = "",
    pushgateway: str = PUSHGATEWAY,
    ingest_cpu: str = SIZES["ingest"].cpu,
    ingest_memory: str = SIZES["ingest"].memory,
    validate_cpu: str = SIZES["validate"].cpu,
    validate_memory: str = SIZES["validate"].memory,
    examples_cpu: str = SIZES["examples"].cpu,
    examples_memory: str = SIZES["examples"].memory,
    train_cpu: str = SIZES["train"].cpu,
    train_memory: str = SIZES["train"].memory,
    baselines_cpu: str = SIZES["baselines"].cpu,
    baselines_memory: str = SIZES["baselines"].memory,
    evaluate_cpu: str = SIZES["evaluate"].cpu,
    evaluate_memory: str = SIZES["evaluate"].memory,
    gate_cpu: str = SIZES["gate"].cpu,
    gate_memory: str = SIZES["gate"].memory,
    reference_cpu: str = SIZES["reference"].cpu,
    reference_memory: str = SIZES["reference"].memory,
) -> None:
    """As pipelines.definitions.training.training, with the registry on the claim `aisle-registry` and its models.

    Args:
        namespace: where the InferenceService is.
        canary_percent: the share that a blessed model starts with, 0 to 100.
        canary_runtime: the ServingRuntime (image and arguments) of its servers; empty: the stable model's.
        pushgateway: receives how the run ended; empty: it is not sent.
        ingest_cpu, ingest_memory, ...: limits of a step's pod (tfx_configs/resources.py).
    """
    with dsl.ExitHandler(run_end(PIPELINE, pushgateway, namespace)):
        current = stable(namespace=namespace, registry=MOUNT, settings=settings, data_version=data_version)
        sized(current, "Stable model", cpu="500m", memory="1G", retries=1, cached=False)
        trained = training.pipeline_func(
            settings=settings,
            data_version=current.outputs["data_version"],
            code_version=code_version,
            registry=MOUNT,
            stable_dir=current.outputs["stable_dir"],
            parent_dir=current.outputs["parent_dir"],
            reference_dir=current.outputs["reference_dir"],
            override_reason=override_reason,
            override_by=override_by,
            run_name=run_name,
            namespace=namespace,
            workers_dir=f"{MOUNT}/training",
            ingest_cpu=ingest_cpu,
            ingest_memory=ingest_memory,
            validate_cpu=validate_cpu,
            validate_memory=validate_memory,
            examples_cpu=examples_cpu,
            examples_memory=examples_memory,
            train_cpu=train_cpu,
            train_memory=train_memory,
            baselines_cpu=baselines_cpu,
            baselines_memory=baselines_memory,
            evaluate_cpu=evaluate_cpu,
            evaluate_memory=evaluate_memory,
            gate_cpu=gate_cpu,
            gate_memory=gate_memory,
        )
        baseline = reference(
            tables=trained.tables,
            examples=trained.examples,
            evaluation=trained.evaluation,
            anomalies=trained.anomalies,
            outcome=trained.outcome,
            settings=settings,
            registry=MOUNT,
        )
        sized(
            baseline, "Reference for the monitor", cpu=reference_cpu, memory=reference_memory, retries=1, cached=False
        )
        released = release(
            candidate=trained.model,
            baselines=trained.baselines,
            outcome=trained.outcome,
            namespace=namespace,
            percent=canary_percent,
            runtime=canary_runtime,
        ).after(baseline)
        # The step itself rolls back on an error; a retry would only repeat the harm.
        sized(released, "Release as canary", cpu="1", memory="2G", retries=0, cached=False)
    for task in Pipeline.get_default_pipeline().tasks.values():
        mount_registry(task)
        # Limits by step: import, download and compute; a hung step does not hold the pipeline for ever.
        place(task, timeout_s=6 * HOUR_S)
