"""The pipeline that a schedule runs every hour: every check of data and model, and the training run that is due.

The registry's claim holds the baseline of the active model and the record of training runs. Alerts on the system are
Prometheus's own; the monitor's figures reach it over the Pushgateway.
"""

from kfp import dsl, kubernetes

from components.ingest.op import ingest_now
from components.kfp_support.pushgateway import MONITOR_JOB
from components.monitor.op import monitor, retrain
from model.system.object_store import OWN
from pipelines.definitions.pod_settings import MOUNT, PUSHGATEWAY, SIZES, mount_registry, place, run_end, sized
from tfx_configs.monitoring import MonitorSettings, RetrainSettings

NAME = MONITOR_JOB
LOG, LOG_SECRET = "s3://aisle-log/requests", "aisle-log"
"""Where the servers' request logs are (manifests/components/request-log), and the keys to read them there."""
LOG_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")
KFP = "http://ml-pipeline.kubeflow:8888"
PACKAGE = "/app/pipelines/compiled/cluster.yaml"
"""The training pipeline of the same release, in the image (manifests/images/Dockerfile)."""


def read_log(task: dsl.PipelineTask) -> None:
    """Gives the step the keys of the log's bucket; they may come with its service account instead."""
    kubernetes.use_secret_as_env(task, LOG_SECRET, {name: f"{OWN}{name}" for name in LOG_KEYS}, optional=True)


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
    code_version: str = "",
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
    """Args:
    registry: root of the model registry, with the baseline of each model beside it.
    request_log: the servers' request log, s3://bucket/path or a directory; empty: only checks that need no log are run.
    tables: canonical tables with the purchases since the cut, raw or ingested, where `training` is empty; else they are
        read as a training run reads them.
    out: results, the tables as ingested last, and the record of training runs.
    settings, policy: MonitorSettings and RetrainSettings as JSON (tfx_configs/monitoring.py).
    ask: a run that an operator requests: none, refresh, warm or scratch.
    now: RFC 3339; empty: the present.
    namespace: where the service is.
    pushgateway: what receives the figures and the run's end; empty: none.
    training: RunSettings of the runs to start, as JSON; empty: what is due is reported, and nothing is started.
    code_version: digest of the program (pipelines.local.versions), for those runs.
    canary_percent: the share that their models start with, 0 to 100.
    canary_runtime: the ServingRuntime of their servers; empty: the stable model's.
    kfp_host, kfp_token_file: KFP's API, and the bearer token where it wants one, as a path in the step.
    experiment: where the runs are.
    ingest_cpu, ingest_memory, ...: limits of a step's pod (tfx_configs/resources.py).
    """
    end = run_end(NAME, pushgateway, namespace)
    with dsl.ExitHandler(end):
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
        read_log(checks)
        sized(checks, "Monitor", cpu=monitor_cpu, memory=monitor_memory, retries=0, cached=False)
        due = retrain(
            report=checks.outputs["report"],
            registry=registry,
            out=out,
            settings=policy,
            training=training,
            code_version=code_version,
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
