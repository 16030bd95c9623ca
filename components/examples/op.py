"""The KFP step of examples."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def examples(
    tables: dsl.Input[dsl.Dataset],
    settings: str,
    code_version: str,
    trips: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Tables to trips with as-of history and the catalog snapshot."""
    from pathlib import Path

    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("examples"):
        from components.examples.run import build_examples
        from tfx_configs.stages import ExamplesStage

        run, source = ExamplesStage.from_json(settings), Path(tables.path)
        report = build_examples(run=run, tables_dir=source, examples_dir=Path(trips.path))
        trips.metadata.update(report.figures)
        log_metrics(metrics, report.figures)
