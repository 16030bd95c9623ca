"""The monitor's checks on KFP's page, and its report on disk."""

import json
from pathlib import Path

import pytest

from components.artifacts.monitor_report import Interval, MonitorReport
from components.monitor.run import table
from model.errors import InputError
from tests.components.monitor.reports import report, result

CHECKS = (result("rows", "ok", "purchases"), result("age", "unknown", "hours"), result("drift", "failed", "distance"))


def test_failed_checks_come_first_and_the_due_training_is_shown() -> None:
    lines = table(report(checks=CHECKS)).splitlines()
    assert lines[0] == "# 1 of 3 checks failed"
    assert lines[4:] == [
        "| training due | scratch |",
        "| because | weekly: due since 1.0 h |",
        "| failed | drift |",
        "| drift | failed: distance |",
        "| rows | ok: purchases |",
        "| age | unknown: hours |",
    ]


def test_a_report_is_read_as_it_was_saved_and_its_file_lists_failed_and_unknown_checks(tmp_path: Path) -> None:
    saved = report(checks=CHECKS, quality=("recall@10",), drift=("drift_hour",), new_item_share=0.2)
    keys = json.loads(saved.save(tmp_path).read_text())
    assert (keys["failed"], keys["unknown"], [each["check"] for each in keys["worst"]]) == (
        ["drift"],
        ["age"],
        ["drift", "rows", "age"],
    )
    assert MonitorReport.load(tmp_path) == saved


def test_a_report_of_an_earlier_release_is_read_with_the_present_words(tmp_path: Path) -> None:
    keys = json.loads(report(asked="scratch").save(tmp_path).read_text())
    keys["evidence"]["asked"] = "full"
    keys["retrain"] = {"train": "incremental", "start": "refresh", "reasons": ["nightly"]}
    figure = {"value": 1.5, "low": 1.0, "high": 2.0}
    row = {"version": "v1", "slicing": "all", "slice": "all", "visits": 3, "hits_per_trip": figure, "recall@10": None}
    keys["versions"] = [row]
    (tmp_path / "monitor.json").write_text(json.dumps(keys))
    read = MonitorReport.load(tmp_path)
    assert (read.evidence.asked, read.retrain.train) == ("scratch", "refresh")
    assert read.versions[0].metrics == {"hits_per_trip": Interval(value=1.5, low=1.0, high=2.0), "recall@10": None}


def test_a_directory_without_a_report_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"monitor: expected monitor\.json in"):
        MonitorReport.load(tmp_path)
    (tmp_path / "monitor.json").write_text('{"now": "2020-05-11T03:00:00Z"}')
    with pytest.raises(InputError, match=r"monitor\.json: cut: Field required"):
        MonitorReport.load(tmp_path)
