"""The KFP steps of training: what stands before it, the model, and the baselines it must beat."""

from typing import NamedTuple

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def stable(
    namespace: str, registry: str, settings: str, data_version: str, table: dsl.Output[dsl.Markdown]
) -> NamedTuple("Stable", stable_dir=str, parent_dir=str, reference_dir=str, data_version=str):  # type: ignore[valid-type]
    """The model that serves in `namespace`, in the registry: what the new one is compared with, and may go on from.

    And the data version of this run: what was given, or the time where that says that each run has its own.
    """
    from components.kfp_support.step import stage

    with stage("stable"):
        from datetime import UTC, datetime

        from components.kfp_support.markdown_table import as_markdown
        from components.train.current_models import standing_on, version_of
        from model.files import Path, write_text

        version = version_of(data_version, datetime.now(UTC))
        found = standing_on(namespace, registry, settings, version)
        write_text(Path(table.path), as_markdown("Stable model", found._asdict() | {"data_version": version}))
        return *found, version


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    examples: dsl.Input[dsl.Dataset],
    settings: str,
    parent_dir: str,
    code_version: str,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Two towers, then the ranker, exported as one model directory; `parent_dir`: what it goes on from."""
    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("train"):
        from components.train.run import train

        report = train(settings, examples.path, model.path, parent_dir)
        model.metadata.update(report)
        losses = report["curves"].get("ranker", [{}])[-1]
        log_metrics(metrics, {f"ranker_{name}": losses[name] for name in ("loss", "val_loss") if name in losses})


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def baselines(
    examples: dsl.Input[dsl.Dataset], settings: str, code_version: str, models: dsl.Output[dsl.Model]
) -> None:
    """The baselines that the gate asks for, exported through the same path."""
    from components.kfp_support.step import stage

    with stage("baselines"):
        from components.train.baselines.export import export_baselines

        models.metadata.update(export_baselines(settings, examples.path, models.path))
