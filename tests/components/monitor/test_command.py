"""`aisle monitor` on a finished run, without the distances that need TFDV."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from components.monitor.kfp_steps import moment_s, monitor_step, training
from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import Decision
from components.monitor.run import RUNS
from model.errors import InputError
from model.files import read_json, write_json
from model.request_log import reader as request_log
from pipelines.cli import main
from pipelines.commands.monitor import retrained
from pipelines.report.run import write_report
from tests.components.monitor.shop import CUT_S, VERSION
from tests.components.monitor.world import World, with_one_list
from tfx_configs.settings import DAY_S, RunSettings

NOW = "2020-05-15T00:00:00Z"
"""Eighteen days after the cut."""
ENDS = ((True, True, "blessed"), (True, False, "refused by the gate"), (False, None, "failed"))


@pytest.fixture
def run(shop: World, shop_dir: Path, tmp_path: Path) -> Path:
    """A run whose rollout left the shop's log."""
    shutil.copytree(shop_dir / "rollout" / "requests", tmp_path / "rollout" / "requests")
    outputs = {"tables": str(shop_dir / "tables"), "examples": str(shop_dir / "examples")}
    outputs |= {"evaluation": str(tmp_path / "none"), "anomalies": str(tmp_path / "none")}
    write_json(tmp_path / "result.json", outputs)
    write_json(tmp_path / "request.json", {"arguments": {"settings": RunSettings().to_json()}})
    return tmp_path


def test_a_sound_log_passes_and_leaves_report_and_figures(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert moment_s(NOW) == CUT_S + 18 * DAY_S
    textfile = run / "node" / "aisle.prom"
    assert main(["monitor", "--run", str(run), "--now", NOW, "--fast", "--textfile", str(textfile)]) == 0
    told = capsys.readouterr().out
    assert "failed: none" in told and "Training due: full, --start scratch (weekly: due since" in told
    report = read_json(run / "monitoring" / "monitor.json")
    assert report["failed"] == [] and report["windows"][1]["visits"] == 560
    assert {row["version"] for row in report["versions"]} == {VERSION}
    figures = textfile.read_text()
    assert 'aisle_monitor_check_failed{check="visits",severity="page"} 0.0' in figures
    assert 'aisle_monitor_value{check="join_share"} 1.0' in figures
    assert "aisle_monitor_last_run_timestamp_seconds" in figures


def test_a_fault_ends_it_with_1_and_is_told_first(run: Path, shop: World, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_with_train_it_says_why_nothing_is_started(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = run / "monitoring" / RUNS
    record.started(runs, Decision(train="full", reasons=("weekly: due",)), moment_s(NOW) - 7200)
    record.ended(runs, ok=False)
    assert main(["monitor", "--run", str(run), "--now", NOW, "--fast", "--train"]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("Nothing trained (cool-down: the last run began 2.0 h ago, under 20 h; weekly: due since ")
    (run / "policy.json").write_text('{"nightly_hours": 3}')
    assert main(["monitor", "--run", str(run), "--fast", "--policy", str(run / "policy.json")]) == 2
    assert "nightly_hours: unknown in RetrainSettings" in capsys.readouterr().err


def test_without_a_request_log_only_ages_are_judged_and_the_calendar_goes_on(shop_dir: Path, tmp_path: Path) -> None:
    given = {"reference": str(shop_dir / "reference"), "tables": str(shop_dir / "tables"), "log": ""}
    given |= {"out": str(tmp_path), "pushgateway": "", "namespace": ""}
    due = monitor_step(given, "", "", "none", NOW, str(tmp_path / "report.json"), lambda _: None)
    report = read_json(tmp_path / "report.json")
    judged = {one["check"] for one in report["checks"] if one["status"] != "unknown"}
    assert judged == {"purchases_age_hours", "promotions_age_hours", "model_age_hours"} and report["failed"] == []
    assert due == "full" and report["retrain"]["reasons"][0].startswith("weekly: due since")


def test_what_was_trained_is_told_in_one_line() -> None:
    told = {"run": "aisle-full-20200511T030000Z", "reasons": ["weekly: due since 1.0 h"]}
    ends = [({"ok": ok, "blessed": said}, words) for ok, said, words in ENDS]
    for last, words in ends:
        assert retrained(told | {"last": last}) == f"aisle-full-20200511T030000Z: {words} (weekly: due since 1.0 h)"


def test_the_report_shows_it(run: Path) -> None:
    main(["monitor", "--run", str(run), "--now", NOW, "--fast"])
    page = run / "report.html"
    write_report(page, {}, {"monitor": str(run / "monitoring" / "monitor.json")})
    html = page.read_text()
    assert 'id="monitoring"' in html and "Hits per trip by version" in html and VERSION in html


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--now", "yesterday"], "now: expected RFC 3339"),
        (["--ask", "everything"], "ask: expected one of none, incremental, full"),
        (["--settings", "SETTINGS"], "spread: unknown in MonitorSettings"),
        (
            ["--settings", "nowhere.json"],
            "--settings: expected MonitorSettings as JSON in nowhere.json: cannot read it",
        ),
        (["--policy", "."], "--policy: expected RetrainSettings as JSON in .: cannot read it (Is a directory)"),
        (["--policy", "EMPTY"], "settings: expected JSON, got ''"),
        (["--settings", "BYTES"], "it is not text"),
        (["--textfile", "."], "--textfile: expected a file to write, . is a directory"),
        (["--textfile", "EMPTY/figures"], "--textfile: expected a directory to write to"),
    ],
)
def test_bad_input_is_told_in_one_line(
    run: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "SETTINGS").write_text(json.dumps({"spread": 1}))
    (run / "EMPTY").write_text("")
    (run / "BYTES").write_bytes(b"\xff\xfe")
    arguments = [str(run / word) if word.partition("/")[0].isupper() else word for word in arguments]
    assert main(["monitor", "--run", str(run), "--fast", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
    assert not (run / "monitoring").exists()


def test_a_run_that_never_was_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--run", str(tmp_path)]) == 2
    assert "expected a finished run" in capsys.readouterr().err


def test_words_are_read_as_they_are_meant() -> None:
    assert training("full") == "full"
    with pytest.raises(InputError):
        moment_s("2020-05-15T12:00:00")  # without a zone
