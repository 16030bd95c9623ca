"""The report of a run: its content, that it is safe, offline and readable without eyes."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.reporting.charts import Scale, curves
from pipelines.local.run_directory import RunOutputs
from pipelines.local.summary import Summary
from pipelines.report.run import build, write_report
from pipelines.report.run_files import read_sources
from tests.pipelines.report.report_world import outputs_in, outputs_of, step, summary_of

EVIL = "<script>alert('x')</script>"


class Reader(HTMLParser):
    """Collects tags in order and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _written(tmp_path: Path, summary: Summary, outputs: RunOutputs) -> str:
    path = tmp_path / "report.html"
    write_report(path, read_sources(summary, outputs))
    return path.read_text(encoding="utf-8")


def test_a_good_run_names_the_promoted_model_and_its_lead(tmp_path: Path) -> None:
    page = build(read_sources(summary_of(), outputs_in(tmp_path)))
    assert page.headline == "The new model passed the gate and took over all traffic, without one failed request."
    model, data = page.lead.split(". ")
    assert model == f"Model {summary_of().model}"
    assert data == "The Complete Journey: 90 events of 5 shoppers, judged from 2024-01-08 on."
    shown = {figure.label: (figure.value, figure.detail.replace("\u00a0", " ")) for figure in page.figures}
    assert shown == {
        "Gate": ("blessed", "1 of 2 checks passed"),
        "ndcg@10": ("0.2500", "+25.0 % against personal frequency (95 %: −5.0 to +60.0 %)"),
        "Rollout": ("promoted", "10 % → 100 %"),
        "Failed requests": ("0", "100 held-out trips replayed as traffic"),
        "p99 latency": ("11.0\u00a0ms", "half of the answers within 3.0 ms"),
        "Whole run": ("1\u00a0min 30\u00a0s", "longest: train, 1 min 15 s"),
    }
    assert [section.id for section in page.sections] == [
        "flow",
        "quality",
        "parts",
        "slices",
        "calibration",
        "gate",
        "rollout",
        "data",
        "training",
        "serving",
    ]


@pytest.mark.parametrize(
    ("gate", "rollout", "words"),
    [
        ({"blessed": False}, {"steps": [], "final_state": "not_started"}, "did not pass the gate"),
        ({"blessed": True}, {"steps": [step(10)], "final_state": "rolled_back", "failed_requests": 0}, "rolled back"),
        ({"blessed": True}, {"steps": [step(10)], "final_state": "held", "failed_requests": 0}, "stopped midway"),
        ({"blessed": True}, {"steps": [], "final_state": "not_started", "why": "same"}, "no rollout took place"),
        (
            {"blessed": True, "overridden": True},
            {"steps": [step(100)], "final_state": "promoted", "failed_requests": 1},
            "was let through by an override and took over all traffic, with 1 request failed",
        ),
    ],
)
def test_every_end_of_a_run_has_its_sentence(
    tmp_path: Path, gate: dict[str, Any], rollout: dict[str, Any], words: str
) -> None:
    html = _written(tmp_path, summary_of(gate=gate, rollout=rollout, serving=None), outputs_of(tmp_path))
    assert words in Reader(html).text


def test_a_summary_of_nothing_still_makes_a_page(tmp_path: Path) -> None:
    html = _written(tmp_path, Summary(), outputs_of(tmp_path))
    assert html.startswith("<!doctype html>")
    assert "ended before the gate" in html
    assert build(read_sources(Summary(), outputs_of(tmp_path))).sections == ()


def test_words_from_the_data_never_become_markup(tmp_path: Path) -> None:
    summary = summary_of(
        rollout={
            "steps": [step(10, reasons=[EVIL])],
            "final_state": "held",
            "failed_requests": 0,
        },
        model=EVIL,
    )
    html = _written(tmp_path, summary, outputs_in(tmp_path, EVIL))
    tags = {tag for tag, _ in Reader(html).tags}
    assert "script" not in tags
    assert EVIL in Reader(html).text
    assert f"{EVIL}: delimiter" in Reader(html).text


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    html = _written(tmp_path, summary_of(), outputs_in(tmp_path))
    for tag, attributes in Reader(html).tags:
        assert tag not in ("script", "link", "img", "object", "embed")
        assert not any(name.startswith("on") for name in attributes)
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import", html)


