"""`aisle rollout watch`: the controller of a rollout on a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from model.errors import InputError

if TYPE_CHECKING:
    from tfx_configs.rollout import RolloutSettings

CHAT, EVENTS = "AISLE_CHAT_WEBHOOK", "AISLE_EVENTS_WEBHOOK"
"""Variables of the environment with the URLs of webhooks: a URL is a secret, and the process list shows arguments."""

Log = Annotated[
    str | None,
    Option("--log", metavar="LOG", help="request log of a cluster: s3://bucket/path, or a directory"),
]
Purchases = Annotated[
    str | None,
    Option(
        "--purchases",
        metavar="TABLES",
        help="canonical tables with its purchases: s3://bucket/path, or a directory",
    ),
]
Plan = Annotated[
    Path | None,
    Option("--plan", metavar="FILE", help="its settings of the rollout as JSON (default: docs/rollout.md)"),
]


def watch(
    namespace: Annotated[str, Option(metavar="NAME", help="the service in this namespace of the current cluster")],
    prometheus: Annotated[str, Option(metavar="URL", help="address of the metrics")],
    log: Log = None,
    purchases: Purchases = None,
    plan: Plan = None,
    every_s: Annotated[float, Option(help="between two evaluations, seconds")] = 5.0,
    port: Annotated[int, Option(help="of /metrics and /healthz")] = 8080,
    probes: Annotated[bool, Option(help="ask both versions as made-up shoppers")] = True,
) -> int:
    """Evaluate a cluster's canary every few seconds, decide and move, until SIGTERM.

    URLs of webhooks: AISLE_CHAT_WEBHOOK (Slack's format), AISLE_EVENTS_WEBHOOK (CloudEvents).
    """
    import os
    import socket
    import time

    from components.inference_service.cluster_client import Cluster
    from components.inference_service.lease import Lease
    from components.rollout.kserve.cluster_rollout import ClusterTraffic
    from components.rollout.kserve.notifications import Webhooks
    from components.rollout.kserve.prometheus import prometheus as metrics_of
    from components.rollout.kserve.sources import check_plan, observers
    from components.rollout.kserve.watch import STUCK_S, Watch
    from components.rollout.kserve.watch_metrics import WatchMetrics, serving
    from model.system.end_signals import end_signals

    settings, query, cluster = read_plan(plan), metrics_of(prometheus), Cluster(namespace)
    check_plan(settings, log, purchases)
    sources = observers(cluster, query, settings, log=log, purchases=purchases, probes=probes, background=True)
    metrics = WatchMetrics()
    traffic = ClusterTraffic(cluster=cluster, observers=(*sources, metrics.observer(settings)))
    metrics.waited(time.time())
    controller = Watch(
        traffic=traffic,
        plan=settings,
        query=query,
        lease=Lease(cluster=cluster, identity=f"{socket.gethostname()}-{os.getpid()}"),
        metrics=metrics,
        webhooks=Webhooks(chat=os.environ.get(CHAT, ""), events=os.environ.get(EVENTS, "")),
    )
    with end_signals() as stopped, serving(metrics, port, lambda: time.time() - metrics.last_s < STUCK_S):
        print(f"watching {namespace}, every {every_s:g} s", flush=True)
        controller.run(stopped, every_s)
    return 0


def read_plan(file: Path | None) -> "RolloutSettings":
    """The plan in a file, else a cluster's default; raises InputError or SettingsError."""
    from components.rollout.kserve.cluster_rollout import PLAN
    from tfx_configs.rollout import RolloutSettings

    if file is None:
        return PLAN
    try:
        return RolloutSettings.from_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--plan: expected a file with settings as JSON, got {file} ({error.strerror})") from None
