"""The KFP step of validation."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output

from components.kfp_support.images import VALIDATE_IMAGE


@dsl.component(base_image=VALIDATE_IMAGE, install_kfp_package=False)
def validate(
    tables: Input[Dataset],
    settings: str,
    code_version: str,
    anomalies: Output[Artifact],
    report: Output[HTML],
    metrics: Output[Metrics],
    reference_dir: str = "",
) -> None:
    """Fails with CheckFailed when the verdict is stop, after its artifacts are written.

    reference_dir: what the registry has of the run that made the stable model (model.registry.validation_baseline),
    empty when there is none.
    """
    from functools import partial

    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("validate"):
        from components.validate.publish import validate_tables

        validate_tables(
            tables_dir=tables.path,
            settings=settings,
            reference_dir=reference_dir,
            out_dir=anomalies.path,
            page=report.path,
            log=partial(log_metrics, metrics),
        )
