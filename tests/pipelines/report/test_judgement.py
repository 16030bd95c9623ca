"""The head of the report: one function decides its word and color, and green is never above a red interval."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from components.artifacts.evaluation import Delta
from components.artifacts.verdict import Outcome
from pipelines.local.summary import Summary
from pipelines.report.judgement import judgement, lead_tone
from pipelines.report.run import build
from pipelines.report.run_files import read_sources
from tests.pipelines.report.report_world import outputs_in, summary_of

GREEN = {"delta_pct": 25.0, "low_pct": 5.0, "high_pct": 60.0}
OPEN = {"delta_pct": 25.0, "low_pct": -5.0, "high_pct": 60.0}
RED = {"delta_pct": -4.3, "low_pct": -7.9, "high_pct": -0.7}
OUTCOMES: tuple[Outcome, ...] = ("blessed", "overridden", "not_proven", "not_blessed")


@pytest.mark.parametrize(
    ("outcome", "leads", "expected"),
    [
        ("blessed", (GREEN, GREEN), ("blessed", "good")),
        ("blessed", (GREEN, OPEN), ("blessed", "warn")),
        ("blessed", (GREEN, RED), ("blessed", "bad")),
        ("blessed", (), ("blessed", "good")),
        ("blessed", ({"delta_pct": -1.0},), ("blessed", "good")),
        ("not_proven", (OPEN, GREEN), ("not proven", "warn")),
        ("not_proven", (GREEN, GREEN), ("not proven", "warn")),
        ("not_blessed", (GREEN, GREEN), ("not blessed", "bad")),
        ("overridden", (GREEN, GREEN), ("overridden", "bad")),
    ],
)
def test_word_and_color_follow_from_the_answer_and_the_intervals(
    outcome: Outcome, leads: tuple[dict[str, float], ...], expected: tuple[str, str]
) -> None:
    assert judgement(outcome, [Delta(**lead) for lead in leads]) == expected


def test_an_interval_has_the_color_of_the_side_of_zero_on_which_all_of_it_lies() -> None:
    assert [lead_tone(Delta(**lead)) for lead in (GREEN, OPEN, RED, {})] == ["good", "warn", "bad", ""]
    assert lead_tone(Delta(delta_pct=1.0, low_pct=0.0, high_pct=2.0)) == "warn"


def head(root: Path, gate: dict[str, Any], leads: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """(sentence, tone, {figure: tone}) of a report with these leads over the best baseline."""
    root.mkdir(parents=True)
    outputs = outputs_in(root)
    metrics = json.loads((outputs["evaluation"] / "metrics.json").read_text())
    metrics["paired"] = {"personal_frequency": leads}
    (outputs["evaluation"] / "metrics.json").write_text(json.dumps(metrics))
    page = build(read_sources(summary_of(gate={"reasons": ["x"]} | gate), outputs))
    return page.headline, page.tone, {figure.label: figure.tone for figure in page.figures}


def test_green_is_nowhere_in_the_head_above_a_red_interval(tmp_path: Path) -> None:
    for number, (outcome, metric) in enumerate(itertools.product(OUTCOMES, ("recall@10", "ndcg@10"))):
        gate = {"outcome": outcome, "blessed": outcome in ("blessed", "overridden")}
        leads = {"recall@10": GREEN, "ndcg@10": GREEN} | {metric: RED}
        _, tone, figures = head(tmp_path / str(number), gate, leads)
        assert tone == figures["Gate"] == "bad"
        assert (figures["ndcg@10"] == "bad") is (metric == "ndcg@10")


def test_a_promoted_model_whose_leads_are_certain_is_green(tmp_path: Path) -> None:
    gate = {"outcome": "blessed", "blessed": True}
    _, tone, figures = head(tmp_path / "run", gate, {"recall@10": GREEN, "ndcg@10": GREEN})
    assert (tone, figures["Gate"], figures["ndcg@10"]) == ("good", "good", "good")


def test_what_is_not_proven_has_its_own_sentence_and_color(tmp_path: Path) -> None:
    gate = {"outcome": "not_proven", "blessed": False}
    sentence, tone, figures = head(tmp_path / "run", gate, {"recall@10": OPEN, "ndcg@10": OPEN})
    # The rollout of the small run promoted: the gate's answer decides all the same.
    assert sentence == "The new model's lead is not proven, so the stable model stays in charge."
    assert (tone, figures["Gate"]) == ("warn", "warn")


def test_a_summary_of_an_earlier_version_has_its_answer_from_the_flags() -> None:
    flags = {"blessed": True, "overridden": True}, {"blessed": True}, {"blessed": False}
    answers = [Summary.model_validate({"gate": gate}).gate for gate in flags]
    assert [gate and gate.answer for gate in answers] == ["overridden", "blessed", "not_blessed"]
