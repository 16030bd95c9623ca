"""The gate step in a real local KFP run: its answer decides whether the next step runs."""

from pathlib import Path

import pytest
from kfp import dsl, local

from components.artifacts.verdict import Reason, Verdict
from components.gate.op import gate, rejected
from model.files import read_json, write_json
from tests.components.evaluate.world import write_examples
from tests.components.gate.test_run import SETTINGS, good_for


@dsl.component(install_kfp_package=False)
def push(marker: str) -> None:
    with open(marker, "w") as out:
        out.write("pushed")


@pytest.mark.parametrize(("override", "pushed"), [("", False), ("the size is known and agreed", True)])
def test_the_step_after_the_gate_runs_only_when_the_model_is_blessed(
    tmp_path: Path, override: str, pushed: bool
) -> None:
    examples = write_examples(tmp_path / "examples")
    write_json(tmp_path / "evaluation" / "metrics.json", good_for(examples) | {"size_mb": 1e6})
    marker = tmp_path / "pushed"

    @dsl.pipeline(name="gated")
    def gated() -> None:
        data = dsl.importer(artifact_uri=str(examples), artifact_class=dsl.Dataset)
        imported = dsl.importer(artifact_uri=str(tmp_path / "evaluation"), artifact_class=dsl.Artifact)
        judged = gate(
            examples=data.output,
            evaluation=imported.output,
            settings=SETTINGS.to_json(),
            code_version="c1",
            override_reason=override,
            override_by="maria" if override else "",
        )
        with dsl.If(judged.outputs["Output"] == True):  # noqa: E712 (KFP builds the condition from the operator)
            push(marker=str(marker))

    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
    gated()
    assert marker.exists() is pushed
    verdict = next((tmp_path / "root").glob("*/gate/verdict"))
    assert read_json(verdict)["blessed"] is pushed
    metrics = read_json(verdict.with_name("metrics"))
    assert metrics["blessed"] == pushed and metrics["checks failed"] >= 1
    assert metrics["checks"] == len(read_json(verdict)["reasons"])


def test_a_rejected_model_shows_the_reasons_of_its_verdict(tmp_path: Path) -> None:
    reasons = (Reason(check="ndcg@10", passed=False, value=0.9, threshold=1.0, message="0.9 of the stable model's"),)
    Verdict(reasons=reasons, version="v2").write(tmp_path / "verdict")
    rejected.python_func(
        verdict=dsl.Artifact(uri=str(tmp_path / "verdict")), table=dsl.Markdown(uri=str(tmp_path / "table.md"))
    )
    text = (tmp_path / "table.md").read_text()
    assert "Not blessed: 1 of 1 checks failed: ndcg@10" in text and "0.9 of the stable model's" in text
