"""One step of a cluster's rollout as a process of its own: by a schedule, or by a command."""

import time
from pathlib import Path

from components.inference_service.cluster_client import Cluster
from components.kfp_support.markdown_table import as_markdown
from components.rollout.decision.state_machine import Decision
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.kserve.prometheus import prometheus
from components.rollout.kserve.sources import observers
from model.files import write_json, write_text
from tfx_configs.rollout import RolloutSettings


def step_in(
    namespace: str,
    prometheus_url: str,
    plan: RolloutSettings,
    pushgateway: str = "",
    log: str | None = None,
    purchases: str | None = None,
) -> Decision:
    """`scheduled_step` on the current cluster; then the gauges are sent, also after an error.

    Args:
        pushgateway: its URL; empty: nothing is sent.
        log, purchases: where outcomes are read (components/rollout/kserve/log_evidence.py); None: nothing is proven.
    """
    cluster, query = Cluster(namespace), prometheus(prometheus_url)
    traffic = ClusterTraffic(cluster=cluster, observers=observers(cluster, query, plan, log=log, purchases=purchases))
    try:
        return traffic.scheduled_step(plan, query, time.time())
    finally:
        traffic.push_gauges(pushgateway)


def kfp_step(
    *,
    namespace: str,
    prometheus_url: str,
    plan: RolloutSettings,
    pushgateway: str,
    log: str,
    purchases: str,
    decision_file: Path,
    table: Path,
) -> None:
    """`step_in`, with the decision as JSON and as a Markdown table."""
    decision = step_in(namespace, prometheus_url, plan, pushgateway, log or None, purchases or None)
    result = {"action": decision.action, "percent": decision.percent, "reasons": list(decision.reasons)}
    write_json(decision_file, result)
    write_text(table, as_markdown("One step of the rollout", result))
