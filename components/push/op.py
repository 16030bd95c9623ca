"""The KFP step of push. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def push(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    anomalies: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    settings: str,
    data_version: str,
    reference_dir: str,
    registry: str,
    outcome: dsl.Output[dsl.Artifact],
) -> None:
    """A blessed candidate into the registry, declared as canary."""
    from components.stage import stage

    with stage("push"):
        from components.push.run import push
        from model.files import Path, write_json
        from model.reference import data_digest
        from tfx_configs.settings import RunSettings

        data = data_digest(data_version, RunSettings.from_json(settings).data)
        places = (candidate.path, verdict.path, baselines.path, registry, anomalies.path)
        write_json(Path(outcome.path), push(*places, data, reference_dir, evaluation.path, settings))


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def release(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    outcome: dsl.Input[dsl.Artifact],
    namespace: str,
    percent: int,
    released: dsl.Output[dsl.Artifact],
) -> None:
    """What was pushed becomes the canary of the InferenceService in `namespace`."""
    from components.stage import stage

    with stage("release"):
        from components.push.release import release_to
        from model.files import Path, write_json

        write_json(Path(released.path), release_to(namespace, outcome.path, candidate, baselines, percent))
