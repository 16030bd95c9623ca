"""The KFP step of push. Never cached: the pipeline sees to that."""

from kfp import dsl

from components.kfp_support.images import IMAGE


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
    run_name: str,
    outcome: dsl.Output[dsl.Artifact],
    card: dsl.Output[dsl.Markdown],
) -> None:
    """A blessed candidate into the registry, declared as canary."""
    from components.kfp_support.step import stage

    with stage("push"):
        from components.push.registry_card import page
        from components.push.run import push
        from model.files import Path, write_json, write_text
        from model.registry.model_registry import Registry
        from model.registry.validation_baseline import data_digest
        from tfx_configs.settings import RunSettings

        data = data_digest(data_version, RunSettings.from_json(settings).data)
        places = (candidate.path, verdict.path, baselines.path, registry, anomalies.path)
        done = push(*places, data, reference_dir, evaluation.path, settings)
        Registry(Path(registry)).keep_outcome(run_name, done)
        write_json(Path(outcome.path), done)
        write_text(Path(card.path), page(done, registry))


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def release(
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    outcome: dsl.Input[dsl.Artifact],
    namespace: str,
    percent: int,
    released: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
) -> None:
    """What was pushed becomes the canary of the InferenceService in `namespace`."""
    from components.kfp_support.step import stage

    with stage("release"):
        from components.kfp_support.markdown_table import as_markdown
        from components.push.release import release_to
        from model.files import Path, write_json, write_text

        done = release_to(namespace, outcome.path, candidate, baselines, percent)
        write_json(Path(released.path), done)
        write_text(Path(table.path), as_markdown("Release", done))
