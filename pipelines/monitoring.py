"""The pipeline that a schedule runs every hour: every check of data and model, and what training is due.

The registry's claim holds the reference of the model in force, the request log and the record of training runs. Alerts
on the system are Prometheus's own; this step's figures reach it over the Pushgateway.
"""

from kfp import dsl, kubernetes

from components.ending.op import ending
from components.monitor.figures import JOB
from components.monitor.op import monitor
from tfx_configs.monitoring import MonitorSettings, RetrainSettings

NAME = JOB
CLAIM, MOUNT = "aisle-registry", "/registry"
"""As in pipelines/cluster.py."""
PUSHGATEWAY = "http://aisle-pushgateway.aisle:9091"
"""manifests/components/monitoring."""


@dsl.pipeline(name=NAME, description="Request log and purchases against training; is a new model due?")
def monitoring(
    reference_dir: str = f"{MOUNT}/monitoring/reference",
    request_log: str = f"{MOUNT}/requests",
    tables: str = f"{MOUNT}/tables",
    out: str = f"{MOUNT}/monitoring",
    settings: str = MonitorSettings().to_json(),
    retrain: str = RetrainSettings().to_json(),
    ask: str = "none",
    now: str = "",
    namespace: str = "aisle",
    pushgateway: str = PUSHGATEWAY,
) -> None:
    """Args:
    reference_dir: what components.monitor.reference.build wrote for the model in force.
    request_log: directory of the servers' request log.
    tables: canonical tables with the purchases since the cut.
    out: results, and the record of training runs.
    settings, retrain: tfx_configs/monitoring.py as JSON.
    ask: a run asked for by hand: none, incremental or full.
    now: RFC 3339; empty: the present.
    namespace: where the service is.
    pushgateway: what is told the figures and how the run ended; empty: nobody.
    """
    told = ending(pipeline=NAME, pushgateway=pushgateway, namespace=namespace)
    told.set_display_name("How it ended").set_cpu_limit("500m").set_memory_limit("512M").set_caching_options(False)
    with dsl.ExitHandler(told):
        seen = monitor(
            reference_dir=reference_dir,
            request_log=request_log,
            tables=tables,
            out=out,
            settings=settings,
            retrain=retrain,
            ask=ask,
            now=now,
            pushgateway=pushgateway,
            namespace=namespace,
        )
        seen.set_display_name("Monitor").set_cpu_limit("2").set_memory_limit("4G")
        seen.set_retry(0).set_caching_options(False)
    for task in (told, seen):
        kubernetes.set_image_pull_policy(task, "IfNotPresent")
        kubernetes.set_timeout(task, 1800)
    kubernetes.mount_pvc(seen, pvc_name=CLAIM, mount_path=MOUNT)
