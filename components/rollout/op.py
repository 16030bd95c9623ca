"""The KFP step of a rollout on a cluster. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def rollout_step(
    namespace: str,
    prometheus_url: str,
    plan: str,
    pushgateway: str,
    decision: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
) -> None:
    """One step of the rollout in `namespace`; `plan` is RolloutSettings as JSON."""
    from components.kfp_support.step import stage

    with stage("rollout"):
        from components.kfp_support.markdown_table import as_markdown
        from components.rollout.kserve.cluster_rollout import step_in
        from model.files import Path, write_json, write_text

        done = step_in(namespace, prometheus_url, plan, pushgateway)
        write_json(Path(decision.path), done)
        write_text(Path(table.path), as_markdown("One step of the rollout", done))
