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

    reference_dir: what is kept of the run that made the blessed model (model.registry.validation_baseline), empty when
    there is none.
    """
    from functools import partial

    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("validate"):
        from components.kfp_support.environments import call
        from components.validate.publish import publish

        kwargs = {"tables_dir": tables.path, "out_dir": anomalies.path, "settings_json": settings}
        kwargs |= {"reference_dir": reference_dir}
        summary = call("validate", "components.validate.run:validate", kwargs)
        publish(summary, anomalies.path, report.path, partial(log_metrics, metrics))
