"""The pipeline for a cluster: training as everywhere, then the canary of the InferenceService."""

from kfp import dsl
from kfp.dsl.pipeline_context import Pipeline

from components.artifacts.push_outcome import REJECTED
from components.gate.op import rejected
from components.monitor.op import reference
from components.monitor.retraining.kfp_trainer import PIPELINE
from components.push.op import release
from components.train.current_models import EACH_RUN
from components.train.op import stable
from pipelines.definitions.pod_settings import MOUNT, PUSHGATEWAY, SIZES, STEPS, mount_registry, place, run_end, sized
from pipelines.definitions.training import training
from tfx_configs.recipes import RECIPES
from tfx_configs.units import HOUR_S


@dsl.pipeline(name=PIPELINE, description="Train and gate, then declare the model as canary of the InferenceService.")
def cluster(
    data: str = "",
    cut_date: str = "",
    recipe: str = RECIPES[0],
    settings: str = "{}",
    data_version: str = EACH_RUN,
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
    """Trains and gates a model, with the registry on the claim `aisle-registry`, and releases it as canary.

    Args:
        data: The tables, as a path that the steps see, s3://bucket/path or postgresql://user@host/database.
            Empty: the demo's data.
        cut_date: First test day, YYYY-MM-DD. Empty: chosen from the data.
        recipe: full, or fast (short training, for trying out).
        settings: Settings that differ from those of the recipe, as JSON, such as {"train": {"dimension": 16}}
            (docs/settings.md).
        data_version: Version of the tables. each-run: as they are now, never from the cache. Another word: equal
            words may share results.
        override_reason: Why a refusal of the gate is overruled; it is recorded. Empty: it is not.
        override_by: The person who overrules the gate.
        namespace: Namespace of the InferenceService.
        canary_percent: Percent of the shoppers that a blessed model starts with, 0 to 100.
        canary_runtime: ServingRuntime (image and arguments) of its servers. Empty: the stable model's.
        run_name: Name under which the registry stores the result. Empty: it does not.
        pushgateway: Address of the Pushgateway that receives how the run ended. Empty: it is not sent.
        ingest_cpu: CPU limit of the step Ingest, such as 2 or 500m.
        ingest_memory: Memory limit of the step Ingest, such as 8G.
        validate_cpu: CPU limit of the step Validate, such as 2 or 500m.
        validate_memory: Memory limit of the step Validate, such as 8G.
        examples_cpu: CPU limit of the step Examples, such as 2 or 500m.
        examples_memory: Memory limit of the step Examples, such as 8G.
        train_cpu: CPU limit of the step Train, such as 2 or 500m.
        train_memory: Memory limit of the step Train, such as 8G.
        baselines_cpu: CPU limit of the step Baselines, such as 2 or 500m.
        baselines_memory: Memory limit of the step Baselines, such as 8G.
        evaluate_cpu: CPU limit of the step Evaluate, such as 2 or 500m.
        evaluate_memory: Memory limit of the step Evaluate, such as 8G.
        gate_cpu: CPU limit of the step Gate, such as 2 or 500m.
        gate_memory: Memory limit of the step Gate, such as 8G.
        reference_cpu: CPU limit of the step Reference for the monitor, such as 2 or 500m.
        reference_memory: Memory limit of the step Reference for the monitor, such as 8G.
    """
    with dsl.ExitHandler(run_end(PIPELINE, pushgateway, namespace), name=STEPS):
        current = stable(
            namespace=namespace,
            registry=MOUNT,
            settings=settings,
            data=data,
            cut_date=cut_date,
            recipe=recipe,
            data_version=data_version,
        )
        sized(current, "Stable model", cpu="500m", memory="1G", retries=1, cached=False)
        trained = training.pipeline_func(
            settings=current.outputs["settings"],
            ingest_settings=current.outputs["ingest_settings"],
            validate_settings=current.outputs["validate_settings"],
            examples_settings=current.outputs["examples_settings"],
            train_settings=current.outputs["train_settings"],
            baselines_settings=current.outputs["baselines_settings"],
            evaluate_settings=current.outputs["evaluate_settings"],
            data_version=current.outputs["data_version"],
            code_version=current.outputs["code_version"],
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
            settings=current.outputs["settings"],
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
        with dsl.If(released.outputs["Output"] == REJECTED, name="Model rejected"):
            shown = rejected(verdict=trained.verdict)
            sized(shown, "Why the model was rejected", cpu="500m", memory="512M", cached=False)
    for task in Pipeline.get_default_pipeline().tasks.values():
        mount_registry(task)
        # Limits by step: import, download and compute; a hung step does not hold the pipeline for ever.
        place(task, timeout_s=6 * HOUR_S)
