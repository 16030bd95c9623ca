"""`aisle monitor` on a finished run, without the distances that need TFDV."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from components.artifacts.monitor_report import MonitorReport, RetrainDecision
from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import TrainingRun
from components.monitor.retraining.trigger import RetrainOutcome
from components.monitor.run import Inputs, moment_s, monitor, training
from model.errors import InputError
from model.files import write_json
from model.request_log import reader as request_log
from pipelines.cli import main
from pipelines.commands.monitor import retrained
from pipelines.local.run_directory import RunOutputs
from pipelines.local.summary import Summary
from pipelines.report.run import write_report
from pipelines.report.run_files import read_sources
from tests.components.monitor.shop import CUT_S, VERSION
from tests.components.monitor.world import World, with_one_list
from tfx_configs.monitoring import MonitorSettings, RetrainSettings
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S

NOW = "2020-05-15T00:00:00Z"
"""Eighteen days after the cut."""
ENDS = ((True, True, "blessed"), (True, False, "refused by the gate"), (False, None, "failed"))


@pytest.fixture
def run(shop: World, shop_dir: Path, tmp_path: Path) -> Path:
    """A run whose rollout left the shop's log."""
    shutil.copytree(shop_dir / "rollout" / "requests", tmp_path / "rollout" / "requests")
    (tmp_path / "none").mkdir()
    outputs = {"tables": str(shop_dir / "tables"), "examples": str(shop_dir / "examples")}
    outputs |= {"evaluation": str(tmp_path / "none"), "anomalies": str(tmp_path / "none")}
    write_json(tmp_path / "result.json", outputs)
    write_json(tmp_path / "request.json", {"arguments": {"settings": RunSettings().to_json()}})
    return tmp_path


