"""The gate step for KFP. Never cached: the pipeline sees to that.

Its output parameter has KFP's default name, `Output`: dsl.If in a local run of KFP 2.17.0 cannot resolve any other
name and silently skips its branch.
"""

from kfp import dsl

from components.kfp_support.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    examples: dsl.Input[dsl.Dataset],
    evaluation: dsl.Input[dsl.Artifact],
    settings: str,
    code_version: str,
    override_reason: str,
    override_by: str,
    verdict: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
    metrics: dsl.Output[dsl.Metrics],
) -> bool:
    """Whether the candidate is blessed; false where anything is missing."""
    from components.kfp_support.step import stage

    with stage("gate"):
        from pathlib import Path

        from components.artifacts.verdict import Verdict
        from components.gate.run import judge_candidate
        from components.kfp_support.metric_log import log_metrics
        from tfx_configs.settings import RunSettings

        blessed = judge_candidate(
            settings=RunSettings.from_json(settings).gate,
            examples=Path(examples.path),
            evaluation=Path(evaluation.path),
            verdict_file=Path(verdict.path),
            table_file=Path(table.path),
            override_reason=override_reason,
            override_by=override_by,
            code_version=code_version,
        )
        decided = Verdict.read(Path(verdict.path))
        verdict.metadata.update(decided.facts)
        log_metrics(metrics, decided.figures)
        return blessed


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def rejected(verdict: dsl.Input[dsl.Artifact], table: dsl.Output[dsl.Markdown]) -> None:
    """Shows why the model was rejected; in the graph of a run it is there only then."""
    from components.kfp_support.step import stage

    with stage("rejected"):
        from components.artifacts.verdict import Verdict
        from components.gate.decide import as_markdown
        from model.files import Path, write_text

        write_text(Path(table.path), as_markdown(Verdict.read(Path(verdict.path))))
