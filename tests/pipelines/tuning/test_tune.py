"""`aisle tune` on a small shop, from its tables to the chosen settings, and as a Katib Experiment."""

import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import yaml

from model.data import columns as c
from pipelines.cli import main
from pipelines.tuning.katib import lines
from pipelines.tuning.result import StudyResult
from pipelines.tuning.space import values_of, with_values
from tests.components.tracking.fake_servers import FakeMlflow, listening
from tests.worlds import CUT, market, run_settings, write
from tfx_configs import recipes
from tfx_configs.frozen import SettingsError

KATIBS_METRIC = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""What Katib's collector takes a line's metric from where no filter is given."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return write(tmp_path / "shop", **market())


def test_a_study_leaves_settings_and_a_page_and_sees_nothing_of_the_test_span(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tune"
    changes = [f"--set={change}" for change in ("train.dimension=8", "train.retrieval_epochs=1", "gate.baselines=null")]
    arguments = ["tune", "--data", str(shop), "--fast", "--cut-date", str(CUT.date()), "--out", str(out), *changes]
    fake = FakeMlflow()
    with listening(fake) as url:
        assert main([*arguments, "--minutes", "0.001", f"--set=tracking.mlflow={url}"]) == 0
    printed = capsys.readouterr().out
    events = pd.concat(pd.read_parquet(path) for path in (out / "whole" / "tables" / "events").rglob("*.parquet"))
    assert events[c.TIME].max() < CUT
    result = StudyResult.load(out)
    assert result.end == str(CUT.date()) and [trial.state for trial in result.trials] == ["done"]
    assert [run["info"]["status"] for run in fake.runs] == ["FINISHED"]
    assert f"{result.base.figures['ndcg@10']:.4f}" in printed and "chosen.yaml" in printed
    assert "Best of 1 trials" in (out / "tune.html").read_text()
    assert yaml.safe_load((out / "chosen.yaml").read_text())["train"]["dimension"] == 8

    assert main([*arguments, "--seed", "8"]) == 2
    assert "expected a study of these data, settings and code" in capsys.readouterr().err


def test_the_experiment_runs_the_command_with_katibs_values(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    assert main(["tune", "--data", "/registry/shop", "--set", "train.seed=3", "--katib", str(path)]) == 0
    spec = yaml.safe_load(path.read_text())["spec"]
    names = {each["name"] for each in spec["parameters"]}
    assert names == {each["reference"] for each in spec["trialTemplate"]["trialParameters"]}
    job = spec["trialTemplate"]["trialSpec"]["spec"]["template"]["spec"]
    arguments = job["containers"][0]["args"]
    assert arguments[:4] == ["tune", "--once", "--data", "/registry/shop"]
    first = {
        each["name"]: (each["feasibleSpace"].get("list") or [each["feasibleSpace"]["max"]])[0]
        for each in spec["parameters"]
    }
    filled = [re.sub(r"\$\{trialParameters\.(.+?)\}", lambda match: first[match[1]], text) for text in arguments]
    changes = [text for before, text in pairwise(filled) if before == "--set"]
    run = recipes.run_settings(path="/registry/shop", changes=changes)
    assert (run.train.seed, run.train.dimension, run.train.query, run.train.retrieval_epochs) == (3, 16, "auto", None)
    assert run.train.temperature == 0.4


def test_katibs_collector_reads_the_figures() -> None:
    read = re.findall(KATIBS_METRIC, lines({"ndcg@10": 0.25, "recall@10": 0.125}))
    assert [(name, value) for name, value, *_ in read] == [("ndcg_at_10", "0.250000"), ("recall_at_10", "0.125000")]


@pytest.mark.parametrize("minutes", ["0", "-1"])
def test_no_time_is_refused(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "--minutes", minutes]) == 2
    assert "expected --minutes above 0" in capsys.readouterr().err


def test_values_that_do_not_go_together_are_named(shop: Path) -> None:
    run = run_settings(shop)
    assert values_of(with_values(run, {"train.dimension": 16}))["train.dimension"] == 16
    with pytest.raises(SettingsError, match="dimension"):
        with_values(run, {"train.dimension": 1})
