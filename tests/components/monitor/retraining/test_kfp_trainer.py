"""The step *Retrain* with the real kfp.Client against a server that speaks its API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.monitor.retraining import training_runs as record
from components.monitor.retraining.kfp_trainer import PIPELINE, KfpTrainer, retrain_on_server
from model.errors import InputError, StageFailed
from model.registry.model_registry import Registry
from pipelines.cli import main
from pipelines.manifests.render import ROOT
from tests.components.monitor.reports import NOW, report
from tests.components.push.outcomes import push_outcome
from tests.pipelines.kfp_api import FakeKfp, fake_kfp
from tfx_configs import recipes
from tfx_configs.monitoring import RetrainSettings
from tfx_configs.resources import CLUSTER_STEPS, MONITOR_STEPS, size_parameters
from tfx_configs.settings import RunSettings

PACKAGE = ROOT.parent / "pipelines" / "compiled" / "cluster.yaml"
TRAINING = recipes.full(path="/registry/tables")
PARAMETERS = {"namespace": "aisle", "canary_percent": 5}


@pytest.fixture
def kfp() -> Iterator[FakeKfp]:
    with fake_kfp() as fake:
        yield fake


def _step(
    kfp: FakeKfp, root: Path, now: str = NOW, training: RunSettings | None = TRAINING, token_file: str = ""
) -> str:
    """The name of the run that was started."""
    report(now).save(root)
    place = {"host": kfp.host, "token_file": token_file, "experiment": "aisle", "package": str(PACKAGE)}
    trainer = KfpTrainer(run=training, parameters=PARAMETERS, **place) if training else None
    paths = {"registry": str(root / "registry"), "out": str(root / "monitoring"), "table": str(root / "table.md")}
    return retrain_on_server(trainer, RetrainSettings(), report=str(root), **paths)


def test_the_run_that_is_due_is_started_with_the_policys_start_and_fresh_tables(kfp: FakeKfp, tmp_path: Path) -> None:
    started = _step(kfp, tmp_path)
    ((id, run),) = kfp.runs.items()
    assert run["display_name"] == started == "aisle-scratch-20200511T030000Z"
    assert run["experiment_id"] in kfp.experiments
    values = run["runtime_config"]["parameters"]
    settings = RunSettings.from_json(values.pop("settings"))
    assert settings == TRAINING and settings.train.start == "scratch"
    limits = size_parameters(TRAINING.sizes, CLUSTER_STEPS)
    assert values == PARAMETERS | limits | {"data_version": started, "run_name": started}
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == PIPELINE
    (noted,) = record.read(tmp_path / "monitoring" / record.NAME)
    assert (noted.id, noted.ok, noted.reasons) == (id, None, ("weekly: due since 1.0 h", "nightly: due since 1.0 h"))


def test_the_next_night_is_a_refresh_once_the_run_before_is_known_to_have_ended(kfp: FakeKfp, tmp_path: Path) -> None:
    name = _step(kfp, tmp_path)
    assert _step(kfp, tmp_path, "2020-05-11T04:00:00Z") == ""
    next(iter(kfp.runs.values()))["state"] = "SUCCEEDED"
    push_outcome(blessed=False).write(Registry(tmp_path / "registry").outcome(name))
    started = _step(kfp, tmp_path, "2020-05-12T03:00:00Z")
    assert started == "aisle-refresh-20200512T030000Z"
    first, second = record.read(tmp_path / "monitoring" / record.NAME)
    assert (first.ok, first.blessed, second.ok) == (True, False, None)
    settings = [RunSettings.from_json(run["runtime_config"]["parameters"]["settings"]) for run in kfp.runs.values()]
    assert [each.train.start for each in settings] == ["scratch", "refresh"]


@pytest.mark.parametrize(
    ("state", "ok"), [("FAILED", False), ("CANCELED", False), ("CANCELING", None), ("PAUSED", None)]
)
def test_a_run_that_did_not_succeed_has_failed_once_it_ended(
    kfp: FakeKfp, tmp_path: Path, state: str, ok: bool | None
) -> None:
    _step(kfp, tmp_path)
    next(iter(kfp.runs.values()))["state"] = state
    _step(kfp, tmp_path, "2020-05-11T04:00:00Z")
    assert record.read(tmp_path / "monitoring" / record.NAME)[-1].ok is ok


def test_a_server_that_took_the_run_and_died_before_it_answered_has_one_run(kfp: FakeKfp, tmp_path: Path) -> None:
    kfp.dies_after = "POST runs"
    with pytest.raises(StageFailed):
        _step(kfp, tmp_path)
    kfp.dies_after = ""
    _step(kfp, tmp_path, "2020-05-11T04:00:00Z")
    ((id, _),) = kfp.runs.items()
    (noted,) = record.read(tmp_path / "monitoring" / record.NAME)
    assert noted.id == id


def test_a_server_that_refused_is_asked_again_for_the_same_run(kfp: FakeKfp, tmp_path: Path) -> None:
    kfp.dies_before = "POST runs"
    with pytest.raises(StageFailed):
        _step(kfp, tmp_path)
    kfp.dies_before = ""
    assert _step(kfp, tmp_path, "2020-05-11T04:00:00Z") == "aisle-scratch-20200511T030000Z"
    assert len(kfp.runs) == 1


def test_a_schedule_that_trains_besides_is_refused_and_one_that_does_not_is_no_hindrance(
    kfp: FakeKfp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submit = ["submit", "--host", kfp.host]
    assert main([*submit, "--pipeline", "rollout", "--recurring", "*/5 * * * *"]) == 0
    assert main([*submit, "--name", "weekly", "--data", "/registry/tables", "--recurring", "0 2 * * 1"]) == 0
    with pytest.raises(InputError, match="schedule weekly: expected no training on a schedule beside the policy"):
        _step(kfp, tmp_path)
    assert not kfp.runs and not (tmp_path / "monitoring" / record.NAME).exists()
    assert main([*submit, "--disable", "weekly"]) == 0
    assert _step(kfp, tmp_path)
    capsys.readouterr()


def test_without_settings_for_a_training_run_nothing_is_asked_of_the_server(kfp: FakeKfp, tmp_path: Path) -> None:
    assert _step(kfp, tmp_path, training=None) == ""
    assert not kfp.tokens and not (tmp_path / "monitoring" / record.NAME).exists()


def test_the_token_goes_with_every_request(kfp: FakeKfp, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    _step(kfp, tmp_path, token_file=str(tmp_path / "token"))
    assert set(kfp.tokens) == {"Bearer secret"}


def test_the_schedule_of_the_monitor_carries_the_settings_of_the_runs_that_it_starts(
    kfp: FakeKfp, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["submit", "--host", kfp.host, "--pipeline", "monitoring", "--recurring", "0 * * * *"]
    assert main([*arguments, "--retrain", "--data", "/registry/tables", "--set", "train.dimension=16"]) == 0
    (schedule,) = kfp.schedules.values()
    values = schedule["runtime_config"]["parameters"]
    limits = size_parameters(RunSettings().sizes, MONITOR_STEPS)
    assert set(values) == {"training", *limits} and values | limits == values
    settings = RunSettings.from_json(values["training"])
    assert (settings.data.path, settings.train.dimension) == ("/registry/tables", 16)
    for wrong, message in (
        (["--retrain", "--data-version", "1"], "each run takes the tables as they are then"),
        (["--retrain", "--pipeline", "rollout"], "--retrain goes with --pipeline monitoring"),
    ):
        assert main([*arguments, *wrong]) == 2
        assert message in capsys.readouterr().err
