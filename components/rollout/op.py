"""The KFP step of a rollout on a cluster. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def rollout_step(
    namespace: str,
    prometheus_url: str,
    plan: str,
    pushgateway: str,
    log: str,
    purchases: str,
    decision: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
) -> None:
    """One step of the rollout in `namespace`; `plan` is RolloutSettings as JSON."""
    from components.kfp_support.step import stage

    with stage("rollout"):
        from components.rollout.kserve.single_step import kfp_step
        from model.files import Path
        from tfx_configs.rollout import RolloutSettings

        kfp_step(
            namespace=namespace,
            prometheus_url=prometheus_url,
            plan=RolloutSettings.from_json(plan),
            pushgateway=pushgateway,
            log=log,
            purchases=purchases,
            decision_file=Path(decision.path),
            table=Path(table.path),
        )
