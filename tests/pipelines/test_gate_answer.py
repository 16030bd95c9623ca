"""What `aisle demo` prints and returns for each answer of the gate; the run itself is replaced."""

from pathlib import Path
from typing import Any

import pytest

import pipelines.demo
from pipelines.cli import main
from tests.pipelines.report.report_world import summary_of

OPEN = {"outcome": "not_proven", "reasons": ["ndcg@10 lead: 190 trips, about 1,240 would prove a lead of this size"]}
NO_ROLLOUT = {"steps": [], "final_state": "not_started", "why": "not proven"}


@pytest.mark.parametrize(
    ("gate", "line", "code"),
    [
        ({"blessed": True, "outcome": "blessed"}, "Gate: blessed: x", 0),
        ({"blessed": False, "outcome": "not_blessed"}, "Gate: NOT blessed, the stable model stays: x", 1),
        ({"blessed": False} | OPEN, f"Gate: NOT PROVEN, the stable model stays: {OPEN['reasons'][0]}", 1),
    ],
)
def test_the_last_lines_have_the_answer_and_only_a_blessed_model_ends_with_0(
    gate: dict[str, Any],
    line: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = {"name": "popularity", "reason": "best ndcg@10 of 4 baselines"}
    rollout = {} if gate["blessed"] else {"rollout": NO_ROLLOUT, "serving": None}
    summary = summary_of(gate={"reasons": ["x"]} | gate, first_stable=first, **rollout)
    monkeypatch.setattr(pipelines.demo, "run_demo", lambda *_: summary)
    assert main(["demo", "--out", str(tmp_path)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert line in lines and "First stable model: popularity, best ndcg@10 of 4 baselines" in lines
    assert any(text.startswith("Report: ") for text in lines)
