"""The evaluate step for KFP."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    examples: dsl.Input[dsl.Dataset],
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    settings: str,
    blessed_dir: str,
    code_version: str,
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    slices: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Candidate, blessed model and baselines on the same trips."""
    from components.kfp_support.metric_log import log_metrics
    from components.kfp_support.step import stage

    with stage("evaluate"):
        from components.evaluate.evaluation_page import slice_metrics, write_page
        from components.evaluate.run import evaluate_models

        values = evaluate_models(
            settings, examples.path, candidate.path, baselines.path, blessed_dir, evaluation.path, code_version
        )
        log_metrics(metrics, values)
        log_metrics(slices, slice_metrics(evaluation.path))
        write_page(evaluation.path, report.path)