def test_every_picture_has_a_text_and_headings_come_in_order(tmp_path: Path) -> None:
    tags = Reader(_written(tmp_path, summary_of(), outputs_in(tmp_path))).tags
    pictures = [attributes for _, attributes in tags if attributes.get("role") == "img"]
    # Two of quality and its lead, a source's worth, slices and their leads, calibration, the split, the same over time,
    # its two, guards, weeks, drift, two of training, latency and its stages.
    assert len(pictures) == 2 + 1 + 1 + 2 + 1 + 5 + 2 + 2 + 2
    assert all(picture["aria-label"] for picture in pictures)
    assert all(attributes.get("aria-hidden") for tag, attributes in tags if tag == "svg")
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in tags if tag == "th")


def test_links_of_the_page_lead_somewhere(tmp_path: Path) -> None:
    tags = Reader(_written(tmp_path, summary_of(), outputs_in(tmp_path))).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((attributes["href"] or "")[1:] in ids for tag, attributes in tags if tag == "a")


def test_failed_checks_stand_before_passed_ones(tmp_path: Path) -> None:
    page = build(read_sources(summary_of(), outputs_in(tmp_path)))
    gate = next(section for section in page.sections if section.id == "gate")
    assert [row[:2] for row in gate.tables[0].rows] == [("plain", "no"), ("data", "yes")]
    assert gate.tables[0].failed == (0,)


def test_weeks_are_counted_from_the_cut(tmp_path: Path) -> None:
    weeks = read_sources(summary_of(), outputs_in(tmp_path)).weeks
    # The cut is 2024-01-08: three events before it, two in the week from it, one after.
    assert [(str(day), events) for day, events in weeks] == [("2024-01-01", 3), ("2024-01-08", 2), ("2024-01-15", 1)]


def test_rows_add_up_to_what_came_in(tmp_path: Path) -> None:
    page = build(read_sources(summary_of(), outputs_of(tmp_path)))
    data = next(section for section in page.sections if section.id == "data")
    assert [(row[0].split(":")[0], row[1]) for row in data.tables[0].rows] == [
        ("rows that came in", "100"),
        ("dropped", "7"),
        ("merged", "3"),
        ("kept", "90"),
    ]


@pytest.mark.parametrize(("kinds", "stated"), [((), False), (("purchase",), False), (("view",), True)])
def test_a_run_that_is_not_judged_on_purchases_says_what_it_is_judged_on(
    tmp_path: Path, kinds: tuple[str, ...], stated: bool
) -> None:
    data = summary_of().data
    assert data is not None
    summary = summary_of().model_copy(update={"data": data.model_copy(update={"judged_on": kinds})})
    page = build(read_sources(summary, outputs_in(tmp_path)))
    quality = next(section for section in page.sections if section.id == "quality")
    assert ("Judged on views: the shop has no purchases." in str(quality)) == stated


def test_the_simulated_data_set_is_named_as_such_and_other_data_is_not(tmp_path: Path) -> None:
    assert "simulated from real patterns" in _written(tmp_path, summary_of(), outputs_in(tmp_path))
    assert "simulated" not in _written(tmp_path, summary_of(), outputs_of(tmp_path))


def test_a_scale_holds_its_values_and_zero_on_round_steps() -> None:
    scale = Scale.over([-5.0, 60.0])
    assert (scale.low, scale.high, scale.step) == (-20.0, 60.0, 20.0)
    assert [(tick.at, tick.label) for tick in scale.ticks(" %")][:2] == [(0.0, "−20 %"), (25.0, "0 %")]
    assert scale.at(20.0) == 50.0
    assert Scale.over([0.0, 0.0]).high > 0


def test_a_curve_runs_from_the_start_to_its_last_epoch() -> None:
    chart = curves("loss", {"training": [(0.5, 3.0), (1.0, 1.0)], "held-out": [(1.0, 2.0)]}, 1)
    assert [[x for x, _ in curve.points] for curve in chart.curves] == [[50.0, 100.0], [100.0]]
    assert (chart.first, chart.last) == ("start", "1 epoch")
