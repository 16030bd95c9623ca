"""The gate step for KFP. Never cached: the pipeline sees to that."""

from typing import NamedTuple

from kfp import dsl

from components.images import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    examples: dsl.Input[dsl.Dataset],
    evaluation: dsl.Input[dsl.Artifact],
    settings: str,
    code_version: str,
    override_reason: str,
    verdict: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Markdown],
) -> NamedTuple("Outputs", [("blessed", bool)]):  # type: ignore[valid-type]
    """Decides whether the candidate may be pushed; `blessed` is false where anything is missing."""
    from components.gate.run import judge_candidate

    blessed = judge_candidate(
        settings, examples.path, evaluation.path, verdict.path, table.path, override_reason, code_version
    )
    return (blessed,)  # type: ignore[return-value]
