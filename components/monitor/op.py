"""The KFP steps of monitoring. Never cached: the pipelines see to that."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Metrics, Output

from components.kfp_support.images import IMAGE, VALIDATE_IMAGE


@dsl.component(base_image=VALIDATE_IMAGE, install_kfp_package=False)
def monitor(
    registry: str,
    request_log: str,
    tables: str,
    out: str,
    settings: str,
    retrain: str,
    ask: str,
    now: str,
    pushgateway: str,
    namespace: str,
    report: Output[Artifact],
    metrics: Output[Metrics],
    table: Output[Markdown],
) -> str:
    """Every check; returns what training is due (none, incremental or full). A failed check does not fail the step.

    settings, retrain: MonitorSettings and RetrainSettings as JSON; now: RFC 3339, empty for the present.
    """
    from components.kfp_support.step import stage

    with stage("monitor"):
        from functools import partial

        from components.kfp_support.metric_log import log_metrics
        from components.monitor.data.baseline_store import in_force_on
        from components.monitor.kfp_steps import monitor_step
        from components.monitor.kfp_table import write_table

        inputs = {"reference": in_force_on(namespace, registry), "log": request_log, "tables": tables, "out": out}
        inputs |= {"pushgateway": pushgateway, "namespace": namespace}
        due = monitor_step(inputs, settings, retrain, ask, now, report.path, partial(log_metrics, metrics))
        write_table(report.path, table.path)
        return due


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def retrain(
    report: Input[Artifact],
    registry: str,
    out: str,
    settings: str,
    training: str,
    code_version: str,
    namespace: str,
    canary_percent: int,
    host: str,
    token_file: str,
    experiment: str,
    package: str,
    table: Output[Markdown],
) -> str:
    """Starts the training run that is due, once; returns its name, or nothing.

    settings, training: RetrainSettings and RunSettings as JSON, the second empty where nothing is to be started;
    host, token_file: of KFP's API; package: the compiled pipeline.
    """
    from components.kfp_support.step import stage

    with stage("retrain"):
        from components.kfp_support.markdown_table import as_markdown
        from components.monitor.kfp_steps import retrain_step
        from model.files import Path, write_text

        server = {"host": host, "token_file": token_file, "experiment": experiment, "package": package}
        parameters = {"code_version": code_version, "namespace": namespace, "canary_percent": canary_percent}
        told = retrain_step(report.path, registry, out, settings, training, server, parameters)
        write_text(Path(table.path), as_markdown("Retraining", told))
        return told["run"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def reference(
    tables: Input[Dataset],
    examples: Input[Dataset],
    evaluation: Input[Artifact],
    anomalies: Input[Artifact],
    outcome: Input[Artifact],
    settings: str,
    registry: str,
    table: Output[Markdown],
) -> None:
    """What the monitor compares with while the model that was pushed serves, kept beside the registry."""
    from components.kfp_support.step import stage

    with stage("reference"):
        from components.kfp_support.markdown_table import as_markdown
        from components.monitor.data.baseline_store import keep_in
        from model.files import Path, write_text

        places = {"tables": tables.path, "examples": examples.path}
        places |= {"evaluation": evaluation.path, "validation": anomalies.path}
        kept = keep_in(registry, outcome.path, places, settings)
        write_text(Path(table.path), as_markdown("Reference for the monitor", {"kept": kept}))
