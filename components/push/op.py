"""The KFP step of push. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def push(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    registry: str,
    outcome: dsl.Output[dsl.Artifact],
) -> None:
    """A blessed candidate into the registry, declared as canary."""
    from components.stage import stage

    with stage("push"):
        from components.push.run import push
        from model.files import Path, write_json

        write_json(Path(outcome.path), push(candidate.path, verdict.path, baselines.path, registry))
