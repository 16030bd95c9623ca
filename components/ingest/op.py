"""The KFP steps of ingest."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest(
    settings: str,
    data_version: str,
    code_version: str,
    tables: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Any source to clean canonical tables; the versions make a changed source or program a new run."""
    from pathlib import Path

    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("ingest"):
        from components.ingest.run import ingest
        from tfx_configs.stages import IngestStage

        run = IngestStage.from_json(settings)
        report = ingest(data=run.data, tables_dir=Path(tables.path), positive_types=run.labels.positive_types)
        tables.metadata.update({"data_version": data_version, "cut": report.cut, "source": report.source})
        tables.metadata.update(report.figures)
        log_metrics(metrics, report.figures)


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest_now(training: str, source: str, out: str, metrics: dsl.Output[dsl.Metrics]) -> str:
    """The tables as they are now, canonical, in {out}/tables, which is returned.

    On the claim and not as an artifact: an hourly step would leave too many copies. Never cached: the pipeline sees to
    that.

    training: RunSettings of the training runs as JSON, or empty; source: then the directory of the tables.
    """
    from pathlib import Path

    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("ingest"):
        from components.ingest.run import current_data, ingest
        from tfx_configs.settings import RunSettings

        run = RunSettings.from_json(training) if training else None
        types = (run or RunSettings()).labels.positive_types
        data = current_data(run.data if run else None, source)
        report = ingest(data=data, tables_dir=Path(out) / "tables", positive_types=types)
        log_metrics(metrics, report.figures)
        return f"{out}/tables"
