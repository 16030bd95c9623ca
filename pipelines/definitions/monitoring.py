"""The pipeline that a schedule runs every hour: every check of data and model, and the training run that is due.

The registry's claim holds the baseline of the active model and the record of training runs. Alerts on the system are
Prometheus's own; the monitor's figures reach it over the Pushgateway.
"""

from kfp import dsl

from components.ingest.op import ingest_now
from components.kfp_support.pushgateway import MONITOR_JOB
from components.monitor.op import monitor, retrain
from pipelines.definitions.pod_settings import (
    MOUNT,
    PUSHGATEWAY,
    SIZES,
    STEPS,
    mount_registry,
    place,
    run_end,
    sized,
    use_bucket_keys,
)
from tfx_configs.monitoring import MonitorSettings, RetrainSettings

NAME = MONITOR_JOB
LOG, LOG_SECRET = "s3://aisle-log/requests", "aisle-log"
"""Where the servers' request logs are (manifests/components/request-log), and the keys to read them there."""
KFP = "http://ml-pipeline.kubeflow:8888"
PACKAGE = "/app/pipelines/compiled/cluster.yaml"
"""The training pipeline of the same release, in the image (manifests/images/Dockerfile)."""


@dsl.pipeline(name=NAME, description="Request log and purchases against training; is a new model due?")
def monitoring(
    registry: str = MOUNT,
    request_log: str = LOG,
    tables: str = f"{MOUNT}/tables",
    out: str = f"{MOUNT}/monitoring",
    settings: str = MonitorSettings().to_json(),
    policy: str = RetrainSettings().to_json(),
    ask: str = "none",
    now: str = "",
    namespace: str = "aisle",
    pushgateway: str = PUSHGATEWAY,
    training: str = "",
    canary_percent: int = 10,
    canary_runtime: str = "",
    kfp_host: str = KFP,
    kfp_token_file: str = "",
    experiment: str = "aisle",
    ingest_cpu: str = SIZES["ingest"].cpu,
    ingest_memory: str = SIZES["ingest"].memory,
    monitor_cpu: str = SIZES["monitor"].cpu,
    monitor_memory: str = SIZES["monitor"].memory,
) -> None:
    """Checks data and model, and starts the training run that is due.

    Args:
        registry: Root of the model registry, with the baseline of each model beside it.
        request_log: The servers' request log, s3://bucket/path or a directory. Empty: only checks that need no
            log are run.
        tables: Canonical tables with the purchases since the cut. Not read where training is set: then they are
            read as a training run reads them.
        out: Directory for results, the tables as ingested last, and the record of training runs.
        settings: Limits of the checks, MonitorSettings as JSON.
        policy: When to train again, RetrainSettings as JSON.
        ask: A run that an operator requests, one of none, refresh, warm and scratch.
        now: Moment of the checks, RFC 3339. Empty: the present.
        namespace: Namespace of the InferenceService.
        pushgateway: Address of the Pushgateway that receives the figures and how the run ended. Empty: they are
            not sent.
        training: Settings of the runs to start, RunSettings as JSON. Empty: what is due is reported, and nothing
            is started.
        canary_percent: Percent of the shoppers that their models start with, 0 to 100.
        canary_runtime: ServingRuntime of their servers. Empty: the stable model's.
        kfp_host: Address of KFP's API.
        kfp_token_file: Path in the step of a file with its bearer token. Empty: it wants none.
        experiment: KFP experiment of the runs.
        ingest_cpu: CPU limit of the step Ingest, such as 2 or 500m.
        ingest_memory: Memory limit of the step Ingest, such as 8G.
        monitor_cpu: CPU limit of the step Monitor, such as 2 or 500m.
        monitor_memory: Memory limit of the step Monitor, such as 8G.
    """
    end = run_end(NAME, pushgateway, namespace)
    with dsl.ExitHandler(end, name=STEPS):
        purchases = ingest_now(training=training, source=tables, out=out)
        sized(purchases, "Ingest", cpu=ingest_cpu, memory=ingest_memory, retries=0, cached=False)
        checks = monitor(
            registry=registry,
            request_log=request_log,
            tables=purchases.outputs["Output"],
            out=out,
            settings=settings,
            retrain=policy,
            ask=ask,
            now=now,
            pushgateway=pushgateway,
            namespace=namespace,
        )
        use_bucket_keys(checks, LOG_SECRET)
        sized(checks, "Monitor", cpu=monitor_cpu, memory=monitor_memory, retries=0, cached=False)
        due = retrain(
            report=checks.outputs["report"],
            registry=registry,
            out=out,
            settings=policy,
            training=training,
            namespace=namespace,
            canary_percent=canary_percent,
            canary_runtime=canary_runtime,
            host=kfp_host,
            token_file=kfp_token_file,
            experiment=experiment,
            package=PACKAGE,
        )
        # The next run evaluates everything again, and resumes from the record.
        sized(due, "Retrain", cpu="500m", memory="1G", retries=0, cached=False)
    for task in (purchases, checks, due):
        mount_registry(task)
    for task in (end, purchases, checks, due):
        place(task, timeout_s=1800)
