"""The evaluate step for KFP."""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    examples: dsl.Input[dsl.Dataset],
    candidate: dsl.Input[dsl.Model],
    baselines: dsl.Input[dsl.Model],
    settings: str,
    stable_dir: str,
    code_version: str,
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    slices: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Candidate, stable model and baselines on the same trips."""
    from components.kfp_support.step import stage

    with stage("evaluate"):
        from pathlib import Path

        from components.evaluate.evaluation_page import write_page
        from components.evaluate.run import evaluate_models
        from components.kfp_support.metric_log import log_metrics
        from tfx_configs.stages import EvaluateStage

        run = EvaluateStage.from_json(settings)
        measured = evaluate_models(
            examples=Path(examples.path),
            candidate=Path(candidate.path),
            baselines=Path(baselines.path),
            stable=Path(stable_dir) if stable_dir else None,
            out=Path(evaluation.path),
            gate=run.gate,
            beam=run.beam,
            code_version=code_version,
        )
        evaluation.metadata.update(measured.facts)
        log_metrics(metrics, measured.defined)
        log_metrics(slices, measured.by_slice)
        write_page(measured, Path(report.path))
