"""`aisle compare` on two small runs: what differs, what is paired, and what is not claimed."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import ViewportSize

from components.artifacts.evaluation import Evaluation, Slice
from components.artifacts.trip_values import TripValues
from components.artifacts.verdict import Reason, Verdict
from components.reporting.html_page import render
from components.reporting.page_parts import Page
from model.files import write_json
from pipelines.cli import main
from pipelines.compare.run import compare_runs
from tests.browser import DESK, PHONE, chromium, overhang, violations
from tests.model.model_directory import write_model
from tests.pipelines.report.report_world import summary_of
from tfx_configs.settings import RunSettings

BEFORE = {"recall@10": [0.25, 0.5, np.nan], "ndcg@10": [0.1, 0.3, 0.2]}
AFTER = {"recall@10": [0.375, 0.75, 0.75], "ndcg@10": [0.1, 0.3, 0.2]}
CHECKS = (Reason(check="data", passed=True), Reason(check="ndcg@10", passed=True, value=1.25, threshold=1.0))


def write_run(
    folder: Path,
    values: dict[str, list[float]],
    *,
    digest: str = "d1",
    checks: tuple[Reason, ...] = CHECKS,
    settings: RunSettings = RunSettings(),
    summary: dict[str, Any] | None = None,
) -> Path:
    """A run's directory as `aisle demo` leaves it, with one model's `values` on three trips."""
    arrays = {name: np.array(of) for name, of in values.items()}
    means = {name: float(np.nanmean(of)) for name, of in arrays.items()}
    parts = {name: folder / "pipeline" / name for name in ("evaluation", "verdict", "model")}
    Evaluation(
        candidate="aisle",
        versions={"aisle": f"v-{folder.name}"},
        digest=digest,
        trips=3,
        models={"aisle": means, "popularity": {"recall@10": 0.1, "ndcg@10": 0.1}},
        slices=(Slice(slice="shopper", value="new", trips=2, models={"aisle": means}),),
    ).save(parts["evaluation"])
    labels = {"shopper": np.array(["new", "new", "light"])}
    TripValues(models={"aisle": arrays}, slices=labels).save(parts["evaluation"])
    Verdict(blessed=all(check.passed for check in checks), reasons=checks).write(parts["verdict"])
    write_model(parts["model"], folder.name)
    summary_of(**(summary or {})).save(folder)
    write_json(folder / "outputs.json", {name: f"pipeline/{name}" for name in parts})
    write_json(folder / "request.json", {"arguments": {"settings": settings.to_json()}, "cache_root": ""})
    return folder


def rows(page: Page, section: str, table: int = 0) -> dict[str, tuple[str, ...]]:
    """{first column: the others} of a table."""
    parts = next(part for part in page.sections if part.id == section)
    lines = ([str(cell).replace("\u00a0", " ") for cell in row] for row in parts.tables[table].rows)
    return {first: tuple(others) for first, *others in lines}


def test_the_same_trips_are_paired_and_a_trip_that_one_run_left_undefined_counts_in_neither(tmp_path: Path) -> None:
    """On the two trips that both have: 0.375 over 0.25 and 0.75 over 0.5 are both +50 %, in every draw."""
    page = compare_runs(write_run(tmp_path / "before", BEFORE), write_run(tmp_path / "after", AFTER))
    metrics = rows(page, "metrics")
    assert metrics["recall@10"] == ("0.3750", "0.6250", "+50.0 %")
    assert metrics["ndcg@10"] == ("0.2000", "0.2000", "+0.0 %")
    assert page.headline.replace("\u00a0", " ") == (
        "No difference is proven: ndcg@10 of after over before +0.0 % on the same 3 trips."
    )
    assert rows(page, "metrics", 1)["popularity, ndcg@10"] == ("0.1000", "0.1000")
    assert rows(page, "models")["version of Aisle"] == ("v-before", "v-after")


@pytest.mark.parametrize(("factor", "word", "tone"), [(1.5, "better", "good"), (0.5, "worse", "bad")])
def test_a_difference_whose_interval_leaves_out_zero_is_claimed(
    tmp_path: Path, factor: float, word: str, tone: str
) -> None:
    changed = BEFORE | {"ndcg@10": [factor * value for value in BEFORE["ndcg@10"]]}
    page = compare_runs(write_run(tmp_path / "a", BEFORE), write_run(tmp_path / "b", changed))
    assert page.headline.startswith(f"b is {word} than a: ndcg@10 ") and page.tone == tone


def test_other_trips_are_not_paired_and_the_page_gives_the_reason(tmp_path: Path) -> None:
    page = compare_runs(write_run(tmp_path / "a", BEFORE), write_run(tmp_path / "b", AFTER, digest="d2"))
    assert "No difference of the models can be measured: they judge other trips" in page.headline
    assert rows(page, "metrics")["recall@10"] == ("0.3750", "0.6250", "")
    assert rows(page, "data")["digest of the trips"] == ("d1", "d2")


def test_a_run_of_an_earlier_release_is_compared_without_pairs(tmp_path: Path) -> None:
    old = write_run(tmp_path / "old", BEFORE)
    (old / "pipeline" / "evaluation" / "by_trip.parquet").unlink()
    write_json(old / "request.json", {"arguments": {"settings": '{"gone": 1}'}, "cache_root": ""})
    page = compare_runs(old, write_run(tmp_path / "new", AFTER))
    assert "old stored no values by trip" in page.headline
    settings = next(part for part in page.sections if part.id == "settings")
    assert settings.lead == "old has no settings that this release reads." and not settings.tables


def test_only_what_differs_is_listed_of_settings_and_checks(tmp_path: Path) -> None:
    run = RunSettings()
    changed = run.replace(train=run.train.replace(ranking_epochs=9))
    failed = (CHECKS[0], Reason(check="ndcg@10", passed=False, value=0.9, threshold=1.0))
    page = compare_runs(
        write_run(tmp_path / "a", BEFORE), write_run(tmp_path / "b", AFTER, settings=changed, checks=failed)
    )
    assert rows(page, "settings") == {"train.ranking_epochs": ("null", "9")}
    assert rows(page, "gate") == {
        "verdict": ("blessed", "not blessed"),
        "ndcg@10": ("passed: 1.25 (limit 1)", "failed: 0.9 (limit 1)"),
    }


def test_slices_rollout_and_times_are_side_by_side(tmp_path: Path) -> None:
    none = {"rollout": {"final_state": "not_started", "why": "not blessed"}, "seconds": {"train": 5.0}}
    page = compare_runs(write_run(tmp_path / "a", BEFORE), write_run(tmp_path / "b", AFTER, summary=none))
    assert rows(page, "slices")["shopper: new"] == ("2", "0.2000", "0.2000", "+0.0 %")
    changed = BEFORE | {"ndcg@10": [0.15, 0.45, 0.0]}  # half as much again on the two trips of the slice
    other = compare_runs(tmp_path / "a", write_run(tmp_path / "c", changed))
    assert rows(other, "slices")["shopper: new"][3].startswith("+50.0 %")
    elsewhere = compare_runs(tmp_path / "a", write_run(tmp_path / "d", changed, digest="d2"))
    assert rows(elsewhere, "slices")["shopper: new"][3] == ""
    rollout = rows(page, "rollout")
    assert rollout["end"] == ("promoted", "not started") and rollout["why"] == ("", "not blessed")
    assert rollout["shares"] == ("10 %, 100 %", "")
    assert rows(page, "times") == {
        "ingest": ("0.0 s", ""),
        "train": ("1 min 15 s", "5.0 s"),
        "rollout": ("15 s", ""),
        "all stages": ("1 min 30 s", "5.0 s"),
    }


def test_the_command_prints_the_tables_and_writes_the_same_as_an_offline_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [str(write_run(tmp_path / f"{name} <b>", values)) for name, values in (("a", BEFORE), ("b", AFTER))]
    assert main(["compare", *runs, "--page", str(tmp_path / "page.html")]) == 0
    printed = re.sub(r"\s+", " ", capsys.readouterr().out.replace("\u00a0", " "))
    assert "recall@10 0.3750 0.6250 +50.0 %" in printed and "version of Aisle v-a <b> v-b <b>" in printed
    page = (tmp_path / "page.html").read_text()
    assert "a &lt;b&gt;" in page and "<b>" not in page and "+50.0\u00a0%" in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page) == []


@pytest.mark.needs("chromium", "playwright")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=str)
def test_axe_finds_nothing_on_the_page_and_nothing_is_wider_than_it(tmp_path: Path, size: ViewportSize) -> None:
    page = compare_runs(write_run(tmp_path / "a", BEFORE), write_run(tmp_path / "b", AFTER))
    (tmp_path / "page.html").write_text(render(page))
    with chromium() as browser:
        opened = browser.new_context(viewport=size, color_scheme="dark").new_page()
        opened.goto((tmp_path / "page.html").as_uri())
        assert violations(opened) == [] and overhang(opened) <= 0


@pytest.mark.parametrize("there", ["nothing", "outputs", "lost"])
def test_a_directory_that_is_no_run_gets_one_line(
    tmp_path: Path, there: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, other = write_run(tmp_path / "whole", BEFORE), tmp_path / "other"
    if there == "outputs":
        other.mkdir()
        (other / "outputs.json").write_text(json.dumps({"evaluation": "pipeline/evaluation"}))
    elif there == "lost":
        write_run(other, AFTER)
        (other / "pipeline" / "verdict").unlink()
    assert main(["compare", str(whole), str(other)]) == 2
    error = capsys.readouterr().err
    assert f"{other}: expected" in error and error.count("\n") == 1


def test_values_by_trip_come_back_as_they_were_written(tmp_path: Path) -> None:
    values = {"aisle": {name: np.array(of) for name, of in BEFORE.items()}}
    TripValues(models=values, slices={"shopper": np.array(["new", "light", "new"])}).save(tmp_path)
    loaded = TripValues.load(tmp_path)
    assert list(loaded.models) == ["aisle"] and list(loaded.models["aisle"]) == list(BEFORE)
    np.testing.assert_array_equal(loaded.models["aisle"]["recall@10"], values["aisle"]["recall@10"])
    assert loaded.within("shopper", "new").tolist() == [True, False, True]
    assert not loaded.within("store", "s1").any()
