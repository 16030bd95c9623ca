"""The report's sections on the gate and on calibration."""

import json
from pathlib import Path

from components.reporting.charts import Curves
from pipelines.report.run import build
from pipelines.report.run_files import read_sources
from tests.pipelines.report.report_world import outputs_in, summary_of


def test_checks_of_one_kind_stand_together_and_kinds_with_a_failed_check_first(tmp_path: Path) -> None:
    outputs = outputs_in(tmp_path)
    reasons = [
        {"check": name, "passed": passed, "value": None, "threshold": None, "message": "", "group": group}
        for name, passed, group in (("a", True, "cost"), ("b", True, "slices"), ("c", False, "slices"))
    ]
    outputs["verdict"].write_text(json.dumps({"reasons": reasons}), encoding="utf-8")
    gate = next(section for section in build(read_sources(summary_of(), outputs)).sections if section.id == "gate")
    assert [(t.title, [row[0] for row in t.rows], t.failed) for t in gate.tables] == [
        ("Slices: 1 of 2 failed", ["c", "b"], (0,)),
        ("Cost: 1 check passed", ["a"], ()),
    ]


def test_what_is_not_proven_is_marked_as_such_and_the_lead_names_the_trips_it_takes(tmp_path: Path) -> None:
    outputs = outputs_in(tmp_path)
    reasons = [
        {"check": "size", "passed": True, "group": "cost"},
        {"check": "lead", "passed": False, "unproven": True, "trips_needed": 1200, "message": "m", "group": "against"},
    ]
    outputs["verdict"].write_text(json.dumps({"reasons": reasons}), encoding="utf-8")
    page = build(read_sources(summary_of(gate={"blessed": False, "outcome": "not_proven", "reasons": ["x"]}), outputs))
    gate = next(section for section in page.sections if section.id == "gate")
    assert [(note.word, note.title, note.tone) for note in gate.notes] == [("not proven", "lead", "warn")]
    assert [table.title for table in gate.tables] == ["Against: 1 of 1 not proven", "Cost: 1 check passed"]
    assert gate.tables[0].rows[0][:2] == ("lead", "not proven")
    assert gate.lead.startswith("No check failed, but 1 of 2 are not proven;")
    assert gate.lead.endswith("About 1,200 judged trips would prove a lead of the observed size.")
    box = next(stage for band in page.sections[0].bands for stage in band.stages if stage.name == "gate")
    assert (box.does, box.state) == ("not proven", "no")


def test_without_a_lead_the_section_promises_nothing_of_more_trips(tmp_path: Path) -> None:
    outputs = outputs_in(tmp_path)
    outputs["verdict"].write_text(json.dumps({"reasons": [{"check": "lead", "passed": False, "unproven": True}]}))
    page = build(read_sources(summary_of(gate={"blessed": False, "outcome": "not_proven", "reasons": ["x"]}), outputs))
    gate = next(section for section in page.sections if section.id == "gate")
    assert gate.lead.endswith("There is no lead that more trips could prove.")


def test_the_first_stable_model_is_in_the_report_with_the_figures_that_decided(tmp_path: Path) -> None:
    figures = {"popularity": {"recall@10": 0.1, "ndcg@10": 0.2}, "item_knn": {"recall@10": 0.3, "ndcg@10": 0.4}}
    first = {"name": "item_knn", "reason": "best ndcg@10 of 2 baselines", "figures": figures}
    page = build(read_sources(summary_of(first_stable=first), outputs_in(tmp_path)))
    quality = next(section for section in page.sections if section.id == "quality")
    table = quality.tables[-1]
    assert table.title == "First stable model: item knn, best ndcg@10 of 2 baselines"
    assert table.rows == (("item knn", "0.3000", "0.4000"), ("popularity", "0.1000", "0.2000"))
    assert "First stable" not in str(build(read_sources(summary_of(), outputs_in(tmp_path / "b"))).sections)


def test_an_override_comes_first_in_the_gate_section_with_name_time_and_reason(tmp_path: Path) -> None:
    outputs = outputs_in(tmp_path)
    verdict = json.loads(outputs["verdict"].read_text())
    verdict["override"] = {"by": "maria", "at": "2017-12-31T09:00:00Z", "reason": "The size is known.", "checks": ["x"]}
    outputs["verdict"].write_text(json.dumps(verdict), encoding="utf-8")
    page = build(read_sources(summary_of(gate={"blessed": True, "overridden": True, "reasons": []}), outputs))
    gate = next(section for section in page.sections if section.id == "gate")
    assert gate.notes[0].text == "The size is known. Decided by maria at 2017-12-31T09:00:00Z."
    assert page.tone == "bad" and page.figures[0].value == "overridden" and page.figures[0].tone == "bad"


def test_the_curve_of_scores_and_purchases_has_the_promise_beside_it(tmp_path: Path) -> None:
    page = build(read_sources(summary_of(), outputs_in(tmp_path)))
    calibration = next(section for section in page.sections if section.id == "calibration")
    chart = calibration.figures[0].charts[0]
    assert isinstance(chart, Curves)
    # 10 and 40 percent on a scale to 40.
    assert [curve.points for curve in chart.curves] == [((0, 0), (100, 100)), ((25, 25), (100, 75))]
    assert "1.25 were expected; scores were 5.0 points off" in calibration.lead
    assert [row[0] for row in calibration.tables[0].rows] == ["10.0\u00a0%", "40.0\u00a0%"]
