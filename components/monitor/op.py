"""The KFP step of monitoring. Never cached: the pipeline sees to that."""

from kfp import dsl
from kfp.dsl import Artifact, Markdown, Metrics, Output

from components.images import VALIDATE_IMAGE


@dsl.component(base_image=VALIDATE_IMAGE, install_kfp_package=False)
def monitor(
    reference_dir: str,
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
    from components.stage import stage

    with stage("monitor"):
        from functools import partial

        from components.metrics import log_metrics
        from components.monitor.step import monitor_step
        from components.monitor.told import write_table

        inputs = {"reference": reference_dir, "log": request_log, "tables": tables, "out": out}
        inputs |= {"pushgateway": pushgateway, "namespace": namespace}
        due = monitor_step(inputs, settings, retrain, ask, now, report.path, partial(log_metrics, metrics))
        write_table(report.path, table.path)
        return due
