"""The KFP steps of training: the models that a run starts with, the model, and the baselines it must beat."""

from typing import NamedTuple

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def stable(
    namespace: str,
    registry: str,
    settings: str,
    data: str,
    cut_date: str,
    recipe: str,
    data_version: str,
    table: dsl.Output[dsl.Markdown],
) -> NamedTuple(  # type: ignore[valid-type]
    "Stable",
    stable_dir=str,
    parent_dir=str,
    reference_dir=str,
    settings=str,
    ingest_settings=str,
    validate_settings=str,
    examples_settings=str,
    train_settings=str,
    baselines_settings=str,
    evaluate_settings=str,
    data_version=str,
    code_version=str,
):
    """What the run begins with: the model that serves in `namespace`, from the registry, and the run's own facts.

    Its settings, from the page's parameters, whole and by stage; its data version, the argument or the time where each
    run has its own; and the digest of the program in this image, so that a clone never takes the results of an older
    one.
    """
    from components.kfp_support.step import stage

    with stage("stable"):
        from components.kfp_support.markdown_table import as_markdown
        from components.train.current_models import begin_on
        from model.files import Path, write_text
        from tfx_configs.recipes import run_of_page

        run = run_of_page(settings, data, cut_date, recipe)
        begun = begin_on(namespace=namespace, registry_dir=Path(registry), run=run, data_version=data_version)
        write_text(Path(table.path), as_markdown("What the run begins with", begun.facts))
        return begun


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    examples: dsl.Input[dsl.Dataset],
    settings: str,
    parent_dir: str,
    code_version: str,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    workers_dir: str = "",
) -> None:
    """Two towers, then the ranker, exported as one model directory; `parent_dir`: the model to start from, or empty.

    workers_dir: on a claim that the workers of a TrainJob mount at the same path; empty: trained in this process.
    """
    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("train"):
        from components.train.train_job import train_here_or_on_workers

        version, record = train_here_or_on_workers(
            settings=settings,
            examples=examples.path,
            model=model.path,
            parent_dir=parent_dir,
            workers_dir=workers_dir,
            code_version=code_version,
        )
        model.metadata.update(record.as_json() | {"version": version})
        log_metrics(metrics, record.figures)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def baselines(
    examples: dsl.Input[dsl.Dataset], settings: str, code_version: str, models: dsl.Output[dsl.Model]
) -> None:
    """The baselines that the gate asks for, exported through the same path; `settings` is BaselinesStage as JSON."""
    from components.kfp_support.step import stage

    with stage("baselines"):
        from components.train.baselines.export import export_baselines
        from tfx_configs.stages import BaselinesStage

        run = BaselinesStage.from_json(settings)
        models.metadata.update(export_baselines(run, examples.path, models.path))
