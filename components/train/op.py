"""The KFP steps of training: the model, and the baselines it must beat."""

from kfp import dsl

from components.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    examples: dsl.Input[dsl.Dataset],
    settings: str,
    code_version: str,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Two towers, then the ranker, exported as one model directory."""
    from components.metrics import log_metrics
    from components.stage import stage

    with stage("train"):
        from components.train.run import train

        report = train(settings, examples.path, model.path)
        model.metadata.update(report)
        log_metrics(metrics, {"valid_loss": report["curves"]["ranker"][-1].get("val_loss", -1.0)})


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def baselines(
    examples: dsl.Input[dsl.Dataset], settings: str, code_version: str, models: dsl.Output[dsl.Model]
) -> None:
    """Popularity and personal frequency, exported through the same path."""
    from components.stage import stage

    with stage("baselines"):
        from components.train.run import export_baselines

        models.metadata.update(export_baselines(settings, examples.path, models.path))
