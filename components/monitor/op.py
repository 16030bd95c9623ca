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
    """Every check; returns the training that is due (none, refresh or scratch). A failed check does not fail the step.

    settings, retrain: MonitorSettings and RetrainSettings as JSON; ask: none, refresh, warm or scratch; now: RFC 3339,
    empty for the present.
    """
    from components.kfp_support.step import stage

    with stage("monitor"):
        from components.kfp_support.metric_log import log_metrics
        from components.monitor import run
        from tfx_configs.monitoring import MonitorSettings, RetrainSettings

        inputs = run.inputs_on_cluster(
            namespace, registry, log=request_log, tables=tables, out=out, pushgateway=pushgateway
        )
        checked, policy = MonitorSettings.from_json(settings or "{}"), RetrainSettings.from_json(retrain or "{}")
        done = run.monitor(inputs, run.moment_s(now) if now else None, checked, policy, run.training(ask))
        run.write_outputs(done, report.path, table.path)
        log_metrics(metrics, {"failed": float(len(done.failed)), "unknown": float(len(done.unknown))})
        return done.retrain.train


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def retrain(
    report: Input[Artifact],
    registry: str,
    out: str,
    settings: str,
    training: str,
    namespace: str,
    canary_percent: int,
    canary_runtime: str,
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
        from components.monitor.retraining.kfp_trainer import KfpTrainer, retrain_on_server
        from tfx_configs.monitoring import RetrainSettings
        from tfx_configs.settings import RunSettings

        canary = {"canary_percent": canary_percent, "canary_runtime": canary_runtime}
        parameters = {"namespace": namespace, **canary}
        place = {"host": host, "token_file": token_file, "experiment": experiment, "package": package}
        run = RunSettings.from_json(training) if training else None
        trainer = KfpTrainer(run=run, parameters=parameters, **place) if run else None
        policy = RetrainSettings.from_json(settings or "{}")
        return retrain_on_server(trainer, policy, report=report.path, registry=registry, out=out, table=table.path)


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
    """The monitor's baseline of the model that was pushed, stored beside the registry."""
    from components.kfp_support.step import stage

    with stage("reference"):
        from components.monitor.data.baseline_store import keep_baseline
        from tfx_configs.settings import RunSettings

        keep_baseline(
            RunSettings.from_json(settings),
            registry=registry,
            outcome=outcome.path,
            tables=tables.path,
            examples=examples.path,
            evaluation=evaluation.path,
            validation=anomalies.path,
            table=table.path,
        )
