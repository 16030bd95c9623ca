"""The KFP step of ingest."""

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
    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("ingest"):
        from components.ingest.run import ingest

        report = ingest(settings, tables.path)
        log_metrics(metrics, {name: report[name] for name in ("events", "items", "dropped_percent")})


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def ingest_now(training: str, source: str, out: str, metrics: dsl.Output[dsl.Metrics]) -> str:
    """The tables as they are now, canonical, in {out}/tables, which is returned.

    On the claim and not as an artifact: of an hourly step nobody wants all copies. Never cached: the pipeline sees to
    that.

    training: RunSettings of the training runs as JSON, or empty; source: then the directory of the tables.
    """
    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("ingest"):
        from components.ingest.current_tables import ingest_now

        tables = f"{out}/tables"
        report = ingest_now(training, source, tables)
        log_metrics(metrics, {name: report[name] for name in ("events", "items", "dropped_percent")})
        return tables
