"""What the report's pictures show of a run, mark by mark."""

from pathlib import Path
from typing import Any

import pytest

from components.reporting.charts import Curves, Rows
from components.reporting.page_parts import Section
from pipelines.report.run import build
from pipelines.report.run_files import read_sources
from tests.pipelines.report.report_world import outputs_in, step, summary_of


def _section(tmp_path: Path, name: str, **changes: Any) -> Section:
    page = build(read_sources(summary_of(**changes), outputs_in(tmp_path)))
    return next(section for section in page.sections if section.id == name)


def _rollout(tmp_path: Path, *steps: dict[str, Any]) -> Section:
    return _section(tmp_path, "rollout", rollout={"steps": list(steps), "final_state": "held", "failed_requests": 0})


def _values(chart: Rows) -> dict[str, str]:
    return {row.label: row.value.replace("\u00a0", " ") for row in chart.rows}


def test_a_bar_has_the_interval_of_its_own_mean_where_it_was_measured(tmp_path: Path) -> None:
    _, ndcg = _section(tmp_path, "quality").figures[0].charts
    assert isinstance(ndcg, Rows)
    assert _values(ndcg)["Aisle"] == "0.2500 (0.2000 to 0.3000)" and _values(ndcg)["popularity"] == "0.1000"
    aisle, other = ndcg.rows[0], ndcg.rows[1]
    # On a scale to 0.3: the bar ends at five sixths, the interval spans a third on either side of it.
    assert [(mark.shape, round(mark.x, 1), round(mark.x2, 1)) for mark in aisle.marks] == [
        ("bar", 0.0, 83.3),
        ("span", 66.7, 100.0),
    ]
    assert [mark.shape for mark in other.marks] == ["bar"]


def test_a_source_shows_what_is_lost_without_it_and_an_unmeasured_metric_is_left_out(tmp_path: Path) -> None:
    parts = _section(tmp_path, "parts")
    (chart,) = parts.figures[0].charts
    assert isinstance(chart, Rows)
    assert _values(chart) == {"without bought before": "−50.0 % (−60.0 to −40.0 %)"}
    assert [cell.replace("\u00a0", " ") for cell in parts.tables[0].rows[0]] == [
        "bought before",
        "90.0 %",
        "75.0 %",
        "−50.0 % (−60.0 to −40.0 %)",
        "",
    ]


def test_the_declared_share_is_a_staircase_over_time_and_the_observed_one_a_dot_a_step(tmp_path: Path) -> None:
    chart = _rollout(tmp_path, step(10), step(30)).figures[0].charts[1]
    assert isinstance(chart, Curves)
    declared, observed = chart.curves
    # From 10:00:10 to 10:00:35: the first step lasts until second 15, the next begins at second 30.
    assert declared.points == ((0.0, 10.0), (20.0, 10.0), (80.0, 30.0), (100.0, 30.0))
    assert observed.points == ((10.0, 10.0), (90.0, 30.0))
    assert (chart.first, chart.last) == ("10:00:10", "10:00:35 UTC")


def test_a_rollback_ends_at_nothing(tmp_path: Path) -> None:
    chart = _rollout(tmp_path, step(10, decision="rollback")).figures[0].charts[1]
    assert isinstance(chart, Curves) and chart.curves[0].points[-1] == (100.0, 0.0)


def test_steps_that_kept_no_times_and_no_guards_show_the_split_alone(tmp_path: Path) -> None:
    old = step(10)
    for key in ("began", "ended", "guards"):
        del old[key]
    rollout = _rollout(tmp_path, old)
    assert len(rollout.figures[0].charts) == 1 and len(rollout.tables) == 1


def test_of_each_guard_the_step_nearest_to_its_limit_is_shown(tmp_path: Path) -> None:
    guards = step(10)["guards"]
    near = [guards[0] | {"value": 0.5}, guards[1] | {"value": 0.002}]
    beyond = [guards[0] | {"value": 2.0}]
    (chart,) = _rollout(tmp_path, step(10, guards=near), step(30)).figures[-1].charts
    assert isinstance(chart, Rows)
    assert _values(chart) == {"errors": "0.5 %, at most 1 %", "split": "0.002, at least 0.001"}
    assert [row.marks[0].x2 for row in chart.rows] == [50.0, 50.0]
    (chart,) = _rollout(tmp_path / "again", step(10, guards=beyond)).figures[-1].charts
    assert isinstance(chart, Rows) and chart.rows[0].marks[0].tone == "bad"


def test_every_guard_of_every_step_is_in_a_table(tmp_path: Path) -> None:
    table = _rollout(tmp_path, step(10), step(30)).tables[1]
    assert [row[:2] for row in table.rows] == [
        ("errors", "10 %"),
        ("split", "10 %"),
        ("errors", "30 %"),
        ("split", "30 %"),
    ]


def test_stages_of_an_answer_follow_each_other_to_its_whole_time(tmp_path: Path) -> None:
    (chart,) = _section(tmp_path, "serving").figures[1].charts
    assert isinstance(chart, Rows)
    assert [row.label for row in chart.rows] == [
        "history from the store",
        "candidates, features, scores",
        "Envoy and HTTP",
    ]
    marks = [row.marks[0] for row in chart.rows]
    assert [(mark.x, mark.x2) for mark in marks] == [(0.0, 25.0), (25.0, 75.0), (75.0, 100.0)]
    assert list(_values(chart).values()) == ["1.00 ms, 25 %", "2.00 ms, 50 %", "1.00 ms, 25 %"]


@pytest.mark.parametrize(("name", "points"), [("Ranker: loss", [0.5, 1.0]), ("Two towers: loss", [0.5, 1.0])])
def test_a_curve_has_a_point_for_each_part_of_an_epoch_or_for_the_epoch(
    tmp_path: Path, name: str, points: list[float]
) -> None:
    charts = _section(tmp_path, "training").figures[0].charts
    chart = next(chart for chart in charts if chart.title == name)
    assert isinstance(chart, Curves)
    assert [x for x, _ in chart.curves[0].points] == [100 * point for point in points]
