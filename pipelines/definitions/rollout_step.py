"""The pipeline that a schedule runs: one idempotent step of the rollout on the cluster.

Push declares a canary and returns. This pipeline evaluates its evidence every few minutes, and changes its share,
promotes it or removes it. Without a canary there is nothing to do, and the run reports that.
"""

from kfp import dsl

from components.rollout.kserve.cluster_rollout import PLAN
from components.rollout.op import rollout_step
from pipelines.definitions.pod_settings import PUSHGATEWAY, place, run_end, sized

NAME = "aisle-rollout"
PROMETHEUS = "http://prometheus-operated.monitoring:9090"


@dsl.pipeline(name=NAME, description="One step of the canary: hold, step, promote or roll back.")
def rollout(
    namespace: str = "aisle",
    prometheus_url: str = PROMETHEUS,
    plan: str = PLAN.to_json(),
    pushgateway: str = PUSHGATEWAY,
) -> None:
    """Args:
    namespace: where the InferenceService is.
    prometheus_url: where its metrics are.
    plan: RolloutSettings as JSON (tfx_configs/settings.py).
    pushgateway: receives the state of the rollout and how the run ended; empty: neither is sent.
    """
    end = run_end(NAME, pushgateway, namespace)
    with dsl.ExitHandler(end):
        step = rollout_step(namespace=namespace, prometheus_url=prometheus_url, plan=plan, pushgateway=pushgateway)
        # The next run evaluates again; a retry would only repeat what was refused.
        sized(step, "One step", cpu="1", memory="1G", retries=0, cached=False)
    for task in (end, step):
        place(task, timeout_s=1800)