def test_a_sound_log_passes_and_leaves_report_and_figures(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert moment_s(NOW) == CUT_S + 18 * DAY_S
    textfile = run / "node" / "aisle.prom"
    assert main(["monitor", "--run", str(run), "--now", NOW, "--fast", "--textfile", str(textfile)]) == 0
    printed = capsys.readouterr().out
    assert "failed: none" in printed and "Training due: scratch (weekly: due since" in printed
    report = MonitorReport.load(run / "monitoring")
    assert report.failed == [] and report.windows[1].visits == 560
    assert {row.version for row in report.versions} == {VERSION}
    assert {("all", "all"), ("store", "s1"), ("store", "s2")} <= {(row.slicing, row.slice) for row in report.versions}
    figures = textfile.read_text()
    assert 'aisle_monitor_check_failed{check="visits",severity="page"} 0.0' in figures
    assert 'aisle_monitor_value{check="join_share"} 1.0' in figures
    assert "aisle_monitor_last_run_timestamp_seconds" in figures


def test_a_fault_ends_it_with_1_and_is_reported_first(
    run: Path, shop: World, capsys: pytest.CaptureFixture[str]
) -> None:
    log = run / "rollout" / "requests"
    rows = request_log.read(log)
    broken = with_one_list(dataclasses.replace(shop, requests=rows.to_pandas()), CUT_S + 16 * DAY_S)
    shutil.rmtree(log)
    log.mkdir()
    broken.requests.to_parquet(log / "one.parquet", index=False)
    assert main(["monitor", "--run", str(run), "--now", NOW, "--fast"]) == 1
    lines = capsys.readouterr().out.splitlines()
    first = next(line for line in lines if "FAILED" in line)
    assert lines.index(first) < next(n for n, line in enumerate(lines) if line.endswith(" ok"))
    assert "list_overlap" in "".join(line for line in lines if "FAILED" in line)


def test_with_train_it_reports_why_nothing_is_started(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = run / "monitoring" / record.NAME
    record.start(runs, RetrainDecision(train="scratch", reasons=("weekly: due",)), moment_s(NOW) - 7200)
    record.update(runs, ok=False)
    assert main(["monitor", "--run", str(run), "--now", NOW, "--fast", "--train"]) == 0
    printed = capsys.readouterr().out.splitlines()[-1]
    assert printed.startswith(
        "Nothing trained (cool-down: the last run began 2.0 h ago, under 20 h; weekly: due since "
    )
    (run / "policy.json").write_text('{"nightly_hours": 3}')
    assert main(["monitor", "--run", str(run), "--fast", "--policy", str(run / "policy.json")]) == 2
    assert "nightly_hours: unknown in RetrainSettings" in capsys.readouterr().err


def test_without_a_request_log_only_ages_are_judged_and_the_calendar_goes_on(shop_dir: Path, tmp_path: Path) -> None:
    inputs = Inputs(baseline=shop_dir / "reference", tables=shop_dir / "tables", log=None, out=tmp_path)
    report = monitor(inputs, moment_s(NOW), MonitorSettings(), RetrainSettings())
    judged = {result.check for result in report.checks if result.status != "unknown"}
    assert judged == {"purchases_age_hours", "promotions_age_hours", "model_age_hours"} and report.failed == []
    assert report.retrain.train == "scratch" and report.retrain.reasons[0].startswith("weekly: due since")
    assert MonitorReport.load(tmp_path) == report


@pytest.mark.parametrize(("ok", "blessed", "how"), ENDS)
def test_the_result_of_a_training_is_one_line(ok: bool, blessed: bool | None, how: str) -> None:
    reasons = ("weekly: due since 1.0 h",)
    last = TrainingRun(began_s=moment_s("2020-05-11T03:00:00Z"), kind="scratch", ok=ok, blessed=blessed)
    outcome = RetrainOutcome(train="scratch", reasons=reasons, run=last.name, last=last)
    assert retrained(outcome) == f"aisle-scratch-20200511T030000Z: {how} (weekly: due since 1.0 h)"


def test_the_report_shows_it(run: Path) -> None:
    main(["monitor", "--run", str(run), "--now", NOW, "--fast"])
    page = run / "report.html"
    nothing = RunOutputs(run=run, stored={})
    write_report(page, read_sources(Summary(), nothing, monitor=run / "monitoring"))
    html = page.read_text()
    assert 'id="monitoring"' in html and "Hits per trip by version" in html and VERSION in html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--now", "yesterday"], "now: expected RFC 3339"),
        (["--ask", "everything"], "'--ask': 'everything' is not one of 'none', 'refresh', 'warm', 'scratch'"),
        (["--settings", "SETTINGS"], "spread: unknown in MonitorSettings"),
        (
            ["--settings", "nowhere.json"],
            "--settings: expected MonitorSettings as JSON or YAML in nowhere.json: cannot read it",
        ),
        (["--policy", "."], "--policy: expected RetrainSettings as JSON or YAML in .: cannot read it (Is a directory)"),
        (["--set", "monitor.spread=1"], "setting monitor.spread: unknown in MonitorSettings; it has windows_days,"),
        (["--set", "retrain.weekly_day=7"], "setting retrain.weekly_day: expected int, 0 to 6, got 7"),
        (["--policy", "EMPTY"], "setting RetrainSettings: expected an object, got None"),
        (["--settings", "BYTES"], "it is not text"),
        (["--textfile", "."], "--textfile: expected a file to write, . is a directory"),
        (["--textfile", "EMPTY/figures"], "--textfile: expected a directory to write to"),
    ],
)
def test_bad_input_is_reported_in_one_line(
    run: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "SETTINGS").write_text(json.dumps({"spread": 1}))
    (run / "EMPTY").write_text("")
    (run / "BYTES").write_bytes(b"\xff\xfe")
    arguments = [str(run / word) if word.partition("/")[0].isupper() else word for word in arguments]
    assert main(["monitor", "--run", str(run), "--fast", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (run / "monitoring").exists()


def test_a_run_that_never_was_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--run", str(tmp_path)]) == 2
    assert "expected a finished run" in capsys.readouterr().err


def test_words_are_read_as_they_are_meant() -> None:
    assert training("scratch") == "scratch"
    with pytest.raises(InputError):
        moment_s("2020-05-15T12:00:00")  # without a zone
