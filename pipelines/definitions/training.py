"""The training pipeline: raw tables to a blessed model in the registry."""

from typing import NamedTuple

from kfp import dsl

from components.evaluate.op import evaluate
from components.examples.op import examples
from components.gate.op import gate
from components.ingest.op import ingest
from components.push.op import push
from components.train.op import baselines, train
from components.validate.op import validate
from pipelines.definitions.pod_settings import SIZES, sized

NAME = "aisle-training"


class Outputs(NamedTuple):
    """The results of the steps."""

    tables: dsl.Dataset
    anomalies: dsl.Artifact
    data_report: dsl.HTML
    examples: dsl.Dataset
    model: dsl.Model
    baselines: dsl.Model
    evaluation: dsl.Artifact
    verdict: dsl.Artifact
    verdict_table: dsl.Markdown
    outcome: dsl.Artifact


@dsl.pipeline(name=NAME, description="Ingest, validate, build trips, train, evaluate, gate, push.")
def training(
    settings: str,
    ingest_settings: str,
    validate_settings: str,
    examples_settings: str,
    train_settings: str,
    baselines_settings: str,
    evaluate_settings: str,
    data_version: str,
    code_version: str,
    registry: str,
    stable_dir: str = "",
    parent_dir: str = "",
    reference_dir: str = "",
    override_reason: str = "",
    override_by: str = "",
    run_name: str = "",
    namespace: str = "",
    workers_dir: str = "",
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
) -> Outputs:
    """Trains and pushes one model.

    Args:
        settings: RunSettings as JSON.
        ingest_settings, validate_settings, ...: what a stage reads of them, as JSON (tfx_configs/stages.py): a setting
            that a stage does not read is no part of its cache key.
        data_version: digest of the source; a changed source is a new run, an unchanged one may come from the cache.
        code_version: digest of the program (pipelines.local.versions) or of its image.
        registry: root of the model registry.
        stable_dir: directory of the model in production, empty when there is none.
        parent_dir: directory of the model that training starts from, where `train.start` is not scratch.
        reference_dir: result of validation in the run that made the stable model
            (model.registry.validation_baseline.find), empty when there is none.
        override_reason: why the gate's refusal is overruled; empty: it is not.
        override_by: the person who decides that.
        run_name: name under which the registry stores the result of push; empty: it does not.
        namespace: of the service on a cluster whose roles the registry has; empty: the registry has its own.
        workers_dir: on a claim that the workers of a TrainJob mount at the same path; empty: the step trains by itself.
        ingest_cpu, ingest_memory, ...: limits of a step's pod (tfx_configs/resources.py).
    """
    tables = ingest(settings=ingest_settings, data_version=data_version, code_version=code_version)
    sized(tables, "Ingest", cpu=ingest_cpu, memory=ingest_memory, retries=1)
    checked = validate(
        tables=tables.outputs["tables"],
        settings=validate_settings,
        code_version=code_version,
        reference_dir=reference_dir,
    )
    sized(checked, "Validate (TFDV)", cpu=validate_cpu, memory=validate_memory, retries=1)
    trips = examples(tables=tables.outputs["tables"], settings=examples_settings, code_version=code_version)
    trips.after(checked)
    sized(trips, "Examples", cpu=examples_cpu, memory=examples_memory, retries=1)
    model = train(
        examples=trips.outputs["trips"],
        settings=train_settings,
        parent_dir=parent_dir,
        code_version=code_version,
        workers_dir=workers_dir,
    )
    sized(model, "Train (TFRS)", cpu=train_cpu, memory=train_memory, retries=1)
    simple = baselines(examples=trips.outputs["trips"], settings=baselines_settings, code_version=code_version)
    sized(simple, "Baselines", cpu=baselines_cpu, memory=baselines_memory, retries=1)
    judged = evaluate(
        examples=trips.outputs["trips"],
        candidate=model.outputs["model"],
        baselines=simple.outputs["models"],
        settings=evaluate_settings,
        stable_dir=stable_dir,
        code_version=code_version,
    )
    sized(judged, "Evaluate (TFMA)", cpu=evaluate_cpu, memory=evaluate_memory, retries=1)
    verdict = gate(
        examples=trips.outputs["trips"],
        evaluation=judged.outputs["evaluation"],
        settings=settings,
        code_version=code_version,
        override_reason=override_reason,
        override_by=override_by,
    )
    sized(verdict, "Gate", cpu=gate_cpu, memory=gate_memory, retries=1, cached=False)
    # Push reads the verdict itself; a condition in the pipeline protects nothing.
    pushed = push(
        candidate=model.outputs["model"],
        baselines=simple.outputs["models"],
        verdict=verdict.outputs["verdict"],
        anomalies=checked.outputs["anomalies"],
        evaluation=judged.outputs["evaluation"],
        settings=settings,
        data_version=data_version,
        reference_dir=reference_dir,
        registry=registry,
        run_name=run_name,
        namespace=namespace,
    )
    sized(pushed, "Push", cpu="1", memory="2G", retries=1, cached=False)
    return Outputs(
        tables=tables.outputs["tables"],
        anomalies=checked.outputs["anomalies"],
        data_report=checked.outputs["report"],
        examples=trips.outputs["trips"],
        model=model.outputs["model"],
        baselines=simple.outputs["models"],
        evaluation=judged.outputs["evaluation"],
        verdict=verdict.outputs["verdict"],
        verdict_table=verdict.outputs["table"],
        outcome=pushed.outputs["outcome"],
    )
