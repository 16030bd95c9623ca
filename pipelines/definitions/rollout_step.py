"""The pipeline that a schedule runs: one idempotent step of the rollout on the cluster.

Push declares a canary and returns; this looks at its evidence every few minutes, and moves its share, promotes it or
takes it away. Without a canary there is nothing to do, and the run says so.
"""

from kfp import dsl

from components.rollout.kserve.cluster_rollout import PLAN
from components.rollout.op import rollout_step
from pipelines.definitions.pod_settings import PUSHGATEWAY, how_it_ended, place

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
    pushgateway: what is told where the rollout stands and how the run ended; empty: nobody.
    """
    told = how_it_ended(NAME, pushgateway, namespace)
    with dsl.ExitHandler(told):
        moved = rollout_step(namespace=namespace, prometheus_url=prometheus_url, plan=plan, pushgateway=pushgateway)
        moved.set_display_name("One step").set_cpu_limit("1").set_memory_limit("1G")
        # The next run looks again; trying again by itself would only repeat what was refused.
        moved.set_retry(0).set_caching_options(False)
    for task in (told, moved):
        place(task, timeout_s=1800)
