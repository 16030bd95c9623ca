"""The pipeline that a schedule runs: one idempotent step of the rollout on the cluster.

Push declares a canary and returns. This pipeline evaluates its evidence every few minutes, and changes its share,
promotes it or removes it. Without a canary there is nothing to do, and the run reports that.
"""

from kfp import dsl

from components.rollout.kserve.cluster_rollout import PLAN
from components.rollout.op import rollout_step
from pipelines.definitions.monitoring import LOG, LOG_SECRET
from pipelines.definitions.pod_settings import PUSHGATEWAY, STEPS, place, run_end, sized, use_bucket_keys

NAME = "aisle-rollout"
PURCHASES = "s3://aisle-log/tables"
"""Canonical tables of what was bought, beside the log (docs/rollout.md)."""
PROMETHEUS = "http://prometheus-operated.monitoring:9090"


@dsl.pipeline(name=NAME, description="One step of the canary: hold, step, promote or roll back.")
def rollout(
    namespace: str = "aisle",
    prometheus_url: str = PROMETHEUS,
    plan: str = PLAN.to_json(),
    pushgateway: str = PUSHGATEWAY,
    log: str = LOG,
    purchases: str = PURCHASES,
) -> None:
    """Evaluates the canary once, and moves its share.

    Args:
        namespace: Namespace of the InferenceService.
        prometheus_url: Address of the Prometheus that has its metrics.
        plan: Shares, times and limits, RolloutSettings as JSON.
        pushgateway: Address of the Pushgateway that receives the state of the rollout and how the run ended.
            Empty: neither is sent.
        log: The servers' request log, s3://bucket/path or a directory. Empty: nothing is proven by outcomes.
        purchases: Canonical tables with what was bought. Empty: nothing is proven by outcomes.
    """
    end = run_end(NAME, pushgateway, namespace)
    with dsl.ExitHandler(end, name=STEPS):
        step = rollout_step(
            namespace=namespace,
            prometheus_url=prometheus_url,
            plan=plan,
            pushgateway=pushgateway,
            log=log,
            purchases=purchases,
        )
        # The next run evaluates again; a retry would only repeat what was refused.
        use_bucket_keys(step, LOG_SECRET)
        sized(step, "One step", cpu="1", memory="2G", retries=0, cached=False)
    for task in (end, step):
        place(task, timeout_s=1800)
